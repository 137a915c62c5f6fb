"""The contract every corpus keeps: a table of samples that any worker can read anywhere.

A corpus is a `Corpus` record (where it comes from, its layout, its splits) with one function,
`open_split(files, split)`, which returns a `SplitReader`: sized and indexable, so that a shard of
the input is a plain range of indices. A sample's picture is read late, by whoever needs its bytes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hmer_tasks.exceptions import CorpusError, CorpusMissingError, PictureError, RejectReason
from hmer_tasks.storage.files import Files
from hmer_tasks.storage.opening import open_files
from hmer_tasks.storage.urls import PathOrUrl
from hmer_tasks.utils.bounded_reading import encoding_fault

__all__ = [
    "Corpus",
    "CorpusError",
    "CorpusMissingError",
    "Picture",
    "PictureError",
    "Rejected",
    "Sample",
    "SplitReader",
    "open_corpus",
    "samples",
]


class Picture(Protocol):
    """A picture not read yet."""

    def load(self) -> tuple[bytes, str]:
        """The picture as an encoded file (JPEG, PNG, BMP …), dark on light, and its file name.

        Bytes are those on disk unless ink or polarity ask for a re-encoding (PNG then). The
        picture has been decoded whole once, so what comes back can be read. Raises PictureError.
        """
        ...


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled picture. `label` is what the owners wrote, untouched; `source` corpus/split."""

    id: str
    source: str
    label: str
    image: Picture


@dataclass(frozen=True, slots=True)
class Rejected:
    """An input that cannot even become a sample (a label line without a tab, bytes not UTF-8 …)."""

    id: str
    source: str
    reason: RejectReason
    where: str
    label: str = ""


class SplitReader(Protocol):
    """One split, opened: `reader[i]` for 0 <= i < len(reader), cheap, in input order."""

    @property
    def profile(self) -> str | None:
        """The normaliser's profile for this split's raw LaTeX; None where labels are tokenised."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample | Rejected: ...

    def id(self, index: int) -> str:
        """The id of `reader[index]`, without opening its picture or ink; empty if a line has none."""
        ...

    def digest(self) -> str:
        """SHA-256 (hex) of what names the inputs: the label file's bytes, or the sorted names."""
        ...


@dataclass(frozen=True, slots=True)
class Corpus:
    """What the project knows of a corpus."""

    name: str
    origin: str
    licence: str
    layout: str
    default_root: Path
    splits: tuple[str, ...]
    available: Callable[[Files], tuple[str, ...]]
    open_split: Callable[[Files, str], SplitReader]

    def absent(self, root: PathOrUrl, split: str = "", available: tuple[str, ...] = ()) -> CorpusError:
        """The one line for a user whose corpus, or one split of it, is not under `root`."""
        if available:
            return CorpusError(f"{self.name}: no split {split!r} in {root}; there is: {', '.join(available)}")
        what = f"split {split!r}" if split else "nothing of it"
        verb = "is not" if split else "is"
        return CorpusError(
            f"{self.name}: {what} {verb} in {root}; expected {self.layout}; from {self.origin}"
        )


def open_corpus(corpus: Corpus, root: PathOrUrl | None = None) -> Files:
    """Open a corpus's folder or archive, by default where it usually lies.

    Raises CorpusError that says where the corpus comes from and how it must lie if there is
    nothing at `root`, or if an archive there is damaged.
    """
    root = corpus.default_root if root is None else root
    if fault := encoding_fault():
        raise CorpusError(fault)
    try:
        return open_files(root)
    except CorpusMissingError:
        raise corpus.absent(root) from None


def samples(corpus: Corpus, root: PathOrUrl | None, split: str) -> Iterator[Sample | Rejected]:
    """All inputs of a split in order: the plain way to read a corpus from Python."""
    with open_corpus(corpus, root) as files:
        reader = corpus.open_split(files, split)
        for index in range(len(reader)):
            yield reader[index]
