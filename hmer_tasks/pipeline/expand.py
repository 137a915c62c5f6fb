"""The whole engine: one sample becomes its proven rows, or a refusal with a reason and a place.

Pure: nothing here depends on workers, order or files around it. Randomness is keyed by (seed, id).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from hmer_tasks.corpora import Rejected, Sample
from hmer_tasks.corpora.pictures import LoadedPicture, loaded
from hmer_tasks.errors.candidates import Candidates
from hmer_tasks.errors.noise.model import NoiseModel
from hmer_tasks.errors.noise.synthesize import synthesize
from hmer_tasks.exceptions import LabelError, PictureError, RejectReason
from hmer_tasks.latex.canonical import canonicalize
from hmer_tasks.latex.normalize import normalize
from hmer_tasks.latex.parser import parse, unknown_commands
from hmer_tasks.latex.repair import RepairedLabel, mend
from hmer_tasks.latex.tree import ExprTree, to_label
from hmer_tasks.latex.unknown import did_you_mean
from hmer_tasks.pipeline.exclude import Exclusions
from hmer_tasks.shards.records import SampleRows
from hmer_tasks.shards.repairs import Repair
from hmer_tasks.tasks import Task, labelled
from hmer_tasks.utils.keyed_random import keyed_random


@dataclass(frozen=True, slots=True)
class ExpansionConfig:
    """What every sample of a build is expanded with."""

    tasks: tuple[Task, ...]
    prompts: Mapping[str, str]
    seed: int = 0
    normalize: bool = False
    synthetic: bool = True
    keep_polarity: bool = False
    candidates: Candidates | None = None
    clean_share: float = 0.0
    excluded: Exclusions | None = None
    noise: NoiseModel | None = None  # of the synthetic candidates; None: the shipped one
    repair: bool = False
    repair_as: str | None = None  # the corpus whose repairs are made; None: the one a sample is of
    images: bool = True
    strict: bool = False  # a label with an unknown command is refused


@dataclass(frozen=True, slots=True)
class ReadLabel:
    """A label as it is built: in explicit form, with its tree, and how it was repaired, if it was."""

    label: str
    tree: ExprTree
    mended: RepairedLabel | None


@lru_cache(maxsize=8192)
def _read(label: str, profile: str | None, normalized: bool, repaired_as: str | None) -> ReadLabel:
    """A label read, after the repairs of a corpus (None: of none); labels that repeat are read once."""

    def parsed(text: str) -> ExprTree:
        return parse(text if profile is None else normalize(text, profile))

    def parses(text: str) -> bool:
        try:
            parsed(text)
        except LabelError:
            return False
        return True

    mended = None if repaired_as is None else mend(label, parses, repaired_as)
    tree = parsed(label if mended is None else mended.label)
    explicit = to_label(tree)
    if normalized:
        explicit = canonicalize(explicit)
        tree = parse(explicit)
    return ReadLabel(explicit, tree, mended)


def read_label(sample: Sample, profile: str | None, context: ExpansionConfig) -> ReadLabel | Rejected:
    """The sample's label in explicit form with its tree, or why it has none."""
    corpus = sample.source.partition("/")[0] if context.repair_as is None else context.repair_as
    try:
        read = _read(sample.label, profile, context.normalize, corpus if context.repair else None)
    except LabelError as error:
        return _refuse(sample, error)
    if context.strict and (unknown := unknown_commands(read.label)):
        place = read.label.split().index(unknown[0])
        detail = f"{unknown[0]} is not known{did_you_mean(unknown[0])}"
        return _refuse(sample, LabelError(RejectReason.UNKNOWN_COMMAND, place, detail))
    return read


def expand(sample: Sample, read: ReadLabel, context: ExpansionConfig) -> SampleRows | Rejected:
    """The sample's rows, every one proven, or why it has none.

    Raises ProofError where a row is not what its task promises: that is a bug, and ends the build.
    """
    label, tree, mended = read.label, read.tree, read.mended
    others, about_mistakes = _sorted_tasks(context)
    wrong, clean = _candidates(sample, label, context) if about_mistakes else ([], False)
    try:
        told = [(labelled(label, tree, None), others)]
        # A right candidate too: a model must also learn to say that nothing is wrong.
        told += [
            (labelled(label, tree, each), about_mistakes) for each in (*wrong, *([label] if clean else []))
        ]
        built = [(task, task.row(each, context.prompts)) for each, tasks in told for task in tasks]
        picture = _picture(sample, context)
    except LabelError as error:
        return _refuse(sample, error)
    except PictureError as error:
        return Rejected(sample.id, sample.source, error.reason, error.place, sample.label)
    rows = []
    for task, row in built:
        if row is not None:
            task.check(row)
            rows.append(row)
    lacking = bool(about_mistakes) and not wrong
    repair = None
    if mended is not None:
        repair = Repair(sample.id, sample.source, mended.kinds, sample.label, mended.label)
    return SampleRows(
        sample.id,
        sample.source,
        sample.label,
        picture.data,
        picture.name,
        tuple(rows),
        lacking,
        clean,
        repair,
        picture.changes,
    )


def _picture(sample: Sample, context: ExpansionConfig) -> LoadedPicture:
    """The sample's picture; no bytes where rows are to have none. Raises PictureError."""
    if not context.images:
        return LoadedPicture(b"", "")
    return loaded(sample.image, context.keep_polarity)


def _sorted_tasks(context: ExpansionConfig) -> tuple[list[Task], list[Task]]:
    """The tasks about a label, and those about the mistakes of a candidate."""
    about_mistakes = [task for task in context.tasks if task.name.startswith("error_")]
    return [task for task in context.tasks if task not in about_mistakes], about_mistakes


def _candidates(sample: Sample, label: str, context: ExpansionConfig) -> tuple[list[str], bool]:
    """The mined candidates, else a synthetic one if asked for; and whether the label itself is one too."""
    key = sample.source, sample.id
    found = context.candidates.all_wrong(*key, label) if context.candidates is not None else []
    if not found and context.synthetic:
        found = [synthesize(label, keyed_random(context.seed, *key), context.noise)]
    if not context.clean_share:
        return found, False
    return found, keyed_random(context.seed, "clean", *key).random() < context.clean_share


def _refuse(sample: Sample, error: LabelError) -> Rejected:
    where = f"token {error.position}" + (f": {error.detail}" if error.detail else "")
    return Rejected(sample.id, sample.source, error.reason, where, sample.label)
