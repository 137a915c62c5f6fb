"""The training set: chosen, weighed and measured rows of the shards, decoded when a batch is made.

It is a map-style `datasets.Dataset`, so a run resumes at the very row where it stopped. Its transform
hands out what TRL's vision collator wants: pictures, prompt and completion, and nothing else.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from datasets import Dataset, concatenate_datasets
from numpy.typing import NDArray
from PIL.Image import Image

from hmer_tasks.plugins import load_plugins
from trainer import mixing
from trainer.faults import TrainError, UsageError
from trainer.lengths import Fitter, measure, with_system
from trainer.pictures import decode, jitter
from trainer.shards import GENERAL, load_general, load_shards, refuse_no_data, shards_of

if TYPE_CHECKING:
    from transformers import ProcessorMixin

    from trainer.options import DataArguments

Columns = dict[str, list[Any]]
KEY = ("source", "id", "task")
FIT = ("tokens", "fit_width", "fit_height")  # columns that are added to those of the shards


@dataclass
class Decode:
    """The transform of a training set: a batch of its rows as TRL's collator wants them.

    A row is jittered by (seed, epoch, row), so a resumed run sees the same pictures.
    """

    system: str = ""
    jitter_seed: int | None = None
    epoch: int = 0
    fit: Fitter | None = None  # with jitter: what counted the tokens

    def __call__(self, rows: Columns) -> Columns:
        """Decode the pictures of the rows."""
        columns = [rows[name] for name in (*KEY, "fit_width", "fit_height", "images")]
        return {
            "images": [self._pictures(*values) for values in zip(*columns, strict=True)],
            "prompt": [with_system(prompt, self.system) for prompt in rows["prompt"]],
            "completion": rows["completion"],
        }

    def _pictures(
        self, source: str, id: str, task: str, width: int, height: int, images: list[dict[str, bytes]]
    ) -> list[object]:
        pictures = [decode(image["bytes"], f"{source} {id}") for image in images]
        if self.jitter_seed is not None:
            random = Random(f"{self.jitter_seed}/{self.epoch}/{source}/{id}/{task}")
            pictures = [self._jittered(picture, random) for picture in pictures]
        return [picture.resize((width, height)) if width else picture for picture in pictures]

    def _jittered(self, picture: Image, random: Random) -> Image:
        """The picture in another hand, of no more tokens than were counted for it."""
        other = jitter(picture, random)
        if self.fit is not None and self.fit.of_picture(*other.size) > self.fit.of_picture(*picture.size):
            return other.resize(picture.size)
        return other


@dataclass
class Prepared:
    """A training set, and what was refused while it was made.

    Attributes:
        table: Its rows as they are in the shards, each as often as it is wanted, with the columns of FIT.
        transform: What makes them the collator's.
        refused: Source, id, task, reason and tokens of each row that was left out.
        capped: How many pictures are over the cap; the processor makes them smaller.
        without_picture: How many rows about a picture have none (`build --no-images`).
    """

    table: Dataset
    transform: Decode
    refused: list[dict[Any, object]] = field(default_factory=list)
    capped: int = 0
    without_picture: int = 0

    @property
    def rows(self) -> Dataset:
        """What is trained on."""
        return self.table.with_transform(self.transform)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each row."""
        return np.asarray(self.table["tokens"], np.int64)

    @property
    def tasks(self) -> Counter[str]:
        """Rows of each task."""
        return Counter(self.table["task"])

    def downsized(self) -> list[tuple[object, ...]]:
        """The pictures that are made smaller to fit, and the sizes they get."""
        columns = [self.table[name] for name in (*KEY, *FIT[1:])]
        return sorted({row for row in zip(*columns, strict=True) if row[3]})

    def digest(self) -> str:
        """What the run is trained on, in order: samples, texts, sizes made smaller. Another digest is
        another run."""
        keys = sha256(json.dumps(self.downsized()).encode())
        for name in KEY:
            keys.update("\n".join(self.table[name]).encode())
        for batch in self.table.select_columns(["prompt", "completion"]).iter(10_000):
            keys.update(json.dumps(batch).encode())
        return keys.hexdigest()

    def lines(self) -> list[str]:
        """Lines for the user before the first step."""
        tasks = ", ".join(f"{name} {count:,}" for name, count in self.tasks.most_common())
        longest = f"the longest has {self.lengths.max():,} tokens"
        lines = [f"data: {len(self.table):,} rows an epoch ({tasks}); {longest}"]
        if self.capped:
            lines.append(f"data: {self.capped:,} pictures over the cap of --max_pixels are made smaller")
        if smaller := len(self.downsized()):
            lines.append(f"data: {smaller:,} pictures are made smaller still, to fit --max_tokens")
        if self.refused:
            reasons = _reasons(self.refused)
            lines.append(f"data: {len(self.refused):,} rows refused ({reasons}): see refused.jsonl")
        return lines


def prepare(arguments: "DataArguments", processor: "ProcessorMixin", seed: int) -> Prepared:
    """Load, choose, weigh and measure the rows. Raises UsageError, TrainError."""
    load_plugins(map(Path, arguments.plugin))
    table, rows, order = _choose(arguments, seed)
    general = np.flatnonzero(rows["task"] == GENERAL)
    unique = np.unique(np.concatenate([order, general]))
    counts = measure(table.select(unique), processor, arguments.system_prompt)
    without_picture = (counts[:, 1] == 0) & (rows["task"].to_numpy()[unique] != GENERAL)
    fit = Fitter(processor, arguments.max_tokens, arguments.too_long == "downsize")
    fits = [fit(*count) for count in counts.tolist()]
    refused = [
        {**key, "reason": row.refused, "amount": row.tokens}
        for key, row in zip(rows.iloc[unique].to_dict("records"), fits, strict=True)
        if row.refused
    ]
    measured = np.zeros((len(table), len(FIT)), np.int64)
    measured[unique] = [(0 if row.refused else row.tokens, *row.size) for row in fits]
    order, general = (some[measured[some, 0] > 0] for some in (order, general))
    if not len(order):
        raise TrainError(f"no row is left: {_reasons(refused)}; see --max_tokens, --too_long")
    if arguments.general_data:
        if not len(general):
            raise TrainError(f"no general row has at most {arguments.max_tokens:,} tokens")
        rng = np.random.default_rng([seed, len(arguments.data)])
        picked = mixing.share_of(arguments.general_share, len(order), len(general), rng)
        order = np.concatenate([order, general[picked]])
    columns = Dataset.from_dict(dict(zip(FIT, measured.T, strict=True)))
    return Prepared(
        table=concatenate_datasets([table, columns], axis=1).select(order),
        transform=Decode(arguments.system_prompt, seed if arguments.jitter else None, fit=fit),
        refused=refused,
        capped=sum(row.capped for row in fits),
        without_picture=int(without_picture.sum()),
    )


def _reasons(refused: list[dict[Any, object]]) -> str:
    reasons = Counter(str(row["reason"]) for row in refused)
    return ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common())


def _choose(arguments: "DataArguments", seed: int) -> tuple[Dataset, pd.DataFrame, mixing.Indices]:
    """All corpora one after another and general data behind them; their keys; which rows are wanted, and how
    often, general data left out."""
    refuse_no_data(arguments.data)
    weights = arguments.data_weights or [1.0] * len(arguments.data)
    most = mixing.MOST_COPIES
    if len(weights) != len(arguments.data) or not all(0 <= weight <= most for weight in weights):
        wanted = f"{len(arguments.data)} numbers from 0 to {most} are wanted, one a corpus"
        raise UsageError(f"--data_weights: {wanted}")
    if bool(arguments.general_data) != bool(arguments.general_share):
        raise UsageError("--general_data and --general_share go together")
    tasks = mixing.task_weights(arguments.task_weights)
    tables = [load_shards(shards_of(path)) for path in arguments.data]
    if arguments.general_data:
        tables.append(load_general(arguments.general_data))
        weights = [*weights, 0.0]
    parts = []
    for table, weight in zip(tables, weights, strict=True):
        part = table.select_columns(list(KEY)).to_pandas().assign(copies=weight)
        if arguments.limit is not None:
            part["copies"] *= part.groupby(["source", "id"], sort=False).ngroup() < arguments.limit
        parts.append(part)
    rows = pd.concat(parts, ignore_index=True)
    copies = rows.pop("copies")
    if tasks:
        copies *= rows["task"].map(tasks).fillna(0.0)
    if arguments.sample_weights:
        samples = mixing.read_samples(Path(arguments.sample_weights), "weight", mixing.MOST_COPIES)
        copies *= mixing.by_sample(rows, samples, "--sample_weights").fillna(1.0)
    if arguments.folds:
        folds = mixing.read_samples(Path(arguments.folds), "fold")
        copies *= mixing.in_training(rows, folds, arguments.fold, arguments.side)
    elif arguments.fold or arguments.side != "train":
        raise UsageError("--fold and --side go with --folds")
    order = mixing.repeat(copies, np.random.default_rng(seed))
    if not len(order):
        raise TrainError(f"no row of {', '.join(tasks) or 'any task'} in {', '.join(arguments.data)}")
    return concatenate_datasets(tables), rows, order
