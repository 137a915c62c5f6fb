"""One worker: reads a job's inputs in order, writes its shard, and leaves a marker with its stats.

A worker is forked from the parent after the corpus is opened, so the inputs cost no copy. It dies
with its parent: a thread waits on the parent's end of a pipe.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from multiprocessing.sharedctypes import Synchronized

import pyarrow as pa

from hmer_tasks.corpora import Rejected, Sample
from hmer_tasks.errors.noise.model import shipped_model
from hmer_tasks.exceptions import RejectReason
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.unknown import UnknownCommands
from hmer_tasks.pipeline.expand import ExpansionConfig, ReadLabel, expand, read_label
from hmer_tasks.pipeline.markers import shard_name, write_marker
from hmer_tasks.pipeline.plan import VALID, Inputs, Job, is_valid_side
from hmer_tasks.shards.label_statistics import label_stats
from hmer_tasks.shards.manifest import Stats
from hmer_tasks.shards.records import SampleRows
from hmer_tasks.shards.repairs import Repair
from hmer_tasks.shards.writer import ShardWriter
from hmer_tasks.storage.store import Store
from hmer_tasks.utils.files import sha256_of
from hmer_tasks.utils.processes import init_worker

_PROGRESS_EVERY = 20  # samples


@dataclass(frozen=True, slots=True)
class Work:
    """What all workers of a build share."""

    store: Store
    plan: str  # its digest
    inputs: dict[str, Inputs]
    context: ExpansionConfig
    valid_share: float
    done: "Synchronized[int]"
    contexts: Mapping[str, ExpansionConfig] = field(
        default_factory=dict
    )  # by input, where it is not `context`


_work: Work | None = None


def start(work: Work) -> None:
    """Make this process a worker (the pool's initializer)."""
    global _work  # noqa: PLW0603 - what the pool hands to an initializer must be kept somewhere
    _work = work
    init_worker()


def preload(context: ExpansionConfig) -> None:
    """Load what every sample needs before the workers are forked, so that they share the memory."""
    parse("x")
    if context.synthetic and context.noise is None:
        shipped_model()
    pa.nulls(1).take(pa.nulls(1, pa.int32()))  # pyarrow loads its functions when the first is called


def run(job: Job) -> str:
    """Build one shard; returns its name. Raises OSError, ProofError, CorpusError, PredictionError."""
    assert _work is not None, "start() comes first"
    return run_job(job, _work)


def run_job(job: Job, work: Work) -> str:
    """Write the job's shard and its marker, both atomically; returns the shard's name."""
    temporary = work.store.scratch(f"{job.name}.parquet")
    tally = _Tally(work.context.repair)
    try:
        with ShardWriter(temporary) as writer:
            for outcome in _outcomes(job, work, tally.unknown):
                if isinstance(outcome, SampleRows):
                    writer.add(outcome)
                tally.add(outcome)
        stats = tally.stats(work.plan, temporary.stat().st_size, sha256_of(temporary), writer.arrow_bytes)
        work.store.put(temporary, shard_name(job))
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    write_marker(work.store, job, stats)
    return job.name


def read_input(inputs: Inputs, index: int, context: ExpansionConfig) -> tuple[Sample, ReadLabel] | Rejected:
    """Read one input and its label. `build` and `check` both reject by this function.

    Args:
        inputs: The split.
        index: The input's index.
        context: The configuration of the build.

    Returns:
        The sample with its label, or why it was rejected.
    """
    sample = inputs.reader[index]
    if isinstance(sample, Rejected):
        return Rejected(sample.id, sample.source, sample.reason, sample.where, sample.label)
    if _is_repeated(inputs, index):
        return Rejected(
            sample.id, sample.source, RejectReason.DUPLICATE_ID, "an earlier input has this id", sample.label
        )
    excluded = context.excluded
    if excluded is not None and (
        why := excluded.why(sample.source, sample.id) or excluded.why(sample.source, sample.own_id)
    ):
        return Rejected(sample.id, sample.source, RejectReason.EXCLUDED, why, sample.label)
    label = read_label(sample, inputs.reader.profile, context)
    return label if isinstance(label, Rejected) else (sample, label)


def _outcomes(job: Job, work: Work, unknown: UnknownCommands) -> Iterator[SampleRows | Rejected]:
    inputs, context = work.inputs[job.split], work.contexts.get(job.split, work.context)
    valid = job.side == VALID
    for number, index in enumerate(range(job.start, job.stop), start=1):
        if number % _PROGRESS_EVERY == 0 and not valid:
            with work.done.get_lock():
                work.done.value += _PROGRESS_EVERY
        outcome = read_input(inputs, index, context)
        if isinstance(outcome, Rejected):
            if not valid:  # a rejected label belongs to the train side, and is reported once
                yield outcome
            continue
        sample, label = outcome
        if job.side and is_valid_side(context.seed, label.label, work.valid_share) != valid:
            continue
        unknown.add(label.label, sample.id)
        yield expand(sample, label, context)


def _is_repeated(inputs: Inputs, index: int) -> bool:
    """Whether an earlier input has the same id. Inputs that were rejected do not count."""
    before = inputs.earlier.get(index)
    while before is not None:
        if not isinstance(inputs.reader[before], Rejected):
            return True
        before = inputs.earlier.get(before)
    return False


class _Tally:
    """Counts of a shard, and a digest of the pictures that went into it."""

    def __init__(self, repair: bool) -> None:
        self.samples = self.no_candidate = self.clean = 0
        self.tasks: Counter[str] = Counter()
        self.rejects: list[Rejected] = []
        self.repairs: list[Repair] | None = [] if repair else None
        self.labels: list[str] = []
        self.unknown = UnknownCommands()
        self.digest = sha256()
        self.pictures: Counter[str] = Counter()

    def add(self, outcome: SampleRows | Rejected) -> None:
        if isinstance(outcome, Rejected):
            self.rejects.append(outcome)
            return
        self.no_candidate += outcome.no_candidate
        self.clean += outcome.clean
        if outcome.rows:
            self.samples += 1
            if self.repairs is not None and outcome.repair is not None:
                self.repairs.append(outcome.repair)
            for row in outcome.rows:
                self.tasks[row.task] += 1
            self.labels.append(outcome.rows[0].label)
            self.digest.update(outcome.picture)
            if outcome.picture_changes:
                self.pictures.update(outcome.picture_changes)

    def stats(self, plan: str, size: int, digest: str, arrow_bytes: int) -> Stats:
        stats: Stats = {
            "plan": plan,
            "samples": self.samples,
            "no_candidate": self.no_candidate,
            "clean": self.clean,
            "rows": self.tasks.total(),
            "tasks": dict(self.tasks),
            "bytes": size,
            "sha256": digest,
            "pictures_sha256": self.digest.hexdigest(),
            "rejects": [asdict(reject) for reject in self.rejects],
            "labels": label_stats(self.labels),
            "arrow_bytes": arrow_bytes,
        }
        if self.pictures:
            stats["pictures"] = dict(self.pictures)
        if self.unknown.labels:
            stats["unknown"] = self.unknown.as_json()
        if self.repairs is not None:
            stats["repairs"] = [asdict(repair) for repair in self.repairs]
        return stats
