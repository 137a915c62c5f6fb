"""Image match: bounds, equality, degrees, and that the raster is what the outlines say."""

import numpy as np
import pytest
from hypothesis import given, settings

from hmer_tasks.evaluation.image_match import image_match
from hmer_tasks.evaluation.metrics import evaluate
from hmer_tasks.typeset.raster import columns, picture
from tests.evaluation.test_boxes import DIFFERENT
from tests.latex.expressions import LABELS


@settings(max_examples=40)
@given(LABELS, LABELS)
def test_bounds_and_symmetry(a, b):
    first, other = image_match(a, b), image_match(b, a)
    assert first is None or 0 <= first <= 1
    if None not in (first, other) and columns(a) and columns(b):
        assert first == pytest.approx(other)


@settings(max_examples=40)
@given(LABELS)
def test_a_label_looks_like_itself(label):
    assert image_match(label, label) == 1


SAME = [
    (r"\dfrac { a } { b }", r"\frac { a } { b }"), ("x ^ { 2 } _ { 1 }", "x _ { 1 } ^ { 2 }"), (r"a \, b", "a b"),
    (r"\left ( x \right )", "( x )"), (r"a + \dots + b", r"a + \cdots + b"), ("{ x }", "x"), (r"a \le b", r"a \leq b"),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b"), SAME)
def test_equal_spellings_are_1(a, b):
    assert image_match(a, b) == 1


@pytest.mark.parametrize(("a", "b"), [pair for pair in DIFFERENT if pair != ("a b", "b a")])
def test_what_looks_different_is_below_1(a, b):
    assert image_match(a, b) < 1


def test_by_degrees():
    label = "a + b + c + d = e + f + g + h"
    scores = []
    tokens = label.split()
    for wrong in range(8):
        read = [("7" if i % 2 == 0 and i < 2 * wrong else token) for i, token in enumerate(tokens)]
        scores.append(image_match(label, " ".join(read)))
    assert scores == sorted(scores, reverse=True) and len(set(scores)) == 8
    # what is put in at the front does not spoil what follows
    assert image_match(label, f"7 {label}") > 0.9


def test_what_cannot_be_laid_out():
    assert image_match("x", "x ^ {") == 0 and image_match("x", "") == 0
    assert image_match("x ^ {", "x") is None


def test_the_picture():
    bar = np.array(picture(r"\frac { a } { a }"))
    inked = (bar == 0).sum(axis=1)
    assert inked.max() == bar.shape[1]  # the fraction's rule goes all through
    assert (columns("a a") or ())[: len(columns("a") or ())] == columns("a")


def test_the_scores_of_a_set():
    m = evaluate([("x ^ { 2 }", "x ^ { 2 }"), ("x", "y"), ("x ^ {", "x")], boxes=True, resamples=0)
    assert (
        m.boxes.n == 2 and m.boxes.image_exact.value == 50 and m.boxes.image_match.value == pytest.approx(0.5)
    )
