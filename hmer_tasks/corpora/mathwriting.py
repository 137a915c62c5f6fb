"""MathWriting: Google's online handwriting, one InkML file an expression, in folders of up to 396,014.

A file's label is its annotation `normalizedLabel`, raw LaTeX made uniform by its owners; the single
signs under `symbols/` have none, and `label` serves there. Points are x, y and time.
"""

from pathlib import Path

from hmer_tasks.corpora.base import Corpus, SplitReader
from hmer_tasks.corpora.ink_split import InkSplit
from hmer_tasks.exceptions import CorpusError
from hmer_tasks.handwriting.inkml import Ink
from hmer_tasks.storage.files import Files

SPLITS = ("train", "valid", "test", "synthetic", "symbols")
_DEPTH = 3  # folders are looked for in the root and in two levels below it


def label(ink: Ink) -> str | None:
    """The ground truth of any split but `symbols`."""
    return ink.annotations.get("normalizedLabel")


def symbol(ink: Ink) -> str | None:
    """The ground truth of `symbols`, whose files have no normalised label."""
    return ink.annotations.get("normalizedLabel", ink.annotations.get("label"))


def top(files: Files) -> str | None:
    """The prefix (`""`, `mathwriting-2024/` …) under which the splits' folders stand."""
    level = [""]
    for _ in range(_DEPTH):
        inside = {prefix: files.folders(prefix) for prefix in level}
        prefixes = [prefix for prefix, folders in inside.items() if not set(SPLITS).isdisjoint(folders)]
        if len(prefixes) > 1:
            raise CorpusError(
                f"{files.root}: the same layout stands under {prefixes[0]} and {prefixes[1]}; "
                f"give one of the two as the root"
            )
        if prefixes:
            return prefixes[0]
        level = [f"{prefix}{name}/" for prefix, folders in inside.items() for name in folders]
    return None


def ink_names(files: Files, split: str) -> list[str]:
    """The files of a split, sorted by name, which is by id."""
    prefix = top(files)
    return [] if prefix is None else files.names(f"{prefix}{split}/", ".inkml")


def available(files: Files) -> tuple[str, ...]:
    """The splits whose folder holds ink."""
    return tuple(split for split in SPLITS if ink_names(files, split))


def open_split(files: Files, split: str) -> SplitReader:
    """Open a split. Raises CorpusError when it is not there."""
    names = ink_names(files, split) if split in SPLITS else []
    if not names:
        raise CORPUS.absent(files.root, split, available(files))
    read = symbol if split == "symbols" else label
    return InkSplit(files, names, f"mathwriting/{split}", profile="mathwriting", label=read)


CORPUS = Corpus(
    name="mathwriting",
    origin="Google (https://storage.googleapis.com/mathwriting_data/mathwriting-2024.tgz)",
    licence="CC BY-NC-SA 4.0",
    layout="mathwriting-2024/{train,valid,test,synthetic,symbols}/<16 hex>.inkml, or mathwriting-2024.tgz",
    default_root=Path("data/mathwriting-2024"),
    splits=SPLITS,
    available=available,
    open_split=open_split,
)
