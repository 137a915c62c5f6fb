"""A build on this machine: several worker processes, resume, progress, and a clean end.

A shard counts as done when its stats file stands in OUT/.build and the shard has the size it
names; totals are always merged from disk. The last file written is build.json: an OUT that has it
is finished.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hmer_tasks.build import worker
from hmer_tasks.build.faults import BuildError, UsageError, check_task
from hmer_tasks.build.finish import finish
from hmer_tasks.build.plan import (
    BuildOptions,
    Job,
    Plan,
    corpus_named,
    made_by,
    make_jobs,
    open_inputs,
    with_settings,
)
from hmer_tasks.build.pool import FORK, held_back, stoppable, worker_pool
from hmer_tasks.build.progress import progress_of
from hmer_tasks.build.rows import Context
from hmer_tasks.build.summary import Summary
from hmer_tasks.build.whole import sha256_of, write_whole
from hmer_tasks.build.worker import WORK, Work
from hmer_tasks.corpora import Corpus, open_corpus
from hmer_tasks.errors.predictions import read_candidates
from hmer_tasks.tasks import DIALECTS, TASK_NAMES, ProofError, all_tasks
from hmer_tasks.tasks.prompts import prompt_set

PLAN, BUILD = "plan.json", "build.json"
_TEXTS = (BUILD, "README.md", "rejects.jsonl")
_OURS = {"data", WORK, *_TEXTS, *(f".{name}.tmp" for name in _TEXTS)}


@dataclass(frozen=True, slots=True)
class Built:
    """How a build ended: where it is, its build.json, and whether it stood there already."""

    out: Path
    summary: Summary
    already: bool = False


def build(options: BuildOptions) -> Built:
    """Build a corpus into OUT. Resumes what an earlier run of the same arguments left.

    Raises UsageError, CorpusError, BuildError, PromptError, PredictionError, Stopped; nothing half
    written is left under a shard's name.
    """
    context, errors = _context(options)
    corpus = with_settings(corpus_named(options.dataset, options.splits), options)
    out = options.out or Path("build") / options.dataset
    root = options.root or corpus.default_root
    if root.is_dir() and out.resolve().is_relative_to(root.resolve()):
        raise UsageError(f"{out} lies inside the corpus {root}: choose an --out outside it")
    with stoppable(), open_corpus(corpus, options.root) as files:
        inputs = open_inputs(corpus, files, options)
        names = tuple(task.name for task in context.tasks)
        plan = Plan(
            inputs,
            make_jobs(inputs, options.valid_share),
            made_by(options, names, dict(context.prompts), errors, inputs),
        )
        with _claim(out):
            return _build_in(out, plan, context, options, corpus)


def _context(options: BuildOptions) -> tuple[Context, list[str]]:
    """What samples are expanded with, and the error sources as they stand in build.json."""
    tasks = options.tasks or TASK_NAMES
    for task in tasks:
        check_task(task)
    if options.tree_format not in DIALECTS:
        raise UsageError(f"no tree format {options.tree_format!r}; there are {', '.join(DIALECTS)}")
    if not 0 <= options.valid_share < 1:
        raise UsageError(f"--valid-share must be at least 0 and below 1, not {options.valid_share}")
    if not 0 <= options.clean_share <= 1:
        raise UsageError(f"--clean-share must be from 0 to 1, not {options.clean_share}")
    if options.limit is not None and options.limit < 1:
        raise UsageError(f"--limit must be at least 1, not {options.limit}")
    if options.workers < 0:
        raise UsageError(f"--workers must be at least 1 (or 0: one a core), not {options.workers}")
    parts = [part for part in options.errors.split(",") if part]
    files = [Path(part) for part in parts if part != "synthetic"]
    if len(files) > 1 or not parts:
        raise UsageError(f"--errors is synthetic, FILE or FILE,synthetic, not {options.errors!r}")
    candidates = read_candidates(files[0]) if files else None
    made_of = [f"sha256:{sha256_of(files[0])}"] if files else []
    made_of += ["synthetic"] if "synthetic" in parts else []
    by_name = all_tasks(options.tree_format)
    context = Context(
        tasks=tuple(by_name[name] for name in TASK_NAMES if name in tasks),
        prompts=prompt_set(options.prompts),
        seed=options.seed,
        normalize=options.normalize,
        synthetic="synthetic" in parts,
        keep_polarity=options.keep_polarity,
        candidates=candidates,
        clean_share=options.clean_share,
    )
    return context, made_of


@contextmanager
def _claim(out: Path) -> Iterator[None]:
    """Hold OUT for this build alone. The lock is the folder's own and goes with its processes."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        handle = os.open(out, os.O_RDONLY)
    except OSError as error:
        raise BuildError(f"cannot write to {out}: {error.strerror}; choose another --out") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BuildError(
                f"{out} is being written by another build: wait for it, or choose another --out"
            ) from None
        yield
    finally:
        os.close(handle)


def _build_in(out: Path, plan: Plan, context: Context, options: BuildOptions, corpus: Corpus) -> Built:
    try:
        if options.overwrite:
            _clear(out, plan)
        elif (finished := _finished(out, plan)) is not None:
            return Built(out, finished, already=True)
        _prepare(out, plan)
        _run_jobs(out, plan, context, options)
        return Built(out, finish(out, plan, corpus))
    except OSError as error:
        where = error.filename or out
        raise BuildError(
            f"{where}: {error.strerror or error}; nothing is lost: mend it and run the same command to go on"
        ) from error
    except ProofError as error:
        raise BuildError(f"a row failed its proof, which is a bug of hmer-tasks: {error}") from error


def _finished(out: Path, plan: Plan) -> Summary | None:
    """The build.json of a finished build of these very arguments; None where none is finished."""
    path = out / BUILD if (out / BUILD).exists() else out / WORK / PLAN
    if not path.exists():
        strangers = [entry.name for entry in out.iterdir() if entry.name not in (WORK, f".{BUILD}.tmp")]
        if strangers:
            raise BuildError(f"{out} holds other files ({strangers[0]} …) and no build: choose another --out")
        return None
    try:
        there: Summary = json.loads(path.read_text(encoding="utf-8"))
        differing = _differing(there["made_by"], plan.made_by)
    except (ValueError, KeyError, TypeError) as error:
        raise BuildError(f"{path} is damaged ({error}): pass --overwrite to build anew") from error
    if differing:
        raise BuildError(
            f"{out} was built differently ({differing}): pass --overwrite, or choose another --out"
        )
    if path.name != BUILD:
        return None
    if (out / WORK).exists():  # killed at the very end
        shutil.rmtree(out / WORK)
    return there


def _differing(there: object, here: object, name: str = "") -> str:
    """The first argument, version or input in which two builds differ; empty where none does."""
    if isinstance(there, dict) and isinstance(here, dict):
        for key in sorted({*there, *here}):
            found = _differing(there.get(key), here.get(key), f"{name}.{key}" if name else key)
            if found:
                return found
        return ""
    return "" if there == here else f"{name}: {there} there, {here} asked for"


def _clear(out: Path, plan: Plan) -> None:
    """Remove an earlier build, and nothing that is not one's.

    What an unfinished build of these very arguments left is kept: it is this one, to be gone on with.
    """
    strangers = [entry.name for entry in out.iterdir() if entry.name not in _OURS]
    if strangers:
        raise BuildError(f"{out} holds files that no build made ({strangers[0]} …): choose another --out")
    if not (out / BUILD).exists() and _left_by(out, plan):
        return
    (out / BUILD).unlink(missing_ok=True)  # first: without it nothing is finished
    for name in (WORK, "data"):
        if (out / name).exists():
            shutil.rmtree(out / name)
    for name in _OURS:
        (out / name).unlink(missing_ok=True)


def _left_by(out: Path, plan: Plan) -> bool:
    """Whether the unfinished build in OUT is of these very arguments."""
    try:
        there = json.loads((out / WORK / PLAN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(there == {"made_by": plan.made_by})


def _prepare(out: Path, plan: Plan) -> None:
    (out / WORK).mkdir(exist_ok=True)
    for left in (out / WORK).glob("*.tmp"):
        left.unlink()
    write_whole(out / WORK / PLAN, json.dumps({"made_by": plan.made_by}))
    (out / "data").mkdir(exist_ok=True)


def _is_done(out: Path, job: Job) -> bool:
    stats, shard = out / WORK / f"{job.name}.json", out / "data" / f"{job.name}.parquet"
    try:
        size = json.loads(stats.read_text(encoding="utf-8"))["bytes"]
        return bool(shard.stat().st_size == size)
    except (FileNotFoundError, ValueError, KeyError):
        return False


def _run_jobs(out: Path, plan: Plan, context: Context, options: BuildOptions) -> None:
    todo = [job for job in plan.jobs if not _is_done(out, job)]
    if not todo:
        return
    done = FORK.Value("q", 0)
    work = Work(out, plan.inputs, context, options.valid_share, done)
    total = sum(job.stop - job.start for job in todo if job.out_split in plan.inputs)
    workers = min(len(todo), options.workers or os.cpu_count() or 1)
    try:
        with worker_pool(workers, worker.start, work) as pool:
            with held_back():
                futures = [pool.submit(worker.run, job) for job in todo]
            with progress_of(total, skipped=len(plan.jobs) - len(todo)) as show:
                # Read without the lock: a worker may have been killed while it held it.
                _wait(futures, lambda: show(done.get_obj().value))
    except BrokenProcessPool as error:
        raise BuildError(
            "a worker was killed (out of memory?); what is finished is kept: run the same command again"
        ) from error


def _wait(futures: "list[Future[str]]", tick: "Callable[[], None]") -> None:
    pending = set(futures)
    while pending:
        finished, pending = wait(pending, timeout=0.25, return_when=FIRST_COMPLETED)
        for future in finished:
            future.result()
        tick()
