"""OUT/.build: the plan of a build that is not finished, and a marker for each shard that is.

A marker is one line of JSON, the shard's stats, and the line's SHA-256. A shard counts as done where
its marker is whole and of this plan, and the shard has the bytes that the marker names.
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
    """Where a job's shard stands in OUT."""
    return f"data/{job.name}.parquet"


def plan_digest(made_by: Fingerprint) -> str:
    """What tells one plan from another."""
    return sha256(json.dumps(made_by, sort_keys=True).encode()).hexdigest()


def write_plan(store: Store, plan: Plan) -> None:
    """Say what OUT is being built from, and what was found when it was opened: other ranks need not look."""
    found = [
        {**plan.made_by["inputs"][split], "earlier": list(each.earlier.items())}
        for split, each in plan.inputs.items()
    ]
    store.write(EARLIER, _sealed(json.dumps(found)))
    store.write(PLAN, json.dumps({"made_by": plan.made_by}))


def read_earlier(store: Store) -> dict[tuple[str, int], dict[int, int]]:
    """Of inputs by digest and number: `Inputs.earlier`, as another process left it in OUT; else nothing."""
    try:
        line = _unsealed(store, EARLIER)
    except OSError:  # whoever writes to OUT tells what is wrong with it
        return {}
    found = {} if line is None else json.loads(line)
    return {(each["sha256"], each["samples"]): dict(each["earlier"]) for each in found}


def write_marker(store: Store, job: Job, stats: Stats) -> None:
    """Say that a job's shard is whole; the shard has its name already."""
    store.write(f"{WORK}/{job.name}.json", _sealed(json.dumps(stats, ensure_ascii=False)))


def read_marker(store: Store, job: Job, digest: str) -> Stats | None:
    """A job's stats; None where its marker is not there, not whole, or of another plan than `digest`."""
    line = _unsealed(store, f"{WORK}/{job.name}.json")
    if line is None:
        return None
    stats: Stats = json.loads(line)
    return stats if stats.get("plan") == digest and {"labels", "arrow_bytes"} <= stats.keys() else None


def _sealed(line: str) -> str:
    return f"{line}\n{sha256(line.encode()).hexdigest()}\n"


def _unsealed(store: Store, name: str) -> str | None:
    """A sealed line; None where it is not there or not whole."""
    try:
        line, said, _ = store.read(name).split("\n")
    except (FileNotFoundError, ValueError):  # ValueError: not two lines, or not UTF-8
        return None
    return line if sha256(line.encode()).hexdigest() == said else None


def jobs_without_marker(store: Store, jobs: list[Job], digest: str) -> list[Job]:
    """Those of `jobs` that have no marker and shard of the size it names: what others did and proved."""

    def is_marked(job: Job) -> bool:
        stats = read_marker(store, job, digest)
        return stats is not None and store.size(shard_name(job)) == stats["bytes"]

    marked = _each(is_marked, jobs, "markers read")
    return [job for job in jobs if job not in marked]


def incomplete_jobs(store: Store, jobs: list[Job], plan: Plan) -> list[Job]:
    """Those of `jobs` that are to be done, or done again: every finished shard is read and hashed."""
    digest = plan_digest(plan.made_by)
    there = set(store.names(WORK))

    def is_done(job: Job) -> bool:
        stats = read_marker(store, job, digest)
        return stats is not None and has_bytes(store, job, stats["sha256"])

    done = _each(is_done, [job for job in jobs if f"{job.name}.json" in there])
    return [job for job in jobs if job not in done]


def damaged(store: Store, jobs: list[Job], summary: Summary) -> list[Job]:
    """Those of `jobs` whose shards have not the bytes that a finished build's build.json names."""
    shards = summary["shards"]
    sound = _each(lambda job: has_bytes(store, job, shards[shard_name(job)]["sha256"]), jobs)
    return [job for job in jobs if job not in sound]


def has_bytes(store: Store, job: Job, sha256: str) -> bool:
    """Whether a job's shard is there and has that SHA-256."""
    try:
        with store.local(shard_name(job)) as path:
            return sha256_of(path) == sha256
    except FileNotFoundError:
        return False


def _each(holds: Callable[[Job], bool], jobs: list[Job], what: str = "finished shards read") -> set[Job]:
    """The jobs of which it holds, asked side by side."""
    if not jobs:
        return set()
    found = set()
    readers = ThreadPoolExecutor(_READERS)
    try:
        with progress_of(len(jobs), what) as show:
            for number, (job, held) in enumerate(zip(jobs, readers.map(holds, jobs), strict=True), start=1):
                if held:
                    found.add(job)
                show(number)
    finally:
        readers.shutdown(cancel_futures=True)
    return found
