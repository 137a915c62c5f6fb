"""The two sides of an audit: each sample's label in three spellings and its picture's hash.

Labels are read and pictures hashed in worker processes, which inherit the opened readers; a sample
comes back as a few short strings and 32 bytes.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from hmer_tasks.audit.phash import Look, look_of
from hmer_tasks.corpora import Rejected, SplitReader, open_corpus
from hmer_tasks.corpora.columns import Columns
from hmer_tasks.corpora.labelled import LabelledSplit, open_labels
from hmer_tasks.exceptions import BuildError, LabelError, PictureError, RejectReason, UsageError
from hmer_tasks.latex.canonical import canonicalize
from hmer_tasks.latex.normalize import normalize
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.rewrite import rewrite
from hmer_tasks.latex.rules import standard
from hmer_tasks.latex.tree import to_label
from hmer_tasks.pipeline.plan import OWN_TABLES, corpus_named, profile_named, with_profile
from hmer_tasks.storage.files import FolderFiles
from hmer_tasks.storage.urls import PathOrUrl
from hmer_tasks.utils.processes import block_signals, cores, init_worker, worker_pool
from hmer_tasks.utils.progress import progress_of

_STEP = 500  # samples a job


@dataclass(frozen=True, slots=True)
class SideOptions:
    """One side: a corpus with its root and splits, or plain label files."""

    dataset: str | None = None
    root: PathOrUrl | None = None
    splits: tuple[str, ...] = ()
    labels: tuple[Path, ...] = ()
    profile: str | None = (
        None  # how your own labels are read; None: those of label files as tokens, others raw
    )
    columns: Columns | None = None  # of your own tables; None: found by type and name


@dataclass(frozen=True, slots=True)
class Item:
    """One sample. `written`: its label as the owners wrote it, tokens joined by a space; `label`: in explicit
    form; `spelled`: in standard spelling. `look` is None without a picture. Where the label is refused
    `label` is empty, and `spelled` is `written`."""

    source: str
    id: str
    written: str
    label: str
    spelled: str
    look: Look | None = None


@dataclass(slots=True)
class Side:
    """What was read of one side, in input order. `unlabelled`: samples whose label is refused; their pictures
    are compared across all the same."""

    name: str
    items: list[Item] = field(default_factory=list)
    unlabelled: list[Item] = field(default_factory=list)
    samples: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    without_picture: Counter[str] = field(default_factory=Counter)

    @property
    def pictures(self) -> int:
        """How many pictures were hashed."""
        return sum(item.look is not None for items in (self.items, self.unlabelled) for item in items)


@dataclass(frozen=True, slots=True)
class _Part:
    """A split, opened. Plain label files have no pictures to look at."""

    side: int
    name: str
    reader: SplitReader
    pictures: bool


_Answer = tuple[list[Item], Counter[str], Counter[str]]
_parts: Sequence[_Part] = ()


def read_sides(sides: Sequence[SideOptions], pictures: bool, workers: int) -> list[Side]:
    """Read every side in worker processes.

    Args:
        sides: What the sides are.
        pictures: Whether pictures are hashed.
        workers: How many processes. 0: one a core.

    Returns:
        The sides, their samples in the order of the input.

    Raises:
        UsageError: A side is not given as one must be, or stands on both sides.
        CorpusError: A corpus or label file cannot be read.
        BuildError: A worker was killed.
        Stopped: SIGINT or SIGTERM was received.
    """
    with ExitStack() as stack:
        parts = [part for n, side in enumerate(sides) for part in _open(n, side, pictures, stack)]
        _refuse_same_twice(parts, sides)
        read = [Side(", ".join(p.name for p in parts if p.side == n)) for n in range(len(sides))]
        jobs = [
            (number, start)
            for number, part in enumerate(parts)
            for start in range(0, len(part.reader), _STEP)
        ]
        total = sum(len(part.reader) for part in parts)
        with _answers(parts, jobs, min(len(jobs), workers or cores())) as answers:
            done = 0
            ids: dict[tuple[int, str], Item] = {}
            with progress_of(total) as show:
                for (number, start), future in zip(jobs, answers, strict=True):
                    side, reader = read[parts[number].side], parts[number].reader
                    items, refused, lacking = future.result()
                    for item in items:
                        first = ids.setdefault((number, item.id), item)
                        if first is item:
                            (side.items if item.label else side.unlabelled).append(item)
                        elif item.label:  # a build refuses it too
                            refused[RejectReason.DUPLICATE_ID] += 1
                    side.refused += refused
                    side.without_picture += lacking
                    count = min(_STEP, len(reader) - start)
                    side.samples += count
                    done += count
                    show(done)
    return read


@contextmanager
def _answers(
    parts: list[_Part], jobs: list[tuple[int, int]], workers: int
) -> Iterator[list[Future[_Answer]]]:
    try:
        with worker_pool(workers or 1, _start, parts) as pool:
            with block_signals():
                futures = [pool.submit(_read, *job) for job in jobs]
            yield futures
    except BrokenProcessPool as error:
        raise BuildError("a worker was killed (out of memory?): audit again with fewer --workers") from error


def _open(number: int, side: SideOptions, pictures: bool, stack: ExitStack) -> list[_Part]:
    if side.labels and (side.dataset or side.root or side.splits):
        raise UsageError("a side is a corpus or label files, not both")
    parts = []
    for path in side.labels:
        if not path.is_file():
            raise UsageError(f"{path}: no such label file")
        real = path.resolve()
        files_beside = stack.enter_context(FolderFiles(real.parent))
        # no source: nothing tells which split of which corpus a plain label file is
        entries = open_labels(files_beside, real.name, "", side.columns)
        profile = None if side.profile is None else profile_named(side.profile)
        reader = LabelledSplit(files_beside, entries, "", str, profile=profile)
        # with its folder's name: label files of two corpora are mostly called alike
        parts.append(_Part(number, "/".join(path.absolute().parts[-2:]), reader, False))
    if side.dataset is None:
        return parts
    corpus = corpus_named(side.dataset, side.splits)
    if corpus.name in OWN_TABLES:
        corpus = with_profile(corpus, side.profile, side.columns)
    files = stack.enter_context(open_corpus(corpus, side.root))
    available = corpus.available(files)
    splits = tuple(dict.fromkeys(side.splits)) or available
    if not splits:
        raise corpus.absent(files.root)
    for split in splits:
        if split not in available:
            raise corpus.absent(files.root, split, available)
        reader_of_split = corpus.open_split(files, split)
        parts.append(_Part(number, f"{corpus.name}/{split}", reader_of_split, pictures))
    return parts


def _refuse_same_twice(parts: list[_Part], sides: Sequence[SideOptions]) -> None:
    """The same split of the same corpus on both sides would all be leakage."""
    seen: dict[tuple[str, str], int] = {}
    for part in parts:
        key = part.reader.digest(), part.name
        if key in seen and seen[key] != part.side and sides[0].root == sides[part.side].root:
            raise UsageError(f"{part.name} stands on both sides: choose with --split and --against-split")
        seen.setdefault(key, part.side)


def _start(parts: Sequence[_Part]) -> None:
    global _parts  # noqa: PLW0603 - what the pool hands to an initializer must be kept somewhere
    _parts = parts
    init_worker()


def _read(number: int, start: int) -> _Answer:
    part = _parts[number]
    items: list[Item] = []
    refused, lacking = Counter[str](), Counter[str]()
    for index in range(start, min(start + _STEP, len(part.reader))):
        sample = part.reader[index]
        if isinstance(sample, Rejected):
            refused[sample.reason] += 1
            continue
        written = " ".join(sample.label.split())
        try:
            label, spelled = _spellings(sample.label, part.reader.profile)
        except LabelError as error:
            refused[error.reason] += 1
            label, spelled = "", written
        look = None
        if part.pictures:
            try:
                look = look_of(sample.image)
            except PictureError as error:
                lacking[error.reason] += 1
        items.append(Item(sample.source, sample.id, written, label, spelled, look))
    return items, refused, lacking


@lru_cache(maxsize=16384)
def _spellings(written: str, profile: str | None) -> tuple[str, str]:
    """A label in explicit form and in standard spelling; labels that repeat are parsed once."""
    tree = parse(written if profile is None else normalize(written, profile))
    label = to_label(tree)
    if rewrite(tree, standard()) == label:  # as most are: no need to parse it again
        return label, label
    try:
        return label, canonicalize(label)
    except LabelError:  # nothing in it leaves ink
        return label, label
