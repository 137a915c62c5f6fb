"""What a build says of itself: a shard's stats file, and build.json."""

from typing import TypedDict


class Stats(TypedDict):
    """OUT/.build/<shard>.json, written after its shard has its name."""

    samples: int
    no_candidate: int
    rows: int
    tasks: dict[str, int]
    bytes: int
    sha256: str
    pictures_sha256: str
    rejects: list[dict[str, str]]


class SplitSummary(TypedDict):
    """One split of build.json. `no_candidate`: samples without a wrong candidate for the error tasks;
    one that has no row at all for want of it is not among `samples`."""

    samples: int
    rejected: int
    no_candidate: int
    rows: int
    tasks: dict[str, int]
    pictures_sha256: str


class ShardSummary(TypedDict):
    """One shard of build.json."""

    rows: int
    bytes: int
    sha256: str


class MadeBy(TypedDict):
    """What makes a build's bytes: no time, host, path or worker count."""

    arguments: dict[str, object]
    versions: dict[str, str]
    inputs: dict[str, dict[str, object]]


class Summary(TypedDict):
    """build.json."""

    made_by: MadeBy
    splits: dict[str, SplitSummary]
    rejected: dict[str, int]
    shards: dict[str, ShardSummary]
