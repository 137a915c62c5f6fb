"""CMER (OpenOCR): complex expressions; a label file of `name.png<TAB>LaTeX` beside its pictures.

A label is raw LaTeX in its display (`\\begin{equation}…`). MER-17M is published as tars of another layout and
is not read. Source: https://github.com/Topdu/OpenOCR/blob/main/configs/rec/cmer/readme.md
"""

import posixpath
from pathlib import Path

from hmer_tasks.corpora.base import Corpus, SplitReader
from hmer_tasks.corpora.labelled import LabelledSplit, find_label_file, locate, open_lines
from hmer_tasks.storage.files import Files

SPLITS = ("train", "eval", "easy", "moderate", "complex")


def label_names(split: str) -> tuple[str, ...]:
    """Where a split's labels may stand, the names of the owners' configuration first."""
    stems = (f"{split}_labels", f"{split}/{split}_labels", f"{split}/labels", f"{split}/{split}", split)
    return (f"cmer_{split}_image/{split}_labels.txt", *(f"{stem}.txt" for stem in stems))


def find(files: Files, split: str) -> tuple[str, str] | None:
    """The prefix of the layout and the name of the split's label file."""
    return find_label_file(files, label_names(split))


def available(files: Files) -> tuple[str, ...]:
    """The splits whose label file is there."""
    return tuple(split for split in SPLITS if find(files, split))


def open_split(files: Files, split: str) -> SplitReader:
    """Open a split. Raises CorpusError when it is not there, cannot be read or holds no labels."""
    place = find(files, split) if split in SPLITS else None
    if place is None:
        raise CORPUS.absent(files.root, split, available(files))
    top, name = place
    source = f"cmer/{split}"
    home = posixpath.join(posixpath.dirname(name), "")
    folders = [home, f"{home}images/", f"{home}{split}/", f"{top}images/", top]

    def picture(image: str) -> str:
        return locate(files, folders, ("",), image)

    labels = open_lines(files, name, source)
    return LabelledSplit(files, labels, source, picture, profile="latex")


CORPUS = Corpus(
    name="cmer",
    origin="OpenOCR (https://huggingface.co/datasets/topdu/CMER-Bench1.5)",
    licence="not known",
    layout=(
        "CMER/{train,eval,easy,moderate,complex}_labels.txt of name.png<TAB>LaTeX, or a folder of each split "
        "with its label file; pictures beside it"
    ),
    default_root=Path("data/CMER"),
    splits=SPLITS,
    available=available,
    open_split=open_split,
    caution="not tried on the owners' files, only on small ones made after their readme",
)
