"""Statistics of the labels that were built, and one sample's rows, for the dataset card."""

from collections.abc import Mapping
from dataclasses import dataclass

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
    tokens = pd.Series(dtype="int64")
    for split, names in splits.items():
        of_split = pd.Series(dtype="int64")
        lengths, nestings, hashes = [], [], []  # a shard at a time: numbers are kept, texts are not
        for name in names:
            rows = store.columns(name, ["id", "label"]).to_pandas()
            labels = rows.drop_duplicates("id")["label"]
            words = labels.str.split()
            lengths.append(words.str.len())
            hashes.append(pd.util.hash_pandas_object(labels, index=False))
            nestings.append(words.map(_nesting))
            counted = words.explode().value_counts()
            tokens = tokens.add(counted, fill_value=0)
            of_split = of_split.add(counted, fill_value=0)
            del rows, labels, words
            pa.default_memory_pool().release_unused()  # else every shard leaves some behind
        length, nesting = pd.concat(lengths), pd.concat(nestings)
        if length.empty:
            continue
        quantiles = {f"p{round(100 * q)}": int(length.quantile(q)) for q in (0.05, 0.5, 0.95)}
        counts = {
            "samples": len(length),
            "distinct": pd.concat(hashes).nunique(),
            "longest": int(length.max()),
            "nesting_p50": int(nesting.quantile(0.5)),
            "nesting_p95": int(nesting.quantile(0.95)),
            "deepest": int(nesting.max()),
            "symbols": int(of_split.drop(list(_BRACES), errors="ignore").sum()),
            "vocabulary": len(of_split.index.difference(list(_BRACES))),
        }
        table.append({"split": split, **counts, **quantiles})
    # by count, then by name: the same order whatever the hash seed
    common = sorted(tokens.astype("int64").items(), key=lambda item: (-int(item[1]), str(item[0])))
    return table, [(str(token), int(count)) for token, count in common[:_SYMBOLS_SHOWN]]


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
