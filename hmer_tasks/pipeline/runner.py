"""A build on this machine: several worker processes, resume, progress, and a clean end.

What is done stands in OUT/.build (markers.py); totals are always merged from there. The last file
written is build.json: an OUT that has it is finished.
"""

import gc
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hmer_tasks.corpora import Corpus, open_corpus
from hmer_tasks.errors.candidates import read_candidates
from hmer_tasks.errors.noise.model import read_model
from hmer_tasks.exceptions import BuildError, ProofError, UsageError
from hmer_tasks.pipeline import worker
from hmer_tasks.pipeline.exclude import read_exclusions
from hmer_tasks.pipeline.expand import ExpansionConfig
from hmer_tasks.pipeline.finish import finish
from hmer_tasks.pipeline.markers import (
    damaged,
    incomplete_jobs,
    plan_digest,
    read_earlier,
    read_marker,
    shard_name,
)
from hmer_tasks.pipeline.plan import (
    BuildOptions,
    Job,
    Plan,
    corpus_named,
    made_by,
    make_jobs,
    open_inputs,
    with_settings,
)
from hmer_tasks.pipeline.resume import clear, finished, prepare
from hmer_tasks.pipeline.worker import Work
from hmer_tasks.shards.manifest import Summary
from hmer_tasks.storage.store import WORK, Store, open_store
from hmer_tasks.storage.urls import PathOrUrl, is_url
from hmer_tasks.tasks import DIALECTS, TASK_NAMES, all_tasks, check_task
from hmer_tasks.tasks.prompts import prompt_set
from hmer_tasks.utils.files import sha256_of
from hmer_tasks.utils.processes import FORK, block_signals, cores, raise_on_signal, worker_pool
from hmer_tasks.utils.progress import progress_of


@dataclass(frozen=True, slots=True)
class BuildResult:
    """How a build ended: where it is, its build.json, whether it stood there already, and how many of its
    shards were damaged then and made again."""

    out: PathOrUrl
    summary: Summary
    already: bool = False
    mended: int = 0


@dataclass(frozen=True, slots=True)
class OpenBuild:
    """A build settled and ready to run: where to, what, and with what."""

    out: PathOrUrl
    store: Store
    plan: Plan
    corpus: Corpus
    work: Work


def build(options: BuildOptions) -> BuildResult:
    """Build a corpus into OUT. Resumes what an earlier run of the same arguments left.

    Raises UsageError, CorpusError, BuildError, PromptError, PredictionError, Stopped; nothing half
    written is left under a shard's name.
    """
    with raise_on_signal(), opened(options) as it, it.store.claim(), told(it.store):
        if options.overwrite:
            clear(it.store, it.plan)
        elif (summary := finished(it.store, it.plan)) is not None:
            mended = mend(it, it.plan.jobs, summary, options.workers)
            return BuildResult(it.out, summary, already=True, mended=mended)
        prepare(it.store, it.plan)
        todo = incomplete_jobs(it.store, it.plan.jobs, it.plan)
        run_jobs(it.work, todo, options.workers, kept=len(it.plan.jobs) - len(todo))
        return BuildResult(it.out, finish(it.store, it.plan, it.corpus))


@contextmanager
def opened(options: BuildOptions, ranked: bool = False) -> Iterator[OpenBuild]:
    """Open what a build reads and init_worker what it does. Raises as `build` does.

    `ranked`: others build with this process, and what one found of the inputs is taken from OUT.
    """
    context, errors = _context(options)
    corpus = with_settings(corpus_named(options.dataset, options.splits), options)
    out = options.out or Path("build") / options.dataset
    root = options.root or corpus.default_root
    if _lies_in(out, root):
        raise UsageError(f"{out} lies inside the corpus {root}: choose an --out outside it")
    store = open_store(out)
    with open_corpus(corpus, options.root) as files:
        inputs = open_inputs(corpus, files, options, read_earlier(store) if ranked else {})
        if context.excluded is not None:
            context.excluded.compare(inputs)
        names = tuple(task.name for task in context.tasks)
        plan = Plan(
            inputs,
            make_jobs(inputs, options.valid_share),
            made_by(options, names, context.prompts, errors, inputs),
            context.prompts,
        )
        done = FORK.Value("q", 0)
        work = Work(store, plan_digest(plan.made_by), inputs, context, options.valid_share, done)
        yield OpenBuild(out, store, plan, corpus, work)


def _lies_in(out: PathOrUrl, root: PathOrUrl) -> bool:
    if is_url(out) or is_url(root):
        return f"{out}/".startswith(f"{root}/")
    return Path(root).is_dir() and Path(out).resolve().is_relative_to(Path(root).resolve())


def _context(options: BuildOptions) -> tuple[ExpansionConfig, list[str]]:
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
    if options.noise is not None and "synthetic" not in parts:
        raise UsageError(f"--noise is for synthetic candidates, and --errors {options.errors} asks for none")
    candidates = read_candidates(files[0]) if files else None
    made_of = [f"sha256:{sha256_of(files[0])}"] if files else []
    made_of += ["synthetic"] if "synthetic" in parts else []
    by_name = all_tasks(options.tree_format)
    context = ExpansionConfig(
        tasks=tuple(by_name[name] for name in TASK_NAMES if name in tasks),
        prompts=prompt_set(options.prompts),
        seed=options.seed,
        normalize=options.normalize,
        synthetic="synthetic" in parts,
        keep_polarity=options.keep_polarity,
        candidates=candidates,
        clean_share=options.clean_share,
        excluded=None if options.exclude is None else read_exclusions(options.exclude),
        noise=None if options.noise is None else read_model(options.noise),
        repair=options.repair,
        images=not options.no_images,
        strict=options.strict,
    )
    return context, made_of


@contextmanager
def told(store: Store) -> Iterator[None]:
    """What goes wrong while OUT is written, as one line. Raises BuildError."""
    try:
        yield
    except FileNotFoundError as error:  # nothing that a build reads or makes goes by itself
        raise BuildError(_removed(store, error)) from error
    except OSError as error:
        where = error.filename or store
        why = " ".join(str(error.strerror or error).split()).rstrip(".")
        raise BuildError(
            f"{where}: {why}; finished shards are kept: correct this and run the same command to go on"
        ) from error
    except ProofError as error:
        raise BuildError(f"a row failed its proof, which is a bug of hmer-tasks: {error}") from error


def _removed(store: Store, error: FileNotFoundError) -> str:
    """What to say where a file that the build needs was taken away while it ran."""
    try:
        empty = not store.names()
    except OSError:
        empty = False
    if empty:
        return (
            f"{store} was removed while it was being built, and the finished shards with it: "
            f"run the same command to build it again from the start"
        )
    return (
        f"{error.filename or store} was removed while the build ran: what was removed is lost; "
        f"run the same command again, it keeps the shards that are left and makes the others"
    )


def mend(it: OpenBuild, jobs: list[Job], summary: Summary, workers: int) -> int:
    """Make those shards of a finished build again that are gone or damaged; returns how many were.

    Raises BuildError where a shard comes out otherwise than it was: then its inputs have changed.
    """
    broken = damaged(it.store, jobs, summary)
    if not broken:
        return 0
    it.store.prepare()
    run_jobs(it.work, broken, workers)
    for job in broken:
        name, stats = shard_name(job), read_marker(it.store, job, it.work.plan)
        if stats is None or stats["sha256"] != summary["shards"][name]["sha256"]:
            raise BuildError(
                f"{it.store}/{name} was damaged, and made again it is another: its pictures have changed; "
                f"pass --overwrite to build anew"
            )
        it.store.remove(f"{WORK}/{job.name}.json")
    if not it.store.names(WORK):  # else another rank is mending
        it.store.remove(WORK)
    return len(broken)


def run_jobs(work: Work, todo: list[Job], workers: int, kept: int = 0) -> None:
    """Do jobs in worker processes, one a core where `workers` is 0.

    Raises what a worker raises, and BuildError where one was killed.
    """
    if not todo:
        return
    total = sum(job.stop - job.start for job in todo if job.out_split in work.inputs)
    workers = min(len(todo), workers or cores())
    worker.preload(work.context)
    try:
        with worker_pool(workers, worker.start, work) as pool:
            gc.freeze()  # else a worker's collector writes to all memory, and it is shared no more
            with block_signals():
                futures = [pool.submit(worker.run, job) for job in todo]
            gc.unfreeze()
            with progress_of(total, skipped=kept) as show:
                # Read without the lock: a worker may have been killed while it held it.
                _wait(futures, lambda: show(work.done.get_obj().value))
    except BrokenProcessPool as error:
        raise BuildError(
            "a worker was killed (out of memory?); what is finished is kept: run the same command again"
        ) from error


def _wait(futures: "list[Future[str]]", tick: "Callable[[], None]") -> None:
    pending = set(futures)
    while pending:
        finished_now, pending = wait(pending, timeout=0.25, return_when=FIRST_COMPLETED)
        for future in finished_now:
            future.result()
        tick()
