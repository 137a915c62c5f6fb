"""`build --on local|slurm|ray`: the build as one step of a datatrove pipeline (extra [cluster]).

datatrove's executors start and watch the ranks; ranks.py does the work of a rank. The markers in OUT,
not those of datatrove, say which shards are finished. The engine's own files (logs, statistics, Slurm's
script) lie beside OUT, because the last rank finishes the build while the engine still writes them.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hmer_tasks.exceptions import BuildError, MissingLibraryError, UsageError
from hmer_tasks.pipeline.markers import incomplete_jobs
from hmer_tasks.pipeline.plan import BuildOptions
from hmer_tasks.pipeline.ranks import Ranked, build_rank, count_jobs_without_marker, end
from hmer_tasks.pipeline.resume import BUILD, clear, finished, prepare
from hmer_tasks.pipeline.runner import (
    BuildResult,
    OpenBuild,
    as_build_error,
    open_build,
    rebuild_damaged_shards,
)
from hmer_tasks.storage.urls import is_url
from hmer_tasks.utils.processes import cores, raise_on_signal
from hmer_tasks.utils.progress import progress_of

try:
    from datatrove.pipeline.base import PipelineStep

    from hmer_tasks.pipeline import slurm as slurm_array
except ImportError:
    raise MissingLibraryError("--on needs datatrove: pip install 'hmer-tasks[cluster]'") from None

if TYPE_CHECKING:
    from datatrove.executor.base import PipelineExecutor

ENGINES = ("local", "slurm", "ray")
_MOST_TASKS = 256  # ranks where no --world-size is given: each opens the corpus for itself
_POLL = 2.0  # seconds between two looks at how far the ranks are


class BuildStep(PipelineStep):
    """The build as a pipeline step: rank R of W writes its share of the missing shards, one after another.

    The step takes and yields no documents. `shards` in datatrove's statistics counts those a rank wrote.
    `load` is called first: a rank starts in a process, or on a machine, that has loaded no plug-in.
    """

    name = "hmer-tasks build"
    type = "WRITER"

    def __init__(
        self, options: BuildOptions, missing: frozenset[str], load: Callable[[], None] | None
    ) -> None:
        super().__init__()
        self.load = load
        self.options, self.missing, self.folder = options, missing, str(Path.cwd())

    def run(self, data: object = None, rank: int = 0, world_size: int = 1) -> None:
        """Do one rank's share. Raises as `build_rank` does."""
        del data
        os.chdir(self.folder)  # an engine starts its processes anywhere; paths may be relative
        if self.load is not None:
            self.load()
        done = build_rank(self.options, rank, world_size, only=self.missing, in_process=True)
        self.stat_update("shards", value=done.written)


def launch(
    options: BuildOptions,
    engine: str,
    world_size: int | None = None,
    slurm: dict[str, str] | None = None,
    logs: Path | None = None,
    *,
    load: Callable[[], None] | None = None,
) -> Ranked:
    """Build on an engine. `local` and `ray` return after the build, `slurm` after the submission.

    Args:
        options: The arguments of the build.
        engine: One of `ENGINES`.
        world_size: The number of ranks. None: one for each missing shard, at most 256.
        slurm: Options for Slurm, such as `partition`.
        logs: The folder for the engine's files. None: OUT with the suffix `.logs`.
        load: What every rank calls before it reads the corpus; `functools.partial(load_plugins, scripts)`.

    Returns:
        What was written, and the finished build unless it was only submitted.

    Raises:
        UsageError: The engine is unknown, or the options do not fit it.
        BuildError: The engine has ended and shards are missing, or a Slurm job still writes to OUT.
    """
    if engine not in ENGINES:
        raise UsageError(f"no engine {engine!r}; there are {', '.join(ENGINES)}")
    if slurm and engine != "slurm":
        raise UsageError("--slurm options are for --on slurm")
    with raise_on_signal(), open_build(options) as opened, as_build_error(opened.store):
        folder = logs or Path(f"build/{options.dataset}.logs" if is_url(opened.out) else f"{opened.out}.logs")
        # Checked before OUT is claimed: running tasks hold the lock.
        if engine == "slurm" and (job := slurm_array.queued_job(folder)) is not None:
            if options.overwrite:
                raise BuildError(f"Slurm job {job} still writes to {opened.store}: first `scancel {job}`")
            if BUILD not in opened.store.names():
                return Ranked(opened.out, 0, count_jobs_without_marker(opened), None, job)
        with opened.store.claim():
            if options.overwrite:
                clear(opened.store, opened.plan)
            elif (summary := finished(opened.store, opened.plan)) is not None:
                rebuilt = rebuild_damaged_shards(opened, opened.plan.jobs, summary, options.workers)
                result = BuildResult(opened.out, summary, already=True, rebuilt=rebuilt)
                return Ranked(opened.out, rebuilt, 0, result)
            prepare(opened.store, opened.plan)
            missing = incomplete_jobs(opened.store, opened.plan.jobs, opened.plan)
        if not missing:
            return end(opened, 0)
        rank_options = replace(options, overwrite=False, workers=1)
        step = BuildStep(rank_options, frozenset(job.name for job in missing), load)
        tasks = min(len(missing), world_size or _MOST_TASKS)
        if engine == "slurm":
            executor = slurm_array.array(step, tasks, slurm or {}, folder)
            with _stderr_to(folder):
                slurm_array.submit(executor, folder)
            return Ranked(opened.out, 0, len(missing), None)
        make_executor = _ray if engine == "ray" else _local
        _run(make_executor(step, tasks, options.workers, folder), folder, opened, len(missing))
        done = end(opened, len(missing))
    if done.built is None:
        raise BuildError(
            f"{done.remaining} of {len(opened.plan.jobs)} shards are missing: {folder} says why; "
            f"run the same command again"
        )
    return done


def _local(step: BuildStep, tasks: int, workers: int, logs: Path) -> "PipelineExecutor":
    from datatrove.executor.local import LocalPipelineExecutor

    at_once = min(tasks, workers or cores())
    return LocalPipelineExecutor(
        [step], tasks=tasks, workers=at_once, logging_dir=_absolute(logs), skip_completed=False
    )


def _ray(step: BuildStep, tasks: int, workers: int, logs: Path) -> "PipelineExecutor":
    """An executor on the connected Ray cluster, else on that of RAY_ADDRESS, else on this machine."""
    try:
        import ray
        from datatrove.executor.ray import RayPipelineExecutor
    except ImportError:
        raise MissingLibraryError("--on ray needs ray: pip install 'hmer-tasks[cluster]'") from None
    if not ray.is_initialized():
        ray.init(logging_level="ERROR", log_to_driver=False)
    return RayPipelineExecutor(
        [step],
        tasks=tasks,
        workers=workers or -1,
        logging_dir=_absolute(logs),
        skip_completed=False,
        mem_per_cpu_gb=1,
    )


def _absolute(logs: Path) -> str:
    return str(logs.absolute())


def _run(executor: "PipelineExecutor", logs: Path, opened: OpenBuild, missing: int) -> None:
    """Run to the end, and show progress by the markers in OUT."""
    stop = threading.Event()

    def watch() -> None:
        with progress_of(missing, "shards") as show:
            while not stop.wait(_POLL):
                show(missing - count_jobs_without_marker(opened))

    watcher = threading.Thread(target=watch, daemon=True)
    with _stderr_to(logs):
        watcher.start()
        try:
            executor.run()
        finally:
            stop.set()
            watcher.join()


@contextmanager
def _stderr_to(logs: Path) -> Iterator[None]:
    """Send the stderr of the engine and its processes to LOGS/engine.log, but not our own lines."""
    logs.mkdir(parents=True, exist_ok=True)
    sys.stderr.flush()
    terminal, before = os.dup(2), sys.stderr
    with (logs / "engine.log").open("ab") as log, os.fdopen(terminal, "w", errors="replace") as ours:
        os.dup2(log.fileno(), 2)
        sys.stderr = ours
        try:
            yield
        finally:
            sys.stderr = before
            ours.flush()
            os.dup2(ours.fileno(), 2)
