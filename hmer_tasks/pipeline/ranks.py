"""A build shared by several ranks (job arrays, clusters) that communicate only through OUT.

Every rank makes the same plan; rank R of W does jobs R, R + W, … of it. The rank that finds all shards
finished merges the totals from disk. If a rank dies, run it again, or run the build without a rank:
both write only the missing shards.
"""

from collections.abc import Collection
from dataclasses import dataclass

from hmer_tasks.exceptions import BuildError, UsageError
from hmer_tasks.pipeline.finish import finish
from hmer_tasks.pipeline.markers import incomplete_jobs, jobs_without_marker
from hmer_tasks.pipeline.plan import BuildOptions
from hmer_tasks.pipeline.resume import finished, prepare
from hmer_tasks.pipeline.runner import (
    BuildResult,
    OpenBuild,
    as_build_error,
    open_build,
    rebuild_damaged_shards,
    run_jobs,
)
from hmer_tasks.pipeline.worker import run_job
from hmer_tasks.shards.manifest import Summary
from hmer_tasks.storage.store import WORK
from hmer_tasks.storage.urls import PathOrUrl
from hmer_tasks.utils.processes import raise_on_signal


@dataclass(frozen=True, slots=True)
class Ranked:
    """What a rank did.

    `written`: the shards it wrote; `remaining`: those that other ranks still have to write; `built`: the
    result, if the build is finished; `job`: the Slurm job that already writes this build, if there is one.
    """

    out: PathOrUrl
    written: int
    remaining: int
    built: BuildResult | None
    job: str | None = None


def build_rank(
    options: BuildOptions,
    rank: int,
    world_size: int,
    only: Collection[str] | None = None,
    in_process: bool = False,
) -> Ranked:
    """Do one rank's share of a build, and finish the build if no shard remains.

    Args:
        options: The arguments of the build.
        rank: The number of this rank, from 0.
        world_size: The number of ranks.
        only: The names of the shards that the ranks share. None: all.
        in_process: Work in this process instead of in worker processes.

    Returns:
        What this rank wrote and what remains.

    Raises:
        UsageError: There is no such rank, or `options.overwrite` is set.
    """
    if world_size < 1:
        raise UsageError(f"--world-size must be at least 1, not {world_size}")
    if not 0 <= rank < world_size:
        raise UsageError(
            f"--rank must be from 0 to {world_size - 1} with --world-size {world_size}, not {rank}"
        )
    if options.overwrite:
        raise UsageError(
            "--overwrite would clear what other ranks write: remove OUT first, or choose another"
        )
    with raise_on_signal(), open_build(options, ranked=True) as opened:
        share = [job for job in opened.plan.jobs if only is None or job.name in only][rank::world_size]
        with opened.store.claim(shared=True), as_build_error(opened.store):
            if (summary := finished(opened.store, opened.plan, writing=True)) is not None:
                rebuilt = rebuild_damaged_shards(opened, share, summary, options.workers)
                result = BuildResult(opened.out, summary, already=True, rebuilt=rebuilt)
                return Ranked(opened.out, rebuilt, 0, result)
            prepare(opened.store, opened.plan)
            todo = incomplete_jobs(opened.store, share, opened.plan)
            if in_process:
                for job in todo:
                    run_job(job, opened.work)
            else:
                run_jobs(opened.work, todo, options.workers, kept=len(share) - len(todo))
        with as_build_error(opened.store):
            return end(opened, len(todo))


def count_jobs_without_marker(opened: OpenBuild) -> int:
    """How many shards have no marker yet. Takes one listing, whatever their number."""
    existing = set(opened.store.names(WORK))
    return sum(f"{job.name}.json" not in existing for job in opened.plan.jobs)


def count_left(opened: OpenBuild) -> int:
    """How many shards are still to be written by any rank. Markers are read only once all exist."""
    return count_jobs_without_marker(opened) or len(
        jobs_without_marker(opened.store, opened.plan.jobs, opened.work.plan)
    )


def end(opened: OpenBuild, written: int) -> Ranked:
    """Finish the build if no shard remains to be written.

    OUT is claimed again, exclusively: of several ranks that end at the same time one merges the totals,
    and the others find the build finished.

    Args:
        opened: The build.
        written: How many shards this rank wrote, for the result.

    Returns:
        What this rank wrote, what remains, and the finished build.
    """
    remaining = count_left(opened)
    summary = finished(
        opened.store, opened.plan, writing=True
    )  # after the count: merging removes the markers
    if remaining and summary is None:
        return Ranked(opened.out, written, remaining, None)
    if summary is None:
        with opened.store.claim(wait=True):
            summary = finished(opened.store, opened.plan, writing=True) or _finish(opened)
    return Ranked(opened.out, written, 0, BuildResult(opened.out, summary))


def _finish(opened: OpenBuild) -> Summary:
    try:
        return finish(opened.store, opened.plan, opened.corpus)
    except (FileNotFoundError, BuildError):
        # Without file locks another rank may have finished the build in the meantime.
        if (summary := finished(opened.store, opened.plan, writing=True)) is not None:
            return summary
        raise
