"""Statistics of the labels that were built, and one sample's rows, for the dataset card."""

from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
import pyarrow as pa

from hmer_tasks.build.store import Store

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


def label_statistics(
    store: Store, splits: dict[str, list[str]]
) -> tuple[list[dict[str, object]], list[tuple[str, int]]]:
    """Per split: samples, distinct labels, quantiles of the length in tokens and of the nesting, symbols in
    all and different ones; and the commonest tokens.

    `splits` gives the shards' names (relative to OUT) of each split; a sample counts once however
    many rows it has.
    """
    import pandas as pd  # a third of a second that only the end of a build needs

    table: list[dict[str, object]] = []
    tokens: Counter[str] = Counter()
    for split, names in splits.items():
        # A shard at a time: of a label eight bytes are kept, its text is not.
        of_split: Counter[str] = Counter()
        lengths: Counter[int] = Counter()
        nestings: Counter[int] = Counter()
        hashes = array("Q")
        for name in names:
            rows = store.columns(name, ["id", "label"]).to_pandas()
            labels = rows.drop_duplicates("id")["label"]
            hashes.frombytes(pd.util.hash_pandas_object(labels, index=False).to_numpy("uint64").tobytes())
            for label in labels:
                words = label.split()
                lengths[len(words)] += 1
                nestings[_nesting(words)] += 1
                of_split.update(words)
            del rows, labels
            pa.default_memory_pool().release_unused()  # else every shard leaves some behind
        if not hashes:
            continue
        tokens.update(of_split)
        quantiles = {f"p{round(100 * q)}": _quantile(lengths, q) for q in (0.05, 0.5, 0.95)}
        counts = {
            "samples": len(hashes),
            "distinct": _distinct(hashes),
            "longest": max(lengths),
            "nesting_p50": _quantile(nestings, 0.5),
            "nesting_p95": _quantile(nestings, 0.95),
            "deepest": max(nestings),
            "symbols": sum(n for token, n in of_split.items() if token not in _BRACES),
            "vocabulary": sum(token not in _BRACES for token in of_split),
        }
        table.append({"split": split, **counts, **quantiles})
    # by count, then by name: the same order whatever the hash seed
    common = sorted(tokens.items(), key=lambda item: (-item[1], item[0]))
    return table, common[:_SYMBOLS_SHOWN]


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
    depth = deepest = 0
    for word in words:
        depth += _BRACES.get(word, 0)
        deepest = max(deepest, depth)
    return deepest


def example_rows(store: Store, shards: Mapping[str, list[str]]) -> list[Example]:
    """The rows of the first sample of the first split that has one."""
    columns = ["id", "source", "task", "prompt", "completion"]
    for names in shards.values():
        for name in names:
            rows = store.columns(name, columns)[:10].to_pylist()
            if rows:
                first = rows[0]["source"], rows[0]["id"]
                mine = [row for row in rows if (row["source"], row["id"]) == first]
                return [
                    Example(*first[::-1], row["task"], *(row[key][0]["content"] for key in columns[3:]))
                    for row in mine
                ]
    return []
