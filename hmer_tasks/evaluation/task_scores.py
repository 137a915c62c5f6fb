"""A score for each of the five tasks: Tree-CoT, counting, error detection, error correction, and refinement.

Recognition has the published tables (`metrics.py`). Here the other answers are read as what they are: a
tree, counts, marks, a log. Nothing is taken from the answer's last line that its work does not say.

- Tree-CoT: valid (the tree is one that some label has), equal (it is the tree of the label), the relations'
  precision, recall and F1 (as in `trees.py`), and whether tree and answer agree.
- Counting: all counts right; mean absolute error over the symbols that the label or the answer names;
  whether counts and answer agree.
- Error detection: well-formed marks on the candidate that was asked about; precision, recall and F1 by
  token (a token marked, or a gap) and by mistake (a span of the shortest edit script; it is found where a
  mark touches it, a mark is right where it touches one); false alarms on candidates that are right.
- Error correction: a valid log (done at the marks it gives the answer's label); wrong candidates corrected,
  left wrong (no further from the label), and made worse (further from it); right candidates that were made
  wrong. The last two are over-correction.
- Refinement: how many pictures are right before (the candidates) and after (the answers).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from hmer_tasks.errors.align import align
from hmer_tasks.errors.edits import edit_distance
from hmer_tasks.errors.markup import DELETED, ERROR_END, ERROR_START, strip_marks
from hmer_tasks.evaluation.answers import (
    corrections_agree,
    counts_agree,
    explicit,
    label_of_tree,
    marks_valid,
    reasoning_of,
    tree_agrees,
)
from hmer_tasks.evaluation.trees import compare
from hmer_tasks.latex.canonical import visually_equal
from hmer_tasks.latex.counts import count_symbols
from hmer_tasks.predictions import Prediction
from hmer_tasks.tasks import DIALECTS, PLUGIN_TASKS
from hmer_tasks.tasks.base import ScoredTask


@dataclass(frozen=True, slots=True)
class Score:
    """A line of a task's table: its name, its value (a percentage, or a plain number), and of how many."""

    title: str
    value: float
    unit: str
    of: int


@dataclass(slots=True)
class TaskScores:
    """A task's table; `answers` counts what it was read from, `remarks` says what could not be judged."""

    task: str
    answers: int = 0
    scores: dict[str, Score] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> float:
        """The value of a score."""
        return self.scores[name].value

    def as_json(self) -> dict[str, object]:
        """The table by names."""
        return {
            "n": self.answers,
            "scores": {
                name: {"value": score.value, "title": score.title, "unit": score.unit, "n": score.of}
                for name, score in self.scores.items()
            },
            "remarks": self.remarks,
        }

    def share(self, name: str, title: str, count: int, of: int) -> None:
        """Add a percentage; nothing where there is nothing to count."""
        if of:
            self.scores[name] = Score(title, 100 * count / of, "%", of)

    def f1(self, name: str, title: str, hits: int, said: int, true: int) -> None:
        """Add precision, recall and F1. Precision of nothing said, and recall of nothing true, are left
        out."""
        self.share(f"{name}_precision", f"{title}: precision", hits, said)
        self.share(f"{name}_recall", f"{title}: recall", hits, true)
        if said + true:
            self.scores[f"{name}_f1"] = Score(f"{title}: F1", 200 * hits / (said + true), "%", true)


def task_scores(answers: Iterable[Prediction]) -> dict[str, TaskScores]:
    """The tables of the tasks that the answers are to, recognition left out. Answers name their tasks."""
    by_task: dict[str, list[Prediction]] = {}
    for answer in answers:
        by_task.setdefault(answer.task, []).append(answer)
    scored = {
        task: score(by_task[task])
        for task, score in (
            ("tree_cot", tree_scores),
            ("counting", counting_scores),
            ("error_detection", detection_scores),
            ("error_correction", correction_scores),
        )
        if task in by_task
    }
    for name, task in PLUGIN_TASKS.items():
        if name in by_task and isinstance(task, ScoredTask):
            scored[name] = plugin_scores(task, name, by_task[name])
    if "error_correction" in by_task:
        refinement = refinement_scores(by_task["error_correction"])
        if refinement.scores:
            scored["refinement"] = refinement
    return scored


def plugin_scores(task: ScoredTask, name: str, answers: Sequence[Prediction]) -> TaskScores:
    """The means of what a plug-in's task scores its answers by."""
    table = TaskScores(name, len(answers))
    values: dict[str, list[float]] = {}
    for answer in answers:
        for score, value in task.score(answer.raw or answer.pred, answer.gt).items():
            values.setdefault(score, []).append(value)
    for score, numbers in values.items():
        title = score.replace("_", " ")
        table.scores[score] = Score(title, 100 * sum(numbers) / len(numbers), "%", len(numbers))
    return table


def with_candidates(answers: Sequence[Prediction], readings: Iterable[Prediction]) -> list[Prediction]:
    """The answers, each error task's with the candidate it was about: its own if the file says so, else the
    first recognition of the same picture; a correction's marks are the detection of the same picture."""
    read: dict[tuple[str, str], str] = {}
    marked: dict[tuple[str, str], str] = {}
    for reading in readings:
        if reading.sample == 0 and reading.task in ("", "recognition"):
            read.setdefault((reading.source, reading.id), reading.pred)
        elif reading.sample == 0 and reading.task == "error_detection":
            marked.setdefault((reading.source, reading.id), reading.raw.strip())
    out = []
    for reading in answers:
        if reading.task not in ("error_detection", "error_correction"):
            out.append(reading)
            continue
        candidate, marks, key = reading.candidate, reading.marked, (reading.source, reading.id)
        if marks is None and candidate is None and reading.task == "error_correction":
            marks = marked.get(key)
        if candidate is None:
            candidate = read.get(key) if marks is None else strip_marks(marks)
        out.append(replace(reading, candidate=candidate, marked=marks))
    return out


def tree_scores(answers: Sequence[Prediction]) -> TaskScores:
    """Tree-CoT."""
    table = TaskScores("tree_cot", len(answers))
    valid = equal = agree = exact = matched = said = true = 0
    for answer in answers:
        work = reasoning_of(answer.raw)
        given = label_of_tree(work)
        own = tree_agrees(work, answer.pred)
        if given is None and own:  # the published dialect has trees that no label has
            given = explicit(answer.pred)
        valid += given is not None
        equal += tree_agrees(work, answer.gt)
        agree += own
        exact += answer.pred.split() == answer.gt.split()
        relations = compare(answer.gt, given or "")
        matched += relations.matched_relations
        said += relations.pred_relations
        true += relations.label_relations
    table.share("valid", "tree is valid", valid, len(answers))
    table.share("equal", "tree is the label's", equal, len(answers))
    table.f1("relations", "relations", matched, said, true)
    table.share("agree", "tree and answer agree", agree, len(answers))
    table.share("exact", "answer is exact (ExpRate)", exact, len(answers))
    return table


def counts_in(text: str) -> dict[str, int] | None:
    """The counts that a text says (`a: 1, \\frac: 2`); None where it is no such text. One symbol named
    twice counts as the sum."""
    said: dict[str, int] = {}
    if not text.strip():
        return None
    for part in text.strip().split(", "):
        symbol, colon, number = part.rpartition(": ")
        if not colon or len(symbol.split()) != 1 or not number.isdecimal() or len(number) > 6:
            return None
        said[symbol] = said.get(symbol, 0) + int(number)
    return said


def counting_scores(answers: Sequence[Prediction]) -> TaskScores:
    """Counting. Counts that cannot be read count as none at all: every symbol of the label is missed."""
    table = TaskScores("counting", len(answers))
    readable = right = agree = exact = symbols = wrong = 0
    for answer in answers:
        work = reasoning_of(answer.raw)
        said = counts_in(work)
        readable += said is not None
        right += counts_agree(work, answer.gt)
        agree += counts_agree(work, answer.pred)
        exact += answer.pred.split() == answer.gt.split()
        forms = [
            count_symbols(form, how)
            for how in DIALECTS
            for form in (explicit(answer.gt) or answer.gt, answer.gt)
        ]
        true = next((form for form in forms if form == said), forms[0])  # the form that is answered in
        named = true.keys() | (said or {}).keys()
        symbols += len(named)
        wrong += sum(abs(true.get(name, 0) - (said or {}).get(name, 0)) for name in named)
    table.share("readable", "counts can be read", readable, len(answers))
    table.share("exact_counts", "all counts right", right, len(answers))
    if symbols:
        table.scores["mean_absolute_error"] = Score(
            "mean absolute error a symbol", wrong / symbols, "", symbols
        )
    table.share("agree", "counts and answer agree", agree, len(answers))
    table.share("exact", "answer is exact (ExpRate)", exact, len(answers))
    return table


Span = tuple[int, int]  # of the candidate's tokens; an empty one is a gap before its start


def marked_spans(marked: str) -> list[Span]:
    """The spans that marks stand around, in tokens of the candidate. Marks that are not well formed are
    read as far as they go: a start without an end marks nothing."""
    spans: list[Span] = []
    at, start = 0, -1
    for token in marked.split():
        if token == ERROR_START:
            start = at
        elif token == ERROR_END:
            if 0 <= start < at:
                spans.append((start, at))
            start = -1
        elif token == DELETED:
            spans.append((at, at))
        else:
            at += 1
    return spans


def true_spans(candidate: str, label: str) -> list[Span]:
    """The mistakes of a candidate: the spans of the shortest edit script; none where it is right on paper."""
    if visually_equal(candidate, label):
        return []
    return [(start, stop) for start, stop, *_ in align(candidate.split(), label.split())]


def _mistakes(candidate: str, gt: str) -> list[Span]:
    """The mistakes of a candidate as it is written, found in explicit form: braces left out are none."""
    label, full = explicit(gt) or gt, (explicit(candidate) or candidate).split()
    written = candidate.split()
    places = [0]  # in the candidate, of each place in its explicit form
    for token in full:
        at = places[-1]
        places.append(at + (at < len(written) and written[at] == token))
    if places[-1] != len(written):  # explicit form does more than to add braces
        return true_spans(candidate, label)
    return [(places[start], places[stop]) for start, stop in true_spans(" ".join(full), label)]


def places_of(spans: Iterable[Span]) -> set[tuple[str, int]]:
    """The tokens that spans hold, and the gaps that they are."""
    return {
        place
        for start, stop in spans
        for place in ([("gap", start)] if start == stop else [("token", i) for i in range(start, stop)])
    }


def _touch(a: Span, b: Span) -> bool:
    """Whether two spans share a token, or are the same gap, or a gap lies in or at a span."""
    if a[0] == a[1] or b[0] == b[1]:
        return a[0] <= b[1] and b[0] <= a[1]
    return a[0] < b[1] and b[0] < a[1]


def detection_scores(answers: Sequence[Prediction]) -> TaskScores:
    """Error detection. Answers whose candidate is not known are held against the text under their own
    marks."""
    table = TaskScores("error_detection", len(answers))
    valid = known = right = alarms = 0
    tokens = [0, 0, 0]  # hits, said, true
    detected = mistakes = touching = marks = 0
    for prediction in answers:
        answer = prediction.raw.strip()
        candidate = strip_marks(answer) if prediction.candidate is None else prediction.candidate
        known += prediction.candidate is not None
        good = marks_valid(answer, candidate)
        valid += good
        same = strip_marks(answer).split() == candidate.split()
        said = marked_spans(answer) if same else []  # marks on another text are in no place of this one
        true = _mistakes(candidate, prediction.gt)
        if not true:
            right += 1
            alarms += bool(said) or not same
        ours, theirs = places_of(true), places_of(said)
        tokens = [tokens[0] + len(ours & theirs), tokens[1] + len(theirs), tokens[2] + len(ours)]
        detected += sum(any(_touch(span, mark) for mark in said) for span in true)
        touching += sum(any(_touch(span, mark) for span in true) for mark in said)
        mistakes += len(true)
        marks += len(said)
    table.share("valid", "marks are well formed, on the candidate", valid, len(answers))
    table.f1("token", "by token", *tokens)
    table.share("mistake_precision", "by mistake: precision", touching, marks)
    table.share("mistake_recall", "by mistake: recall", detected, mistakes)
    if marks and mistakes:
        precision, recall = touching / marks, detected / mistakes
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        table.scores["mistake_f1"] = Score("by mistake: F1", 100 * f1, "%", mistakes)
    table.share("false_alarms", "false alarms on right candidates", alarms, right)
    if known < len(answers):
        table.remarks.append(
            f"{len(answers) - known:,} answers do not say which candidate they mark: the text under "
            f"their own marks "
            "is taken for it (--labels BUILD or the recognition's file says it)"
        )
    return table


def correction_scores(answers: Sequence[Prediction]) -> TaskScores:
    """Error correction."""
    table = TaskScores("error_correction", len(answers))
    with_marks = [answer for answer in answers if answer.marked is not None]
    valid = sum(
        corrections_agree(answer.marked or "", reasoning_of(answer.raw), answer.pred) for answer in with_marks
    )
    wrong = corrected = left = worse = right = spoilt = 0
    known = [answer for answer in answers if answer.candidate is not None]
    for answer in known:
        candidate, fine = answer.candidate or "", visually_equal(answer.pred, answer.gt)
        if visually_equal(candidate, answer.gt):
            right += 1
            spoilt += not fine
            continue
        wrong += 1
        if fine:
            corrected += 1
        elif _distance(answer.pred, answer.gt) > _distance(candidate, answer.gt):
            worse += 1
        else:
            left += 1
    table.share("valid", "log is valid: done at the marks it gives the answer", valid, len(with_marks))
    table.share("corrected", "wrong candidates corrected", corrected, wrong)
    table.share("left_wrong", "wrong candidates left wrong", left, wrong)
    table.share("made_worse", "wrong candidates made worse", worse, wrong)
    table.share("over_corrected", "right candidates made wrong (over-correction)", spoilt, right)
    exact = sum(answer.pred.split() == answer.gt.split() for answer in answers)
    table.share("exact", "answer is exact (ExpRate)", exact, len(answers))
    if len(known) < len(answers):
        table.remarks.append(
            f"{len(answers) - len(known):,} answers do not say which candidate they correct and are "
            f"judged by their "
            "label alone (--labels BUILD or the recognition's file says it)"
        )
    return table


def _distance(pred: str, gt: str) -> int:
    return edit_distance((explicit(pred) or pred).split(), (explicit(gt) or gt).split())


def refinement_scores(answers: Sequence[Prediction]) -> TaskScores:
    """Corrections against what they were asked about: exact match of tokens, and equality on paper."""
    known = [answer for answer in answers if answer.candidate is not None]
    table = TaskScores("refinement", len(known))
    for name, title, equal in (
        ("exprate", "ExpRate", _exact),
        ("same_on_paper", "same on paper", visually_equal),
    ):
        before = sum(equal(answer.candidate or "", answer.gt) for answer in known)
        after = sum(equal(answer.pred, answer.gt) for answer in known)
        table.share(f"{name}_before", f"{title} before", before, len(known))
        table.share(f"{name}_after", f"{title} after", after, len(known))
    return table


def _exact(a: str, b: str) -> bool:
    """Token for token, in explicit form: a candidate is in it, a label may not be."""
    return (explicit(a) or a).split() == (explicit(b) or b).split()
