"""CROHME: the competition's InkML packages, or the captions and bitmaps that the field derives."""

import hashlib
import re
from functools import partial
from pathlib import Path, PurePosixPath

from hmer_tasks.corpora.base import Corpus, Refused, Sample, SplitReader
from hmer_tasks.corpora.faults import PictureError
from hmer_tasks.corpora.files import Files
from hmer_tasks.corpora.inkml import parse
from hmer_tasks.corpora.labelfile import is_text
from hmer_tasks.corpora.labelled import LabelledSplit, locate, open_labels
from hmer_tasks.corpora.pictures import EXTENSIONS
from hmer_tasks.corpora.strokes import InkPicture
from hmer_tasks.reasons import Reason

YEARS = ("2014", "2016", "2019")
SPLITS = ("train", *YEARS)
BITMAPS = (".bmp", *(ending for ending in EXTENSIONS if ending != ".bmp"), "")


def split_of(folders: tuple[str, ...]) -> str | None:
    """The split that a path of folders names: `train` anywhere, else the innermost year.

    A training set may lie in a folder of its year (`CROHME2016_data/TrainINKML`), hence the order.
    """
    if any("train" in folder.lower() for folder in folders):
        return "train"
    years = [
        year for folder in folders for year in re.findall(r"(?<!\d)20\d\d(?!\d)", folder) if year in YEARS
    ]
    return years[-1] if years else None


def ink_names(files: Files, split: str) -> list[str]:
    """The InkML files of a split, sorted by id (the file's stem). The root's own name counts too."""
    root = split_of((files.root.absolute().name,))
    named = [PurePosixPath(name) for name in files.names() if name.lower().endswith(".inkml")]
    mine = [path for path in named if (split_of(path.parts[:-1]) or root) == split]
    return [str(path) for path in sorted(mine, key=lambda path: (path.stem, str(path)))]


def shown(name: str) -> str:
    """A file name as text, whatever its bytes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class InkSplit:
    """A split of InkML files, one expression each; their truth is raw LaTeX."""

    profile: str | None = "crohme"

    def __init__(self, files: Files, names: list[str], source: str) -> None:
        self._files, self._names, self._source = files, names, source

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, index: int) -> Sample | Refused:
        name = self._names[index]
        id = self.id(index)
        if not is_text(name):  # a file name in another encoding; nothing could write it into a row
            return Refused(id, self._source, Reason.NOT_UTF8, shown(name))
        try:
            ink = parse(self._files.read(name), name)
        except PictureError as error:
            return Refused(id, self._source, error.reason, error.place)
        if ink.truth is None:
            return Refused(id, self._source, Reason.LABEL_MISSING, name)
        return Sample(id, self._source, ink.truth, InkPicture(self._files, name, ink))

    def id(self, index: int) -> str:
        return PurePosixPath(shown(self._names[index])).stem

    def digest(self) -> str:
        return hashlib.sha256("\n".join(self._names).encode("utf-8", "surrogateescape")).hexdigest()


def caption_prefix(files: Files, split: str) -> str | None:
    """The folder (`data/train/`) that holds a split's caption.txt."""
    top = files.top((f"{split}/caption.txt",))
    return None if top is None else f"{top}{split}/"


def available(files: Files) -> tuple[str, ...]:
    """The splits that are there in either layout."""
    return tuple(split for split in SPLITS if caption_prefix(files, split) or ink_names(files, split))


def open_split(files: Files, split: str) -> SplitReader:
    """Open `train` or a year; captions are taken before ink where a root holds both.

    Raises CorpusError when the split is not there or its caption.txt holds no labels.
    """
    source = f"crohme/{split}"
    prefix = caption_prefix(files, split) if split in SPLITS else None
    if prefix is not None:
        labels = open_labels(files, f"{prefix}caption.txt", source)
        place = partial(locate, files, (f"{prefix}img/", f"{prefix}images/"), BITMAPS)
        return LabelledSplit(files, labels, source, place, light_on_dark=True)
    names = ink_names(files, split) if split in SPLITS else []
    if not names:
        raise CORPUS.absent(files.root, split, available(files))
    return InkSplit(files, names, source)


CORPUS = Corpus(
    name="crohme",
    origin="the TC11 CROHME packages (https://tc11.cvc.uab.es/datasets)",
    licence="CC BY-NC-SA 3.0",
    layout=(
        "CROHME/**/*.inkml in folders named after their split (TrainINKML, TEST2014 …), "
        "or CROHME/{train,2014,2016,2019}/{caption.txt,img/<id>.bmp}"
    ),
    default_root=Path("data/CROHME"),
    splits=SPLITS,
    available=available,
    open_split=open_split,
)
