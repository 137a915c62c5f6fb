"""The whole engine: one sample becomes its proven rows, or a refusal with a reason and a place.

Pure: nothing here depends on workers, order or files around it. Randomness is keyed by (seed, id).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from hmer_tasks.corpora import PictureError, Sample
from hmer_tasks.corpora.pictures import as_on_disk
from hmer_tasks.errors.predictions import Candidates
from hmer_tasks.errors.synthesize import keyed_random, synthesize
from hmer_tasks.latex.normalize import normalize
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.spelling import standard_spelling
from hmer_tasks.latex.tree import ExprTree, to_label
from hmer_tasks.reasons import LabelError, Reason
from hmer_tasks.tasks import Labelled, Row, Task, labelled


@dataclass(frozen=True, slots=True)
class Rejection:
    """A sample that is not written, and why."""

    id: str
    source: str
    reason: Reason
    where: str
    label: str


@dataclass(frozen=True, slots=True)
class Expanded:
    """A sample with its rows: one picture, the owners' label, a row a task."""

    id: str
    source: str
    gt: str
    picture: bytes
    picture_name: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Context:
    """What every sample of a build is expanded with."""

    tasks: tuple[Task, ...]
    prompts: Mapping[str, str]
    seed: int = 0
    normalize: bool = False
    synthetic: bool = True
    keep_polarity: bool = False
    candidates: Candidates | None = None
    clean_share: float = 0.0


@lru_cache(maxsize=8192)
def _read(label: str, profile: str | None, normalized: bool) -> tuple[str, ExprTree]:
    """A label in explicit form and its tree; labels that repeat are parsed once."""
    tree = parse(label if profile is None else normalize(label, profile))
    explicit = to_label(tree)
    if normalized:
        explicit = standard_spelling(explicit)
        tree = parse(explicit)
    return explicit, tree


def read_label(sample: Sample, profile: str | None, context: Context) -> tuple[str, ExprTree] | Rejection:
    """The sample's label in explicit form with its tree, or why it has none."""
    try:
        return _read(sample.label, profile, context.normalize)
    except LabelError as error:
        return _refuse(sample, error)


def expand(sample: Sample, label: str, tree: ExprTree, context: Context) -> Expanded | Rejection:
    """The sample's rows, every one proven, or why it has none.

    Raises ProofError where a row is not what its task promises: that is a bug, and ends the build.
    """
    try:
        built = [
            (task, task.row(told, context.prompts))
            for told, tasks in _told(sample, label, tree, context)
            for task in tasks
        ]
        image = as_on_disk(sample.image) if context.keep_polarity else sample.image
        picture, name = image.load()
    except LabelError as error:
        return _refuse(sample, error)
    except PictureError as error:
        return Rejection(sample.id, sample.source, error.reason, error.place, sample.label)
    rows = []
    for task, row in built:
        if row is not None:
            task.check(row)
            rows.append(row)
    return Expanded(sample.id, sample.source, sample.label, picture, name, tuple(rows))


def _told(sample: Sample, label: str, tree: ExprTree, context: Context) -> list[tuple[Labelled, list[Task]]]:
    """What rows are made of: the label for the tasks about it, each candidate for those about mistakes."""
    about_mistakes = [task for task in context.tasks if task.name.startswith("error_")]
    others = [task for task in context.tasks if task not in about_mistakes]
    told = [(labelled(label, tree, None), others)]
    if about_mistakes:
        candidates = _candidates(sample, label, context)
        told += [(labelled(label, tree, candidate), about_mistakes) for candidate in candidates]
    return told


def _candidates(sample: Sample, label: str, context: Context) -> list[str]:
    """The mined candidates, else a synthetic one if asked for; and, for some, the label itself: a model
    must also learn to say that nothing is wrong."""
    key = sample.source, sample.id
    found = context.candidates.all_wrong(*key, label) if context.candidates is not None else []
    if not found and context.synthetic:
        found = [synthesize(label, keyed_random(context.seed, *key))]
    if context.clean_share and keyed_random(context.seed, "clean", *key).random() < context.clean_share:
        found = [*found, label]
    return found


def _refuse(sample: Sample, error: LabelError) -> Rejection:
    where = f"token {error.position}" + (f": {error.detail}" if error.detail else "")
    return Rejection(sample.id, sample.source, error.reason, where, sample.label)
