"""Each task's scores on made-up answers whose scores can be told by hand."""

import pytest
from hypothesis import given, settings

from hmer_tasks.errors.markup import mark_errors
from hmer_tasks.evaluation.metrics import evaluate
from hmer_tasks.evaluation.task_scores import (
    correction_scores,
    counting_scores,
    counts_in,
    detection_scores,
    marked_spans,
    refinement_scores,
    task_scores,
    tree_scores,
    true_spans,
    with_candidates,
)
from hmer_tasks.latex.counts import count_symbols, count_text
from hmer_tasks.predictions import Prediction
from hmer_tasks.reports.evaluation_page import page
from hmer_tasks.reports.task_cards import coloured, task_cards
from tests.latex.expressions import LABELS, explicit_form


def answer(task, gt, raw, pred=None, **asked):
    pred = raw.rpartition("\n")[2] if pred is None else pred
    return Prediction("s", gt, gt, pred, task, 0, raw, "eos", **asked)


def values(table, *names):
    return [pytest.approx(table[name]) for name in names]


def test_trees():
    good, other = "a\n+ (right)\nb (right)", "a\n- (right)\nb (right)"
    table = tree_scores(
        [
            answer("tree_cot", "a + b", f"{good}\na + b"),  # all right
            answer("tree_cot", "a + b", f"{other}\na - b"),  # wrong, and of one mind
            answer("tree_cot", "a + b", f"{good}\na - b"),  # the tree is right, the answer another
            answer("tree_cot", "a + b", "a\n+ (nowhere)\na + b"),  # no tree
        ]
    )
    assert values(table, "valid", "equal", "agree", "exact") == [75, 50, 50, 50]
    # each label has two relations; the trees say two each, the third none of them: all met, whatever the
    # symbols
    assert values(table, "relations_precision", "relations_recall") == [100, 75]


def test_the_published_dialect_of_trees():
    from hmer_tasks.latex.uni_mumer_tree import released_tree_text

    label = r"\mathbb { R } ^ { 2 }"
    table = tree_scores([answer("tree_cot", label, f"{released_tree_text(label)}\n{label}")])
    assert values(table, "valid", "equal", "agree") == [100, 100, 100]


def test_counts():
    table = counting_scores(
        [
            answer("counting", "a + a", "a: 2, +: 1\na + a"),
            answer("counting", "a + a", "+: 1, a: 2\na + a"),  # the order is free
            answer("counting", "a + a", "a: 1, b: 1\na b"),  # a off by 1, + by 1, b by 1
            answer("counting", "a + a", "none of it\na + a"),  # 3 symbols missed
        ]
    )
    assert values(table, "readable", "exact_counts", "agree", "exact") == [75, 50, 75, 75]
    assert table["mean_absolute_error"] == pytest.approx((1 + 1 + 1 + 3) / (2 + 2 + 3 + 2))


@settings(max_examples=60)
@given(LABELS)
def test_counts_are_read_back(label):
    if count_symbols(label):
        assert counts_in(count_text(label)) == count_symbols(label)


@pytest.mark.parametrize("text", ["", "a", "a: b", "a: 1,b: 2", "a: -1", ": 1", "a: 9999999999"])
def test_what_is_no_count(text):
    assert counts_in(text) is None


def test_detection():
    # candidate: d for a, and a + too few; the right marks are those of mark_errors
    label, candidate = "a ^ { 2 } + b", "d ^ { 2 } b"
    marked, _ = mark_errors(candidate, label)
    asked = {"candidate": candidate}
    right = {"candidate": label}
    table = detection_scores(
        [
            answer("error_detection", label, marked, "", **asked),
            answer("error_detection", label, "<error_start> d <error_end> ^ { 2 } <error_start> b <error_end>", "", **asked),
            answer("error_detection", label, label, "", **right),
            answer("error_detection", label, "<error_start> a <error_end> ^ { 2 } + b", "", **right),
        ]
    )  # fmt: skip
    assert table["valid"] == 100 and table["false_alarms"] == 50
    # by token: 2 + 2 true places; said 2, 2 and 1 (the false alarm); met 2 and 1
    assert values(table, "token_precision", "token_recall") == [pytest.approx(60), pytest.approx(75)]
    # by mistake: a mark on b touches the gap before b
    assert values(table, "mistake_precision", "mistake_recall") == [pytest.approx(80), pytest.approx(100)]


def test_detection_of_another_text_and_bad_marks():
    table = detection_scores(
        [
            answer("error_detection", "a b", "<error_start> z <error_end> q", "", candidate="a c"),
            answer("error_detection", "a b", "a <error_start> c", "", candidate="a c"),
        ]
    )
    assert table["valid"] == table["token_recall"] == 0
    assert "token_precision" not in table.scores  # nothing was said that could be right


def test_without_a_candidate_it_is_said():
    table = detection_scores([answer("error_detection", "a b", "a <error_start> c <error_end>", "")])
    assert table["token_f1"] == 100 and "1 answers do not say which candidate" in table.remarks[0]


def correction(gt, candidate, pred, log=None):
    marked, right_log = mark_errors(candidate, gt)
    return answer("error_correction", gt, f"{right_log if log is None else log}\n{pred}", candidate=candidate, marked=marked)  # fmt: skip


def test_correction_and_over_correction():
    answers = [
        correction("a + b", "d + b", "a + b"),  # corrected, by a valid log
        correction("a + b", "d + b", "d + b", "REPLACE:d -> d"),  # left wrong, log valid
        correction("a + b", "d + b", "d - b"),  # worse, and the log gives another label
        correction("a + b", "a + b", "a + b"),  # stays right
        correction("a + b", "a + b", "a + a", ""),  # made wrong
    ]
    table = correction_scores(answers)
    assert values(table, "corrected", "left_wrong", "made_worse") == [pytest.approx(100 / 3)] * 3
    assert table["over_corrected"] == 50
    assert table["valid"] == pytest.approx(60)
    refined = refinement_scores(answers)
    assert values(refined, "exprate_before", "exprate_after") == [40, 40]


def test_candidates_come_from_the_recognition_and_the_detection():
    reading = Prediction("s", "1", "a + b", "d + b", "recognition")
    detected = Prediction("s", "1", "a + b", "", "error_detection", 0, "<error_start> d <error_end> + b")
    mended = Prediction("s", "1", "a + b", "a + b", "error_correction", 0, "REPLACE:d -> a\na + b")
    filled = with_candidates([detected, mended], [reading, detected, mended])
    assert filled[0].candidate == "d + b" and filled[1].candidate == "d + b"
    tables = task_scores(filled)
    assert tables["error_correction"]["valid"] == tables["error_correction"]["corrected"] == 100
    assert tables["refinement"]["exprate_before"] == 0 and tables["refinement"]["exprate_after"] == 100
    assert tables["error_detection"].remarks == []


@settings(max_examples=60)
@given(LABELS, LABELS)
def test_the_right_marks_and_the_right_log_earn_all(label, candidate):
    label, candidate = explicit_form(label), explicit_form(candidate)
    if None in (label, candidate):
        return
    marked, log = mark_errors(candidate, label)
    spans = true_spans(candidate, label)
    assert spans in ([], marked_spans(marked))
    table = detection_scores(
        [answer("error_detection", label, marked if spans else candidate, "", candidate=candidate)]
    )
    assert table["valid"] == 100
    if spans:
        assert values(table, "token_f1", "mistake_f1") == [100, 100]
        fixed = correction_scores([correction(label, candidate, label, log)])
        assert values(fixed, "valid", "corrected") == [100, 100]


def test_marks_in_colour_and_nothing_of_an_answer_becomes_markup():
    text = str(coloured("a <b> c", [(0, 1), (3, 3)], [(0, 1), (1, 2)]))
    assert text == (
        '<span class="hit">a</span> <span class="alarm">&lt;b&gt;</span> c <span class="missed">␣</span>'
    )
    hostile = "<script>x</script>"
    answers = [
        answer("error_detection", "a", f"<error_start> {hostile} <error_end>", "", candidate=hostile),
        answer("error_correction", "a", f"{hostile}\n{hostile}", candidate=hostile, marked=hostile),
        answer("tree_cot", "a", f"{hostile}\n{hostile}"),
        answer("counting", "a", f"{hostile}: 1\n{hostile}"),
    ]
    shown = page(evaluate([("a", "b")], resamples=0), "t", tasks=task_scores(answers), answers=answers)
    assert hostile not in shown and shown.count("<script>") == 1


def test_the_wrong_answers_come_first():
    answers = [answer("counting", "a", "a: 1\na"), answer("counting", "b", "a: 1\na")]
    cards = task_cards("counting", answers, None)
    assert [card.tone for card in cards] == ["bad", "good"]


def test_counts_of_the_published_dialect_have_no_error():
    label = r"\textcolor { red } { x }"
    table = counting_scores([answer("counting", label, f"{count_text(label, 'released')}\n{label}")])
    assert values(table, "exact_counts", "mean_absolute_error") == [100, 0]


def test_braces_that_a_candidate_leaves_out_are_no_mistakes():
    marked = "x ^ 2 + <error_start> 1 <error_end>"
    table = detection_scores([answer("error_detection", "x ^ { 2 } + 3", marked, "", candidate="x ^ 2 + 1")])
    assert values(table, "token_precision", "token_recall", "mistake_recall") == [100, 100, 100]
