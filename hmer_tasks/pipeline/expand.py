"""The engine: one sample becomes its proven rows, or a rejection with a reason and a place.

The functions are pure: nothing depends on workers, order or other files. Randomness is keyed by (seed, id).
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache

from hmer_tasks.corpora import Rejected, Sample
from hmer_tasks.corpora.pictures import LoadedPicture, loaded
from hmer_tasks.errors.candidates import Candidates
from hmer_tasks.errors.equivalence import is_equivalent
from hmer_tasks.errors.noise.model import NoiseModel
from hmer_tasks.errors.noise.synthesize import synthesize
from hmer_tasks.exceptions import LabelError, PictureError, ProofError, RejectReason
from hmer_tasks.latex.canonical import canonicalize
from hmer_tasks.latex.normalize import normalize
from hmer_tasks.latex.parser import parse, unknown_commands
from hmer_tasks.latex.repair import RepairedLabel, repair
from hmer_tasks.latex.tree import ExprTree, to_label
from hmer_tasks.latex.unknown import did_you_mean
from hmer_tasks.pipeline.exclude import Exclusions
from hmer_tasks.shards.records import SampleRows
from hmer_tasks.shards.repairs import Repair
from hmer_tasks.tasks import PLUGIN_TASKS, Task, labelled
from hmer_tasks.tasks.base import prove_row
from hmer_tasks.tasks.prompts import Templates, draw
from hmer_tasks.utils.keyed_random import keyed_random

_NO_PICTURE = LoadedPicture(b"", "")


@dataclass(frozen=True, slots=True)
class ExpansionConfig:
    """What every sample of a build is expanded with."""

    tasks: tuple[Task, ...]
    prompts: Templates
    seed: int = 0
    normalize: bool = False
    synthetic: bool = True
    keep_polarity: bool = False
    candidates: Candidates | None = None
    clean_share: float = 0.0
    excluded: Exclusions | None = None
    noise: NoiseModel | None = None  # for synthetic candidates; None: the shipped model
    repair: bool = False
    repair_as: str | None = None  # the corpus whose repairs are applied; None: that of the sample
    images: bool = True
    strict: bool = False  # reject labels with an unknown command
    about_label: tuple[Task, ...] = field(init=False)  # those of `tasks` that ask about the label
    about_mistakes: tuple[Task, ...] = field(init=False)  # those that ask about a candidate's mistakes

    def __post_init__(self) -> None:
        mistakes = tuple(task for task in self.tasks if task.name.startswith("error_"))
        object.__setattr__(self, "about_mistakes", mistakes)
        object.__setattr__(
            self, "about_label", tuple(task for task in self.tasks if not task.name.startswith("error_"))
        )


@dataclass(frozen=True, slots=True)
class ReadLabel:
    """A label in explicit form, with its tree, and its repair if it needed one.

    `erroneous`: in explicit form, what the picture shows instead (`Sample.erroneous`).
    """

    label: str
    tree: ExprTree
    repaired: RepairedLabel | None
    erroneous: str | None = None


@lru_cache(maxsize=8192)
def _read(label: str, profile: str | None, normalized: bool, repaired_as: str | None) -> ReadLabel:
    """Parse a label after the repairs of a corpus (None: no repairs). Repeated labels are cached."""

    def parsed(text: str) -> ExprTree:
        return parse(text if profile is None else normalize(text, profile))

    def parses(text: str) -> bool:
        try:
            parsed(text)
        except LabelError:
            return False
        return True

    repaired = None if repaired_as is None else repair(label, parses, repaired_as)
    tree = parsed(label if repaired is None else repaired.label)
    explicit = to_label(tree)
    if normalized:
        explicit = canonicalize(explicit)
        tree = parse(explicit)
    return ReadLabel(explicit, tree, repaired)


def read_label(sample: Sample, profile: str | None, context: ExpansionConfig) -> ReadLabel | Rejected:
    """The sample's label in explicit form with its tree, or the rejection of the sample.

    Args:
        sample: The sample.
        profile: The normalization profile of its corpus. None: the labels are tokenised already.
        context: The configuration of the build.

    Returns:
        The label, or why it was rejected.
    """
    repaired_as = None
    if context.repair:
        corpus = context.repair_as
        repaired_as = sample.source.partition("/")[0] if corpus is None else corpus
    try:
        result = _read(sample.label, profile, context.normalize, repaired_as)
    except LabelError as error:
        return _refuse(sample, error)
    if context.strict and (unknown := unknown_commands(result.label)):
        place = result.label.split().index(unknown[0])
        detail = f"{unknown[0]} is not known{did_you_mean(unknown[0])}"
        return _refuse(sample, LabelError(RejectReason.UNKNOWN_COMMAND, place, detail))
    if sample.erroneous is None:
        return result
    try:
        erroneous = _read(sample.erroneous, profile, context.normalize, None).label
    except LabelError as error:
        return _refuse(sample, error, "in the solution as it is written: ")
    if sample.erroneous != sample.label and is_equivalent(erroneous, result.label):
        where = "the solution as it is written and its corrected form are the same mathematics"
        return Rejected(sample.id, sample.source, RejectReason.NO_DIFFERENCE, where, sample.label)
    return replace(result, erroneous=erroneous)


def expand(sample: Sample, read: ReadLabel, context: ExpansionConfig) -> SampleRows | Rejected:
    """Expand a sample into its rows, each of them proven.

    Args:
        sample: The sample.
        read: Its label, as `read_label` returned it.
        context: The configuration of the build.

    Returns:
        The sample's rows, or why it was rejected.

    Raises:
        ProofError: A row is not what its task promises. This is a bug, of the project or of a plug-in, and it
            ends the build.
    """
    label, tree, repaired = read.label, read.tree, read.repaired
    about_label, about_mistakes = context.about_label, context.about_mistakes
    if read.erroneous is not None:  # the picture does not show the label: nothing can be asked of it alone
        about_label, clean = (), read.erroneous == label
        wrong = [] if clean else [read.erroneous]
    else:
        wrong, clean = _candidates(sample, label, context) if about_mistakes else ([], False)
    prompts = draw(context.prompts, context.seed, sample.source, sample.id)
    try:
        inputs = [(labelled(label, tree, None, sample.image), about_label)]
        # Correct candidates as well: a model must also learn to say that nothing is wrong.
        inputs += [
            (labelled(label, tree, candidate, sample.image), about_mistakes)
            for candidate in (*wrong, *([label] if clean else []))
        ]
        built = [(task, task.row(task_input, prompts)) for task_input, tasks in inputs for task in tasks]
        picture = _picture(sample, context)
    except LabelError as error:
        return _refuse(sample, error)
    except PictureError as error:
        return Rejected(sample.id, sample.source, error.reason, error.place, sample.label)
    rows = []
    for task, row in built:
        if row is not None:
            try:
                prove_row(task, row, picture.data)
            except ProofError as error:
                bug = "its plug-in" if task.name in PLUGIN_TASKS else "hmer-tasks"
                what = f"a row failed its proof, which is a bug of {bug}"
                raise ProofError(f"{sample.source} {sample.id}, {task.name}: {what}: {error}") from error
            rows.append(row)
    lacking = bool(about_mistakes) and not wrong and read.erroneous is None
    record = None
    if repaired is not None:
        original = sample.label if sample.gt is None else sample.gt
        record = Repair(sample.id, sample.source, repaired.kinds, original, repaired.label)
    return SampleRows(
        sample.id,
        sample.source,
        sample.label if sample.gt is None else sample.gt,
        picture.data,
        picture.name,
        tuple(rows),
        lacking,
        clean,
        record,
        picture.changes,
    )


def _picture(sample: Sample, context: ExpansionConfig) -> LoadedPicture:
    """The sample's picture; empty bytes in a build without pictures. Raises PictureError."""
    if not context.images:
        return _NO_PICTURE
    return loaded(sample.image, context.keep_polarity)


def _candidates(sample: Sample, label: str, context: ExpansionConfig) -> tuple[list[str], bool]:
    """The mined candidates, or a synthetic one; and whether the label itself is a candidate too."""
    key = sample.source, sample.own_id or sample.id
    candidates: list[str] = []
    if context.candidates is not None:  # made of this build, or of its corpus alone
        as_written = sample.label if sample.gt is None else sample.gt
        for id in dict.fromkeys((sample.id, key[1])):
            candidates = candidates or context.candidates.all_wrong(sample.source, id, label, as_written)
    if not candidates and context.synthetic:
        candidates = [synthesize(label, keyed_random(context.seed, *key), context.noise)]
    if not context.clean_share:
        return candidates, False
    return candidates, keyed_random(context.seed, "clean", *key).random() < context.clean_share


def _refuse(sample: Sample, error: LabelError, which: str = "") -> Rejected:
    where = f"{which}token {error.position}" + (f": {error.detail}" if error.detail else "")
    return Rejected(sample.id, sample.source, error.reason, where, sample.label)
