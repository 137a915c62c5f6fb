"""`build` beyond one process: a rank of a job array (--rank), or an engine that starts ranks (--on)."""

from pathlib import Path
from typing import TYPE_CHECKING

from hmer_tasks.exceptions import UsageError
from hmer_tasks.utils.terminal import echo

if TYPE_CHECKING:
    from hmer_tasks.pipeline import BuildOptions, BuildResult


def run_build(
    options: "BuildOptions",
    on: str | None,
    rank: int | None,
    world_size: int | None,
    slurm: list[str],
    logs: Path | None,
) -> "BuildResult | None":
    """Build as asked; None where others go on with it. Raises UsageError, and as `build` does."""
    if on is not None:
        return _launch(options, on, rank, world_size, slurm, logs)
    if slurm or logs is not None:
        raise UsageError("--slurm and --logs are for --on slurm (--logs for every --on)")
    if rank is not None or world_size is not None:
        return _rank(options, rank, world_size)
    from hmer_tasks.pipeline import build

    return build(options)


def _rank(options: "BuildOptions", rank: int | None, world_size: int | None) -> "BuildResult | None":
    from hmer_tasks.pipeline.ranks import build_rank

    if rank is None or world_size is None:
        raise UsageError("--rank and --world-size go together: which of how many")
    done = build_rank(options, rank, world_size)
    if done.built is None:
        echo(
            f"rank {rank} of {world_size}: wrote {done.written} shards; {done.remaining} are left to other "
            f"ranks, and the last one finishes the build in {done.out}"
        )
    return done.built


def _launch(
    options: "BuildOptions",
    on: str,
    rank: int | None,
    world_size: int | None,
    slurm: list[str],
    logs: Path | None,
) -> "BuildResult | None":
    from hmer_tasks.pipeline.cluster import launch
    from hmer_tasks.plugins import plugin_loader

    if rank is not None:
        raise UsageError("--on starts all ranks by itself: leave --rank out")
    if world_size is not None and world_size < 1:
        raise UsageError(f"--world-size must be at least 1, not {world_size}")
    asked = dict(setting.partition("=")[::2] for setting in slurm)
    if not all(asked.values()):
        raise UsageError("--slurm is KEY=VALUE, as in --slurm partition=cpu")
    done = launch(options, on, world_size, asked, logs, load=plugin_loader())
    if done.job is not None:
        echo(
            f"Slurm job {done.job} is still at it, {done.remaining} shards are left to write to {done.out}; "
            f"nothing was submitted: wait, or `scancel {done.job}` and run the same command again"
        )
    elif done.built is None:
        shards = f"{done.remaining} shard{'s' * (done.remaining != 1)}"
        echo(
            f"submitted to Slurm: {shards} to write to {done.out} (`squeue` shows the array); "
            f"the last task ends the build, and the same command submits again what is missing then"
        )
    return done.built
