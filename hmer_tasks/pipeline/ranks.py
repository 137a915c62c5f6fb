"""A build shared among ranks that know nothing of each other but OUT: job arrays, clusters.

Rank R of W does jobs R, R + W, … of the plan, which all ranks make alike. Whichever finds every shard
done merges the totals from disk. A rank that died is run again, or the build without a rank: either
does only what is missing.
"""

from collections.abc import Collection
from dataclasses import dataclass

from hmer_tasks.exceptions import BuildError, UsageError
from hmer_tasks.pipeline.finish import finish
from hmer_tasks.pipeline.markers import incomplete_jobs, jobs_without_marker
from hmer_tasks.pipeline.plan import BuildOptions
from hmer_tasks.pipeline.resume import finished, prepare
from hmer_tasks.pipeline.runner import BuildResult, OpenBuild, mend, opened, run_jobs, told
from hmer_tasks.pipeline.worker import run_job
from hmer_tasks.shards.manifest import Summary
from hmer_tasks.storage.store import WORK
from hmer_tasks.storage.urls import PathOrUrl
from hmer_tasks.utils.processes import raise_on_signal


@dataclass(frozen=True, slots=True)
class Ranked:
    """What a rank did: the shards it wrote, those still to be written by others; the build, if whole; the
    Slurm job that is at work on it already, where there was one and nothing was done."""

    out: PathOrUrl
    written: int
    left: int
    built: BuildResult | None
    job: str | None = None


def build_rank(
    options: BuildOptions,
    rank: int,
    world_size: int,
    only: Collection[str] | None = None,
    in_process: bool = False,
) -> Ranked:
    """Do one rank's share of a build, and the end of it if nothing is left.

    `only` names the shards that the ranks share, all of them where it is None; `in_process` works in this
    very process instead of in workers. Raises as `build` does, and UsageError where there is no such rank.
    """
    if not 0 <= rank < world_size:
        raise UsageError(
            f"--rank must be from 0 to {world_size - 1} with --world-size {world_size}, not {rank}"
        )
    if options.overwrite:
        raise UsageError(
            "--overwrite would clear what other ranks write: remove OUT first, or choose another"
        )
    with raise_on_signal(), opened(options, ranked=True) as it:
        mine = [job for job in it.plan.jobs if only is None or job.name in only][rank::world_size]
        with it.store.claim(shared=True), told(it.store):
            if (summary := finished(it.store, it.plan, writing=True)) is not None:
                mended = mend(it, mine, summary, options.workers)
                return Ranked(it.out, mended, 0, BuildResult(it.out, summary, already=True, mended=mended))
            prepare(it.store, it.plan)
            todo = incomplete_jobs(it.store, mine, it.plan)
            if in_process:
                for job in todo:
                    run_job(job, it.work)
            else:
                run_jobs(it.work, todo, options.workers, kept=len(mine) - len(todo))
        with told(it.store):
            return end(it, len(todo))


def count_jobs_without_marker(it: OpenBuild) -> int:
    """How many shards have no marker yet: one listing, however many there are."""
    there = set(it.store.names(WORK))
    return sum(f"{job.name}.json" not in there for job in it.plan.jobs)


def count_left(it: OpenBuild) -> int:
    """How many shards are still to be written, by whomever. Markers are read only where all are there."""
    return count_jobs_without_marker(it) or len(jobs_without_marker(it.store, it.plan.jobs, it.work.plan))


def end(it: OpenBuild, written: int) -> Ranked:
    """The end of the build, where no shard is left to be written.

    OUT is claimed anew, alone: of several ranks that end together one merges, and the others find the
    build finished.
    """
    left = count_left(it)
    summary = finished(it.store, it.plan, writing=True)  # asked second: who merges removes the markers
    if left and summary is None:
        return Ranked(it.out, written, left, None)
    if summary is None:
        with it.store.claim(wait=True):
            summary = finished(it.store, it.plan, writing=True) or _finish(it)
    return Ranked(it.out, written, 0, BuildResult(it.out, summary))


def _finish(it: OpenBuild) -> Summary:
    try:
        return finish(it.store, it.plan, it.corpus)
    except (FileNotFoundError, BuildError):
        # Where nothing can be locked, another rank may have ended the build meanwhile.
        if (summary := finished(it.store, it.plan, writing=True)) is not None:
            return summary
        raise
