"""`build --on local|slurm|ray`: the build as one step of a datatrove pipeline (extra [cluster]).

datatrove's executors start ranks and look after them; what a rank does is ranks.py's, and OUT's own
markers say what is done, not datatrove's. The engine's files (its logs, its statistics, Slurm's script) lie
beside OUT, because the last rank ends the build while the engine still writes them.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hmer_tasks.exceptions import BuildError, MissingLibraryError, UsageError
from hmer_tasks.pipeline.markers import incomplete_jobs
from hmer_tasks.pipeline.plan import BuildOptions
from hmer_tasks.pipeline.ranks import Ranked, build_rank, count_jobs_without_marker, end
from hmer_tasks.pipeline.resume import BUILD, clear, finished, prepare
from hmer_tasks.pipeline.runner import BuildResult, OpenBuild, mend, opened, told
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
    """The build as a pipeline step: rank R of W makes its share of the missing shards, one after another.

    It takes no documents and yields none; `shards` in datatrove's statistics are those that a rank wrote.
    """

    name = "hmer-tasks build"
    type = "WRITER"

    def __init__(self, options: BuildOptions, missing: frozenset[str]) -> None:
        super().__init__()
        self.options, self.missing, self.folder = options, missing, str(Path.cwd())

    def run(self, data: object = None, rank: int = 0, world_size: int = 1) -> None:
        """Do one rank's share. Raises as `build_rank` does."""
        del data
        os.chdir(self.folder)  # an engine starts its processes anywhere; paths may be relative
        done = build_rank(self.options, rank, world_size, only=self.missing, in_process=True)
        self.stat_update("shards", value=done.written)


def launch(
    options: BuildOptions,
    engine: str,
    world_size: int | None = None,
    slurm: dict[str, str] | None = None,
    logs: Path | None = None,
) -> Ranked:
    """Build on an engine: `local` and `ray` end with the build, `slurm` when it has been submitted.

    `logs`: where the engine writes, by default OUT with `.logs` behind it. Raises as `build` does, and
    BuildError where an engine has ended and shards are missing.
    """
    if engine not in ENGINES:
        raise UsageError(f"no engine {engine!r}; there are {', '.join(ENGINES)}")
    if slurm and engine != "slurm":
        raise UsageError("--slurm options are for --on slurm")
    with raise_on_signal(), opened(options) as it, told(it.store):
        folder = logs or Path(f"build/{options.dataset}.logs" if is_url(it.out) else f"{it.out}.logs")
        # Asked before OUT is claimed: tasks at work hold it.
        if engine == "slurm" and (job := slurm_array.queued(folder)) is not None:
            if options.overwrite:
                raise BuildError(f"Slurm job {job} still writes to {it.store}: first `scancel {job}`")
            if BUILD not in it.store.names():
                return Ranked(it.out, 0, count_jobs_without_marker(it), None, job)
        with it.store.claim():
            if options.overwrite:
                clear(it.store, it.plan)
            elif (summary := finished(it.store, it.plan)) is not None:
                mended = mend(it, it.plan.jobs, summary, options.workers)
                return Ranked(it.out, mended, 0, BuildResult(it.out, summary, already=True, mended=mended))
            prepare(it.store, it.plan)
            missing = incomplete_jobs(it.store, it.plan.jobs, it.plan)
        if not missing:
            return end(it, 0)
        step = BuildStep(replace(options, overwrite=False, workers=1), frozenset(job.name for job in missing))
        tasks = min(len(missing), world_size or _MOST_TASKS)
        if engine == "slurm":
            executor = slurm_array.array(step, tasks, slurm or {}, folder)
            with _chatter_to(folder):
                slurm_array.submit(executor, folder)
            return Ranked(it.out, 0, len(missing), None)
        on = _ray if engine == "ray" else _local
        _run(on(step, tasks, options.workers, folder), folder, it, len(missing))
        done = end(it, len(missing))
    if done.built is None:
        raise BuildError(
            f"{done.left} of {len(it.plan.jobs)} shards are missing: {folder} says why; "
            f"run the same command again"
        )
    return done


def _local(step: BuildStep, tasks: int, workers: int, logs: Path) -> "PipelineExecutor":
    from datatrove.executor.local import LocalPipelineExecutor

    at_once = min(tasks, workers or cores())
    return LocalPipelineExecutor(
        [step], tasks=tasks, workers=at_once, logging_dir=_whole(logs), skip_completed=False
    )


def _ray(step: BuildStep, tasks: int, workers: int, logs: Path) -> "PipelineExecutor":
    """On the cluster that RAY_ADDRESS names, or that this process is connected to, or on this machine."""
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
        logging_dir=_whole(logs),
        skip_completed=False,
        mem_per_cpu_gb=1,
    )


def _whole(logs: Path) -> str:
    return str(logs.absolute())


def _run(executor: "PipelineExecutor", logs: Path, it: OpenBuild, missing: int) -> None:
    """Run to the end, and show how far the ranks are by what stands in OUT."""
    stop = threading.Event()

    def watch() -> None:
        with progress_of(missing, "shards") as show:
            while not stop.wait(_POLL):
                show(missing - count_jobs_without_marker(it))

    watcher = threading.Thread(target=watch, daemon=True)
    with _chatter_to(logs):
        watcher.start()
        try:
            executor.run()
        finally:
            stop.set()
            watcher.join()


@contextmanager
def _chatter_to(logs: Path) -> Iterator[None]:
    """What an engine and its processes say goes to LOGS/engine.log; our own lines stay on the terminal."""
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
