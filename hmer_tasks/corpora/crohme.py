"""CROHME: the competition's InkML packages, or the captions and bitmaps that the field derives."""

import re
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath

from hmer_tasks.corpora.base import Corpus, SplitReader
from hmer_tasks.corpora.ink_split import InkSplit
from hmer_tasks.corpora.labelled import LabelledSplit, locate, open_labels
from hmer_tasks.images import EXTENSIONS
from hmer_tasks.storage.files import Files

YEARS = ("2014", "2016", "2019")
SPLITS = ("train", *YEARS)
_SIDES = re.compile(r"(?<!s)train|(?<!la)(?<!con)test", re.IGNORECASE)  # no constraints, contest or latest
BITMAPS = (".bmp", *(ending for ending in EXTENSIONS if ending != ".bmp"), "")


@lru_cache
def split_of(folders: tuple[str, ...]) -> str | None:
    """The split that a path of folders names.

    The innermost folder that says `train` or `test` decides, if not both (`CROHME_train_and_test`). A
    training set may lie in a folder of its year (`CROHME2016_data/TrainINKML`) or hold such folders
    (`Train/CROHME2014`); of a test set the innermost year tells which it is.
    """
    for folder in reversed(folders):
        words = {word.lower() for word in _SIDES.findall(folder)}
        if words == {"train"}:
            return "train"
        if words == {"test"}:
            break
    years = [
        year for folder in folders for year in re.findall(r"(?<!\d)20\d\d(?!\d)", folder) if year in YEARS
    ]
    return years[-1] if years else None


def ink_names(files: Files, split: str) -> list[str]:
    """The InkML files of a split, sorted by id (the file's stem). The root's own name counts too."""
    root = split_of((Path(files.root).absolute().name,))
    named = [name for name in files.names() if name.lower().endswith(".inkml")]
    matching = [name for name in named if (split_of(tuple(name.split("/")[:-1])) or root) == split]
    return sorted(matching, key=lambda name: (PurePosixPath(name).stem, name))


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
    return InkSplit(files, names, source, profile="crohme")


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
