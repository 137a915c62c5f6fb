"""The synthetic corpus: as many expressions as asked for, written by as many hands as there are numbers.

    corpus = synthetic(count=10_000, like=Path("train_labels.txt"), look="photo", seed=0)

Sample i is determined by (seed, i) alone, so any worker writes it, in any order, to the same bytes.
"""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from hmer_tasks.corpora.base import Corpus, Rejected, Sample, SplitReader
from hmer_tasks.corpora.labelled import open_labels
from hmer_tasks.exceptions import CorpusError, LabelError, PictureError
from hmer_tasks.handwriting.collect import Collection, collect
from hmer_tasks.handwriting.writer import Writer, keyed, writer
from hmer_tasks.handwriting.writing import LOOKS, drawable, write, write_inkml
from hmer_tasks.label_generation.expressions import expression
from hmer_tasks.label_generation.statistics import LabelStatistics, fit
from hmer_tasks.storage.files import Files
from hmer_tasks.storage.opening import open_files

SPLITS = ("train",)
SOURCE = "synthetic/train"
COUNT = 1000
WRITERS = 100_000  # different people a corpus may be written by


@dataclass(frozen=True)
class Pen:
    """What all pictures of a corpus share. `writers`: how many people write it."""

    seed: int
    look: str
    writers: int = WRITERS
    collection: Collection | None = None

    def writer(self, index: int) -> Writer:
        """Who writes sample `index`."""
        number = keyed("who", self.seed, index).randrange(self.writers)
        return writer(number) if self.collection is None else self.collection.writer(number)


@dataclass(frozen=True, slots=True)
class HandPicture:
    """A label's picture, written when it is asked for."""

    pen: Pen
    id: str
    label: str
    index: int

    def load(self) -> tuple[bytes, str]:
        """A PNG or a JPEG, and its file name. Raises PictureError: a symbol that no hand can write."""
        try:
            written = write(self.label, self.pen.writer(self.index), self.index, self.pen.look)
        except LabelError as error:
            raise PictureError(error.reason, self.id, error.detail) from None
        return written.data, f"{self.id}.{written.ending}"

    def document(self) -> bytes:
        """The same ink as InkML. Raises PictureError as `load` does."""
        try:
            return write_inkml(self.label, self.pen.writer(self.index), self.index, self.id)
        except LabelError as error:
            raise PictureError(error.reason, self.id, error.detail) from None


class SyntheticSplit:
    """`count` labels, each written when it is asked for."""

    profile: str | None = None

    def __init__(self, count: int, pen: Pen, like: LabelStatistics | None, made_of: str) -> None:
        self._count, self._pen, self._like, self._made_of = count, pen, like, made_of

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Sample:
        label = self._label(index)
        return Sample(self.id(index), SOURCE, label, HandPicture(self._pen, self.id(index), label, index))

    def _label(self, index: int) -> str:
        if self._like is None:
            return expression("synthetic", self._pen.seed, index)
        return self._like.label(keyed("synthetic", self._pen.seed, index))

    def id(self, index: int) -> str:
        return f"synthetic-{index:07d}"

    def digest(self) -> str:
        parts = (str(self._count), str(self._pen.seed), self._pen.look, self._made_of)
        return sha256("\n".join(parts).encode()).hexdigest()


def synthetic(
    count: int = COUNT,
    like: Path | None = None,
    look: str = "ink",
    writers: Path | None = None,
    seed: int = 0,
) -> Corpus:
    """The corpus of expressions written by synthetic writers.

    Args:
        count: How many samples.
        like: A label file; expressions are made like its labels. None: by the shipped grammar.
        look: `ink` or `photo`.
        writers: InkML with symbol groups, of people whose forms are written. None: the shipped forms.
        seed: Samples are given by seed and number alone.

    Returns:
        The corpus.

    Raises:
        CorpusError: The settings make none.
    """
    if count < 1:
        raise CorpusError(f"synthetic: --count must be at least 1, not {count}")
    if look not in LOOKS:
        raise CorpusError(f"synthetic: unknown look {look!r}; choose from {', '.join(LOOKS)}")
    if like is not None and not like.is_file():
        raise CorpusError(f"synthetic: --like {like}: no such label file")
    if writers is not None and not writers.exists():
        raise CorpusError(
            f"synthetic: --writers {writers}: no such file or folder; it names InkML with symbol groups"
        )

    def open_split(files: Files, split: str) -> SplitReader:
        if split not in SPLITS:
            raise CORPUS.absent(files.root, split, SPLITS)
        collection = collected(writers) if writers is not None else None
        pen = Pen(seed, look, WRITERS, collection)
        model, name = fitted(like) if like is not None else (None, "")
        return SyntheticSplit(count, pen, model, f"{name}\n{collection.digest() if collection else ''}")

    return Corpus(
        name="synthetic",
        origin="this package",
        licence="Apache-2.0, as the package; with --writers or --like, see the licence of what they are",
        layout="nothing: it is written on the spot (leave the root out)",
        default_root=Path(__file__).parent / "data",
        splits=SPLITS,
        available=lambda files: SPLITS,
        open_split=open_split,
    )


@cache
def fitted(path: Path) -> tuple[LabelStatistics, str]:
    """The grammar fitted to a label file, and the file's digest."""
    with open_files(path.parent) as files:
        labels = open_labels(files, path.name, SOURCE)
        entries = (labels[index] for index in range(len(labels)))
        texts = [entry.label for entry in entries if not isinstance(entry, Rejected)]
    drawn = _drawable(texts)
    if not drawn:
        raise CorpusError(f"--like {path}: no label in it can be read and drawn")
    return fit(drawn), labels.digest()


def _drawable(labels: list[str]) -> list[str]:
    """Labels that can be drawn; one whose every token was in a drawn label is not tried again."""
    known: set[str] = set()
    kept = []
    for label in labels:
        tokens = set(label.split())
        if tokens <= known or drawable(label):
            known |= tokens
            kept.append(label)
    return kept


@cache
def collected(path: Path) -> Collection:
    """The people of some ink, collected once."""
    return collect(path)


CORPUS = synthetic()
