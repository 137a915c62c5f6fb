"""What a build will do, settled before any worker starts: its inputs, its jobs, its fingerprint."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from math import ceil
from pathlib import Path

import numpy as np

from hmer_tasks._version import __version__
from hmer_tasks.corpora import Corpus, Files, SplitReader, find, folder, recombined, synthetic
from hmer_tasks.exceptions import CorpusError, UsageError
from hmer_tasks.latex.rules import profile
from hmer_tasks.shards.manifest import Fingerprint
from hmer_tasks.storage.urls import PathOrUrl, parse_location
from hmer_tasks.tasks.prompts import fingerprint
from hmer_tasks.utils.files import sha256_of
from hmer_tasks.utils.progress import progress_of_many

SAMPLES_PER_SHARD = 2000
_IDS_AT_ONCE = 100_000
_MANY = 1_000_000  # ids; so many take seconds
VALID = "valid"
# What the bytes of a build depend on, besides its arguments and inputs.
PACKAGES = ("lark", "pillow", "pyarrow", "pylatexenc", "rapidfuzz", "numpy", "sympy")


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """The arguments of `hmer-tasks build`."""

    dataset: str
    root: PathOrUrl | None = None
    splits: tuple[str, ...] = ()
    out: PathOrUrl | None = None
    tasks: tuple[str, ...] = ()
    errors: str = "synthetic"
    tree_format: str = "canonical"
    prompts: str = "uni-mumer"
    normalize: bool = False
    valid_share: float = 0.0
    seed: int = 0
    workers: int = 0  # 0: one a core
    limit: int | None = None
    overwrite: bool = False
    # of --dataset synthetic alone
    count: int | None = None
    like: Path | None = None
    look: str | None = None
    hands: Path | None = None
    # of the error tasks: for this share of the samples a candidate that is right, too
    clean_share: float = 0.0
    # pictures that are light on dark stay so
    keep_polarity: bool = False
    # JSON lines of samples to leave out, as `hmer-tasks audit -o` writes them
    exclude: Path | None = None
    # how synthetic candidates err, as `hmer-tasks errors fit` measured it; None: the shipped measure
    noise: Path | None = None
    # labels that are nearly TeX are mended where there is one way to
    repair: bool = False
    # labels alone: rows without pictures
    no_images: bool = False
    # of --dataset folder alone: how its labels are read; None: as raw LaTeX
    profile: str | None = None
    # labels with an unknown command are refused
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One shard: inputs start … stop of a split, those of one side where a validation share is set aside."""

    out_split: str
    index: int
    total: int
    split: str
    start: int
    stop: int

    @property
    def name(self) -> str:
        return f"{self.out_split}-{self.index:05d}-of-{self.total:05d}"


@dataclass(frozen=True, slots=True)
class Inputs:
    """A split, opened: its reader, how many inputs are used; where an id that stood before last stood."""

    reader: SplitReader
    count: int
    earlier: dict[int, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """A build, ready to run."""

    inputs: dict[str, Inputs]
    jobs: list[Job]
    made_by: Fingerprint
    prompts: Mapping[str, str]


def corpus_named(name: str, splits: tuple[str, ...] = ()) -> Corpus:
    """A corpus, if there is one of that name with splits of those names. Raises UsageError."""
    try:
        corpus = find(name)
    except CorpusError as error:
        raise UsageError(str(error)) from error
    for split in splits:
        if split not in corpus.splits:
            raise UsageError(f"{name} has no split {split!r}; it has {', '.join(corpus.splits)}")
    return corpus


def root_of(dataset: str | None, root: str | None) -> PathOrUrl | None:
    """Where a corpus is read from: what the user wrote, or where it usually lies. Raises UsageError."""
    if root is not None:
        return parse_location(root)
    return None if dataset is None else corpus_named(dataset).default_root


def with_settings(corpus: Corpus, options: BuildOptions) -> Corpus:
    """The corpus with what `options` say of it: generated ones and a folder have settings.

    Raises UsageError.
    """
    corpus = with_profile(corpus, options.profile)
    if corpus.name == "recombined" and options.hands is None:
        count = synthetic.COUNT if options.count is None else options.count
        try:
            return recombined.recombined(count, options.like, str(options.look or "ink"), options.seed)
        except CorpusError as error:
            raise UsageError(str(error)) from error
    if corpus.name != "synthetic":
        if any(given is not None for given in (options.count, options.like, options.look, options.hands)):
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


def with_profile(corpus: Corpus, profile: str | None) -> Corpus:
    """The corpus with its labels read by a profile (None: its own). Raises UsageError."""
    if profile is None:
        return corpus
    if corpus.name != folder.NAME:
        raise UsageError(
            f"--profile is for your own labels (--dataset {folder.NAME}); {corpus.name} has its own"
        )
    return replace(corpus, open_split=partial(folder.open_split, profile=profile_named(profile)))


def profile_named(name: str) -> str | None:
    """A profile that --profile names; None for `tokens`. Raises UsageError with the nearest name."""
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
    """The splits asked for, or all that are there. Raises CorpusError, UsageError.

    `known`: what another process found of inputs with a digest and a number, and left in OUT.
    """
    there = corpus.available(files)
    for split in options.splits:
        if split not in there:
            raise corpus.absent(files.root, split, there)
    splits = tuple(dict.fromkeys(options.splits)) or there
    if not splits:
        raise corpus.absent(files.root, "")
    if options.valid_share and ("train" not in splits or VALID in splits):
        what = f"has a {VALID} split already" if VALID in splits else "needs the split train"
        raise UsageError(f"--valid-share sets samples of train aside; {corpus.name} {what}")
    inputs = {}
    for split in splits:
        reader = corpus.open_split(files, split)
        count = len(reader) if options.limit is None else min(options.limit, len(reader))
        if count == 0:
            raise CorpusError(f"{corpus.name}: the split {split} in {files.root} is empty")
        earlier = known.get((reader.digest(), count))
        inputs[split] = Inputs(reader, count, earlier_of(reader, count) if earlier is None else earlier)
    return inputs


def earlier_of(reader: SplitReader, count: int) -> dict[int, int]:
    """For each input whose id stood before: the index where it last did.

    Found by short hashes first, eight bytes an input while it lasts: of a million ids a hundred or so
    share one by chance, and those are looked at.
    """
    hashes = np.empty(count, np.uint32)
    with progress_of_many(count, _MANY, "ids compared") as show:
        for start in range(0, count, _IDS_AT_ONCE):
            part = range(start, min(start + _IDS_AT_ONCE, count))
            hashes[part.start : part.stop] = [hash(reader.id(i)) & 0xFFFFFFFF for i in part]
            show(part.stop)
    in_order = hashes.copy()
    in_order.sort()
    shared = np.unique(in_order[1:][in_order[1:] == in_order[:-1]])
    del in_order
    last: dict[str, int] = {}
    earlier: dict[int, int] = {}
    for start in range(0, count, _IDS_AT_ONCE):
        known = np.isin(hashes[start : start + _IDS_AT_ONCE], shared)
        for index in (start + known.nonzero()[0]).tolist():
            id = reader.id(index)
            if not id:  # a line too broken to name its picture
                continue
            if id in last:
                earlier[index] = last[id]
            last[id] = index
    return earlier


def make_jobs(inputs: dict[str, Inputs], valid_share: float) -> list[Job]:
    """A shard every 2,000 inputs; those of the validation split draw on more, to be as large."""
    jobs = []
    for split, each in inputs.items():
        jobs += _cut(split, split, each.count, SAMPLES_PER_SHARD)
    if valid_share:
        jobs += _cut(VALID, "train", inputs["train"].count, ceil(SAMPLES_PER_SHARD / valid_share))
    return jobs


def _cut(out_split: str, split: str, count: int, step: int) -> list[Job]:
    total = ceil(count / step)
    return [Job(out_split, i, total, split, i * step, min(count, (i + 1) * step)) for i in range(total)]


def is_valid_side(seed: int, label: str, share: float) -> bool:
    """Whether a label's group is set aside for validation: keyed by (seed, label) alone."""
    digest = sha256(f"{seed}\x1f{label}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def made_by(
    options: BuildOptions,
    tasks: tuple[str, ...],
    prompts: Mapping[str, str],
    errors: list[str],
    inputs: dict[str, Inputs],
) -> Fingerprint:
    """What makes the bytes: arguments, versions, inputs. No time, host, path or worker count."""
    return {
        "arguments": {
            "dataset": options.dataset,
            "splits": list(inputs),
            "tasks": list(tasks),
            "errors": errors,
            "clean_share": options.clean_share,
            "tree_format": options.tree_format,
            "prompts": fingerprint(prompts),
            "normalize": options.normalize,
            "valid_share": options.valid_share,
            "seed": options.seed,
            "limit": options.limit,
            "keep_polarity": options.keep_polarity,
            **({"no_images": True} if options.no_images else {}),
            "exclude": None if options.exclude is None else sha256_of(options.exclude),
            "noise": None if options.noise is None else sha256_of(options.noise),
            **({"profile": options.profile or folder.PROFILE} if options.dataset == folder.NAME else {}),
            **({"strict": True} if options.strict else {}),
            **({"repair": True} if options.repair else {}),  # a build without it is the same as ever
            **_settings(options),
        },
        "versions": {"hmer-tasks": __version__, **_versions()},
        "inputs": {
            split: {"samples": each.count, "sha256": each.reader.digest()} for split, each in inputs.items()
        },
    }


def _versions() -> dict[str, str]:
    versions = {package: version(package) for package in PACKAGES}
    with suppress(PackageNotFoundError):  # where it is missing HEIC pictures are refused
        versions["pillow-heif"] = version("pillow-heif")
    return versions


def _settings(options: BuildOptions) -> dict[str, str | int | None]:
    """The settings of a generated corpus; the files they name stand in its digest, by content."""
    if options.dataset not in ("synthetic", "recombined"):
        return {}
    return {"count": options.count, "look": str(options.look or "ink")}
