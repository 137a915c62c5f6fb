"""A build on this machine: worker processes, resuming, progress, and a clean end.

OUT/.build records the finished shards (markers.py), and totals are always merged from there. build.json
is written last: an OUT that has it is finished.
"""

import gc
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from hmer_tasks.corpora import Corpus, open_corpus
from hmer_tasks.errors.candidates import Candidates, read_candidates
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
from hmer_tasks.pipeline.mixture import open_mixture
from hmer_tasks.pipeline.plan import (
    VALID,
    BuildOptions,
    Inputs,
    Job,
    Plan,
    check_valid_share,
    corpus_named,
    fingerprint,
    make_jobs,
    open_inputs,
    with_settings,
)
from hmer_tasks.pipeline.recipe import renamed_corpora
from hmer_tasks.pipeline.resume import clear, finished, prepare
from hmer_tasks.pipeline.worker import Work
from hmer_tasks.shards.manifest import Summary
from hmer_tasks.storage.store import WORK, Store, open_store
from hmer_tasks.storage.urls import PathOrUrl, is_url
from hmer_tasks.tasks import DIALECTS, TASK_NAMES, all_tasks, check_task, plugin_prompts, task_names
from hmer_tasks.tasks.prompts import DEFAULT, named_in_file, read_prompts
from hmer_tasks.utils.files import sha256_of
from hmer_tasks.utils.processes import FORK, block_signals, cores, raise_on_signal, worker_pool
from hmer_tasks.utils.progress import progress_of
from hmer_tasks.utils.terminal import echo


@dataclass(frozen=True, slots=True)
class BuildResult:
    """How a build ended.

    Attributes:
        out: Where the build is.
        summary: Its build.json.
        already: Whether it was finished before.
        rebuilt: How many of its shards were damaged and have been written again.
    """

    out: PathOrUrl
    summary: Summary
    already: bool = False
    rebuilt: int = 0

    @property
    def mended(self) -> int:
        """The former name of `rebuilt`."""
        warnings.warn("BuildResult.mended is now BuildResult.rebuilt", DeprecationWarning, stacklevel=2)
        return self.rebuilt


@dataclass(frozen=True, slots=True)
class OpenBuild:
    """A build that is planned and opened: its output, its jobs, and what the workers need."""

    out: PathOrUrl
    store: Store
    plan: Plan
    corpus: Corpus
    work: Work


def build(options: BuildOptions) -> BuildResult:
    """Build a corpus into OUT, or resume an earlier run of the same arguments.

    Args:
        options: The arguments of `hmer-tasks build`.

    Returns:
        Where the build is, and its build.json.

    Raises:
        UsageError: An argument is invalid.
        CorpusError: The corpus cannot be read.
        BuildError: OUT holds something else or cannot be written. No partial file has a shard's name.
        PromptError: The prompt file is invalid.
        PredictionError: The prediction file of `errors` is invalid.
        Stopped: SIGINT or SIGTERM was received.

    Examples:
        >>> from hmer_tasks.pipeline import BuildOptions, build
        >>> build(BuildOptions(dataset="sample")).summary["splits"].keys()  # doctest: +SKIP
        dict_keys(['train'])
    """
    with raise_on_signal(), open_build(options) as opened, opened.store.claim(), as_build_error(opened.store):
        if options.overwrite:
            clear(opened.store, opened.plan)
        elif (summary := finished(opened.store, opened.plan)) is not None:
            rebuilt = rebuild_damaged_shards(opened, opened.plan.jobs, summary, options.workers)
            return BuildResult(opened.out, summary, already=True, rebuilt=rebuilt)
        prepare(opened.store, opened.plan)
        todo = incomplete_jobs(opened.store, opened.plan.jobs, opened.plan)
        run_jobs(opened.work, todo, options.workers, kept=len(opened.plan.jobs) - len(todo))
        return BuildResult(opened.out, finish(opened.store, opened.plan, opened.corpus))


@contextmanager
def open_build(options: BuildOptions, ranked: bool = False) -> Iterator[OpenBuild]:
    """Open the inputs of a build and plan its jobs.

    Args:
        options: The arguments of the build.
        ranked: Other ranks share this build; what one of them found out about the inputs is read from OUT.

    Yields:
        The build, open until the block ends.

    Raises:
        UsageError: An argument is invalid, or OUT lies inside the corpus.
    """
    corpus: Corpus | None = None
    if options.recipe is None:
        corpus = with_settings(corpus_named(options.dataset, options.splits), options)
        options = with_own_tasks(options, corpus)
    context, errors = _context(options)
    out = options.out or Path("build") / options.dataset
    store = open_store(out)
    _refuse_inside(out, options, corpus)
    known = read_earlier(store) if ranked else {}
    with ExitStack() as stack:
        mixture = None
        if corpus is None:
            assert options.recipe is not None
            mixture = open_mixture(options.recipe, options, context, stack, known)
            check_valid_share(options.valid_share, set(mixture.out_splits.values()), options.dataset)
            corpus, inputs = mixture.corpus, mixture.inputs
        else:
            files = stack.enter_context(open_corpus(corpus, options.root))
            inputs = open_inputs(corpus, files, options, known)
        if context.excluded is not None:
            context.excluded.compare(inputs)
        if context.candidates is not None:
            _compare_candidates(context.candidates, inputs, options.errors)
        names = tuple(task.name for task in context.tasks)
        corpus_prompts = {} if mixture is None else mixture.prompts
        plan = Plan(
            inputs,
            make_jobs(inputs, options.valid_share, {} if mixture is None else mixture.out_splits),
            fingerprint(options, names, context.prompts, errors, inputs, corpus_prompts=corpus_prompts),
            context.prompts,
            named_in_file(options.prompts or DEFAULT),
            corpus_prompts,
        )
        done = FORK.Value("q", 0)
        contexts = {} if mixture is None else mixture.contexts
        work = Work(
            store, plan_digest(plan.fingerprint), inputs, context, options.valid_share, done, contexts
        )
        yield OpenBuild(out, store, plan, corpus, work)


def _refuse_inside(out: PathOrUrl, options: BuildOptions, corpus: Corpus | None) -> None:
    """Raise UsageError if OUT lies inside a corpus."""
    roots = [] if corpus is None else [options.root or corpus.default_root]
    for member in () if options.recipe is None else options.recipe.members:
        roots.append(member.root or corpus_named(member.dataset).default_root)
    for root in roots:
        if _lies_in(out, root):
            raise UsageError(f"{out} lies inside the corpus {root}: choose an --out outside it")


def with_own_tasks(options: BuildOptions, corpus: Corpus) -> BuildOptions:
    """The options with the tasks and prompts that fit a corpus whose pictures do not show its labels.

    Args:
        options: The arguments of the build.
        corpus: The corpus.

    Returns:
        The options; for other corpora as they are.

    Raises:
        UsageError: Another task is asked for, or prompts that are untrue of its pictures.
    """
    if not corpus.tasks:
        return options
    asked = tuple(options.tasks or TASK_NAMES)
    tasks = tuple(task for task in asked if task in corpus.tasks)
    if not tasks or (asked != tasks and set(asked) != set(TASK_NAMES)):
        other = next(task for task in asked if task not in corpus.tasks)
        raise UsageError(
            f"{corpus.name} has no rows of {other}: its pictures do not show the label but a solution with "
            f"mistakes; it has {', '.join(corpus.tasks)}"
        )
    if options.prompts == DEFAULT:
        raise UsageError(
            f"--prompts {DEFAULT} speaks of a recogniser's mistakes, and {corpus.name} has a person's: leave "
            f"it out ({corpus.prompts}), or give a set of your own"
        )
    return replace(options, tasks=tasks, prompts=options.prompts or corpus.prompts)


def _lies_in(out: PathOrUrl, root: PathOrUrl) -> bool:
    if is_url(out) or is_url(root):
        return f"{out}/".startswith(f"{root}/")
    return Path(root).is_dir() and Path(out).resolve().is_relative_to(Path(root).resolve())


def _context(options: BuildOptions) -> tuple[ExpansionConfig, list[str]]:
    """The configuration for expanding samples, and the error sources as build.json records them."""
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
    if options.noise is not None and not any(task.startswith("error_") for task in tasks):
        raise UsageError("--noise is for the candidates of error tasks, and --tasks names none")
    for option, path in (("--errors", files[0] if files else None), ("--noise", options.noise)):
        if path is not None and not path.exists():
            raise UsageError(f"{option} {path}: no such file")
    candidates = read_candidates(files[0]) if files else None
    made_of = [f"sha256:{sha256_of(files[0])}"] if files else []
    made_of += ["synthetic"] if "synthetic" in parts else []
    by_name = all_tasks(options.tree_format)
    context = ExpansionConfig(
        tasks=tuple(by_name[name] for name in task_names() if name in tasks),
        prompts=read_prompts(options.prompts or DEFAULT, tasks, plugin_prompts(tasks)),
        seed=options.seed,
        normalize=options.normalize,
        synthetic="synthetic" in parts,
        keep_polarity=options.keep_polarity,
        candidates=candidates,
        clean_share=options.clean_share,
        excluded=None
        if options.exclude is None
        else read_exclusions(options.exclude, renamed_corpora(options.recipe)),
        noise=None if options.noise is None else read_model(options.noise),
        repair=options.repair,
        images=not options.no_images,
        strict=options.strict,
    )
    return context, made_of


@contextmanager
def as_build_error(store: Store) -> Iterator[None]:
    """Turn errors while OUT is written into a BuildError with a one-line message.

    Args:
        store: OUT, named in the message.

    Yields:
        Nothing.

    Raises:
        BuildError: The block raised OSError or ProofError.
    """
    try:
        yield
    except FileNotFoundError as error:  # files of a build do not disappear by themselves
        raise BuildError(_removed(store, error)) from error
    except OSError as error:
        where = error.filename or store
        why = " ".join(str(error.strerror or error).split()).rstrip(".")
        why = re.sub(r"^Error .*Detail: \[errno \d+\] ", "", why)  # pyarrow's way of saying it
        raise BuildError(
            f"{where}: {why}; finished shards are kept: correct this and run the same command to go on"
        ) from error
    except ProofError as error:
        raise BuildError(str(error)) from error


def _removed(store: Store, error: FileNotFoundError) -> str:
    """The message for a file that was removed while the build ran."""
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


def _compare_candidates(candidates: Candidates, inputs: Mapping[str, Inputs], errors: str) -> None:
    """Say how many samples of a file of candidates are not in the corpus. Raises UsageError if none is."""
    names = chain.from_iterable(split.names() for split in inputs.values())
    every, used = len(candidates.by_sample), candidates.count_used(names)
    if every and not used:
        problem = f"none of its {every:,} samples is of this corpus: another corpus's?"
        raise UsageError(f"--errors {errors}: {problem}")
    if used < every:
        echo(f"--errors {errors}: {every - used:,} of its {every:,} samples are not in the corpus", err=True)


def rebuild_damaged_shards(opened: OpenBuild, jobs: list[Job], summary: Summary, workers: int) -> int:
    """Write missing or damaged shards of a finished build again.

    Args:
        opened: The build.
        jobs: The shards to check.
        summary: The build's build.json, which has their checksums.
        workers: The number of worker processes. 0: one for each core.

    Returns:
        How many shards were written again.

    Raises:
        BuildError: A shard differs from the one that was damaged, so its inputs have changed.
    """
    broken = damaged(opened.store, jobs, summary)
    if not broken:
        return 0
    opened.store.prepare()
    run_jobs(opened.work, broken, workers)
    for job in broken:
        name, stats = shard_name(job), read_marker(opened.store, job, opened.work.plan)
        if stats is None or stats["sha256"] != summary["shards"][name]["sha256"]:
            raise BuildError(
                f"{opened.store}/{name} was damaged, and writing it again gives other bytes: its pictures "
                f"have changed; pass --overwrite to build anew"
            )
        opened.store.remove(f"{WORK}/{job.name}.json")
    if not opened.store.names(WORK):  # else another rank is still rebuilding
        opened.store.remove(WORK)
    return len(broken)


def run_jobs(work: Work, todo: list[Job], workers: int, kept: int = 0) -> None:
    """Do jobs in worker processes.

    Args:
        work: What the workers share.
        todo: The jobs.
        workers: The number of processes. 0: one for each core.
        kept: How many shards were finished before, for the progress display.

    Raises:
        BuildError: A worker was killed. Errors of workers are raised as they are.
    """
    if not todo:
        return
    total = sum(job.stop - job.start for job in todo if job.side != VALID)
    workers = min(len(todo), workers or cores())
    worker.preload(work.context)
    try:
        with worker_pool(workers, worker.start, work) as pool:
            gc.freeze()  # else a worker's collector writes to the shared memory, which copies it
            with block_signals():
                futures = [pool.submit(worker.run, job) for job in todo]
            gc.unfreeze()
            with progress_of(total, skipped=kept) as show:
                # Read without the lock: a worker may have been killed while holding it.
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
