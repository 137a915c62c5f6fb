"""The answers to the tasks beyond recognition as cards of the page: what was asked, what was said, marks in
colour."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hmer_tasks.errors.markup import strip_marks
from hmer_tasks.evaluation.answers import counts_agree, explicit, reasoning_of, tree_agrees
from hmer_tasks.evaluation.references import References
from hmer_tasks.evaluation.task_scores import Span, counts_in, marked_spans, places_of, true_spans
from hmer_tasks.exceptions import PictureError
from hmer_tasks.latex.canonical import visually_equal
from hmer_tasks.latex.counts import count_symbols
from hmer_tasks.predictions import Prediction
from hmer_tasks.reports.page_pictures import data_address
from hmer_tasks.reports.pair_drawing import token_differences

SHOWN = 30  # cards a task
_LONGEST = 2_000  # characters of a tree or log on a card


@dataclass(frozen=True, slots=True)
class CardLine:
    """A line of a card: what it is, and its text."""

    name: str
    text: Markup


@dataclass(frozen=True, slots=True)
class TaskCard:
    """An answer; `tone` is `good` or `bad`."""

    id: str
    verdict: str
    tone: str
    lines: tuple[CardLine, ...]
    picture: str | None


def task_cards(task: str, answers: Iterable[Prediction], references: References | None) -> list[TaskCard]:
    """Cards of a task's answers, the wrong ones first, SHOWN at most."""
    make = {
        "tree_cot": _tree_card,
        "counting": _counting_card,
        "error_detection": _detection_card,
        "error_correction": _correction_card,
    }.get(task)
    if make is None:
        return []
    cards = [(answer, *make(answer)) for answer in answers if answer.task == task]
    cards.sort(key=lambda card: card[2] == "good")
    return [
        TaskCard(answer.id, verdict, tone, lines, picture_data(references, answer))
        for answer, verdict, tone, lines in cards[:SHOWN]
    ]


def picture_data(references: References | None, pair: Prediction) -> str | None:
    """The picture of a prediction as a data: address; None where there is none."""
    return picture_data_of(references, pair.source, pair.id)


def picture_data_of(references: References | None, source: str, id: str) -> str | None:
    """The picture of a sample as a data: address; None where there is none."""
    reference = None if references is None else references.find(source, id)
    if reference is None or reference.picture is None:
        return None
    try:
        return data_address(reference.picture.load()[0])
    except PictureError:
        return None


_TaskCard = tuple[str, str, tuple[CardLine, ...]]


def _plain(text: str) -> Markup:
    cut = text[:_LONGEST]
    return Markup("{}{}").format(
        cut, f" … and {len(text) - _LONGEST:,} characters more" if cut != text else ""
    )


def _answer_lines(answer: Prediction) -> tuple[CardLine, CardLine]:
    left, right = token_differences(answer.gt, answer.pred)
    return CardLine("label", left), CardLine("answer", right)


def _tree_card(answer: Prediction) -> _TaskCard:
    work = reasoning_of(answer.raw)
    equal, agree = tree_agrees(work, answer.gt), tree_agrees(work, answer.pred)
    verdict = "the label's tree" if equal else "another tree" if agree else "tree and answer do not agree"
    tree = CardLine("tree", _plain(work.replace("\t", "    ")))
    return verdict, "good" if equal else "bad", (*_answer_lines(answer), tree)


def _counting_card(answer: Prediction) -> _TaskCard:
    work = reasoning_of(answer.raw)
    right = counts_agree(work, answer.gt)
    said, true = counts_in(work), count_symbols(explicit(answer.gt) or answer.gt)
    if said is None:
        return "counts cannot be read", "bad", (*_answer_lines(answer), CardLine("counts", _plain(work)))
    parts = []
    for symbol in [*true, *(name for name in said if name not in true)]:
        is_right = said.get(symbol, 0) == true.get(symbol, 0)
        kind = "hit" if is_right else "missed"
        note = "" if is_right else f" (label: {true.get(symbol, 0)})"
        parts.append(
            Markup('<span class="{}">{}: {}{}</span>').format(kind, symbol, said.get(symbol, 0), note)
        )
    counts = CardLine("counts", Markup(", ").join(parts))
    return (
        "all counts right" if right else "wrong counts",
        "good" if right else "bad",
        (*_answer_lines(answer), counts),
    )


def _detection_card(prediction: Prediction) -> _TaskCard:
    answer = prediction.raw.strip()
    candidate = strip_marks(answer) if prediction.candidate is None else prediction.candidate
    label = explicit(prediction.gt) or prediction.gt
    true, said = true_spans(candidate, label), marked_spans(answer)
    lines = [CardLine("label", Markup("{}").format(label))]
    if strip_marks(answer).split() != candidate.split():
        lines += [CardLine("candidate", _plain(candidate)), CardLine("answer", _plain(answer))]
        return "marks another text than the candidate", "bad", tuple(lines)
    lines.append(CardLine("candidate", coloured(candidate, true, said)))
    if set(true) == set(said):
        return "every mistake marked" if true else "right, and not marked", "good", tuple(lines)
    return "false alarm" if not true else "other marks than mistakes", "bad", tuple(lines)


def _correction_card(answer: Prediction) -> _TaskCard:
    lines = [*_answer_lines(answer)]
    if answer.candidate is not None:
        label = explicit(answer.gt) or answer.gt
        marks = marked_spans(answer.marked) if answer.marked is not None else []
        lines.insert(
            0, CardLine("candidate", coloured(answer.candidate, true_spans(answer.candidate, label), marks))
        )
    lines.append(CardLine("log", _plain(reasoning_of(answer.raw))))
    fine = visually_equal(answer.pred, answer.gt)
    was_fine = answer.candidate is not None and visually_equal(answer.candidate, answer.gt)
    if answer.candidate is None:
        verdict = "right" if fine else "wrong"
    elif fine:
        verdict = "was right and stays right" if was_fine else "corrected"
    else:
        verdict = "was right: over-corrected" if was_fine else "still wrong"
    return verdict, "good" if fine else "bad", tuple(lines)


def coloured(candidate: str, true: Sequence[Span], said: Sequence[Span]) -> Markup:
    """A candidate with its mistakes and an answer's marks in colour."""
    tokens = candidate.split()
    mistakes, marks = places_of(true), places_of(said)
    parts: list[Markup] = []
    for i in range(len(tokens) + 1):
        for place, text in ((("gap", i), "␣"), (("token", i), tokens[i] if i < len(tokens) else "")):
            is_mistake, is_marked = place in mistakes, place in marks
            if (place[0] == "gap" and not (is_mistake or is_marked)) or not text:
                continue
            kind = (
                "hit"
                if is_mistake and is_marked
                else "missed"
                if is_mistake
                else "alarm"
                if is_marked
                else ""
            )
            parts.append(
                Markup('<span class="{}">{}</span>').format(kind, text) if kind else Markup("{}").format(text)
            )
    return Markup(" ").join(parts)
