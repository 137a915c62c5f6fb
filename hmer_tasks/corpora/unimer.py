"""UniMER-1M and UniMER-Test: pictures numbered by the line of their label, from zero.

`UniMER-1M/{train.txt,images/0000000.png …}`, `UniMER-Test/{spe,cpe,sce,hwe}{.txt,/0000000.png …}`. Picture n
is line n + 1 of the file, blank lines counted. The owners' training set has more lines than pictures: a line
without its picture and a picture without its line are refused one by one, so that no label moves to another
picture. Source: `load_data` in https://github.com/opendatalab/UniMERNet/blob/main/test.py
"""

import posixpath
from pathlib import Path

import numpy as np

from hmer_tasks.corpora.base import Corpus, Rejected, Sample, SplitReader
from hmer_tasks.corpora.label_files import SHOWN, LineTable, shown
from hmer_tasks.corpora.labelled import find_label_file, open_lines
from hmer_tasks.corpora.pictures import FilePicture
from hmer_tasks.exceptions import RejectReason
from hmer_tasks.storage.files import Files
from hmer_tasks.utils.progress import progress_of_many

_MANY, _SHOWN_EVERY = 300_000, 10_000  # lines: so many take seconds
SPLITS = ("train", "spe", "cpe", "sce", "hwe")


def label_names(split: str) -> tuple[str, ...]:
    """Where a split's lines may stand."""
    homes = ("UniMER-1M/",) if split == "train" else ("UniMER-Test/", "UniMER-test/")
    return tuple(f"{home}{split}.txt" for home in (*homes, ""))


def find(files: Files, split: str) -> str | None:
    """The name of the split's label file."""
    place = find_label_file(files, label_names(split))
    return None if place is None else place[1]


def available(files: Files) -> tuple[str, ...]:
    """The splits whose label file is there."""
    return tuple(split for split in SPLITS if find(files, split))


class NumberedSplit:
    """The lines of a split, then the pictures that have no line."""

    profile: str | None = "latex"

    def __init__(self, files: Files, lines: LineTable, source: str, folder: str) -> None:
        self._files, self._lines, self._source, self._folder = files, lines, source, folder
        numbers = np.empty(len(lines), np.int64)
        with progress_of_many(len(lines), _MANY, "lines numbered") as show:
            for at in range(len(lines)):
                numbers[at] = lines.line(at)[0] - 1
                if at % _SHOWN_EVERY == 0:
                    show(at)
        names = [posixpath.basename(name) for name in files.names(folder, ".png")]
        stems = np.array([int(name[:-4]) if name[:-4].isdecimal() else -1 for name in names], np.int64)
        without_line = np.flatnonzero(~np.isin(stems, numbers))
        self._extra = [names[index] for index in without_line.tolist()]

    def __len__(self) -> int:
        return len(self._lines) + len(self._extra)

    def __getitem__(self, index: int) -> Sample | Rejected:
        id = self.id(index)
        if index >= len(self._lines):
            where = f"{self._folder}{id}: no line of the label file has its number, or that line is blank"
            return Rejected(id, self._source, RejectReason.LABEL_MISSING, where)
        number, line, cut = self._lines.line(index)
        where = f"line {number}"
        if cut:
            start = line[:SHOWN].decode("utf-8", "replace")
            return Rejected(id, self._source, RejectReason.MALFORMED_LINE, where, start)
        try:
            label = line.removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            text = line.decode("utf-8", "replace")
            return Rejected(id, self._source, RejectReason.NOT_UTF8, where, text)
        return Sample(id, self._source, label, FilePicture(self._files, self._folder + id))

    def id(self, index: int) -> str:
        if index >= len(self._lines):
            return shown(self._extra[index - len(self._lines)])
        return f"{self._lines.line(index)[0] - 1:07d}.png"

    def digest(self) -> str:
        return self._lines.digest()


def open_split(files: Files, split: str) -> SplitReader:
    """Open a split. Raises CorpusError when it is not there, cannot be read or holds no lines."""
    name = find(files, split) if split in SPLITS else None
    if name is None:
        raise CORPUS.absent(files.root, split, available(files))
    home = posixpath.dirname(name)
    folders = ("images/", "train/") if split == "train" else (f"{split}/",)
    places = [posixpath.join(home, folder) for folder in folders]
    folder = next((place for place in places if files.names(place)), places[0])
    source = f"unimer/{split}"
    return NumberedSplit(files, open_lines(files, name, source), source, folder)


CORPUS = Corpus(
    name="unimer",
    origin="UniMERNet's authors (https://huggingface.co/datasets/wanderkid/UniMER_Dataset)",
    licence="tagged Apache-2.0 by its authors; its parts (HME100K, CROHME, arXiv) as their own owners grant",
    layout=(
        "UniMER/{UniMER-1M/{train.txt,images/0000000.png …}, "
        "UniMER-Test/{spe,cpe,sce,hwe}{.txt,/0000000.png …}}, or either of the two"
    ),
    default_root=Path("data/UniMER"),
    splits=SPLITS,
    available=available,
    open_split=open_split,
    caution="not tried on the owners' files, only on small ones made after their code",
)
