"""The recombined corpus: real expressions cut at their symbol groups and put together anew.

    corpus = recombined(count=100_000, seed=0)
    for sample in samples(corpus, Path("CROHME/train"), "train"): ...

The root is ink with symbol groups and MathML, as CROHME has it. Sample i is given by (seed, i) alone, so
any worker writes it, in any order, to the same bytes.
"""

from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from hmer_tasks.corpora import crohme
from hmer_tasks.corpora.base import Corpus, Sample, SplitReader
from hmer_tasks.corpora.synthetic import COUNT, SPLITS, fitted
from hmer_tasks.exceptions import CorpusError
from hmer_tasks.handwriting.compose import recombined_ink
from hmer_tasks.handwriting.inkml_writer import inkml_document
from hmer_tasks.handwriting.paper import photographed
from hmer_tasks.handwriting.parts import expression_of, read_documents
from hmer_tasks.handwriting.pen import Ink, clean
from hmer_tasks.handwriting.recombine import Plan, Recombiner
from hmer_tasks.handwriting.writer import keyed
from hmer_tasks.handwriting.writing import LOOKS
from hmer_tasks.images import png
from hmer_tasks.storage.files import Files

SOURCE = "recombined/train"
FEWEST = 20  # expressions that must agree with their ink


@dataclass(frozen=True, slots=True)
class RecombinedPicture:
    """A plan's picture, put together when it is asked for."""

    plan: Plan
    id: str
    key: tuple[int, int]  # seed and index
    look: str

    def ink(self) -> Ink:
        """The strokes in pixels, each with the number of its node in the label's tree."""
        return recombined_ink(self.plan, keyed("recombined ink", *self.key))

    def document(self) -> bytes:
        """The ink as InkML."""
        return inkml_document(self.id, self.plan.label, self.ink(), self.plan.slot.source.writer)

    def load(self) -> tuple[bytes, str]:
        """A PNG or a JPEG, and its file name."""
        if self.look == "photo":
            return photographed(self.ink(), keyed("recombined photo", *self.key))[0], f"{self.id}.jpg"
        return png(clean(self.ink())), f"{self.id}.png"


class RecombinedSplit:
    """`count` expressions, each planned when it is asked for."""

    profile: str | None = None

    def __init__(self, recombiner: Recombiner, count: int, look: str, seed: int, made_of: str) -> None:
        self._recombiner, self._count, self._look, self._seed = recombiner, count, look, seed
        self._made_of = made_of

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Sample:
        plan = self._recombiner.plan(keyed("recombined", self._seed, index))
        picture = RecombinedPicture(plan, self.id(index), (self._seed, index), self._look)
        return Sample(self.id(index), SOURCE, plan.label, picture)

    def id(self, index: int) -> str:
        return f"recombined-{index:07d}"

    def digest(self) -> str:
        parts = (str(self._count), str(self._seed), self._look, self._made_of)
        return sha256("\n".join(parts).encode()).hexdigest()


def recombined(count: int = COUNT, like: Path | None = None, look: str = "ink", seed: int = 0) -> Corpus:
    """The corpus of real expressions cut at their symbols and put together anew.

    Args:
        count: How many samples.
        like: A label file; expressions are shaped as its labels are. None: as those of the ink.
        look: `ink` or `photo`.
        seed: Samples are given by seed and number alone.

    Returns:
        The corpus.

    Raises:
        CorpusError: The settings make none.
    """
    if count < 1:
        raise CorpusError(f"recombined: --count must be at least 1, not {count}")
    if look not in LOOKS:
        raise CorpusError(f"recombined: unknown look {look!r}; choose from {', '.join(LOOKS)}")
    if like is not None and not like.is_file():
        raise CorpusError(f"recombined: --like {like}: no such label file")

    def open_split(files: Files, split: str) -> SplitReader:
        if split not in SPLITS:
            raise CORPUS.absent(files.root, split, SPLITS)
        recombiner, digest = _recombiner(files)
        name = ""
        if like is not None:
            statistics, name = fitted(like)
            recombiner = recombiner.shaped_like(statistics.shapes)
        return RecombinedSplit(recombiner, count, look, seed, f"{digest}\n{name}")

    return replace(CORPUS, open_split=open_split)


_KNOWN: dict[tuple[str, int], tuple[Recombiner, str]] = {}


def _recombiner(files: Files) -> tuple[Recombiner, str]:
    """The expressions of a root that agree with their ink, and a digest of it. Raises CorpusError."""
    names = ink_names(files)
    key = (str(files.root), len(names))
    if key not in _KNOWN:
        documents = read_documents(files, names)
        expressions = [expression for expression in map(expression_of, documents) if expression is not None]
        recombiner = Recombiner(expressions)
        if len(recombiner.expressions) < FEWEST:
            detail = f"{len(names):,} InkML files, {len(expressions):,} of them with symbol groups and MathML"
            raise CorpusError(f"recombined: {files.root}: {detail}; {FEWEST} must agree with their label")
        digest = sha256()
        for expression in expressions:
            digest.update(expression.name.encode("utf-8", "surrogateescape"))
            for strokes in expression.strokes.values():
                digest.update(b"".join(stroke.tobytes() for stroke in strokes))
        _KNOWN.clear()
        _KNOWN[key] = recombiner, digest.hexdigest()
    return _KNOWN[key]


def ink_names(files: Files) -> list[str]:
    """The training ink of a CROHME package; all InkML where nothing names itself training ink."""
    return crohme.ink_names(files, "train") or sorted(files.names(suffix=".inkml"))


def _open_default(files: Files, split: str) -> SplitReader:
    return recombined().open_split(files, split)


CORPUS = Corpus(
    name="recombined",
    origin="this package, from the ink of CROHME or alike",
    licence="that of the ink it is made of (CROHME: CC BY-NC-SA 3.0)",
    layout="InkML with symbol groups and MathML: the root of CROHME, a folder or archive",
    default_root=crohme.CORPUS.default_root,
    splits=SPLITS,
    available=lambda files: SPLITS if ink_names(files) else (),
    open_split=_open_default,
)
