"""HME100K: photographs of schoolwork, in the owners' layout or as the JSON-lines mirror."""

import posixpath
from pathlib import Path

from hmer_tasks.corpora.base import Corpus, SplitReader
from hmer_tasks.corpora.labelled import LabelledSplit, find_label_file, locate, open_labels
from hmer_tasks.storage.files import Files

SPLITS = ("train", "test")


def label_names(split: str) -> tuple[str, ...]:
    """Where a split's labels may stand, the owners' file first."""
    stems = (f"{split}/{split}_labels", f"{split}_labels", f"{split}/{split}", split, f"{split}/labels")
    return (
        *(f"{stem}.txt" for stem in stems[:2]),
        *(f"{stem}.{ending}" for stem in stems for ending in ("jsonl", "json")),
    )


def picture_folders(split: str) -> tuple[str, ...]:
    """Where a split's pictures may stand, the owners' folder first."""
    return (f"{split}/{split}_images/", f"{split}_images/", f"{split}/images/", f"{split}/", "images/", "")


def find(files: Files, split: str) -> tuple[str, str] | None:
    """The prefix of the layout and the name of the split's label file."""
    return find_label_file(files, label_names(split))


def available(files: Files) -> tuple[str, ...]:
    """The splits whose label file is there."""
    return tuple(split for split in SPLITS if find(files, split))


def open_split(files: Files, split: str) -> SplitReader:
    """Open `train` or `test`. Raises CorpusError when it is not there or holds no labels."""
    layout = find(files, split) if split in SPLITS else None
    if layout is None:
        raise CORPUS.absent(files.root, split, available(files))
    top, name = layout
    source = f"hme100k/{split}"
    labels = open_labels(files, name, source)
    folders = [top + folder for folder in picture_folders(split)]

    def place(image_file: str) -> str:
        # The mirror may write a folder of its own before the name: that path first, then the name.
        if "/" in image_file and files.exists(top + image_file):
            return top + image_file
        return locate(files, folders, ("",), posixpath.basename(image_file))

    return LabelledSplit(files, labels, source, place, name=posixpath.basename)


CORPUS = Corpus(
    name="hme100k",
    origin="TAL's HME100K page (https://ai.100tal.com/dataset)",
    licence="research use, as TAL grants it",
    layout="HME100K/{train/{train_images/,train_labels.txt}, test/{test_images/,test_labels.txt}}",
    default_root=Path("data/HME100K"),
    splits=SPLITS,
    available=available,
    open_split=open_split,
)
