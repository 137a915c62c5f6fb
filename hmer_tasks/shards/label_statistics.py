"""Statistics of the labels that were built, and one sample's rows, for the dataset card."""

from array import array
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate, repeat
from math import ceil, floor
from typing import TypedDict

import numpy as np

from hmer_tasks.storage.store import Store

_SYMBOLS_SHOWN = 25
_BRACES = {"{": 1, "}": -1}


@dataclass(frozen=True, slots=True)
class Example:
    """A row as the card shows it."""

    id: str
    source: str
    task: str
    prompt: str
    target: str


class LabelStats(TypedDict):
    """What a shard's marker says of its labels: how many have so many tokens, nest so deep; how often each
    token stands in them; a hash of eight bytes each, as base64."""

    lengths: dict[str, int]
    nestings: dict[str, int]
    tokens: dict[str, int]
    hashes: str


def label_stats(labels: Sequence[str]) -> LabelStats:
    """Count the labels of a shard, one a sample."""
    hashes = b"".join(blake2b(label.encode(), digest_size=8).digest() for label in labels)
    lengths: Counter[str] = Counter()
    nestings: Counter[str] = Counter()
    tokens: Counter[str] = Counter()
    for label in labels:
        words = label.split()
        lengths[str(len(words))] += 1
        nestings[str(_nesting(words))] += 1
        tokens.update(words)
    return {
        "lengths": lengths,
        "nestings": nestings,
        "tokens": tokens,
        "hashes": b64encode(hashes).decode(),
    }


class LabelTally:
    """The labels of a split, added up a shard at a time; of a label eight bytes are kept."""

    def __init__(self) -> None:
        self.lengths: Counter[int] = Counter()
        self.nestings: Counter[int] = Counter()
        self.tokens: Counter[str] = Counter()
        self.hashes = array("Q")

    def add(self, stats: LabelStats) -> None:
        """Count a shard in."""
        self.lengths.update({int(length): count for length, count in stats["lengths"].items()})
        self.nestings.update({int(depth): count for depth, count in stats["nestings"].items()})
        self.tokens.update(stats["tokens"])
        self.hashes.frombytes(np.frombuffer(b64decode(stats["hashes"]), "<u8").astype(np.uint64).tobytes())

    def row(self, split: str) -> dict[str, object]:
        """Samples, distinct labels, quantiles of the length in tokens and of the nesting, symbols in all and
        different ones."""
        symbols = {token: count for token, count in self.tokens.items() if token not in _BRACES}
        return {
            "split": split,
            "samples": len(self.hashes),
            "distinct": _distinct(self.hashes),
            "longest": max(self.lengths),
            "nesting_p50": _quantile(self.nestings, 0.5),
            "nesting_p95": _quantile(self.nestings, 0.95),
            "deepest": max(self.nestings),
            "symbols": sum(symbols.values()),
            "vocabulary": len(symbols),
            **{f"p{round(100 * q)}": _quantile(self.lengths, q) for q in (0.05, 0.5, 0.95)},
        }


def label_statistics(
    tallies: Mapping[str, LabelTally],
) -> tuple[list[dict[str, object]], list[tuple[str, int]]]:
    """A row for each split that has labels, and the commonest tokens of all."""
    tokens: Counter[str] = Counter()
    for tally in tallies.values():
        tokens.update(tally.tokens)
    # by count, then by name: the same order whatever the hash seed
    common = sorted(tokens.items(), key=lambda item: (-item[1], item[0]))
    return [tally.row(split) for split, tally in tallies.items() if tally.hashes], common[:_SYMBOLS_SHOWN]


def _quantile(counts: Counter[int], share: float) -> int:
    """A quantile of numbers that are counted, whole: between two of them what a line between them gives."""
    values = sorted(counts)
    ends = np.cumsum([counts[value] for value in values])
    place = share * (int(ends[-1]) - 1)
    low, high = (values[int(np.searchsorted(ends, at, side="right"))] for at in (floor(place), ceil(place)))
    return int(round(low + (high - low) * (place - floor(place)), 6))  # 18.999999999 is 19


def _distinct(hashes: "array[int]") -> int:
    """How many of them differ; they are sorted where they are."""
    numbers = np.frombuffer(hashes, np.uint64)
    numbers.sort()
    return 1 + int((numbers[1:] != numbers[:-1]).sum())


def _nesting(words: list[str]) -> int:
    """How deep braces stand in one another."""
    return max(accumulate(map(_BRACES.get, words, repeat(0)), initial=0))


def example_rows(store: Store, shards: Mapping[str, list[str]]) -> list[Example]:
    """The rows of the first sample of the first split that has one."""
    columns = ["id", "source", "task", "prompt", "completion"]
    for names in shards.values():
        for name in names:
            rows = store.columns(name, columns)[:10].to_pylist()
            if rows:
                first = rows[0]["source"], rows[0]["id"]
                sample_rows = [row for row in rows if (row["source"], row["id"]) == first]
                return [
                    Example(*first[::-1], row["task"], *(row[key][0]["content"] for key in columns[3:]))
                    for row in sample_rows
                ]
    return []
