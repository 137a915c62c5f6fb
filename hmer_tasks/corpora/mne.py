"""MNE: expressions whose structures nest once, twice and three times; captions, white ink on black."""

from functools import partial
from pathlib import Path

from hmer_tasks.corpora.base import Corpus, SplitReader
from hmer_tasks.corpora.crohme import BITMAPS
from hmer_tasks.corpora.labelled import LabelledSplit, locate, open_labels
from hmer_tasks.storage.files import Files

SPLITS = ("N1", "N2", "N3")


def caption_prefix(files: Files, split: str) -> str | None:
    """The folder (`MNE/N1/`) that holds a split's caption.txt."""
    top = files.top((f"{split}/caption.txt",))
    return None if top is None else f"{top}{split}/"


def available(files: Files) -> tuple[str, ...]:
    """The splits whose caption.txt is there."""
    return tuple(split for split in SPLITS if caption_prefix(files, split))


def open_split(files: Files, split: str) -> SplitReader:
    """Open `N1`, `N2` or `N3`. Raises CorpusError when it is not there or holds no labels."""
    prefix = caption_prefix(files, split) if split in SPLITS else None
    if prefix is None:
        raise CORPUS.absent(files.root, split, available(files))
    source = f"mne/{split}"
    labels = open_labels(files, f"{prefix}caption.txt", source)
    place = partial(locate, files, (f"{prefix}images/", f"{prefix}img/"), BITMAPS)
    return LabelledSplit(files, labels, source, place, light_on_dark=True)


CORPUS = Corpus(
    name="mne",
    origin="PosFormer's authors (https://github.com/SJTU-DeepVisionLab/PosFormer)",
    licence="not stated by its owners; N1 and N2 are of CROHME's test sets",
    layout="MNE/{N1,N2,N3}/{caption.txt,images/<id>.bmp}",
    default_root=Path("data/MNE"),
    splits=SPLITS,
    available=available,
    open_split=open_split,
)
