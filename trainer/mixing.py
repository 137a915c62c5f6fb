"""Which rows are trained on, and how often: corpora and tasks by weight, a side of the folds.

A weight is a number of copies an epoch: 2 takes every row twice, 0.5 a random half, the same half in
every epoch and on every process. A corpus's weight, a task's and a sample's multiply. Where a data set must
have its share of the mixture (general data), `share_of` says how many of its rows that is.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trainer.faults import TrainError, UsageError

if TYPE_CHECKING:
    from datasets import Dataset

TASKS = ("recognition", "tree_cot", "counting", "error_detection", "error_correction")
MOST_COPIES = 100  # of a sample: more is a mistake in the file
Indices = NDArray[np.int64]


def task_weights(text: str) -> dict[str, float]:
    """`recognition=1,tree_cot=0.5` as a dict; empty text means every task once. Raises UsageError."""
    if not text:
        return dict.fromkeys(TASKS, 1.0)
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        if name not in TASKS:
            raise UsageError(f"--task_weights: no task {name!r}; there are {', '.join(TASKS)}")
        try:
            weights[name] = float(number or 1)
        except ValueError:
            weights[name] = -1.0
        if weights[name] < 0:
            raise UsageError(f"--task_weights: {part!r} is not TASK=NUMBER with a number from 0")
    return weights


def read_folds(path: Path) -> dict[tuple[str, str], int]:
    """The fold of every (source, id) of a file of JSON lines. Raises TrainError."""
    folds: dict[tuple[str, str], int] = {}
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    record = json.loads(line)
                    folds[record["source"], record["id"]] = int(record["fold"])
                except (ValueError, KeyError, TypeError) as error:
                    raise TrainError(f"{path}:{number}: not a line {{source, id, fold}}: {error}") from error
    except OSError as error:
        raise TrainError(f"cannot read the folds {path}: {error.strerror}") from error
    return folds


def select_fold(data: "Dataset", folds: dict[tuple[str, str], int], fold: int, side: str) -> Indices:
    """The rows of one side. A row the file does not name is no held-out one: it stays in training."""
    if fold not in folds.values():
        raise UsageError(f"--fold {fold}: the folds are {', '.join(map(str, sorted({*folds.values()})))}")
    keys = zip(data["source"], data["id"], strict=True)
    held = np.fromiter((folds.get(key) == fold for key in keys), bool, len(data))
    if not held.any():
        raise TrainError(f"none of the rows is in fold {fold}: are the folds those of this data?")
    return np.flatnonzero(held if side == "held" else ~held)


def read_sample_weights(path: Path) -> dict[tuple[str, str], float]:
    """Copies of samples, by source and id: JSON lines `{source, id, weight}`. Raises UsageError."""
    weights: dict[tuple[str, str], float] = {}
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
            if not line.strip():
                continue
            record = json.loads(line)
            source, id, weight = str(record.get("source", "")), str(record["id"]), float(record["weight"])
            if not 0 <= weight <= MOST_COPIES:
                raise UsageError(
                    f"{path}:{number}: a weight is a number from 0 to {MOST_COPIES}, not {weight}"
                )
            weights[source, id] = weight
    except OSError as error:
        raise UsageError(f"--sample_weights: {path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path}:{number}: not a line {{source, id, weight}}") from error
    return weights


def sample_copies(data: "Dataset", weights: dict[tuple[str, str], float]) -> NDArray[np.float64]:
    """Each row's copies by its sample; 1 where the file does not name it. An entry without a source is of
    any.

    Raises TrainError where the file names no sample of this data: it may be another corpus's.
    """
    keys = list(zip(data["source"], data["id"], strict=True))
    own = [weights.get(key, weights.get(("", key[1]))) for key in keys]
    if not any(weight is not None for weight in own):
        raise TrainError("--sample_weights names no sample of this data: is it another corpus's?")
    return np.array([1.0 if weight is None else weight for weight in own])


def sample_by_weight(
    tasks: Sequence[str],
    corpus_weight: float,
    weights: dict[str, float],
    rng: np.random.Generator,
    own: NDArray[np.float64] | None = None,
) -> Indices:
    """Each row as often as the weights of its corpus, its task and its sample (`own`) multiply to, in row
    order."""
    copies = np.fromiter((weights.get(task, 0.0) for task in tasks), float, len(tasks)) * corpus_weight
    if own is not None:
        copies = copies * own
    whole = np.floor(copies)
    times = whole + (rng.random(len(tasks)) < copies - whole)
    return np.repeat(np.arange(len(tasks), dtype=np.int64), times.astype(np.int64))


def share_of(share: float, rows: int, available: int, rng: np.random.Generator) -> Indices:
    """Rows of a data set of `there`, so many that they are `share` of all beside `rows` others.

    Where there are too few, they come again; none comes twice before every one has come.
    """
    if not 0 <= share < 1:
        raise UsageError(f"--general_share must be at least 0 and below 1, not {share}")
    wanted = round(rows * share / (1 - share))
    rounds = [rng.permutation(available) for _ in range(-(-wanted // available))] if available else []
    return np.concatenate([*rounds, np.empty(0, np.int64)])[:wanted].astype(np.int64)
