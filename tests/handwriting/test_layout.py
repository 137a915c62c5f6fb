"""Where symbols stand: boxes and relations of what is written agree with the tree."""

import random

import pytest

from bench.handwriting_collisions import touching
from hmer_tasks.handwriting.writing import Written, write, writer
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import GROUP, NONE
from tests.conftest import read_labels

INKLESS = {NONE, GROUP, "&", "\\end", "\\limits", "\\left", "\\right", "\\\\"}
LABELS = (
    "x ^ { 2 } + y _ { 1 } = \\frac { a } { \\sqrt [ 3 ] { b + 1 } }",
    "\\sum _ { i = 1 } ^ { n } \\int _ { 0 } ^ { 1 } f ( x ) d x",
    "\\left ( \\frac { a } { b } \\right ) ^ { n } \\leq \\lim _ { x \\rightarrow 0 } \\sin x",
    "\\begin {pmatrix} a & b \\\\ c & d \\end {pmatrix} ^ { 2 } = \\begin {cases} 1 & x < 0 \\\\ 2 & x > 0 \\end {cases}",
    "\\overline { A B } + \\overrightarrow { C D } = \\widehat { E F } , \\dot { 3 } \\textcircled { 1 }",
    "A \\xrightarrow [ k ] { \\Delta } B \\uparrow , \\binom { n } { k } , \\boxed { 7 }",
)
PLACES = {"sup", "sub", "above", "below", "right"}


def box(written: Written, number: int) -> tuple[float, float, float, float]:
    written_box = written.boxes[number]
    assert written_box is not None
    return written_box


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("number", range(8))
def test_every_symbol_with_ink_has_a_box_inside_the_picture(label, number):
    written = write(label, writer(number), seed=number)
    width, height = written.size
    for symbol, place in zip(written.symbols, written.boxes, strict=True):
        if symbol in INKLESS:
            assert place is None, symbol
        else:
            assert place is not None, symbol
            left, top, right, bottom = place
            assert -1 <= left < right <= width + 1, symbol
            assert -1 <= top < bottom <= height + 1, symbol


@pytest.mark.parametrize("label", LABELS)
def test_nodes_and_relations_are_those_of_the_tree(label):
    written = write(label, writer(1))
    graph = parse(label).to_networkx()
    assert list(written.symbols) == [graph.nodes[number]["symbol"] for number in sorted(graph)]
    edges = {(a, b, graph.edges[a, b]["relation"]) for a, b in graph.edges}
    assert set(written.relations) == edges


@pytest.mark.parametrize("number", range(12))
def test_relations_are_told_by_where_the_ink_is(number):
    written = write(
        "a ^ { 2 } b _ { 3 } \\frac { 4 } { 5 } \\sum _ { 6 } ^ { 7 } 8", writer(number), seed=number
    )
    by = dict(zip(written.symbols, range(len(written.symbols)), strict=True))

    def middle(symbol: str) -> float:
        _, top, _, bottom = box(written, by[symbol])
        return (top + bottom) / 2

    assert middle("2") < middle("a")
    assert middle("3") > middle("b")
    assert middle("4") < middle("\\frac") < middle("5")
    assert middle("7") < middle("\\sum") < middle("6")
    order = [box(written, by[symbol])[0] for symbol in ("a", "2", "b", "3", "\\frac", "\\sum", "8")]
    assert order == sorted(order)


def test_delimiters_grow_with_what_they_hold():
    small, large = write("( x )", writer(0)), write("( \\frac { x } { \\frac { y } { z } } )", writer(0))

    def share(written: Written) -> float:
        _, top, _, bottom = box(written, 0)
        return (bottom - top) / written.size[1]

    def height(written: Written) -> float:
        _, top, _, bottom = box(written, 0)
        return bottom - top

    assert height(large) > 1.8 * height(small)
    assert share(large) > 0.6


def test_a_delimiter_that_never_closes_is_a_symbol():
    for label in ("( x", "x )", "[ 1 , 2 )", "| x", "\\{ x", "\\left ( x \\right ."):
        written = write(label, writer(2))
        assert all(
            place is not None or symbol in INKLESS or symbol == "."
            for symbol, place in zip(written.symbols, written.boxes, strict=True)
        )


def test_rows_stand_under_one_another():
    written = write("\\begin {matrix} 1 & 2 \\\\ 3 & 4 \\end {matrix}", writer(3))
    place = {s: box(written, n) for n, s in enumerate(written.symbols) if s in "1234"}
    assert place["1"][3] < place["3"][1]
    assert place["2"][3] < place["4"][1]
    assert place["1"][2] < place["2"][0]
    assert place["3"][2] < place["4"][0]


@pytest.mark.corpora
def test_hardly_any_ink_touches(corpora):
    labels = read_labels(corpora / "hme100k" / "test_half_a.tsv") + read_labels(
        corpora / "crohme" / "captions_2014.tsv"
    )
    chosen = [label for label in random.Random(2).sample(labels, 160) if "\\textcircled" not in label]
    touches = sum(len(touching(label, writer(seed), seed)) for seed, label in enumerate(chosen))
    assert touches / sum(len(label.split()) for label in chosen) < 0.004
