"""95 % bootstrap intervals (percentile method, Efron 1979): pairs drawn again, with replacement.

Each resample is one vector of counts times the table of per-pair numbers; the same draws serve all
metrics, so two systems scored on the same pairs are compared pair by pair.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from hmer_tasks.evaluation.columns import Table

RESAMPLES = 1000
SEED = 0
_LOW, _HIGH = 2.5, 97.5


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


def resampled_sums(table: Table, resamples: int = RESAMPLES, seed: int = SEED) -> Table:
    """Column sums of tables whose rows are drawn again, with replacement.

    Args:
        table: A row for each sample.
        resamples: How often the rows are drawn.
        seed: The same seed and number of rows draw the same rows.

    Returns:
        The sums, of shape (resamples, columns).
    """
    rows = len(table)
    return np.array([counts @ table for counts in _draws(rows, resamples, seed)]).reshape(
        resamples, table.shape[1]
    )


def _draws(rows: int, resamples: int, seed: int) -> Iterator[Table]:
    random = np.random.default_rng(seed)
    for _ in range(resamples):
        yield np.bincount(random.integers(0, rows, rows), minlength=rows).astype(np.float64)


def estimate(value: Callable[[Table], float], sums: Table, resampled: Table) -> Estimate:
    """A value with its 95 % interval.

    Args:
        value: The value of a table's column sums.
        sums: The column sums.
        resampled: Those of the resampled tables; none: the interval has no width.

    Returns:
        The value and its percentile interval.
    """
    point = value(sums)
    if not len(resampled):
        return Estimate(point, point, point)
    low, high = np.percentile([value(resample) for resample in resampled], [_LOW, _HIGH])
    return Estimate(point, float(low), float(high))
