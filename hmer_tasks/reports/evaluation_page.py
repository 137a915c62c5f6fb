"""The page of an evaluation (`--html FILE`): the scores, and the worst pairs with all that explains them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from hmer_tasks.evaluation.bootstrap import Estimate
from hmer_tasks.evaluation.boxes import box_score
from hmer_tasks.evaluation.columns import INDEX
from hmer_tasks.evaluation.compare import Comparison
from hmer_tasks.evaluation.confusions import mistakes
from hmer_tasks.evaluation.metrics import Metrics
from hmer_tasks.evaluation.published import METRICS
from hmer_tasks.evaluation.references import References
from hmer_tasks.evaluation.task_scores import TaskScores
from hmer_tasks.evaluation.trees import Outcome, graph_of
from hmer_tasks.predictions import Prediction
from hmer_tasks.reports.formula import formula, sprite
from hmer_tasks.reports.html import render
from hmer_tasks.reports.pair_drawing import TreeRow, token_differences, tree_rows
from hmer_tasks.reports.task_cards import TaskCard, picture_data, task_cards
from hmer_tasks.typeset.layout import layout

WORST = 50
_TEMPLATES = Path(__file__).parent / "templates"
_TOP = 25  # confusions in the table
_SEARCHED = 400  # characters of a label or prediction that the filter looks at


@dataclass(frozen=True, slots=True)
class MetricRow:
    """A line of a table of metrics."""

    title: str
    value: str
    interval: str
    reported_by: str


@dataclass(frozen=True, slots=True)
class Side:
    """Label or prediction of a card: drawn, or why not, and as text with the differences marked."""

    name: str
    formula: Markup | None
    why_not: str
    text: Markup


@dataclass(frozen=True, slots=True)
class Card:
    """One of the worst pairs."""

    id: str
    outcome: str
    kinds: str
    search: str
    distance: int
    edit_score: str
    box_f1: str
    mistakes: str
    picture: str | None
    sides: tuple[Side, Side]
    trees: tuple[list[TreeRow], list[TreeRow]] | None


def shown(name: str, value: float) -> str:
    """A metric's value as people quote it: per cents with four digits, ratios with six."""
    return f"{value:.4f} %" if METRICS[name].unit == "%" else f"{value:.6f}"


def interval(name: str, estimate: Estimate) -> str:
    """The bounds of an estimate, with the digits that mean something."""
    digits = 2 if METRICS[name].unit == "%" else 4
    return f"{estimate.low:.{digits}f} … {estimate.high:.{digits}f}"


def metric_rows(values: Mapping[str, Estimate]) -> list[MetricRow]:
    """The lines of a table of metrics."""
    return [
        MetricRow(
            METRICS[name].title,
            shown(name, estimate.value),
            interval(name, estimate),
            METRICS[name].reported_by,
        )
        for name, estimate in values.items()
    ]


def box_rows(metrics: Metrics) -> list[MetricRow]:
    """The lines of box F1, if it was asked for."""
    if metrics.boxes is None:
        return []
    by = "this project, in the manner of CDM (UniMERNet)"
    f1, perfect = metrics.boxes.mean_f1, metrics.boxes.perfect
    match, exact = metrics.boxes.image_match, metrics.boxes.image_exact
    images = "this project, in the manner of Im2Markup: pictures without TeX,"
    return [
        MetricRow("box F1", f"{f1.value:.4f}", f"{f1.low:.4f} … {f1.high:.4f}", by),
        MetricRow("box F1 = 1", f"{perfect.value:.4f} %", f"{perfect.low:.2f} … {perfect.high:.2f}", by),
        MetricRow(
            "image match",
            f"{match.value:.4f}",
            f"{match.low:.4f} … {match.high:.4f}",
            f"{images} 1 − edit distance of their columns",
        ),
        MetricRow(
            "image exact",
            f"{exact.value:.4f} %",
            f"{exact.low:.2f} … {exact.high:.2f}",
            f"{images} all columns equal",
        ),
    ]


def worst(metrics: Metrics, count: int = WORST) -> list[int]:
    """Places of the worst pairs: by edit score, then by token distance; none that is the same on paper."""
    table = metrics.table
    wrong = [i for i in range(metrics.n) if not table[i, INDEX["same"]]]
    wrong.sort(key=lambda i: (table[i, INDEX["edit_score"]], -table[i, INDEX["token_distance"]], i))
    return wrong[:count]


def page(
    metrics: Metrics | None,
    title: str,
    *,
    references: References | None = None,
    missing: int = 0,
    comparison: Comparison | None = None,
    other: str = "",
    tasks: Mapping[str, TaskScores] | None = None,
    answers: Sequence[Prediction] = (),
    remarks: Sequence[str] = (),
) -> str:
    """The page as HTML, all in one file.

    Args:
        metrics: the scores; None where there is nothing but answers of the error tasks.
        title: of the page.
        references: what the pairs are held against, for the pictures; without them there are none.
        missing: labels without a prediction.
        comparison: with another system.
        other: its name.
        tasks: tables of the tasks beyond recognition.
        answers: to these tasks.
        remarks: lines about the input.

    Returns:
        The HTML.

    Raises:
        MissingLibraryError: without scipy.
    """
    glyphs: set[str] = set()
    cards = [] if metrics is None else [_card(metrics, i, references, glyphs) for i in worst(metrics)]
    task_parts = {task: task_cards(task, answers, references) for task in tasks or ()}
    shown_cards: list[Card | TaskCard] = [
        *cards,
        *(card for part_cards in task_parts.values() for card in part_cards),
    ]
    kinds = Counter(kind for card in cards for kind in card.kinds.split())
    return render(
        _TEMPLATES,
        "scores",
        {
            "title": title,
            "n": metrics.n if metrics else 0,
            "missing": missing,
            "remarks": remarks,
            "pictures": _about_pictures(shown_cards, references),
            "tasks": [(table, task_parts[name]) for name, table in (tasks or {}).items()],
            "not_tex": metrics.labels_not_tex if metrics else 0,
            "not_tex_met": metrics.labels_not_tex_met if metrics else 0,
            "metrics": metric_rows(metrics.values) + box_rows(metrics) if metrics else [],
            "comparison": _compared(metrics, comparison, other) if metrics and comparison else None,
            "outcomes": list(metrics.outcomes.items()) if metrics else [],
            "groups": [(name, list(scores.items())) for name, scores in metrics.groups.items()]
            if metrics
            else [],
            "confusions": metrics.confusions.top(_TOP) if metrics else [],
            "kinds": metrics.confusions.kinds.most_common() if metrics else [],
            "places": metrics.confusions.places.most_common(12) if metrics else [],
            "cards": cards,
            "card_outcomes": [name for name in Outcome if any(card.outcome == name for card in cards)],
            "card_kinds": sorted(kinds),
            "sprite": sprite(glyphs),
        },
    )


def _about_pictures(cards: "Sequence[Card | TaskCard]", references: References | None) -> str:
    """One line about the pictures of the page, where some or all are not there."""
    pictures = sum(card.picture is not None for card in cards)
    if not cards or pictures == len(cards):
        return ""
    if references is None:
        return (
            "No pictures: a prediction file holds none. Add --labels with a build, a corpus or a label file."
        )
    return f"Pictures: {pictures:,} of {len(cards):,} were found by {references.name}."


def _compared(metrics: Metrics, comparison: Comparison, other: str) -> dict[str, object]:
    return {
        "other": other,
        "rows": metric_rows(comparison.differences),
        "only_one": [metrics.pairs[i].id for i in comparison.only_one],
        "only_other": [metrics.pairs[i].id for i in comparison.only_other],
        "p_value": f"{comparison.p_value:.4g}",
    }


def _card(metrics: Metrics, place: int, references: References | None, glyphs: set[str]) -> Card:
    pair, row = metrics.pairs[place], metrics.table[place]
    score = box_score(pair.gt, pair.pred)
    drawn = []
    for text, unmatched in ((pair.gt, score.unmatched_label), (pair.pred, score.unmatched_pred)):
        boxes = layout(text)
        if boxes is not None:
            glyphs.update(box.glyph for box in boxes)
        drawn.append(None if boxes is None else formula(boxes, unmatched))
    texts = token_differences(pair.gt, pair.pred)
    kinds = Counter(mistake.kind for mistake in mistakes(pair.gt, pair.pred))
    label, read = graph_of(pair.gt), graph_of(pair.pred)
    return Card(
        id=pair.id,
        outcome=metrics.compared[place].outcome,
        kinds=" ".join(kinds),
        search=f"{pair.id} {pair.gt[:_SEARCHED]} {pair.pred[:_SEARCHED]}",
        distance=int(row[INDEX["token_distance"]]),
        edit_score=f"{100 * row[INDEX['edit_score']]:.1f} %",
        box_f1="" if score.label_boxes is None else f"{score.f1:.3f}",
        mistakes=", ".join(f"{count} {kind}" for kind, count in kinds.most_common()),
        picture=picture_data(references, pair),
        sides=(
            Side("label", drawn[0], _why_not(pair.gt), texts[0]),
            Side("prediction", drawn[1], _why_not(pair.pred), texts[1]),
        ),
        trees=None if label is None or read is None else tree_rows(label, read),
    )


def _why_not(text: str) -> str:
    if not text.strip():
        return "empty"
    return "not TeX: not drawn" if graph_of(text) is None else "too long, too deep or too strange to draw"
