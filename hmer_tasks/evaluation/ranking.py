"""Many systems on one label set: every metric with its interval, and a rank that says what it is worth.

All systems are scored on the same pictures (joined by id) and resampled with the same draws. A rank comes
as an interval too: the 2.5th and 97.5th percentile of the ranks in the resamples (rank 1 is the best; equal
values share the better rank).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hmer_tasks.evaluation.bootstrap import RESAMPLES, SEED, Estimate, resampled_sums
from hmer_tasks.evaluation.columns import Table
from hmer_tasks.evaluation.compare import align_by_id
from hmer_tasks.evaluation.metrics import Metrics, evaluate
from hmer_tasks.evaluation.published import METRICS
from hmer_tasks.exceptions import PredictionError
from hmer_tasks.predictions import Prediction

# metrics of which less is better
LOWER_IS_BETTER = frozenset(["published_cer", "token_error_rate", "character_error_rate", "unimernet_edit"])
RANKED_BY = "exprate"


@dataclass(frozen=True, slots=True)
class Ranked:
    """A system: its scores, and its rank by each metric with the bounds of the rank's interval."""

    name: str
    metrics: Metrics
    ranks: dict[str, Estimate]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Systems from the best to the worst by ExpRate."""

    n: int
    systems: list[Ranked]

    def as_json(self) -> dict[str, object]:
        """Every system's metrics with intervals and ranks."""
        return {
            "n": self.n,
            "ranked_by": RANKED_BY,
            "systems": [
                {
                    "name": system.name,
                    "metrics": {
                        name: {"value": value.value, "low": value.low, "high": value.high}
                        | {"rank": int(rank.value), "rank_low": int(rank.low), "rank_high": int(rank.high)}
                        for (name, value), rank in zip(
                            system.metrics.values.items(), system.ranks.values(), strict=True
                        )
                    },
                }
                for system in self.systems
            ],
        }


def rank_systems(
    systems: Sequence[tuple[str, list[Prediction]]],
    resamples: int = RESAMPLES,
    seed: int = SEED,
    workers: int = 1,
) -> Ranking:
    """Score and rank systems.

    Args:
        systems: names with predictions; all for the same ids with the same labels.
        resamples: how many bootstrap resamples; 0: intervals without width.
        seed: of the resamples.
        workers: processes that score pairs; 1 is this one alone.

    Returns:
        The systems, best first, with the interval of each rank.

    Raises:
        PredictionError: where two systems speak of other pictures or labels, or share a name.
    """
    names = [name for name, _ in systems]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise PredictionError(f"two systems are called {twice!r}: rename a file")
    first_name, first = systems[0]
    scored = [(first_name, evaluate(first, resamples=resamples, seed=seed, workers=workers))]
    for name, pairs in systems[1:]:
        try:
            aligned = align_by_id(first, pairs)
        except PredictionError as error:
            raise PredictionError(f"{name} against {first_name}: {error}") from error
        scored.append((name, evaluate(aligned, resamples=resamples, seed=seed, workers=workers)))
    n = len(first)
    drawn = [resampled_sums(metrics.table, resamples if n else 0, seed) for _, metrics in scored]
    ranks: list[dict[str, Estimate]] = [{} for _ in scored]
    for name, metric in METRICS.items():
        sign = 1.0 if name in LOWER_IS_BETTER else -1.0
        points = _ranks(np.array([[sign * metrics[name]] for _, metrics in scored]))[:, 0]
        if resamples and n:
            values = np.array([[sign * metric.value(sums) for sums in table] for table in drawn])
            low, high = np.percentile(_ranks(values), [2.5, 97.5], axis=1, method="nearest")
        else:
            low = high = points
        for i, system_ranks in enumerate(ranks):
            system_ranks[name] = Estimate(float(points[i]), float(low[i]), float(high[i]))
    ranked = [
        Ranked(name, metrics, system_ranks)
        for (name, metrics), system_ranks in zip(scored, ranks, strict=True)
    ]
    return Ranking(n, sorted(ranked, key=lambda system: (system.ranks[RANKED_BY].value, system.name)))


def _ranks(values: Table) -> Table:
    """Ranks along the first axis, 1 for the smallest; equal values share the better rank."""
    better = (values[None, :, :] < values[:, None, :] - 1e-12).sum(axis=1)
    ranks: Table = 1.0 + better.astype(np.float64)
    return ranks


def names_of(paths: Sequence[Path]) -> list[str]:
    """Short names of systems: the files' names, with their folders where these are alike."""
    stems = [path.name.split(".tsv")[0].split(".jsonl")[0].split(".json")[0] for path in paths]
    return [
        stem if stems.count(stem) == 1 else f"{path.parent.name}/{stem}"
        for path, stem in zip(paths, stems, strict=True)
    ]


SHOWN = (
    "exprate", "within_1", "within_2", "same_on_paper", "edit_score", "bleu_4", "token_error_rate",
    "structure_rate",
)  # fmt: skip


def markdown(ranking: Ranking) -> str:
    """A Markdown table: the metrics that papers print, each with its interval and its rank."""
    heads = [METRICS[name].title for name in SHOWN]
    lines = [
        f"{ranking.n:,} pictures; 95 % bootstrap intervals; in brackets the rank and its interval.",
        "",
        f"| system | {' | '.join(heads)} |",
        "| --- |" + " ---: |" * len(heads),
    ]
    for system in ranking.systems:
        cells = [cell(name, system.metrics.values[name], system.ranks[name]) for name in SHOWN]
        lines.append(f"| {_plain(system.name)} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def cell(name: str, value: Estimate, rank: Estimate) -> str:
    """`82.66 (80.22 to 84.99) [1, 1 to 2]`: per cents with two digits, ratios with four."""
    digits = 2 if METRICS[name].unit == "%" else 4
    place = f"{rank.value:.0f}"
    if rank.low != rank.high:
        place += f", {rank.low:.0f} to {rank.high:.0f}"
    return f"{value.value:.{digits}f} ({value.low:.{digits}f} to {value.high:.{digits}f}) [{place}]"


def _plain(name: str) -> str:
    return name.replace("|", "\\|").replace("\n", " ")
