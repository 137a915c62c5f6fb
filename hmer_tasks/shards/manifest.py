"""What a build says of itself: a shard's stats file, and build.json."""

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import NotRequired, TypedDict

from hmer_tasks.latex.unknown import Seen
from hmer_tasks.shards.label_statistics import LabelStats
from hmer_tasks.tasks.prompts import set_names


class Stats(TypedDict):
    """OUT/.build/<shard>.json, written after its shard has its name; `plan`: of the plan it belongs to."""

    plan: str
    samples: int
    no_candidate: int
    clean: int
    rows: int
    tasks: dict[str, int]
    bytes: int
    sha256: str
    pictures_sha256: str
    rejects: list[dict[str, str]]
    labels: LabelStats
    arrow_bytes: int  # what the rows take in memory, each row's picture counted
    repairs: NotRequired[list[dict[str, object]]]  # of a build with --repair
    pictures: NotRequired[dict[str, int]]  # where any was changed: pictures by change
    unknown: NotRequired[dict[str, Seen]]  # unknown commands, where there are some


class SplitSummary(TypedDict):
    """One split of build.json. `no_candidate`: samples without a wrong candidate for the error tasks;
    one that has no row at all for want of it is not among `samples`. `clean`: samples that also have rows
    whose candidate is right, be there a wrong one or not."""

    samples: int
    rejected: int
    no_candidate: int
    clean: int
    rows: int
    tasks: dict[str, int]
    pictures_sha256: str


class ShardSummary(TypedDict):
    """One shard of build.json."""

    split: str
    rows: int
    bytes: int
    sha256: str


class Fingerprint(TypedDict):
    """What makes a build's bytes: no time, host, path or worker count."""

    arguments: dict[str, object]
    versions: dict[str, str]
    inputs: dict[str, dict[str, object]]


class CorpusPrompts(TypedDict):
    """The prompt set of one corpus of several: what it is called, its digest, its templates."""

    prompt_set: str
    sha256: str
    prompts: dict[str, str | Sequence[str]]


class Summary(TypedDict):
    """build.json."""

    made_by: Fingerprint
    splits: dict[str, SplitSummary]
    rejected: dict[str, int]
    unknown_commands: NotRequired[dict[str, Seen]]  # where there are some
    repaired: NotRequired[dict[str, int]]  # of a build with --repair: repaired labels by kind of repair
    pictures: NotRequired[dict[str, int]]  # where any was changed: pictures by change (`images.CHANGES`)
    prompts: NotRequired[dict[str, str | Sequence[str]]]  # the set, where it came from a user's file
    prompt_set: NotRequired[str]  # what that set is called
    corpus_prompts: NotRequired[dict[str, CorpusPrompts]]  # by corpus of a recipe, where it has its own
    shards: dict[str, ShardSummary]


def damage_of(error: Exception) -> str:
    """What is wrong with a file of a build, from the error of reading it. Of use to users is only where JSON
    breaks off: the others name what the code looked for."""
    return f"not JSON: {error}" if isinstance(error, json.JSONDecodeError) else "not what a build writes"


def check_summary(summary: Summary) -> None:
    """Look at all that readers of a build.json need.

    Args:
        summary: Its contents, as JSON gives them.

    Raises:
        ValueError: Something is of the wrong kind; so with TypeError, AttributeError.
        KeyError: Something is missing.
    """
    arguments = summary["made_by"]["arguments"]
    texts, numbers = [arguments["tree_format"]], [*summary["rejected"].values()]
    for split in summary["splits"].values():
        numbers += [split["samples"], split["rejected"], split["rows"], *split["tasks"].values()]
        texts.append(split["pictures_sha256"])
    for name, shard in summary["shards"].items():
        numbers += [shard["rows"], shard["bytes"]]
        # Builds of version 0.1.0 do not name the split: theirs is the file name's first part.
        texts += [shard["sha256"], shard.setdefault("split", name.rpartition("/")[2].rsplit("-", 3)[0])]
    if not all(isinstance(number, int) for number in numbers) or not all(isinstance(t, str) for t in texts):
        raise ValueError("a count or a digest is none")


def joined(digests: Iterable[str]) -> str:
    """The digest of a split's shards' digests, in order."""
    return sha256("".join(digests).encode()).hexdigest()


def shards_of(summary: Summary, split: str) -> list[str]:
    """The names of a split's shards, in order."""
    return [name for name, shard in summary["shards"].items() if shard["split"] == split]


def prompts_of(summary: Summary) -> str:
    """What the prompt set of a build is called, and those of corpora that have their own."""
    of_corpora = {name: held["prompt_set"] for name, held in summary.get("corpus_prompts", {}).items()}
    digest = str(summary["made_by"]["arguments"].get("prompts"))
    return set_names(digest, summary.get("prompt_set", ""), of_corpora)
