"""The training set: chosen, weighed and measured rows of the shards, decoded when a batch is made.

`Rows` is map-style, so a run resumes at the very row where it stopped. What it hands out is what TRL's
vision collator wants: pictures, prompt and completion, and nothing else.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from trainer.faults import TrainError, UsageError
from trainer.mixing import Indices, keep_side, read_folds, share_of, task_weights, weigh
from trainer.pictures import decode, jitter
from trainer.shards import load_general, load_shards, shards_of
from trainer.tokens import AS_IT_IS, Fit, Limits, Turns, fitter, measure, with_system

if TYPE_CHECKING:
    from datasets import Dataset
    from PIL.Image import Image
    from transformers import ProcessorMixin

    from trainer.options import DataArguments


Costs = Callable[["Dataset"], list[tuple[int, int, int]]]


class Example(TypedDict):
    """One row as TRL's collator wants it."""

    images: "list[Image]"
    prompt: Turns
    completion: Turns


class Rows:
    """Rows by number: `order[i]` is the table's row, `sizes` the pictures that must be made smaller."""

    def __init__(
        self,
        table: "Dataset",
        order: Indices,
        sizes: dict[int, tuple[int, int]],
        system: str = "",
        jitter_seed: int | None = None,
    ) -> None:
        self.table = table
        self.order = order
        self.sizes = sizes
        self.system = system
        self.jitter_seed = jitter_seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, number: int) -> Example:
        at = int(self.order[number])  # IndexError past the end: what ends an iteration
        row = self.table[at]
        pictures = [decode(image["bytes"], f"{row['source']} {row['id']}") for image in row["images"]]
        if self.jitter_seed is not None:
            random = Random(f"{self.jitter_seed}/{self.epoch}/{number}")
            pictures = [jitter(picture, random) for picture in pictures]
        size = self.sizes.get(at, AS_IT_IS)
        if size != AS_IT_IS:
            pictures = [picture.resize(size) for picture in pictures]
        prompt = with_system(row["prompt"], self.system)
        return Example(images=pictures, prompt=prompt, completion=row["completion"])

    def digest(self) -> str:
        """What the run is trained on, in order: another digest is another run."""
        keys = sha256(self.order.tobytes())
        keys.update(json.dumps(sorted(self.sizes.items())).encode())
        for name in ("source", "id", "task"):
            keys.update("\n".join(self.table[name]).encode())
        return keys.hexdigest()


@dataclass(slots=True)
class Prepared:
    """A training set, and what was found while it was made."""

    rows: Rows
    tasks: Counter[str] = field(default_factory=Counter)
    refused: list[dict[str, object]] = field(default_factory=list)
    cap: int = 0  # pixels
    capped: int = 0
    downsized: int = 0
    longest: int = 0

    def lines(self) -> list[str]:
        """What the user is told before the first step."""
        tasks = ", ".join(f"{name} {count:,}" for name, count in self.tasks.most_common())
        lines = [f"data: {len(self.rows):,} rows an epoch ({tasks}); the longest has {self.longest:,} tokens"]
        if self.capped:
            lines.append(
                f"data: {self.capped:,} pictures over the cap of {self.cap:,} pixels are made smaller"
            )
        if self.downsized:
            lines.append(f"data: {self.downsized:,} pictures are made smaller still, to fit --max_tokens")
        if self.refused:
            reasons = Counter(str(refusal["reason"]) for refusal in self.refused)
            told = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common())
            lines.append(f"data: {len(self.refused):,} rows refused ({told}): see refused.jsonl")
        return lines


def prepare(arguments: "DataArguments", processor: "ProcessorMixin", seed: int, workers: int) -> Prepared:
    """Load, choose, weigh and measure the rows. Raises UsageError, TrainError."""

    def costs(part: "Dataset") -> list[tuple[int, int, int]]:
        return measure(part, processor, arguments.system_prompt, workers)

    table, chosen = _choose(arguments, seed)
    limits = Limits(arguments.max_tokens, arguments.too_long, arguments.over_cap)
    unique = np.unique(chosen)
    part = table.select(unique)
    fit = fitter(processor, limits)
    names = list(zip(part["source"], part["id"], part["task"], strict=True))
    fits: dict[int, Fit] = {
        at: fit(*cost, f"{name[0]} {name[1]} ({name[2]})")
        for at, cost, name in zip(unique.tolist(), costs(part), names, strict=True)
    }
    fine = np.fromiter((not fits[at].refused for at in chosen.tolist()), bool, len(chosen))
    order = chosen[fine]
    if not len(order):
        raise TrainError(f"no row is left: {_reasons(fits)}; see --max_tokens, --too_long, --over_cap")
    kept = [fits[at] for at in np.unique(order).tolist()]
    table, order, left_out = _with_general(arguments, table, order, seed, costs)
    sizes = {at: one.size for at, one in fits.items() if one.size != AS_IT_IS and not one.refused}
    rows = Rows(table, order, sizes, arguments.system_prompt, seed if arguments.jitter else None)
    return Prepared(
        rows=rows,
        tasks=Counter(table.select(order)["task"]),
        refused=[
            {"source": source, "id": id, "task": task, "reason": fits[at].refused, "amount": fits[at].tokens}
            for at, (source, id, task) in zip(unique.tolist(), names, strict=True)
            if fits[at].refused
        ]
        + left_out,
        cap=processor.image_processor.size["longest_edge"],
        capped=sum(one.capped for one in kept),
        downsized=len(sizes),
        longest=max(one.tokens for one in kept),
    )


def _reasons(fits: dict[int, Fit]) -> str:
    return ", ".join(f"{reason} {n:,}" for reason, n in Counter(fit.refused for fit in fits.values()).items())


def _choose(arguments: "DataArguments", seed: int) -> "tuple[Dataset, Indices]":
    """All corpora one after another, and the rows chosen of them, each as often as it is wanted."""
    from datasets import concatenate_datasets

    if not arguments.data:
        raise UsageError("no shards: say --data BUILD …")
    corpus_weights = arguments.data_weights or [1.0] * len(arguments.data)
    if len(corpus_weights) != len(arguments.data) or min(corpus_weights) < 0:
        raise UsageError(f"--data_weights: {len(arguments.data)} numbers from 0 are wanted, one a corpus")
    weights = task_weights(arguments.task_weights)
    tables, chosen, start = [], [], 0
    for number, (path, weight) in enumerate(zip(arguments.data, corpus_weights, strict=True)):
        table = load_shards(shards_of(path))
        if arguments.limit is not None:
            table = first_pictures(table, arguments.limit)
        rng = np.random.default_rng([seed, number])
        chosen.append(weigh(table["task"], weight, weights, rng) + start)
        tables.append(table)
        start += len(table)
    table, order = concatenate_datasets(tables), np.concatenate(chosen)
    if arguments.folds:
        folds = read_folds(Path(arguments.folds))
        side = keep_side(table, folds, arguments.fold, arguments.side)
        order = order[np.isin(order, side)]
    if not len(order):
        raise TrainError(f"no row of {', '.join(weights)} in {', '.join(arguments.data)}")
    return table, order


def _with_general(
    arguments: "DataArguments", table: "Dataset", order: Indices, seed: int, costs: Costs
) -> "tuple[Dataset, Indices, list[dict[str, object]]]":
    """General rows put in, so many that they have their share; and those refused, too long."""
    from datasets import concatenate_datasets

    if bool(arguments.general_data) != bool(arguments.general_share):
        raise UsageError("--general_data and --general_share go together")
    if not arguments.general_data:
        return table, order, []
    general = load_general(arguments.general_data)
    lengths = [cost[0] for cost in costs(general)]
    fine = np.flatnonzero(np.array(lengths) <= arguments.max_tokens)
    if not len(fine):
        raise TrainError(f"no general row has at most {arguments.max_tokens:,} tokens")
    rng = np.random.default_rng([seed, len(arguments.data)])
    picked = fine[share_of(arguments.general_share, len(order), len(fine), rng)] + len(table)
    refused: list[dict[str, object]] = [
        {**general.select_columns(["source", "id", "task"])[at], "reason": "too_long", "amount": length}
        for at, length in enumerate(lengths)
        if length > arguments.max_tokens
    ]
    return concatenate_datasets([table, general]), np.concatenate([order, picked]), refused


def first_pictures(table: "Dataset", count: int) -> "Dataset":
    """The rows of the first `count` samples."""
    seen: dict[tuple[str, str], None] = {}
    for at, key in enumerate(zip(table["source"], table["id"], strict=True)):
        seen.setdefault(key)
        if len(seen) > count:
            return table.select(range(at))
    return table
