"""Any folder of pictures with its labels: a user's own corpus.

The labels stand in one label file, or in one in each of several folders beside one another. Folders named as
splits (`train`, `validation`, `test` …) are splits; all others are `train`.
"""

import hashlib
import posixpath
from bisect import bisect_right
from collections import defaultdict
from itertools import accumulate, pairwise
from pathlib import Path
from unicodedata import normalize

from hmer_tasks.corpora.base import Corpus, Rejected, Sample, SplitReader
from hmer_tasks.corpora.columns import Columns
from hmer_tasks.corpora.label_files import Entry, Labels, is_text, shown
from hmer_tasks.corpora.labelled import open_labels
from hmer_tasks.corpora.pictures import FilePicture
from hmer_tasks.exceptions import CorpusError, RejectReason
from hmer_tasks.images import EXTENSIONS
from hmer_tasks.storage.files import Files, escapes_root
from hmer_tasks.utils.progress import progress_of_many

LABEL_ENDINGS = (".tsv", ".txt", ".csv", ".jsonl", ".json")
NOT_LABELS = {"readme", "license", "licence", "copying", "notice", "changelog", "requirements"}
SPLITS = (
    "train", "valid", "validation", "val", "dev", "eval", "evaluation", "test", "testing",
)  # fmt: skip
NAME = "folder"
PROFILE = "latex"  # how labels are read, unless the user says that they are tokens
TOKENS = "tokens"
_MANY = 200_000  # labels whose look-up shows progress
_SHOWN_EVERY = 1000


def label_files(files: Files) -> list[str]:
    """The files that may hold the labels."""
    return [
        name
        for name in files.names()
        if name.lower().endswith(LABEL_ENDINGS)
        and posixpath.basename(name).partition(".")[0].lower() not in NOT_LABELS
    ]


def splits_of(files: Files) -> dict[str, list[str]]:
    """The label files of each split.

    Args:
        files: The folder.

    Returns:
        The names of the label files by split; empty where there is none.

    Raises:
        CorpusError: Two label files are in one folder, or one below the other: a picture may have two labels.
    """
    candidates = label_files(files)
    homes = sorted(f"{posixpath.dirname(name)}/".removeprefix("/") for name in candidates)
    if any(below.startswith(home) for home, below in pairwise(homes)):
        shown = ", ".join(candidates[:5]) + (f" … ({len(candidates)})" if len(candidates) > 5 else "")
        raise CorpusError(
            f"folder: {files.root} holds several label files: {shown}; leave one, or one in each of the "
            f"folders beside one another"
        )
    splits: dict[str, list[str]] = defaultdict(list)
    for name in candidates:
        splits[_split_folder(name)].append(name)
    return {split: splits[split] for split in SPLITS if split in splits}


def _split_folder(name: str) -> str:
    """The folder of a label file that is named as a split; `train` where none is, `training` too."""
    return next((part.lower() for part in name.split("/")[:-1] if part.lower() in SPLITS), "train")


def available(files: Files) -> tuple[str, ...]:
    """The splits that have a label file."""
    return tuple(splits_of(files))


class FolderSplit:
    """Labels joined to pictures that may lie anywhere beneath the root; then the pictures without a label.

    An id is first a path, from the root or from the label file's folder, then a bare name anywhere;
    each with its ending as written, then with the endings of pictures. A bare name that two
    pictures bear is refused: either could be meant. `scoped`: a label file is about its own folder alone,
    because there are others. Where a split has several, an id has its folder before it. Windows writes `\\`
    for `/`, and macOS an accent apart from its letter: such names are those of the same pictures.
    """

    def __init__(
        self,
        files: Files,
        labels: list[tuple[str, Labels]],
        source: str,
        profile: str | None = PROFILE,
        scoped: bool = False,
    ) -> None:
        self.profile, self._scoped = profile, scoped
        self._files, self._labels, self._source = files, labels, source
        self._ends = list(accumulate(len(table) for _, table in labels))
        self._names = {name for name in files.names() if name.lower().endswith(EXTENSIONS)}
        self._bare: dict[str, list[str]] = defaultdict(list)
        self._composed = {normalize("NFC", name): name for name in self._names if not name.isascii()}
        for name in sorted(self._names):
            base = normalize("NFC", posixpath.basename(name))
            self._bare[base].append(name)
            self._bare[posixpath.splitext(base)[0]].append(name)
        self._extra = sorted(self._unlabelled())

    def _unlabelled(self) -> set[str]:
        """The pictures that no line of the label files names."""
        pictures = self._names
        if self._scoped:
            homes = tuple(f"{home}/" for home, _ in self._labels)
            pictures = {name for name in pictures if name.startswith(homes)}
        named: set[str] = set()
        with progress_of_many(self._ends[-1], _MANY, "pictures looked up") as show:
            for index in range(self._ends[-1]):
                home, labels, at = self._at(index)
                entry = labels[at]
                name = entry.id if isinstance(entry, Rejected) else _picture(entry)
                if name in pictures and not self._scoped:  # what is looked for first
                    named.add(name)
                else:
                    named.update(self._find(home, name))
                if index % _SHOWN_EVERY == 0:
                    show(index)
        return pictures - named

    def __len__(self) -> int:
        return self._ends[-1] + len(self._extra)

    def _at(self, index: int) -> tuple[str, Labels, int]:
        """The folder and the labels of the file that an index falls into, and the index in it."""
        number = bisect_right(self._ends, index)
        home, labels = self._labels[number]
        return home, labels, index - (self._ends[number - 1] if number else 0)

    def _id(self, home: str, id: str) -> str:
        several = len(self._labels) > 1 and id and not id.startswith(f"{home}/")
        return posixpath.join(home, id) if several else id

    def __getitem__(self, index: int) -> Sample | Rejected:
        if index >= self._ends[-1]:
            name = self._extra[index - self._ends[-1]]
            if not is_text(name):  # a file name in another encoding; nothing could write it into a row
                return Rejected(shown(name), self._source, RejectReason.NOT_UTF8, shown(name))
            where = f"{name}: no line of the label file names it"
            return Rejected(name, self._source, RejectReason.LABEL_MISSING, where)
        home, labels, at = self._at(index)
        entry = labels[at]
        if isinstance(entry, Rejected):
            return entry
        id, names = self._id(home, entry.id), self._find(home, _picture(entry))
        if len(names) > 1:
            where = f"{entry.where}: either {names[0]} or {names[1]}; write the path"
            return Rejected(id, self._source, RejectReason.IMAGE_MISSING, where, entry.label)
        return Sample(id, self._source, entry.label, FilePicture(self._files, names[0]))

    def _find(self, home: str, name: str) -> list[str]:
        if name not in self._names:
            name = normalize("NFC", name.replace("\\", "/"))
        paths = [path for path in (name, posixpath.join(home, name)) if not escapes_root(path)]
        if not paths:
            return [name]  # reading it refuses it by name
        paths = [posixpath.normpath(path) for path in paths]
        for path in (*paths, *(path + ending for ending in EXTENSIONS for path in paths)):
            real = self._composed.get(path, path)
            if real in self._names and (not self._scoped or real.startswith(f"{home}/")):
                return [real]
        bare = self._bare.get(name, [])
        if self._scoped:
            bare = [path for path in bare if path.startswith(f"{home}/")]
        return bare or [paths[-1 if self._scoped else 0]]

    def id(self, index: int) -> str:
        if index >= self._ends[-1]:
            return shown(self._extra[index - self._ends[-1]])
        home, labels, at = self._at(index)
        return self._id(home, labels[at].id)

    def digest(self) -> str:
        if len(self._labels) == 1:
            return self._labels[0][1].digest()
        text = "".join(f"{home} {labels.digest()}\n" for home, labels in self._labels)
        return hashlib.sha256(text.encode()).hexdigest()


def _picture(entry: Entry) -> str:
    """The picture's name as a label file has it."""
    return entry.image or entry.id


def open_split(
    files: Files, split: str, profile: str | None = PROFILE, columns: Columns | None = None
) -> SplitReader:
    """Open a split of a folder of pictures with label files.

    Args:
        files: The folder or archive.
        split: The split's name.
        profile: How labels are read. None: they are tokenised.
        columns: Which columns of its tables hold what. None: found by name.

    Returns:
        The split's samples.

    Raises:
        CorpusError: There is no label file, several in one place, or one without labels.
    """
    splits = splits_of(files)
    if split not in splits:
        raise CORPUS.absent(files.root, split, tuple(splits))
    source = f"{NAME}/{split}"
    labels = [(posixpath.dirname(name), open_labels(files, name, source, columns)) for name in splits[split]]
    return FolderSplit(files, labels, source, profile, scoped=len(label_files(files)) > 1)


CORPUS = Corpus(
    name=NAME,
    origin="your own pictures",
    licence="yours",
    layout=(
        "DIR/**/*.{jpg,png,…} and one label file (DIR/labels.tsv, .txt, .csv, .jsonl or caption.txt), "
        "or one in each of several folders (DIR/train/, DIR/test/ …)"
    ),
    default_root=Path("data/folder"),
    splits=SPLITS,
    available=available,
    open_split=open_split,
)
