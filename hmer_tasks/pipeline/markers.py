"""OUT/.build: the plan of an unfinished build, and a marker for each finished shard.

A marker is one line of JSON with the shard's stats, and the SHA-256 of that line. A shard counts as
finished if its marker is intact and belongs to this plan, and the shard's bytes match the marker.
"""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

from hmer_tasks.pipeline.plan import Job, Plan
from hmer_tasks.shards.manifest import Fingerprint, Stats, Summary
from hmer_tasks.storage.store import WORK, Store
from hmer_tasks.utils.files import sha256_of
from hmer_tasks.utils.progress import progress_of

PLAN = f"{WORK}/plan.json"
EARLIER = f"{WORK}/earlier.json"
_READERS = 8  # shards hashed side by side; hashlib works outside the interpreter's lock


def shard_name(job: Job) -> str:
    """The name of a job's shard in OUT."""
    return f"data/{job.name}.parquet"


def plan_digest(fingerprint: Fingerprint) -> str:
    """The SHA-256 that identifies a plan."""
    return sha256(json.dumps(fingerprint, sort_keys=True).encode()).hexdigest()


def write_plan(store: Store, plan: Plan) -> None:
    """Write the plan, and the repeated ids of its inputs, so that other ranks need not search for them."""
    earlier = [
        {**plan.fingerprint["inputs"][split], "earlier": list(split_inputs.earlier.items())}
        for split, split_inputs in plan.inputs.items()
    ]
    store.write(EARLIER, _seal(json.dumps(earlier)))
    store.write(PLAN, json.dumps({"made_by": plan.fingerprint}))


def read_earlier(store: Store) -> dict[tuple[str, int], dict[int, int]]:
    """`Inputs.earlier` by digest and count of the inputs, as another rank wrote it to OUT; else empty."""
    try:
        line = _read_sealed(store, EARLIER)
    except OSError:  # writing to OUT will report what is wrong
        return {}
    entries = {} if line is None else json.loads(line)
    return {(entry["sha256"], entry["samples"]): dict(entry["earlier"]) for entry in entries}


def write_marker(store: Store, job: Job, stats: Stats) -> None:
    """Mark a job's shard as finished. The shard has its name already.

    Args:
        store: The build.
        job: The job.
        stats: What was counted while the shard was written.
    """
    store.write(f"{WORK}/{job.name}.json", _seal(json.dumps(stats, ensure_ascii=False)))


def read_marker(store: Store, job: Job, digest: str) -> Stats | None:
    """What was counted of a finished shard.

    Args:
        store: The build.
        job: The job.
        digest: The plan's digest.

    Returns:
        The stats; None if the marker is missing, damaged, or of another plan.
    """
    line = _read_sealed(store, f"{WORK}/{job.name}.json")
    if line is None:
        return None
    stats: Stats = json.loads(line)
    return stats if stats.get("plan") == digest and {"labels", "arrow_bytes"} <= stats.keys() else None


def _seal(line: str) -> str:
    return f"{line}\n{sha256(line.encode()).hexdigest()}\n"


def _read_sealed(store: Store, name: str) -> str | None:
    """A sealed line; None if it is missing or damaged."""
    try:
        line, digest, _ = store.read(name).split("\n")
    except (FileNotFoundError, ValueError):  # ValueError: not two lines, or not UTF-8
        return None
    return line if sha256(line.encode()).hexdigest() == digest else None


def jobs_without_marker(store: Store, jobs: list[Job], digest: str) -> list[Job]:
    """The jobs without a marker and a shard of the size that it states. The shards are not hashed again.

    Args:
        store: The build.
        jobs: All jobs.
        digest: The plan's digest.

    Returns:
        Those of the jobs.
    """

    def is_marked(job: Job) -> bool:
        stats = read_marker(store, job, digest)
        return stats is not None and store.size(shard_name(job)) == stats["bytes"]

    marked = _jobs_where(is_marked, jobs, "markers read")
    return [job for job in jobs if job not in marked]


def incomplete_jobs(store: Store, jobs: list[Job], plan: Plan) -> list[Job]:
    """The jobs still to be done, or to be done again. Every finished shard is read and hashed.

    Args:
        store: The build.
        jobs: All jobs.
        plan: The plan.

    Returns:
        Those of the jobs.
    """
    digest = plan_digest(plan.fingerprint)
    existing = set(store.names(WORK))

    def is_done(job: Job) -> bool:
        stats = read_marker(store, job, digest)
        return stats is not None and has_bytes(store, job, stats["sha256"])

    done = _jobs_where(is_done, [job for job in jobs if f"{job.name}.json" in existing])
    return [job for job in jobs if job not in done]


def damaged(store: Store, jobs: list[Job], summary: Summary) -> list[Job]:
    """The jobs whose shards do not have the SHA-256 that build.json states.

    Args:
        store: The build.
        jobs: All jobs.
        summary: Its build.json.

    Returns:
        Those of the jobs.
    """
    shards = summary["shards"]
    sound = _jobs_where(lambda job: has_bytes(store, job, shards[shard_name(job)]["sha256"]), jobs)
    return [job for job in jobs if job not in sound]


def has_bytes(store: Store, job: Job, sha256: str) -> bool:
    """Whether a job's shard exists and is undamaged.

    Args:
        store: The build.
        job: The job.
        sha256: The SHA-256 that the shard should have, in hexadecimal.

    Returns:
        Whether it has.
    """
    try:
        with store.local(shard_name(job)) as path:
            return sha256_of(path) == sha256
    except FileNotFoundError:
        return False


def _jobs_where(
    condition: Callable[[Job], bool], jobs: list[Job], what: str = "finished shards read"
) -> set[Job]:
    """The jobs that meet a condition, which is evaluated in parallel threads."""
    if not jobs:
        return set()
    matching = set()
    readers = ThreadPoolExecutor(_READERS)
    try:
        with progress_of(len(jobs), what) as show:
            results = zip(jobs, readers.map(condition, jobs), strict=True)
            for number, (job, is_match) in enumerate(results, start=1):
                if is_match:
                    matching.add(job)
                show(number)
    finally:
        readers.shutdown(cancel_futures=True)
    return matching
