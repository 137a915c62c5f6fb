"""Box F1: sane on what can be worked out by hand, unshaken by anything."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings

from hmer_tasks.evaluation.boxes import box_score, match
from hmer_tasks.typeset.layout import MAX_WORK, layout
from tests.latex.expressions import LABELS
from tests.latex.strategies import TOKENS


def drawn(gt, pred):
    """F1 of the layouts themselves, even where box_score need not draw."""
    label, read = layout(gt), layout(pred)
    assert label is not None and read is not None
    return match(label, read).f1


VARIANTS = [
    (r"a \le b", r"a \leq b"),
    (r"f : A \to B", r"f : A \rightarrow B"),
    ("x ^ { 2 } _ { 1 }", "x _ { 1 } ^ { 2 }"),
    ("x '", r"x ^ { \prime }"),
    (r"\left ( \frac { a } { b } \right )", r"( \dfrac { a } { b } )"),
    (r"\sum \limits _ { i = 1 } ^ { n } i", r"\sum _ { i = 1 } ^ { n } i"),
    (r"\mathrm { d } x", "d x"),
    (r"\log x", "l o g x"),
    (r"\log ^ { * } x", "l o g ^ { * } x"),
    (r"\begin {matrix} a & b \end {matrix}", "a b"),
    (r"\begin {pmatrix} a & b & c \end {pmatrix}", "( a b c )"),
    (r"\begin {array} { c c } a & b \\ c & d \end {array}", r"\begin {matrix} a & b \\ c & d \end {matrix}"),
    (
        r"\begin {array} { l | r } a & b \\ c & d \end {array}",
        r"\begin {matrix} a & b \\ c & d \end {matrix}",
    ),
    (r"\begin {pmatrix} a \\ b \end {pmatrix}", r"\left ( \begin {matrix} a \\ b \end {matrix} \right )"),
]


@pytest.mark.parametrize(("a", "b"), VARIANTS)
def test_what_looks_the_same_is_1(a, b):
    assert box_score(a, b).f1 == 1.0
    assert drawn(a, b) == drawn(b, a) == 1.0


DIFFERENT = [
    ("x ^ { 2 }", "x _ { 2 }"), ("x ^ { 2 }", "x 2"), ("x _ { i _ { j } }", "x _ { i j }"), ("a b", "b a"),
    (r"\frac { a } { b }", r"\frac { b } { a }"), (r"\frac { a } { b }", "a b"),
    (r"\sqrt { a } b", r"\sqrt { a b }"), (r"\overline { a b }", r"\overline { a } b"),
    (r"\hat { x }", r"\tilde { x }"), (r"\mathbb { R }", "R"), (r"\boxed { x }", "x"),
    (r"\textcircled { 1 }", "1"), (r"x ^ { n + 1 }", "x ^ { n } + 1"), ("x", "X"),
    (r"\begin {matrix} a & b \\ c & d \end {matrix}", r"\begin {matrix} a & c \\ b & d \end {matrix}"),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b"), DIFFERENT)
def test_what_looks_different_is_below_1(a, b):
    assert box_score(a, b).f1 < 1
    assert box_score(a, b).f1 == pytest.approx(box_score(b, a).f1)


@pytest.mark.parametrize("n", [2, 5, 10, 20])
def test_one_wrong_symbol_of_n_costs_1_in_n(n):
    label = [*"abcdefghijklmnopqrst"][:n]
    for place in {0, n // 2, n - 1}:
        wrong = [*label[:place], "7", *label[place + 1 :]]
        assert box_score(" ".join(label), " ".join(wrong)).f1 == pytest.approx(1 - 1 / n)


def test_one_symbol_more_costs_itself_only():
    label, longer = "a + b + c + d + e", "a + b + 7 + c + d + e"
    assert box_score(label, longer).f1 == pytest.approx(2 * 9 / (9 + 11))


def test_a_wrong_script_costs_its_symbol_only():
    score = box_score("a x ^ { 2 } + b", "a x _ { 2 } + b")
    assert score.f1 == pytest.approx(4 / 5)
    label = layout("a x ^ { 2 } + b")
    assert [label[i].symbol for i in score.unmatched_label] == ["2"]


@pytest.mark.parametrize(
    ("gt", "pred", "lost"),
    [
        (r"\bar { x } + y", r"\bar { f } + y", 1), (r"\hat { x } y", r"\hat { X } y", 1), (r"\vec { a } + c", r"\vec { b } + c", 1),
        (r"\overline { x } + y", r"\overline { f } + y", 1), (r"\int _ { 2 } x", "f _ { 2 } x", 1), (r"\int ^ { 2 } x ^ { 3 }", "s ^ { 2 } x ^ { 3 }", 1),
        (") ^ { 2 } x ^ { 3 }", "a ^ { 2 } x ^ { 3 }", 1), (r"\sum _ { i } ^ { n } i", r"\prod _ { i } ^ { n } i", 1),
    ],
)  # fmt: skip
def test_accents_and_scripts_do_not_drag_with_the_letter_beneath(gt, pred, lost):
    score = box_score(gt, pred)
    assert len(score.unmatched_label) == len(score.unmatched_pred) == lost


@settings(max_examples=40)
@given(LABELS, LABELS)
def test_bounds_and_symmetry(a, b):
    first, other = box_score(a, b), box_score(b, a)
    assert 0 <= first.f1 <= 1
    if None not in (first.label_boxes, first.pred_boxes, other.label_boxes):
        assert (first.f1 == 1) == (other.f1 == 1)


@settings(max_examples=40)
@given(LABELS)
def test_a_layout_matches_itself(label):
    boxes = layout(label)
    if boxes is not None:
        assert match(boxes, boxes).f1 == 1.0


def test_what_cannot_be_laid_out_is_told_apart():
    assert box_score("x", "x ^ {").pred_boxes is None and box_score("x", "x ^ {").f1 == 0
    assert box_score("x ^ {", "x").label_boxes is None
    assert box_score("x", "").f1 == 0


def test_long_and_deep_ones_end_soon():
    long = " ".join(["3"] * 1027)
    assert box_score("3 . 3", long).f1 < 0.02
    assert box_score(long, long).f1 == 1.0
    assert layout("x ^ { " * 60 + "x" + " }" * 60) is None
    assert layout(" ".join(["x"] * 2000)) is None
    assert MAX_WORK < 2**14  # ziamath's time doubles with each level


def test_a_thousand_hostile_strings():
    dice = random.Random(6)
    words = [
        *TOKENS,
        "<script>",
        "&amp;",
        "]]>",
        "<!--",
        r"\textcolor",
        r"\href",
        r"\input",
        r"\def",
        r"\rule",
        "$",
        "%",
        "#",
        "\x00",
        "\u202e",
        "🙂",
    ]
    for _ in range(1000):
        text = " ".join(dice.choices(words, k=dice.randint(1, 25)))
        score = box_score(r"\frac { a } { b }", text)
        assert 0 <= score.f1 < 1


@pytest.mark.corpora
def test_every_label_of_crohme_is_laid_out(corpora: Path):
    lines = (corpora / "crohme" / "captions_2014.tsv").read_text(encoding="utf-8").splitlines()
    labels = [line.split("\t")[1] for line in lines][::8]
    assert all(layout(label) for label in labels)
