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
        """Read the picture.

        Returns:
            An encoded file (JPEG, PNG, BMP …), dark on light, and its file name. The bytes are those on disk
            unless ink or polarity ask for a re-encoding (PNG then). The picture has been decoded once, so it
            can be read.

        Raises:
            PictureError: The picture is refused; the reason is named.
        """
        ...


# Never changed once made, but not declared frozen: a frozen dataclass takes five times as long to make.
@dataclass(slots=True, unsafe_hash=True)
class Sample:
    """One labelled picture.

    Attributes:
        id: Unique in its split.
        source: `corpus/split`.
        label: What the owners of the corpus wrote, untouched.
        image: The picture, not read yet.
        erroneous: What the picture shows, where that is not the label but a person's solution with mistakes
            (the same text: without any). Then the label is its corrected form, and only the error tasks have
            rows.
        gt: The owners' text, where `label` was taken out of it.
        own_id: The id within its corpus, where `id` also names the corpus.
    """

    id: str
    source: str
    label: str
    image: Picture
    erroneous: str | None = None
    gt: str | None = None
    own_id: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """An input that cannot even become a sample: a label line without a tab, bytes that are not UTF-8.

    Attributes:
        id: The id, or what there is of one.
        source: `corpus/split`.
        reason: The named reason.
        where: The place inside the corpus.
        label: The label, if it could be read.
    """

    id: str
    source: str
    reason: RejectReason
    where: str
    label: str = ""


class SplitReader(Protocol):
    """One opened split: `reader[i]` for 0 <= i < len(reader), cheap, in input order."""

    @property
    def profile(self) -> str | None:
        """The normaliser's profile for this split's raw LaTeX; None where labels are tokenised."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample | Rejected: ...

    def id(self, index: int) -> str:
        """The id of `reader[index]`, read without opening its picture or ink.

        Args:
            index: From 0 to len(reader) - 1.

        Returns:
            The id; empty if a line has none.
        """
        ...

    def digest(self) -> str:
        """The fingerprint of the inputs.

        Returns:
            SHA-256 (hex) of what names them: the bytes of the label file, or the sorted names.
        """
        ...


@dataclass(frozen=True, slots=True)
class Corpus:
    """What the project knows of a corpus.

    Attributes:
        name: As in `build --dataset`.
        origin: Where it comes from.
        licence: Its licence, as its owners state it.
        layout: How its files must lie, in words.
        default_root: Where it is looked for without `--root`.
        splits: The splits that it can have.
        available: Which of them some files hold.
        open_split: Opens a split of some files.
        caution: What was not tried of it; empty where all of it was.
        tasks: The tasks that its rows can be of; empty for all.
        prompts: The prompt set that says the truth about its pictures, where it is not the default one.
    """

    name: str
    origin: str
    licence: str
    layout: str
    default_root: Path
    splits: tuple[str, ...]
    available: Callable[[Files], tuple[str, ...]]
    open_split: Callable[[Files, str], SplitReader]
    caution: str = ""
    tasks: tuple[str, ...] = ()
    prompts: str = ""

    def absent(self, root: PathOrUrl, split: str = "", available: tuple[str, ...] = ()) -> CorpusError:
        """The error for a user whose corpus, or one split of it, is not under `root`.

        Args:
            root: Where it was looked for.
            split: The split that was asked for; empty for the whole corpus.
            available: The splits that lie there.

        Returns:
            An error whose message says what is missing, where, and where the corpus comes from.
        """
        if available:
            return CorpusError(f"{self.name}: no split {split!r} in {root}; there is: {', '.join(available)}")
        what = f"split {split!r}" if split else "nothing of it"
        verb = "is not" if split else "is"
        return CorpusError(
            f"{self.name}: {what} {verb} in {root}; expected {self.layout}; from {self.origin}"
        )


def open_corpus(corpus: Corpus, root: PathOrUrl | None = None) -> Files:
    """Open the folder or archive of a corpus.

    Args:
        corpus: The corpus.
        root: A folder, an archive or the URL of either; by default where the corpus usually lies.

    Returns:
        Its files, to be used as a context manager.

    Raises:
        CorpusError: Nothing lies there (the message says where the corpus comes from and how it must lie), or
            an archive is damaged.
    """
    root = corpus.default_root if root is None else root
    if fault := encoding_fault():
        raise CorpusError(fault)
    try:
        return open_files(root)
    except CorpusMissingError:
        raise corpus.absent(root) from None


def samples(corpus: Corpus, root: PathOrUrl | None, split: str) -> Iterator[Sample | Rejected]:
    """Every input of a split, in order: the simple way to read a corpus from Python.

    Args:
        corpus: The corpus.
        root: As for `open_corpus`.
        split: The split.

    Yields:
        A sample, or what is refused in its place.

    Examples:
        >>> from hmer_tasks.corpora import CORPORA
        >>> next(samples(CORPORA["sample"], None, "train")).source
        'sample/train'
    """
    with open_corpus(corpus, root) as files:
        reader = corpus.open_split(files, split)
        for index in range(len(reader)):
            yield reader[index]
