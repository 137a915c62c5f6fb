"""The embedded sample: five hundred expressions, written by hand on the spot.

A few labels stand in data/expressions.tsv, one a construct of the language; the writer of formulas
makes the rest. Nothing is stored: the same versions write the same bytes.
"""

from hashlib import sha256
from pathlib import Path

from hmer_tasks.corpora.base import Corpus, Rejected, Sample, SplitReader
from hmer_tasks.corpora.labelled import open_labels
from hmer_tasks.corpora.synthetic import HandPicture, Pen
from hmer_tasks.label_generation.expressions import expression
from hmer_tasks.storage.files import Files

SPLITS = ("train",)
SOURCE = "sample/train"
TEXT = "expressions.tsv"
COUNT = 500
WRITERS = 60


def written(count: int, taken: set[str]) -> list[str]:
    """So many different labels of the writer of formulas, none of `taken`."""
    labels: list[str] = []
    seen = set(taken)
    key = 0
    while len(labels) < count:
        label = expression("sample", key)
        key += 1
        if label not in seen:
            seen.add(label)
            labels.append(label)
    return labels


class SampleSplit:
    """The labels of the text file, then those of the writer of formulas."""

    profile: str | None = None

    def __init__(self, files: Files) -> None:
        self._labels = open_labels(files, TEXT, SOURCE)
        entries = (self._labels[index] for index in range(len(self._labels)))
        self._written = written(COUNT - len(self._labels), {entry.label for entry in entries})
        self._pen = Pen(seed=0, look="ink", writers=WRITERS)

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, index: int) -> Sample | Rejected:
        if index < len(self._labels):
            entry = self._labels[index]
            if isinstance(entry, Rejected):
                return entry
            label = entry.label
        else:
            label = self._written[index - len(self._labels)]
        return Sample(self.id(index), SOURCE, label, HandPicture(self._pen, self.id(index), label, index))

    def id(self, index: int) -> str:
        at = index - len(self._labels)
        return f"hand-{at + 1:03d}" if at >= 0 else self._labels[index].id

    def digest(self) -> str:
        return sha256("\n".join((self._labels.digest(), *self._written)).encode()).hexdigest()


def available(files: Files) -> tuple[str, ...]:
    """`train`, if the text file is there."""
    return SPLITS if files.exists(TEXT) else ()


def open_split(files: Files, split: str) -> SplitReader:
    """Open the one split. Raises CorpusError for another."""
    if split not in available(files):
        raise CORPUS.absent(files.root, split, available(files))
    return SampleSplit(files)


CORPUS = Corpus(
    name="sample",
    origin="this package",
    licence="Apache-2.0, as the package",
    layout=f"{TEXT} (embedded: leave the root out)",
    default_root=Path(__file__).parent / "data",
    splits=SPLITS,
    available=available,
    open_split=open_split,
)
