"""Any folder of pictures with one label file: a user's own corpus, split `train`."""

import posixpath
from collections import defaultdict
from pathlib import Path

from hmer_tasks.corpora.base import Corpus, Rejected, Sample, SplitReader
from hmer_tasks.corpora.label_files import Labels
from hmer_tasks.corpora.labelled import open_labels
from hmer_tasks.corpora.pictures import FilePicture
from hmer_tasks.exceptions import CorpusError, RejectReason
from hmer_tasks.images import EXTENSIONS
from hmer_tasks.storage.files import Files, escapes_root

LABEL_ENDINGS = (".tsv", ".txt", ".csv", ".jsonl", ".json")
NOT_LABELS = {"readme", "license", "licence", "copying", "notice", "changelog", "requirements"}
SPLITS = ("train",)
NAME = "folder"
SOURCE = "folder/train"
PROFILE = "latex"  # how labels are read, unless the user says that they are tokens
TOKENS = "tokens"


def label_files(files: Files) -> list[str]:
    """The files that may hold the labels."""
    return [
        name
        for name in files.names()
        if name.lower().endswith(LABEL_ENDINGS)
        and posixpath.basename(name).partition(".")[0].lower() not in NOT_LABELS
    ]


def available(files: Files) -> tuple[str, ...]:
    """`train`, if there is a label file."""
    return ("train",) if label_files(files) else ()


class FolderSplit:
    """Labels joined to pictures that may lie anywhere beneath the root.

    An id is first a path, from the root or from the label file's folder, then a bare name anywhere;
    each with its ending as written, then with the endings of pictures. A bare name that two
    pictures bear is refused: either could be meant.
    """

    def __init__(self, files: Files, labels: Labels, home: str, profile: str | None = PROFILE) -> None:
        self.profile = profile
        self._files, self._labels, self._home = files, labels, home
        self._names = {name for name in files.names() if name.lower().endswith(EXTENSIONS)}
        self._bare: dict[str, list[str]] = defaultdict(list)
        for name in sorted(self._names):
            base = posixpath.basename(name)
            self._bare[base].append(name)
            self._bare[posixpath.splitext(base)[0]].append(name)

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> Sample | Rejected:
        entry = self._labels[index]
        if isinstance(entry, Rejected):
            return entry
        names = self._find(entry.id)
        if len(names) > 1:
            where = f"{entry.where}: either {names[0]} or {names[1]}; write the path"
            return Rejected(entry.id, SOURCE, RejectReason.IMAGE_MISSING, where, entry.label)
        return Sample(entry.id, SOURCE, entry.label, FilePicture(self._files, names[0]))

    def _find(self, id: str) -> list[str]:
        paths = [path for path in (id, posixpath.join(self._home, id)) if not escapes_root(path)]
        if not paths:
            return [id]  # reading it refuses it by name
        paths = [posixpath.normpath(path) for path in paths]
        for path in (*paths, *(path + ending for ending in EXTENSIONS for path in paths)):
            if path in self._names:
                return [path]
        return self._bare.get(id) or [paths[0]]

    def id(self, index: int) -> str:
        return self._labels[index].id

    def digest(self) -> str:
        return self._labels.digest()


def open_split(files: Files, split: str, profile: str | None = PROFILE) -> SplitReader:
    """Open the one split; `profile` says how its labels are read (None: they are tokenised).

    Raises CorpusError for no label file, several, or one without labels.
    """
    candidates = label_files(files)
    if split not in SPLITS or not candidates:
        raise CORPUS.absent(files.root, split, available(files))
    if len(candidates) > 1:
        shown = ", ".join(candidates[:5]) + (f" … ({len(candidates)})" if len(candidates) > 5 else "")
        raise CorpusError(f"folder: {files.root} holds several label files: {shown}; leave one")
    labels = open_labels(files, candidates[0], SOURCE)
    return FolderSplit(files, labels, posixpath.dirname(candidates[0]), profile)


CORPUS = Corpus(
    name=NAME,
    origin="your own pictures",
    licence="yours",
    layout="DIR/**/*.{jpg,png,…} and one label file (DIR/labels.tsv, .txt, .csv, .jsonl or caption.txt)",
    default_root=Path("data/folder"),
    splits=SPLITS,
    available=available,
    open_split=open_split,
)
