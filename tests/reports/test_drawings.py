"""Trees and plots as SVG: every node once, in its place, and nothing over anything else."""

import html
import re
from itertools import pairwise
from xml.etree import ElementTree

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import Node
from hmer_tasks.latex.tree_svg import MAX_NODES, tree_svg
from hmer_tasks.reports.plots import bars, columns
from tests.latex.strategies import grammar_labels
from tests.reports.conftest import symbols_of

SVG = "{http://www.w3.org/2000/svg}"


def read(svg):
    """The SVG's root; well formed, with the name space that a page gives it."""
    return ElementTree.fromstring(str(svg).replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1))


def numbers(element, *names):
    return [float(element.get(name)) for name in names]


@given(grammar_labels)
@settings(max_examples=40)
def test_a_tree_is_drawn_whole_and_nothing_overlaps(label):
    try:
        tree = parse(label)
    except LabelError:
        assume(False)
    svg = tree_svg(tree.line)
    assume(svg is not None)
    graph = tree.to_networkx()
    assert sorted(symbols_of(svg)) == sorted(symbol for _, symbol in graph.nodes(data="symbol"))
    relations = [name for *_, name in graph.edges(data="relation") if name != "right"]
    drawn = read(svg)
    named = [element.text for element in drawn.iter(f"{SVG}text") if element.get("class")]
    assert sorted(named) == sorted(relations)
    assert drawn.find(f"{SVG}path").get("d").count("M") == len(relations)  # an edge each
    width, height = numbers(drawn, "width", "height")
    levels: dict[float, list[tuple[float, float]]] = {}
    for box in drawn.iter(f"{SVG}rect"):
        x, y, wide, high = numbers(box, "x", "y", "width", "height")
        assert x >= 0 and x + wide <= width + 1 and y >= 0 and y + high <= height
        levels.setdefault(y, []).append((x, x + wide))
    edges = re.findall(r"M(\d+) (\d+)C.*? (\d+) (\d+)(?=M|$)", drawn.find(f"{SVG}path").get("d"))
    symbols = {
        (element.get("x"), float(element.get("y")))
        for element in drawn.iter(f"{SVG}text")
        if not element.get("class")
    }
    for x, y, aim, end in edges:  # from below a symbol to the top of a box
        assert any(x == at and 0 < float(y) - line < 12 for at, line in symbols)
        assert any(left <= float(aim) <= right for left, right in levels[float(end)])
    assert sum(map(len, levels.values())) == len(relations) + 1 and len(levels) == tree.depth() + 1
    for spans in levels.values():
        spans.sort()
        assert all(end <= start for (_, end), (start, _) in pairwise(spans))


def test_a_tree_of_the_paper():
    drawn = read(tree_svg(parse(r"\frac { a } { \sqrt { b } }").line))
    boxes = [(element.get("class"), float(element.get("y"))) for element in drawn.iter(f"{SVG}rect")]
    assert boxes == [(None, 8), ("above", 74), ("below", 74), ("above", 140)]
    texts = {
        element.text: float(element.get("x"))
        for element in drawn.iter(f"{SVG}text")
        if not element.get("class")
    }
    assert texts["a"] < texts["\\frac"] < texts["\\sqrt"] == texts["b"]


def test_a_tree_too_large_is_not_drawn():
    assert tree_svg((Node("x"),) * MAX_NODES) is not None
    assert tree_svg((Node("x"),) * (MAX_NODES + 1)) is None


@given(st.text(min_size=1, max_size=12))
@settings(max_examples=50)
def test_a_symbol_is_text_whatever_it_is(symbol):
    svg = tree_svg((Node(symbol, (("sub", (Node("y"),)),)),))
    assert symbols_of(svg) == [symbol, "y"]
    assert set(re.findall(r"<([a-z]+)", svg)) == {"svg", "path", "rect", "text"}


@given(st.lists(st.tuples(st.text(max_size=30), st.integers(0, 10**6)), max_size=30))
@settings(max_examples=50)
def test_plots_stay_within_their_frame_and_tell_each_number(counts):
    for plot in (bars, columns):
        svg = plot("a <title>", counts)
        drawn = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)">', svg)
        wide, high = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
        assert len(drawn) == len(counts)
        for x, y, width, height in (map(float, box) for box in drawn):
            assert x + width <= wide + 0.2 and y + height <= high + 0.2
        assert "<title>a &lt;title&gt;</title>" in svg
        titles = [html.unescape(title) for title in re.findall(r"<rect[^>]*><title>([^<]*)</title>", svg)]
        assert titles == [f"{name}: {count:,}" for name, count in counts]
        if plot is bars and (most := max((count for _, count in counts), default=0)):
            widths = [float(box[2]) for box in drawn]
            for (_, count), width in zip(counts, widths, strict=True):
                assert abs(width - max(widths) * count / most) < 0.2
