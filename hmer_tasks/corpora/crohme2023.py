"""CROHME 2023: the competition's InkML package, or captions with pictures.

The package (`TC11_CROHME23/INKML/{train,val,test}/…`) brings ink of earlier years along. Its training
set counts the one of 2019 as its own; a test set of 2014, 2016 or 2019 under `test/` is that year's
(`--dataset crohme`), while under `val/` it is validation. The 145,108 expressions that a program put
together from real symbols stand in a folder of their own, and so are a split of their own.
"""

import re
from functools import partial
from pathlib import Path, PurePosixPath

from hmer_tasks.corpora.base import Corpus, SplitReader
from hmer_tasks.corpora.crohme import BITMAPS
from hmer_tasks.corpora.ink_split import InkSplit
from hmer_tasks.corpora.labelled import LabelledSplit, first, locate, open_labels
from hmer_tasks.storage.files import Files

SPLITS = ("train", "val", "test", "artificial")
_KINDS = (
    ("train", re.compile(r"train", re.IGNORECASE)),
    ("test", re.compile(r"test", re.IGNORECASE)),
    ("val", re.compile(r"(?<![a-z])val(id|idation)?(?![a-z])", re.IGNORECASE)),
)
_EARLIER = re.compile(r"(?<!\d)20(11|12|13|14|16|19)(?!\d)")


def named(folders: tuple[str, ...]) -> str | None:
    """The split that a path of folders names: `artificial` anywhere, else the outermost name of one."""
    if any("artificial" in folder.lower() for folder in folders):
        return "artificial"
    return next((kind for folder in folders for kind, word in _KINDS if word.search(folder)), None)


def split_of(folders: tuple[str, ...], root: str = "") -> str | None:
    """The split of files in these folders under `root`, whose own name tells where theirs do not.

    None: no split of 2023.
    """
    split = named(folders) or named((root,))
    if split == "test" and any(_EARLIER.search(folder) for folder in folders):
        return "val" if named((root,)) == "val" else None
    return split


def ink_names(files: Files, split: str) -> list[str]:
    """The InkML files of a split, sorted by id (the file's stem)."""
    root = Path(files.root).absolute().name
    paths = [PurePosixPath(name) for name in files.names() if name.lower().endswith(".inkml")]
    matching = [path for path in paths if split_of(path.parts[:-1], root) == split]
    return [str(path) for path in sorted(matching, key=lambda path: (path.stem, str(path)))]


def caption_prefix(files: Files, split: str) -> str | None:
    """The folder (`CROHME2023_test/`) that holds a split's caption.txt."""
    homes = (f"CROHME2023_{split}/", f"{split}/")
    top = files.top(f"{home}caption.txt" for home in homes)
    if top is None:
        return None
    name = first(files, (f"{top}{home}caption.txt" for home in homes))
    return None if name is None else name.removesuffix("caption.txt")


def available(files: Files) -> tuple[str, ...]:
    """The splits that are there in either layout."""
    return tuple(split for split in SPLITS if caption_prefix(files, split) or ink_names(files, split))


def open_split(files: Files, split: str) -> SplitReader:
    """Open a split; captions are taken before ink where a root holds both.

    Raises CorpusError when the split is not there or its caption.txt holds no labels.
    """
    source = f"crohme2023/{split}"
    prefix = caption_prefix(files, split) if split in SPLITS else None
    if prefix is not None:
        labels = open_labels(files, f"{prefix}caption.txt", source)
        place = partial(locate, files, (f"{prefix}images/", f"{prefix}img/"), BITMAPS)
        return LabelledSplit(files, labels, source, place)
    names = ink_names(files, split) if split in SPLITS else []
    if not names:
        raise CORPUS.absent(files.root, split, available(files))
    return InkSplit(files, names, source, profile="crohme")


CORPUS = Corpus(
    name="crohme2023",
    origin="the TC11 package CROHME23 (https://zenodo.org/record/8428034)",
    licence="as its page states (earlier packages: no commercial use, share alike)",
    layout=(
        "CROHME2023/**/{train,val,test}/**/*.inkml (the package TC11_CROHME23), "
        "or CROHME2023/CROHME2023_test/{caption.txt,images/<id>.jpg}"
    ),
    default_root=Path("data/CROHME2023"),
    splits=SPLITS,
    available=available,
    open_split=open_split,
)
