"""What a mismatch is: outcomes, relations, mistakes, groups."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmer_tasks.evaluation.confusions import Kind, mistakes
from hmer_tasks.evaluation.groups import constructs, depth, length
from hmer_tasks.evaluation.trees import Outcome, compare
from hmer_tasks.latex.canonical import visually_equal
from tests.latex.expressions import LABELS, SOUP, explicit_form

OUTCOMES = [
    ("x ^ { 2 }", "x ^ { 2 }", Outcome.EXACT),
    (r"a \le b", r"a \leq b", Outcome.SAME),
    ("x ^ { 2 } _ { 1 }", "x _ { 1 } ^ { 2 }", Outcome.SAME),
    (r"\sum \limits _ { i }", r"\sum _ { i }", Outcome.SAME),
    (r"\left ( x \right )", "( x )", Outcome.SAME),
    (r"x \, y", "x y", Outcome.SAME),
    ("{ x }", "x", Outcome.SAME),
    ("f '", r"f ^ { \prime }", Outcome.SAME),
    ("x ^ { 2 }", "x ^ { 3 }", Outcome.WRONG_SYMBOLS),
    (r"\hat { x }", r"\bar { x }", Outcome.WRONG_SYMBOLS),
    ("x ^ { 2 }", "x _ { 2 }", Outcome.WRONG_STRUCTURE),
    ("x ^ { 2 }", "x 2", Outcome.WRONG_STRUCTURE),
    (r"\frac { a } { b }", "a b", Outcome.BOTH_WRONG),
    ("x ^ { 2 }", "x ^ { 2", Outcome.NOT_TEX),
    ("x", "", Outcome.NOT_TEX),
    ("x ^ { 2", "x ^ { 2 }", Outcome.LABEL_NOT_TEX),
    ("x ^ { 2", "x  ^ { 2", Outcome.EXACT),
]


@pytest.mark.parametrize(("gt", "pred", "outcome"), OUTCOMES)
def test_outcome(gt, pred, outcome):
    assert compare(gt, pred).outcome is outcome


@settings(max_examples=60)
@given(st.one_of(LABELS, SOUP), st.one_of(LABELS, SOUP))
def test_same_is_the_spellings_same(a, b):
    same = compare(a, b).outcome in (Outcome.EXACT, Outcome.SAME)
    assert same == (a.split() == b.split() or (explicit_form(a) is not None and visually_equal(a, b)))


@settings(max_examples=60)
@given(LABELS, LABELS)
def test_what_is_shared_is_shared_both_ways(a, b):
    first, other = compare(a, b), compare(b, a)
    if Outcome.NOT_TEX in (first.outcome, other.outcome) or Outcome.LABEL_NOT_TEX in (
        first.outcome,
        other.outcome,
    ):
        return
    assert first.matched_symbols <= min(first.label_symbols, first.pred_symbols)
    assert first.matched_relations <= min(first.label_relations, first.pred_relations)
    assert (first.label_symbols, first.pred_symbols) == (other.pred_symbols, other.label_symbols)
    assert first.outcome is other.outcome


def test_symbols_and_relations_by_hand():
    # label: x -sup-> 2, x -right-> +, + -right-> y; the prediction puts 2 below and reads z for y
    compared = compare("x ^ { 2 } + y", "x _ { 2 } + z")
    assert (compared.label_symbols, compared.pred_symbols, compared.matched_symbols) == (4, 4, 3)
    assert (compared.label_relations, compared.pred_relations, compared.matched_relations) == (3, 3, 2)


def test_mistakes_by_hand():
    outcomes = [
        (m.kind, m.label, m.pred, m.where)
        for m in mistakes(r"\frac { a } { b } + x ^ { 2 } c", r"\frac { d } { b } + x _ { 2 }")
    ]
    assert outcomes == [
        (Kind.MISREAD, "a", "d", r"above of \frac"),
        (Kind.MOVED, "2", "sub", "sup"),
        (Kind.MISSING, "c", "", "main line"),
    ]
    assert [(m.kind, m.pred) for m in mistakes("a b", "a b c")] == [(Kind.EXTRA, "c")]


def test_what_hangs_on_a_lost_or_misread_node_has_not_moved():
    kinds = lambda gt, pred: [m.kind for m in mistakes(gt, pred)]  # noqa: E731
    assert kinds(r"\boxed { x } + y", "x + y") == [Kind.MISSING]
    assert kinds("x + y", r"\sqrt { x } + y") == [Kind.EXTRA]
    assert kinds(r"\sum _ { i } a", r"\prod _ { i } a") == [Kind.MISREAD]
    assert kinds("x ^ { 2 }", "x 2") == [Kind.MOVED]
    rows = r"\begin {cases} a & b \\ c & d \end {cases}"
    assert kinds(rows, rows.replace(" & b", "")) == [Kind.MISSING, Kind.MISSING]
    assert [(m.kind, m.label, m.where) for m in mistakes(rows, rows.replace(r" \\", ""))] == [
        (Kind.MISSING, "\\\\", "in cases")
    ]
    assert [(m.kind, m.pred) for m in mistakes("a b", r"a \\ b")] == [(Kind.EXTRA, "\\\\")]


@settings(max_examples=60)
@given(LABELS, LABELS)
def test_no_mistakes_where_it_is_the_same_and_some_where_not(a, b):
    outcome = compare(a, b).outcome
    if outcome in (Outcome.EXACT, Outcome.SAME):
        assert not mistakes(a, b)
    elif outcome is Outcome.WRONG_SYMBOLS:
        assert any(mistake.kind is not Kind.MOVED for mistake in mistakes(a, b))


def test_groups():
    label = r"\frac { x _ { 1 } ^ { 2 } } { \sqrt { \hat { y } } }"
    assert set(constructs(label)) == {
        "fraction",
        "radical",
        "accent",
        "subscript",
        "superscript",
        "both scripts",
    }
    assert depth(label) == ("3",)
    assert constructs("a + b") == ("none of them",) and depth("a + b") == ("0",)
    rows = r"\begin {matrix} a \\ b \\ c \\ d \end {matrix}"
    assert depth(rows) == depth(r"\begin {matrix} a \end {matrix}") == ("1",)
    assert length("a + b") == ("1 to 5",) and length("a " * 100) == ("over 80",)
    assert constructs("x ^ {") == depth("x ^ {") == ("not TeX",)
