"""Two systems on the same pictures: McNemar's test, paired bootstrap, and what one gets and the other not."""

from dataclasses import dataclass

import numpy as np

from hmer_tasks.evaluation.bootstrap import RESAMPLES, SEED, Estimate, resampled_sums
from hmer_tasks.evaluation.columns import INDEX
from hmer_tasks.evaluation.metrics import Metrics
from hmer_tasks.evaluation.published import METRICS
from hmer_tasks.exceptions import MissingLibraryError, PredictionError
from hmer_tasks.predictions import Prediction


@dataclass(frozen=True, slots=True)
class Comparison:
    """`differences`: other minus one, with 95 % intervals of a paired bootstrap, keyed as METRICS.

    `only_one` and `only_other` are the places (in the pairs) of what one of them gets exactly and the
    other does not; `p_value` is McNemar's exact test on these (two-sided binomial, McNemar 1947).
    """

    n: int
    differences: dict[str, Estimate]
    only_one: list[int]
    only_other: list[int]
    p_value: float

    def as_json(self, pairs: list[Prediction]) -> dict[str, object]:
        """The numbers, and the ids of what only one of the two gets."""
        return {
            "n": self.n,
            "differences": {
                name: {"value": difference.value, "low": difference.low, "high": difference.high}
                for name, difference in self.differences.items()
            },
            "only_one": [pairs[i].id for i in self.only_one],
            "only_other": [pairs[i].id for i in self.only_other],
            "mcnemar_p": self.p_value,
        }


def align_by_id(pairs: list[Prediction], others: list[Prediction]) -> list[Prediction]:
    """The other system's predictions in the order of the first's, joined by id.

    Where ids repeat, one of the same source comes first.

    Args:
        pairs: The first system's.
        others: The other's.

    Returns:
        The other's, in the order of `pairs`.

    Raises:
        PredictionError: They do not hold the same ids with the same labels.
    """
    waiting: dict[str, list[Prediction]] = {}
    for other in others:
        waiting.setdefault(other.id, []).append(other)
    out: list[Prediction] = []
    for pair in pairs:
        same = waiting.get(pair.id)
        if not same:
            raise PredictionError(f"the other predictions have none for {pair.id!r}")
        place = next((i for i, other in enumerate(same) if other.source == pair.source), 0)
        other = same.pop(place)
        if other.gt.split() != pair.gt.split():
            raise PredictionError(f"the other predictions have another label for {pair.id!r}: {other.gt!r}")
        out.append(other)
    surplus = next((id for id, left in waiting.items() if left), None)
    if surplus is not None:
        raise PredictionError(f"the other predictions have one more for {surplus!r}")
    return out


def compare_systems(
    first: Metrics, other: Metrics, resamples: int = RESAMPLES, seed: int = SEED
) -> Comparison:
    """Compare two systems on the same pictures.

    Differences have paired bootstrap intervals; who is right alone is tested exactly (McNemar).

    Args:
        first: The scores of the one.
        other: Those of the other, of the same pairs in the same order.
        resamples: How often the pairs are drawn again.
        seed: Of these draws.

    Returns:
        The differences with their intervals, McNemar's exact p-value, and which pairs only one reads right.

    Raises:
        MissingLibraryError: scipy is not installed.
    """
    try:
        from scipy.stats import binomtest
    except ImportError:
        raise MissingLibraryError("--compare needs scipy: pip install 'hmer-tasks[score]'") from None
    assert first.n == other.n, "the two were not scored on the same pairs"
    right, right_other = first.table[:, INDEX["exact"]] > 0, other.table[:, INDEX["exact"]] > 0
    only_one = [int(i) for i in np.flatnonzero(right & ~right_other)]
    only_other = [int(i) for i in np.flatnonzero(right_other & ~right)]
    discordant = len(only_one) + len(only_other)
    p_value = float(binomtest(len(only_one), discordant).pvalue) if discordant else 1.0
    drawn = resampled_sums(first.table, resamples if first.n else 0, seed)
    drawn_other = resampled_sums(other.table, resamples if first.n else 0, seed)
    differences: dict[str, Estimate] = {}
    for name, metric in METRICS.items():
        point = other[name] - first[name]
        spread = [metric.value(b) - metric.value(a) for a, b in zip(drawn, drawn_other, strict=True)]
        low, high = np.percentile(spread, [2.5, 97.5]) if spread else (point, point)
        differences[name] = Estimate(point, float(low), float(high))
    return Comparison(first.n, differences, only_one, only_other, p_value)
