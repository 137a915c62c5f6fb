"""The plan of a build, made before any worker starts: its inputs, its jobs, its fingerprint."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from math import ceil
from pathlib import Path

from hmer_tasks._version import __version__
from hmer_tasks.corpora import Corpus, Files, SplitReader, find, folder, parquet, recombined, synthetic
from hmer_tasks.corpora.columns import Columns
from hmer_tasks.exceptions import CorpusError, LabelError, UsageError
from hmer_tasks.latex.canonical import canonicalize
from hmer_tasks.latex.rules import profile
from hmer_tasks.pipeline.recipe import Recipe
from hmer_tasks.pipeline.repeated_ids import find_repeated_ids
from hmer_tasks.shards.manifest import CorpusPrompts, Fingerprint
from hmer_tasks.storage.urls import PathOrUrl, parse_location
from hmer_tasks.tasks.prompts import Templates, prompts_digest
from hmer_tasks.utils.files import sha256_of

SAMPLES_PER_SHARD = 2000
VALID = "valid"
OWN_TABLES = (folder.NAME, parquet.NAME)  # corpora whose labels and columns are the user's
# What the bytes of a build depend on, besides its arguments and inputs.
PACKAGES = ("lark", "pillow", "pyarrow", "pylatexenc", "rapidfuzz", "numpy", "sympy")


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """The arguments of `hmer-tasks build`, with the same defaults.

    Attributes:
        dataset: The corpus, a key of `hmer_tasks.corpora.CORPORA`; with `recipe` the recipe's name.
        root: Its folder, archive or URL. None: where it usually lies.
        splits: Its splits; empty for all that are there.
        out: A folder or URL to write to. None: `build/<dataset>`.
        tasks: The tasks by name; empty for all five.
        errors: Where wrong candidates come from: `synthetic`, a file of mined ones, or `FILE,synthetic`.
        tree_format: The dialect of trees and counts, `canonical` or `released`.
        prompts: A prompt set by name, or a .toml file; empty for the corpus's own set, else `uni-mumer`.
        normalize: Whether labels are rewritten in one spelling.
        valid_share: The share of train that is set aside as valid, by label.
        seed: The seed of all that is drawn: wrong candidates, the validation split, labels and writers of
            synthetic handwriting, the weights of a recipe, paraphrases, `clean_share`.
        workers: Worker processes; 0 for one a core.
        limit: Only so many first inputs of each split. None: all.
        overwrite: Whether an earlier build in `out` is replaced.
        count: How many samples (datasets `synthetic` and `recombined`). None: 1,000.
        like: A label file whose statistics are followed (the same two).
        look: `ink` or `photo` (the same two). None: ink.
        hands: InkML with symbol groups, to write as its people do (`synthetic` alone).
        clean_share: The share of the samples that also get rows of a candidate without mistakes.
        keep_polarity: Whether pictures that are light on dark stay so.
        exclude: JSON lines of samples to leave out, as `hmer-tasks audit -o` writes them.
        noise: A noise file of `hmer-tasks errors fit` for synthetic candidates. None: the shipped one.
        repair: Whether labels that are nearly TeX are repaired where there is exactly one way.
        no_images: Whether rows are made of the labels alone, without pictures.
        profile: How labels are read (datasets `folder` and `parquet` alone). None: as raw LaTeX.
        strict: Whether labels with an unknown command are refused.
        columns: Which column holds what (`folder` and `parquet` alone). None: found by type and name.
        plugins: Digests of the scripts with corpora and tasks of others (`plugins.script_digests`).
        recipe: Several corpora in one build; what is said of one corpus is not used then.
    """

    dataset: str
    root: PathOrUrl | None = None
    splits: tuple[str, ...] = ()
    out: PathOrUrl | None = None
    tasks: tuple[str, ...] = ()
    errors: str = "synthetic"
    tree_format: str = "canonical"
    prompts: str = ""
    normalize: bool = False
    valid_share: float = 0.0
    seed: int = 0
    workers: int = 0
    limit: int | None = None
    overwrite: bool = False
    count: int | None = None
    like: Path | None = None
    look: str | None = None
    hands: Path | None = None
    clean_share: float = 0.0
    keep_polarity: bool = False
    exclude: Path | None = None
    noise: Path | None = None
    repair: bool = False
    no_images: bool = False
    profile: str | None = None
    strict: bool = False
    columns: Columns | None = None
    plugins: tuple[str, ...] = ()
    recipe: Recipe | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One shard: inputs `start` to `stop` of a split. With a validation share, only those of one side."""

    out_split: str
    index: int
    total: int
    split: str
    start: int
    stop: int
    side: str = ""  # of a split with a validation share: train or valid

    @property
    def name(self) -> str:
        return f"{self.out_split}-{self.index:05d}-of-{self.total:05d}"


@dataclass(frozen=True, slots=True)
class Inputs:
    """An open split.

    `count`: how many of its inputs are used; `earlier`: for each input with a repeated id, the index of
    the input that had the id before.
    """

    reader: SplitReader
    count: int
    earlier: dict[int, int]

    def names(self) -> Iterator[tuple[str, str]]:
        """Source and id of each input; in a build of several corpora also without its corpus's name."""
        source = self.reader[0].source  # open_inputs rejects empty splits
        for index in range(len(self.reader)):
            id = self.reader.id(index)
            yield source, id
            if id.startswith(f"{source}/"):
                yield source, id.removeprefix(f"{source}/")


@dataclass(frozen=True, slots=True)
class Plan:
    """A build that is ready to run."""

    inputs: dict[str, Inputs]
    jobs: list[Job]
    fingerprint: Fingerprint
    prompts: Templates
    prompts_name: str
    corpus_prompts: Mapping[str, CorpusPrompts] = field(default_factory=dict)


def corpus_named(name: str, splits: tuple[str, ...] = ()) -> Corpus:
    """The corpus of that name. Raises UsageError if it, or one of the splits, does not exist."""
    try:
        corpus = find(name)
    except CorpusError as error:
        raise UsageError(str(error)) from error
    for split in splits:
        if corpus.splits and split not in corpus.splits:
            raise UsageError(f"{name} has no split {split!r}; it has {', '.join(corpus.splits)}")
    return corpus


def root_of(dataset: str | None, root: str | None) -> PathOrUrl | None:
    """The root of a corpus: the user's, else the default of the corpus. Raises UsageError."""
    if root is not None:
        return parse_location(root)
    return None if dataset is None else corpus_named(dataset).default_root


def with_settings(corpus: Corpus, options: BuildOptions) -> Corpus:
    """The corpus with its settings from `options` (generated corpora and a folder have some).

    Args:
        corpus: The corpus.
        options: The arguments of the build.

    Returns:
        The corpus, with the settings applied.

    Raises:
        UsageError: A setting is invalid, or belongs to another corpus.
    """
    corpus = with_profile(corpus, options.profile, options.columns)
    if corpus.name == "recombined" and options.hands is None:
        count = synthetic.COUNT if options.count is None else options.count
        try:
            return recombined.recombined(count, options.like, str(options.look or "ink"), options.seed)
        except CorpusError as error:
            raise UsageError(str(error)) from error
    if corpus.name != "synthetic":
        if any(setting is not None for setting in (options.count, options.like, options.look, options.hands)):
            raise UsageError(
                "--count, --like and --look are settings of --dataset synthetic and recombined, "
                "--writers of synthetic alone"
            )
        return corpus
    count = synthetic.COUNT if options.count is None else options.count
    try:
        return synthetic.synthetic(
            count, options.like, str(options.look or "ink"), options.hands, options.seed
        )
    except CorpusError as error:
        raise UsageError(str(error)) from error


def with_profile(corpus: Corpus, profile: str | None, columns: Columns | None = None) -> Corpus:
    """The corpus with its labels read by a profile, from certain columns.

    Args:
        corpus: The corpus.
        profile: The profile. None: the default one.
        columns: The columns. None: found by type and name.

    Returns:
        The corpus with these settings.

    Raises:
        UsageError: The corpus has a profile or columns of its own.
    """
    if profile is None and columns is None:
        return corpus
    if corpus.name not in OWN_TABLES:
        flag = "--columns is for your own tables" if profile is None else "--profile is for your own labels"
        raise UsageError(f"{flag} (--dataset {' or '.join(OWN_TABLES)}); {corpus.name} has its own")
    name = folder.PROFILE if profile is None else profile_named(profile)
    chosen = columns or Columns()
    if corpus.name == parquet.NAME:
        return replace(
            corpus,
            available=partial(parquet.available, columns=chosen),
            open_split=partial(parquet.open_split, columns=chosen, profile=name),
        )
    if chosen.split is not None:
        raise UsageError(
            "--columns split=NAME is for --dataset parquet; a folder's splits are its folders train, test …"
        )
    return replace(corpus, open_split=partial(folder.open_split, columns=columns, profile=name))


def profile_named(name: str) -> str | None:
    """The profile for `--profile NAME`; None for `tokens`. Raises UsageError with a suggestion."""
    if name == folder.TOKENS:
        return None
    try:
        profile(name)
    except ValueError as error:
        raise UsageError(f"--profile: {error}; or {folder.TOKENS}, for labels that are tokenised") from error
    return name


def open_inputs(
    corpus: Corpus, files: Files, options: BuildOptions, known: Mapping[tuple[str, int], dict[int, int]] = {}
) -> dict[str, Inputs]:
    """Open the requested splits, or all available ones.

    Args:
        corpus: The corpus.
        files: Its files.
        options: The arguments of the build.
        known: `Inputs.earlier` by digest and count, as another rank wrote it to OUT.

    Returns:
        The inputs of each split.

    Raises:
        CorpusError: A split is missing or empty.
        UsageError: `valid_share` does not fit the splits.
    """
    available = corpus.available(files)
    for split in options.splits:
        if split not in available:
            raise corpus.absent(files.root, split, available)
    splits = tuple(dict.fromkeys(options.splits)) or available
    if not splits:
        raise corpus.absent(files.root, "")
    check_valid_share(options.valid_share, splits, corpus.name)
    inputs = {}
    for split in splits:
        reader = corpus.open_split(files, split)
        count = len(reader) if options.limit is None else min(options.limit, len(reader))
        if count == 0:
            raise CorpusError(f"{corpus.name}: the split {split} in {files.root} is empty")
        earlier = known.get((reader.digest(), count))
        if earlier is None:
            earlier = find_repeated_ids(reader, count, options.workers)
        inputs[split] = Inputs(reader, count, earlier)
    return inputs


def check_valid_share(valid_share: float, splits: Collection[str], name: str) -> None:
    """Check that a validation share can be set aside.

    Args:
        valid_share: The share of train that is asked for.
        splits: The splits that are built.
        name: The corpus, for the message.

    Raises:
        UsageError: A share is asked for, and there is no train, or a validation split already.
    """
    if valid_share and ("train" not in splits or VALID in splits):
        problem = f"has a {VALID} split already" if VALID in splits else "needs the split train"
        raise UsageError(f"--valid-share sets samples of train aside; {name} {problem}")


def make_jobs(
    inputs: Mapping[str, Inputs], valid_share: float, out_splits: Mapping[str, str] = {}
) -> list[Job]:
    """One shard for every 2,000 inputs; validation shards cover more inputs, to have as many samples.

    Args:
        inputs: The open splits.
        valid_share: The share of the split train that is set aside.
        out_splits: The split of the build that an input goes into, if it is not called so itself.

    Returns:
        The jobs, split by split, in the order of the inputs.
    """
    parts: dict[str, list[tuple[str, str, range]]] = {}
    for split, split_inputs in inputs.items():
        out_split = out_splits.get(split, split)
        cut = valid_share > 0 and out_split == "train"
        jobs = _cut(split_inputs.count, SAMPLES_PER_SHARD)
        parts.setdefault(out_split, []).extend((split, "train" if cut else "", job) for job in jobs)
    if valid_share:
        parts[VALID] = [
            (split, VALID, job)
            for split in dict.fromkeys(split for split, _, _ in parts["train"])
            for job in _cut(inputs[split].count, ceil(SAMPLES_PER_SHARD / valid_share))
        ]
    return [
        Job(out_split, index, len(jobs), split, job.start, job.stop, side)
        for out_split, jobs in parts.items()
        for index, (split, side, job) in enumerate(jobs)
    ]


def _cut(count: int, step: int) -> list[range]:
    return [range(start, min(count, start + step)) for start in range(0, count, step)]


def is_valid_side(seed: int, label: str, share: float) -> bool:
    """Whether a label belongs to the validation split: spellings of one expression stand on one side.

    Args:
        seed: The build's seed.
        label: The label in explicit form.
        share: The share that is set aside, from 0 to 1.

    Returns:
        Whether it does.
    """
    digest = sha256(f"{seed}\x1f{expression_of(label)}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def expression_of(label: str) -> str:
    """The standard spelling of a label: expressions that look the same are the same expression.

    Args:
        label: The label in explicit form.

    Returns:
        Its standard spelling; the label itself where it has none.
    """
    try:
        return canonicalize(label)
    except LabelError:
        return label


def fingerprint(
    options: BuildOptions,
    tasks: tuple[str, ...],
    prompts: Templates,
    errors: list[str],
    inputs: dict[str, Inputs],
    *,
    corpus_prompts: Mapping[str, CorpusPrompts] = {},
) -> Fingerprint:
    """What the bytes of a build depend on: arguments, versions, inputs.

    It names no time, host, path or number of workers.

    Args:
        options: The arguments of the build.
        tasks: The tasks, in order.
        prompts: The prompt set.
        errors: The sources of candidates.
        inputs: The open splits.
        corpus_prompts: By corpus of a recipe, its own prompt set.

    Returns:
        `made_by` of build.json.
    """
    return {
        "arguments": {
            "dataset": options.dataset,
            "splits": list(inputs),
            "tasks": list(tasks),
            "errors": errors,
            "clean_share": options.clean_share,
            "tree_format": options.tree_format,
            "prompts": prompts_digest(prompts),
            "normalize": options.normalize,
            "valid_share": options.valid_share,
            "seed": options.seed,
            "limit": options.limit,
            "keep_polarity": options.keep_polarity,
            **({"no_images": True} if options.no_images else {}),
            "exclude": None if options.exclude is None else sha256_of(options.exclude),
            "noise": None if options.noise is None else sha256_of(options.noise),
            **({"profile": options.profile or folder.PROFILE} if options.dataset in OWN_TABLES else {}),
            **({"columns": options.columns.chosen()} if options.columns is not None else {}),
            **({"strict": True} if options.strict else {}),
            **({"plugins": list(options.plugins)} if options.plugins else {}),
            **(
                {"repair": True} if options.repair else {}
            ),  # only then, so that other builds keep their fingerprint
            **_settings(options),
            **_corpora(options, corpus_prompts, inputs),
        },
        "versions": {"hmer-tasks": __version__, **_versions()},
        "inputs": {
            split: {"samples": split_inputs.count, "sha256": split_inputs.reader.digest()}
            for split, split_inputs in inputs.items()
        },
    }


def _versions() -> dict[str, str]:
    versions = {package: version(package) for package in PACKAGES}
    with suppress(PackageNotFoundError):  # where it is missing HEIC pictures are refused
        versions["pillow-heif"] = version("pillow-heif")
    return versions


def _settings(options: BuildOptions) -> dict[str, str | int | None]:
    """The settings of a generated corpus. Files that they name are part of its digest, by content."""
    if options.dataset not in ("synthetic", "recombined"):
        return {}
    return {"count": options.count, "look": str(options.look or "ink")}


def _corpora(
    options: BuildOptions, prompts: Mapping[str, CorpusPrompts], inputs: Mapping[str, Inputs]
) -> dict[str, object]:
    """The corpora of a recipe, as another build by this one's build.json needs them."""
    if options.recipe is None:
        return {}
    corpora = []
    for member in options.recipe.members:
        record = member.record()
        own = [source.partition("/")[2] for source in inputs if source.startswith(f"{member.name}/")]
        record["splits"] = record["splits"] or {split: [split] for split in own}
        if member.name in prompts:
            record["prompts"] = prompts[member.name]["sha256"]
        corpora.append(record)
    return {"corpora": corpora}
