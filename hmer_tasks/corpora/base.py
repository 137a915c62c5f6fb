"""The contract every corpus keeps: a table of samples that any worker can read anywhere.

A corpus is a `Corpus` record (where it comes from, its layout, its splits) with one function,
`open_split(files, split)`, which returns a `SplitReader`: sized and indexable, so that a shard of
the input is a plain range of indices. A sample's picture is read late, by whoever needs its bytes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hmer_tasks.corpora.files import Files, open_files
from hmer_tasks.reasons import Reason


class CorpusError(Exception):
    """A corpus that cannot be read at all: one line that says what, where and what to do."""


class PictureError(Exception):
    """A picture that cannot be had: a named reason, where it was looked for, and a few words."""

    def __init__(self, reason: Reason, where: str, detail: str = "") -> None:
        super().__init__(reason, where, detail)
        self.reason = reason
        self.where = where
        self.detail = detail


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
class Refused:
    """An input that cannot even become a sample (a label line without a tab, bytes not UTF-8 …)."""

    id: str
    source: str
    reason: Reason
    where: str
    label: str = ""


class SplitReader(Protocol):
    """One split, opened: `reader[i]` for 0 <= i < len(reader), cheap, in input order."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample | Refused: ...

    def digest(self) -> str:
        """SHA-256 (hex) of what names the inputs: the label file's bytes, or the sorted names."""
        ...


@dataclass(frozen=True, slots=True)
class Corpus:
    """What the project knows of a corpus. `profile` names the normaliser's profile for raw LaTeX."""

    name: str
    origin: str
    licence: str
    layout: str
    default_root: Path
    splits: tuple[str, ...]
    available: Callable[[Files], tuple[str, ...]]
    open_split: Callable[[Files, str], SplitReader]
    profile: str | None = None


def samples(corpus: Corpus, root: Path, split: str) -> Iterator[Sample | Refused]:
    """All inputs of a split in order: the plain way to read a corpus from Python."""
    with open_files(root) as files:
        reader = corpus.open_split(files, split)
        for index in range(len(reader)):
            yield reader[index]
