"""Statistics of the labels that were built, for the dataset card: lengths, and what they are made of."""

from pathlib import Path

import pyarrow.parquet as pq

_SYMBOLS_SHOWN = 25


def label_statistics(
    out: Path, splits: dict[str, list[str]]
) -> tuple[list[dict[str, object]], list[tuple[str, int]]]:
    """Per split: samples, distinct labels, quantiles of the length in tokens; and the commonest tokens.

    `splits` gives the shards' names (relative to OUT) of each split; a sample counts once however
    many rows it has.
    """
    import pandas as pd  # a third of a second that only the end of a build needs

    table: list[dict[str, object]] = []
    tokens = pd.Series(dtype="int64")
    for split, names in splits.items():
        lengths, hashes = [], []  # a shard at a time: numbers are kept, texts are not
        for name in names:
            rows = pq.read_table(out / name, columns=["id", "label"]).to_pandas()
            labels = rows.drop_duplicates("id")["label"]
            words = labels.str.split()
            lengths.append(words.str.len())
            hashes.append(pd.util.hash_pandas_object(labels, index=False))
            tokens = tokens.add(words.explode().value_counts(), fill_value=0)
        length = pd.concat(lengths)
        if length.empty:
            continue
        quantiles = {f"p{round(100 * q)}": int(length.quantile(q)) for q in (0.05, 0.5, 0.95)}
        counts = {
            "samples": len(length),
            "distinct": pd.concat(hashes).nunique(),
            "longest": int(length.max()),
        }
        table.append({"split": split, **counts, **quantiles})
    # by count, then by name: the same order whatever the hash seed
    common = sorted(tokens.astype("int64").items(), key=lambda item: (-int(item[1]), str(item[0])))
    return table, [(str(token), int(count)) for token, count in common[:_SYMBOLS_SHOWN]]
