"""Equal in symbols and equal in typesetting are told apart."""

from pathlib import Path

import pytest
from hypothesis import given, settings

from hmer_tasks.evaluation.letters import same_symbols
from hmer_tasks.evaluation.metrics import evaluate
from hmer_tasks.evaluation.trees import Outcome, compare
from hmer_tasks.latex.canonical import visually_equal
from hmer_tasks.predictions import read_predictions
from tests.latex.expressions import LABELS

LETTERS = [
    (r"\log x", "l o g x"),
    (r"\log ^ { 2 } x", "l o g ^ { 2 } x"),
    (r"\sin ^ { - 1 } \cos x", r"s i n ^ { - 1 } \mathrm { c o s } x"),
    (r"x ^ { \log y }", r"x ^ { \mathrm { l o g } y }"),
    (r"\max x", "m a x x"),
]


@pytest.mark.parametrize(("a", "b"), LETTERS)
def test_a_name_is_its_letters_but_not_in_print(a, b):
    assert same_symbols(a, b) and same_symbols(b, a)
    assert not visually_equal(a, b)
    assert compare(a, b).outcome is Outcome.SAME_SYMBOLS


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (r"\log x", "l o q x"),
        (r"\lim _ { x } y", "l i m _ { x } y"),
        (r"\log x", "x l o g"),
        (r"\ldots", ". . ."),
        (r"\iint", r"\int \int"),
        (r"\log x", "l o g x ^ {"),
    ],
)
def test_what_is_no_name(a, b):
    assert not same_symbols(a, b)


@settings(max_examples=60)
@given(LABELS, LABELS)
def test_what_is_set_alike_has_the_same_symbols(a, b):
    assert same_symbols(a, a)
    if visually_equal(a, b):
        assert same_symbols(a, b)


def test_both_are_told():
    m = evaluate([(r"\log x", "l o g x"), ("a", "a"), (r"a \le b", r"a \leq b"), ("a", "b")], resamples=0)
    assert (m["exprate"], m["same_on_paper"], m["same_symbols"]) == (25, 50, 75)


@pytest.mark.corpora
def test_mathwriting_as_measured(corpora: Path):
    m = evaluate(
        read_predictions(corpora / "predictions" / "mathwriting_test_half_a.recogniser_b.tsv"), resamples=0
    )
    assert 3.9 < m["same_symbols"] - m["same_on_paper"] < 4.5
