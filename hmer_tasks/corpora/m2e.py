"""M2E: photographs of several lines of mathematics; JSON lines of `image` and `label`, or `name` and `tex`.

Lines of mathematics are separated by `\\\\` in a label, as LaTeX has it.
"""

from pathlib import Path

from hmer_tasks.corpora.base import Corpus, SplitReader
from hmer_tasks.corpora.columns import Columns
from hmer_tasks.corpora.label_files import RECORD, Fields, LineFormat, split_json
from hmer_tasks.corpora.labelled import LabelledSplit, find_label_file, locate, open_lines
from hmer_tasks.storage.files import Files

SPLITS = ("train", "val", "test")
_KEYS = (Columns(image="image", label="label"), Columns(image="name", label="tex"))


def label_names(split: str) -> tuple[str, ...]:
    """Where a split's labels may stand."""
    return tuple(f"{stem}.{ending}" for stem in (split, f"{split}/{split}") for ending in ("jsonl", "json"))


def find(files: Files, split: str) -> tuple[str, str] | None:
    """The prefix of the layout and the name of the split's label file."""
    return find_label_file(files, label_names(split))


def available(files: Files) -> tuple[str, ...]:
    """The splits whose label file is there."""
    return tuple(split for split in SPLITS if find(files, split))


def split_line(line: str) -> Fields | None:
    """A line's picture and label, by either pair of keys."""
    return next((fields for keys in _KEYS if (fields := split_json(line, keys))), None)


def open_split(files: Files, split: str) -> SplitReader:
    """Open a split. Raises CorpusError when it is not there, cannot be read or holds no labels."""
    place = find(files, split) if split in SPLITS else None
    if place is None:
        raise CORPUS.absent(files.root, split, available(files))
    top, name = place
    source = f"m2e/{split}"
    folders = [f"{top}{folder}" for folder in ("images/", "Images/", f"{split}/images/", f"{split}/", "")]

    def picture(image: str) -> str:
        return locate(files, folders, ("", ".jpg", ".png"), image)

    labels = open_lines(files, name, source, LineFormat(split_line, RECORD))
    return LabelledSplit(files, labels, source, picture, profile="latex")


CORPUS = Corpus(
    name="m2e",
    origin="the authors of LAST (https://doi.org/10.1145/3581783.3612499)",
    licence="CC BY-NC 4.0",
    layout='M2E/{images/*.jpg, {train,val,test}.jsonl}: {"image": …, "label": …}, or "name" and "tex"',
    default_root=Path("data/M2E"),
    splits=SPLITS,
    available=available,
    open_split=open_split,
    caution="not tried on the owners' files, only on small ones made after descriptions of them",
)
