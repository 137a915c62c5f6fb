"""The training set: chosen, weighed and measured rows of the shards, decoded when a batch is made.

It is a map-style `datasets.Dataset`, so a run resumes at the very row where it stopped. Its transform
hands out what TRL's vision collator wants: pictures, prompt and completion, and nothing else.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from trainer.faults import TrainError, UsageError
from trainer.lengths import AS_IT_IS, Fit, Limits, fitter, measure, with_system
from trainer.mixing import (
    Indices,
    read_folds,
    read_sample_weights,
    sample_by_weight,
    sample_copies,
    select_fold,
    share_of,
    task_weights,
)
from trainer.pictures import decode, jitter
from trainer.shards import load_general, load_shards, shards_of

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import ProcessorMixin

    from trainer.options import DataArguments

Columns = dict[str, list[Any]]
Key = tuple[str, str, str]  # source, id, task


@dataclass
class Decode:
    """The transform of a training set: a batch of its rows as TRL's collator wants them.

    A row is jittered by (seed, epoch, row), so a resumed run sees the same pictures.
    """

    system: str = ""
    jitter_seed: int | None = None
    sizes: dict[Key, tuple[int, int]] = field(default_factory=dict)  # pictures that must be made smaller
    epoch: int = 0

    def __call__(self, rows: Columns) -> Columns:
        keys = list(zip(rows["source"], rows["id"], rows["task"], strict=True))
        return {
            "images": [self._pictures(key, images) for key, images in zip(keys, rows["images"], strict=True)],
            "prompt": [with_system(prompt, self.system) for prompt in rows["prompt"]],
            "completion": rows["completion"],
        }

    def _pictures(self, key: Key, images: list[dict[str, bytes]]) -> list[object]:
        pictures = [decode(image["bytes"], f"{key[0]} {key[1]}") for image in images]
        if self.jitter_seed is not None:
            random = Random(f"{self.jitter_seed}/{self.epoch}/{'/'.join(key)}")
            pictures = [jitter(picture, random) for picture in pictures]
        size = self.sizes.get(key, AS_IT_IS)
        return [picture if size == AS_IT_IS else picture.resize(size) for picture in pictures]


@dataclass(slots=True)
class Prepared:
    """A training set, and what was found while it was made.

    Attributes:
        table: Its rows as they stand in the shards, each as often as it is wanted.
        lengths: Tokens of each.
        transform: What makes them the collator's.
    """

    table: "Dataset"
    lengths: NDArray[np.int64]
    transform: Decode
    refused: list[dict[str, object]] = field(default_factory=list)
    cap: int = 0  # pixels
    capped: int = 0

    @property
    def rows(self) -> "Dataset":
        """What is trained on."""
        return self.table.with_transform(self.transform)

    @property
    def tasks(self) -> Counter[str]:
        """Rows of each task."""
        return Counter(self.table["task"])

    def digest(self) -> str:
        """What the run is trained on, in order: another digest is another run."""
        keys = sha256(json.dumps(sorted(self.transform.sizes.items())).encode())
        for name in ("source", "id", "task"):
            keys.update("\n".join(self.table[name]).encode())
        return keys.hexdigest()

    def lines(self) -> list[str]:
        """What the user is told before the first step."""
        tasks = ", ".join(f"{name} {count:,}" for name, count in self.tasks.most_common())
        longest = f"the longest has {self.lengths.max():,} tokens"
        lines = [f"data: {len(self.table):,} rows an epoch ({tasks}); {longest}"]
        if self.capped:
            lines.append(
                f"data: {self.capped:,} pictures over the cap of {self.cap:,} pixels are made smaller"
            )
        if self.transform.sizes:
            count = len(self.transform.sizes)
            lines.append(f"data: {count:,} pictures are made smaller still, to fit --max_tokens")
        if self.refused:
            reasons = Counter(str(refusal["reason"]) for refusal in self.refused)
            listed = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common())
            lines.append(f"data: {len(self.refused):,} rows refused ({listed}): see refused.jsonl")
        return lines


def prepare(arguments: "DataArguments", processor: "ProcessorMixin", seed: int) -> Prepared:
    """Load, choose, weigh and measure the rows. Raises UsageError, TrainError."""
    table, order = _choose(arguments, seed)
    limits = Limits(arguments.max_tokens, arguments.too_long, arguments.over_cap)
    fit = fitter(processor, limits)
    unique = np.unique(order)
    part = table.select(unique)
    keys = list(zip(part["source"], part["id"], part["task"], strict=True))
    counts: list[list[int]] = measure(part, processor, arguments.system_prompt).tolist()
    fits = [
        fit(text, width, height, f"{key[0]} {key[1]} ({key[2]})")
        for (text, width, height), key in zip(counts, keys, strict=True)
    ]
    fine = np.array([not row_fit.refused for row_fit in fits])
    order = order[fine[np.searchsorted(unique, order)]]
    if not len(order):
        raise TrainError(f"no row is left: {_reasons(fits)}; see --max_tokens, --too_long, --over_cap")
    tokens = np.zeros(len(table), np.int64)
    tokens[unique] = [row_fit.tokens for row_fit in fits]
    sizes: dict[Key, tuple[int, int]] = {}
    for key, row_fit in zip(keys, fits, strict=True):
        if (
            row_fit.size != AS_IT_IS and not row_fit.refused
        ):  # of rows with one key the smallest size fits all
            sizes[key] = min(row_fit.size, sizes.get(key, row_fit.size))
    refused = [
        {"source": key[0], "id": key[1], "task": key[2], "reason": row_fit.refused, "amount": row_fit.tokens}
        for key, row_fit in zip(keys, fits, strict=True)
        if row_fit.refused
    ]
    if arguments.general_data or arguments.general_share:
        table, order, tokens, more = _with_general(arguments, processor, table, order, tokens, seed)
        refused += more
    return Prepared(
        table=table.select(order),
        lengths=tokens[order],
        transform=Decode(arguments.system_prompt, seed if arguments.jitter else None, sizes),
        refused=refused,
        cap=processor.image_processor.size["longest_edge"],
        capped=sum(row_fit.capped for row_fit in fits),
    )


def _reasons(fits: list[Fit]) -> str:
    return ", ".join(f"{reason} {n:,}" for reason, n in Counter(fit.refused for fit in fits).items())


def _choose(arguments: "DataArguments", seed: int) -> "tuple[Dataset, Indices]":
    """All corpora one after another, and the rows chosen of them, each as often as it is wanted."""
    from datasets import concatenate_datasets

    if not arguments.data:
        raise UsageError("no shards: say --data BUILD …")
    corpus_weights = arguments.data_weights or [1.0] * len(arguments.data)
    if len(corpus_weights) != len(arguments.data) or min(corpus_weights) < 0:
        raise UsageError(f"--data_weights: {len(arguments.data)} numbers from 0 are wanted, one a corpus")
    weights = task_weights(arguments.task_weights)
    samples = read_sample_weights(Path(arguments.sample_weights)) if arguments.sample_weights else None
    tables, chosen, start = [], [], 0
    for number, (path, weight) in enumerate(zip(arguments.data, corpus_weights, strict=True)):
        table = load_shards(shards_of(path))
        if arguments.limit is not None:
            table = first_pictures(table, arguments.limit)
        rng = np.random.default_rng([seed, number])
        own = None if samples is None else sample_copies(table, samples)
        chosen.append(sample_by_weight(table["task"], weight, weights, rng, own) + start)
        tables.append(table)
        start += len(table)
    table, order = concatenate_datasets(tables), np.concatenate(chosen)
    if arguments.folds:
        folds = read_folds(Path(arguments.folds))
        side = select_fold(table, folds, arguments.fold, arguments.side)
        order = order[np.isin(order, side)]
    if not len(order):
        raise TrainError(f"no row of {', '.join(weights)} in {', '.join(arguments.data)}")
    return table, order


def _with_general(
    arguments: "DataArguments",
    processor: "ProcessorMixin",
    table: "Dataset",
    order: Indices,
    tokens: NDArray[np.int64],
    seed: int,
) -> "tuple[Dataset, Indices, NDArray[np.int64], list[dict[str, object]]]":
    """Table, order and tokens with so many general rows that they have their share; and those refused."""
    from datasets import concatenate_datasets

    if not (arguments.general_data and arguments.general_share):
        raise UsageError("--general_data and --general_share go together")
    general = load_general(arguments.general_data)
    lengths = measure(general, processor, arguments.system_prompt)[:, 0]
    fine = np.flatnonzero(lengths <= arguments.max_tokens)
    if not len(fine):
        raise TrainError(f"no general row has at most {arguments.max_tokens:,} tokens")
    rng = np.random.default_rng([seed, len(arguments.data)])
    picked = fine[share_of(arguments.general_share, len(order), len(fine), rng)] + len(table)
    names = general.select_columns(["source", "id", "task"])
    refused = [
        {**names[at], "reason": "too_long", "amount": int(lengths[at])}
        for at in np.flatnonzero(lengths > arguments.max_tokens).tolist()
    ]
    both = concatenate_datasets([table, general])
    return both, np.concatenate([order, picked]), np.concatenate([tokens, lengths]), refused


def first_pictures(table: "Dataset", count: int) -> "Dataset":
    """The rows of the first `count` samples."""
    seen: dict[tuple[str, str], None] = {}
    for at, key in enumerate(zip(table["source"], table["id"], strict=True)):
        seen.setdefault(key)
        if len(seen) > count:
            return table.select(range(at))
    return table
