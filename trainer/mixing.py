"""Which rows are trained on, and how often: corpora, tasks and samples by weight, a side of the folds.

A weight is a number of copies an epoch: 2 takes every row twice, 0.5 a random half, the same half in
every epoch and on every process. A corpus's weight, a task's and a sample's multiply. Where a data set must
have its share of the mixture (general data), `share_of` says how many of its rows that is.
"""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hmer_tasks.tasks import check_task
from trainer.faults import TrainError, UsageError

MOST_COPIES = 100  # of a sample: more is a mistake in the file
Indices = NDArray[np.int64]
OfSamples = dict[tuple[str, str], float]  # by source and id; an entry without a source is of any


def task_weights(text: str) -> dict[str, float]:
    """`recognition=1,tree_cot=0.5` as a dict; empty where every task comes once. Raises UsageError."""
    weights: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        name, _, number = part.partition("=")
        check_task(name)
        try:
            weights[name] = float(number or 1)
        except ValueError:
            weights[name] = -1.0
        if not 0 <= weights[name] <= MOST_COPIES:  # nan is not
            raise UsageError(
                f"--task_weights: {part!r} is not TASK=NUMBER with a number from 0 to {MOST_COPIES}"
            )
    return weights


def read_samples(path: Path, name: str, most: float = math.inf) -> OfSamples:
    """A number for each sample: JSON lines `{source, id, NAME}`.

    Args:
        path: The file.
        name: The key of the number.
        most: The number is from 0 to this.

    Returns:
        The numbers by source and id.

    Raises:
        UsageError: The file cannot be read, or a line is not that.
    """
    values: OfSamples = {}
    number = 0
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
            if line.strip():
                record = json.loads(line)
                value = values[str(record.get("source", "")), str(record["id"])] = float(record[name])
                if not 0 <= value <= most:
                    raise UsageError(f"{path}:{number}: {name} is a number from 0 to {most}, not {value}")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path}:{number}: not a line {{source, id, {name}}}") from error
    return values


def by_sample(rows: pd.DataFrame, values: OfSamples, flag: str) -> "pd.Series[float]":
    """The value of each row's sample.

    Args:
        rows: `source` and `id` of each row.
        values: Values by source and id; an empty source is any.
        flag: The option that gave them, for the message.

    Returns:
        A value for each row, NaN where there is none.

    Raises:
        TrainError: The file names no sample of this data: it may be another corpus's.
    """
    keys = zip(rows["source"], rows["id"], strict=True)
    own = [of_sample(values, *key) for key in keys]
    if all(map(math.isnan, own)):
        raise TrainError(f"{flag} names no sample of this data: is it another corpus's?")
    return pd.Series(own, rows.index)


def of_sample(values: OfSamples, source: str, id: str) -> float:
    """The value of a sample; a line without a source is for any. NaN where there is none."""
    return values.get((source, id), values.get(("", id), math.nan))


def check_fold(folds: OfSamples, fold: int) -> None:
    """Raise UsageError where there is no such fold."""
    if fold not in folds.values():
        numbers = ", ".join(f"{number:.0f}" for number in sorted({*folds.values()}))
        raise UsageError(f"--fold {fold}: the folds are {numbers}")


def in_training(rows: pd.DataFrame, folds: OfSamples, fold: int, side: str) -> "pd.Series[bool]":
    """Whether each row is on a side of a fold. A row that the file does not name is in training.

    Args:
        rows: `source` and `id` of each row.
        folds: The fold of each sample.
        fold: The fold that is held out.
        side: `train` or `held`.

    Returns:
        Whether each row is.

    Raises:
        UsageError: There is no such fold.
        TrainError: None of the rows is in it.
    """
    check_fold(folds, fold)
    held = by_sample(rows, folds, "--folds") == fold
    if not held.any():
        raise TrainError(f"none of the rows is in fold {fold}: are the folds those of this data?")
    return held if side == "held" else ~held


def repeat(copies: "pd.Series[float]", rng: np.random.Generator) -> Indices:
    """Row numbers, each as often as its copies say, in row order; a fraction is drawn."""
    whole = np.floor(copies.to_numpy())
    times = whole + (rng.random(len(copies)) < copies.to_numpy() - whole)
    return np.repeat(np.arange(len(copies), dtype=np.int64), times.astype(np.int64))


def share_of(share: float, rows: int, available: int, rng: np.random.Generator) -> Indices:
    """Rows of a general data set, so many that they are a share of all.

    Args:
        share: The share, at least 0 and below 1.
        rows: How many other rows there are.
        available: How many rows the general data set has.
        rng: The source of randomness.

    Returns:
        Places in the general data set. Where there are too few, they come again; none twice before all
        have come.

    Raises:
        UsageError: The share is not from 0 to below 1.
    """
    if not 0 <= share < 1:
        raise UsageError(f"--general_share must be at least 0 and below 1, not {share}")
    wanted = round(rows * share / (1 - share))
    rounds = [rng.permutation(available) for _ in range(-(-wanted // available))] if available else []
    return np.concatenate([*rounds, np.empty(0, np.int64)])[:wanted].astype(np.int64)
