"""Scoring a set of predictions: `evaluate(pairs) -> Metrics`."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from markupsafe import Markup

from hmer_tasks.errors.edits import is_exact
from hmer_tasks.evaluation.bootstrap import RESAMPLES, SEED, Estimate, estimate, resampled_sums
from hmer_tasks.evaluation.boxes import BoxScore, box_score
from hmer_tasks.evaluation.columns import COLUMNS, Table, compact_row, token_row
from hmer_tasks.evaluation.confusions import Confusions, confusions
from hmer_tasks.evaluation.groups import GROUPS
from hmer_tasks.evaluation.image_match import image_match
from hmer_tasks.evaluation.paths import path_row
from hmer_tasks.evaluation.published import METRICS
from hmer_tasks.evaluation.trees import Compared, Outcome, compare
from hmer_tasks.predictions import Prediction
from hmer_tasks.utils.processes import worker_pool

Pair: TypeAlias = "Prediction | tuple[str, str]"

GROUP_METRICS = ("exprate", "within_1", "edit_score", "same_on_paper")
_TOP = 50  # confusions listed
_CHUNK = 100  # pairs a worker takes at once


@dataclass(frozen=True, slots=True)
class Group:
    """A subgroup: how many pairs, and the values of GROUP_METRICS in per cent."""

    n: int
    values: dict[str, float]


@dataclass(frozen=True, slots=True)
class Boxes:
    """Scores of pictures, over the pairs whose label can be laid out.

    Attributes:
        n: These pairs.
        mean_f1: Mean box F1, from 0 to 1; a prediction that cannot be laid out scores 0.
        perfect: Share of pairs with F1 = 1, in per cent.
        image_match: Mean image match, from 0 to 1.
        image_exact: Share of pairs with equal pictures, in per cent.
        labels_without_layout: Labels that cannot be laid out.
        predictions_without_layout: Predictions that cannot be laid out.
    """

    n: int
    mean_f1: Estimate
    perfect: Estimate
    image_match: Estimate
    image_exact: Estimate
    labels_without_layout: int
    predictions_without_layout: int


@dataclass(frozen=True, slots=True)
class Metrics:
    """The scores of a set of predictions.

    `metrics["exprate"]` is the value of one metric. `n` counts every pair. Pairs whose label is not TeX stay
    in `n` of the token metrics and of `visually_equal`, where only a copy of its tokens matches such a label;
    they have no symbols or relations to count.

    Attributes:
        n: Pairs.
        values: Estimates with 95 % intervals, by the names of `published.METRICS`.
        outcomes: Pairs by outcome.
        labels_not_tex: Labels that do not parse.
        labels_not_tex_met: How many of these the prediction repeats token for token.
        groups: Scores of subgroups, by what they are grouped by.
        confusions: Which symbols were read as which.
        boxes: Scores of pictures, if they were asked for.
        pairs: The pairs, in order.
        table: One row a pair, one column a sum of `columns.COLUMNS`.
        compared: The trees of each pair, compared.
        box_scores: One a pair, if boxes were asked for.
        image_scores: One a pair, if boxes were asked for.
    """

    n: int
    values: dict[str, Estimate]
    outcomes: dict[Outcome, int]
    labels_not_tex: int
    labels_not_tex_met: int
    groups: dict[str, dict[str, Group]]
    confusions: Confusions
    boxes: Boxes | None
    pairs: list[Prediction]
    table: Table
    compared: list[Compared]
    box_scores: list[BoxScore]
    image_scores: list[float]

    @property
    def bounded(self) -> int:
        """Pairs whose edit distances are upper bounds, both sides being very long (`errors.edits`)."""
        return sum(not is_exact(pair.gt, pair.pred) for pair in self.pairs)

    def __getitem__(self, name: str) -> float:
        """The value of a metric.

        Args:
            name: A key of `published.METRICS`, such as `exprate`.

        Returns:
            The value; shares are in per cent.
        """
        return self.values[name].value

    def _repr_html_(self) -> str:
        """The values with their 95 % intervals as a table, for notebooks."""
        row = Markup("<tr><td>{}</td><td>{:.2f}</td><td>{:.2f} to {:.2f}</td></tr>")
        rows = Markup("").join(
            row.format(METRICS[name].title, value.value, value.low, value.high)
            for name, value in self.values.items()
        )
        head = Markup("<tr><th>{:,} pairs</th><th>value</th><th>95 %</th></tr>").format(self.n)
        return Markup("<table>{}{}</table>").format(head, rows)

    def as_json(self) -> dict[str, object]:
        """Everything but the pairs themselves, as `evaluate --json` prints it.

        Returns:
            An object that `json.dumps` takes.
        """
        return {
            "n": self.n,
            "metrics": {
                name: {
                    "value": estimate.value, "low": estimate.low, "high": estimate.high,
                    "title": METRICS[name].title, "unit": METRICS[name].unit,
                    "reported_by": METRICS[name].reported_by,
                }
                for name, estimate in self.values.items()
            },
            "outcomes": {str(name): count for name, count in self.outcomes.items()},
            "labels_not_tex": {"n": self.labels_not_tex, "tokens_met": self.labels_not_tex_met},
            "distances_bounded": self.bounded,
            "boxes": None if self.boxes is None else _boxes_json(self.boxes),
            "groups": {
                by: {name: {"n": group.n, **group.values} for name, group in groups.items()}
                for by, groups in self.groups.items()
            },
            "mistakes": {
                "kinds": dict(self.confusions.kinds.most_common()),
                "places": dict(self.confusions.places.most_common()),
                "top": [
                    {"kind": kind, "label": label, "pred": pred, "count": count}
                    for (kind, label, pred), count in self.confusions.symbols.most_common(_TOP)
                ],
            },
        }  # fmt: skip


def _boxes_json(boxes: Boxes) -> dict[str, object]:
    def as_json(estimate: Estimate) -> dict[str, float]:
        return {"value": estimate.value, "low": estimate.low, "high": estimate.high}

    return {
        "n": boxes.n, "mean_f1": as_json(boxes.mean_f1), "perfect": as_json(boxes.perfect),
        "image_match": as_json(boxes.image_match), "image_exact": as_json(boxes.image_exact),
        "labels_without_layout": boxes.labels_without_layout,
        "predictions_without_layout": boxes.predictions_without_layout,
    }  # fmt: skip


def evaluate(
    pairs: Iterable[Pair],
    *,
    boxes: bool = False,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    workers: int = 1,
    progress: Callable[[], object] | None = None,
) -> Metrics:
    """Score predictions against labels. Any strings will do.

    Args:
        pairs: Pairs of (label, prediction), or predictions as they are read from a file.
        boxes: Score the pictures too (about 60 differing pairs a CPU second).
        resamples: Bootstrap resamples; 0 leaves the intervals without width.
        seed: The seed of the resamples.
        workers: Processes that score pairs; 1 is this one alone. The figures are the same.
        progress: Called once a pair.

    Returns:
        The scores.

    Raises:
        MissingLibraryError: The extra `score` is not installed.

    Examples:
        >>> metrics = evaluate([("x ^ { 2 }", "x ^ { 2 }"), ("a + b", "a - b")])
        >>> metrics["exprate"]
        50.0
    """
    read = [pair if isinstance(pair, Prediction) else Prediction("", "", *pair) for pair in pairs]
    rows: list[list[float]] = []
    compared: list[Compared] = []
    scores: list[BoxScore] = []
    images: list[float] = []
    for row, outcome, score, image in _pair_scores(read, boxes, workers):
        rows.append(row)
        compared.append(outcome)
        if score is not None:
            scores.append(score)
            images.append(image)
        if progress is not None:
            progress()
    table = np.array(rows, dtype=np.float64).reshape(len(rows), len(COLUMNS))
    return _summed(read, table, compared, (scores, images) if boxes else None, resamples=resamples, seed=seed)


_PairScore: TypeAlias = "tuple[list[float], Compared, BoxScore | None, float]"


def _pair_scores(pairs: list[Prediction], boxes: bool, workers: int) -> Iterator[_PairScore]:
    jobs = [(pair.gt, pair.pred, boxes) for pair in pairs]
    if workers <= 1 or len(jobs) <= _CHUNK:
        yield from map(_pair_score, jobs)
        return
    with worker_pool(min(workers, len(jobs) // _CHUNK + 1), _nothing) as pool:
        yield from pool.map(_pair_score, jobs, chunksize=_CHUNK)


def _nothing() -> None:
    """What a worker begins with."""


def _pair_score(job: tuple[str, str, bool]) -> _PairScore:
    gt, pred, boxes = job
    compared = compare(gt, pred)
    row = token_row(gt, pred) + compared.row() + path_row(gt, pred) + compact_row(gt, pred)
    return (
        row,
        compared,
        box_score(gt, pred) if boxes else None,
        (image_match(gt, pred) or 0.0) if boxes else 0.0,
    )


def part(metrics: Metrics, places: list[int], resamples: int = RESAMPLES, seed: int = SEED) -> Metrics:
    """The same scores for some of the pairs; nothing is scored again."""
    return _summed(
        [metrics.pairs[i] for i in places],
        metrics.table[places],
        [metrics.compared[i] for i in places],
        None
        if metrics.boxes is None
        else ([metrics.box_scores[i] for i in places], [metrics.image_scores[i] for i in places]),
        resamples=resamples,
        seed=seed,
    )


def _summed(
    pairs: list[Prediction],
    table: Table,
    compared: list[Compared],
    scores: tuple[list[BoxScore], list[float]] | None,
    *,
    resamples: int,
    seed: int,
) -> Metrics:
    resampled = resampled_sums(table, resamples if pairs else 0, seed)
    sums = table.sum(axis=0)
    counts = Counter(result.outcome for result in compared)
    not_tex = [result.outcome for result in compared if _label_not_tex(result)]
    differing = ((a.gt, a.pred) for a, b in zip(pairs, compared, strict=True) if _differs(b.outcome))
    return Metrics(
        n=len(pairs),
        values={name: estimate(metric.value, sums, resampled) for name, metric in METRICS.items()},
        outcomes={outcome: counts[outcome] for outcome in Outcome},
        labels_not_tex=len(not_tex),
        labels_not_tex_met=sum(outcome is Outcome.EXACT for outcome in not_tex),
        groups={by: _grouped(pairs, table, names) for by, names in GROUPS.items()},
        confusions=confusions(differing),
        boxes=None if scores is None else _boxes(*scores, resamples, seed),
        pairs=pairs,
        table=table,
        compared=compared,
        box_scores=scores[0] if scores else [],
        image_scores=scores[1] if scores else [],
    )


def _differs(outcome: Outcome) -> bool:
    return outcome in (Outcome.WRONG_SYMBOLS, Outcome.WRONG_STRUCTURE, Outcome.BOTH_WRONG)


def _label_not_tex(compared: Compared) -> bool:
    # A label that is TeX has a node at least.
    return compared.outcome is Outcome.LABEL_NOT_TEX or (
        compared.outcome is Outcome.EXACT and not compared.label_nodes
    )


def _grouped(
    pairs: list[Prediction], table: Table, names: Callable[[str], tuple[str, ...]]
) -> dict[str, Group]:
    members: dict[str, list[int]] = {}
    for place, pair in enumerate(pairs):
        for name in names(pair.gt):
            members.setdefault(name, []).append(place)
    groups = {name: _group(table[places].sum(axis=0), len(places)) for name, places in members.items()}
    return dict(sorted(groups.items(), key=lambda item: _order(item[0])))


def _order(name: str) -> tuple[int, str]:
    first = name.split(maxsplit=1)[0]
    return (int(first), name) if first.isdigit() else (10_000, name)


def _group(sums: Table, n: int) -> Group:
    return Group(n, {name: METRICS[name].value(sums) for name in GROUP_METRICS})


def _boxes(scores: list[BoxScore], images: list[float], resamples: int, seed: int) -> Boxes:
    kept = [
        (score, image) for score, image in zip(scores, images, strict=True) if score.label_boxes is not None
    ]
    rows = [[1.0, score.f1, float(score.perfect), image, float(image == 1)] for score, image in kept]
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 5)
    resampled = resampled_sums(table, resamples if kept else 0, seed)
    sums = table.sum(axis=0)

    def mean(column: int, scale: float) -> Estimate:
        def value(table: Table) -> float:
            return scale * float(table[column] / table[0]) if table[0] else 0.0

        return estimate(value, sums, resampled)

    return Boxes(
        n=len(kept),
        mean_f1=mean(1, 1.0),
        perfect=mean(2, 100.0),
        image_match=mean(3, 1.0),
        image_exact=mean(4, 100.0),
        labels_without_layout=len(scores) - len(kept),
        predictions_without_layout=sum(score.pred_boxes is None for score, _ in kept),
    )
