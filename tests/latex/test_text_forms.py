"""Text forms byte for byte, both dialects, from golden files; and trees that no label has."""

from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given

from hmer_tasks.exceptions import LabelError, RejectReason
from hmer_tasks.latex.counts import count_symbols, count_text
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import to_label
from hmer_tasks.latex.tree_text import parse_tree_text, tree_text
from hmer_tasks.latex.uni_mumer_tree import released_tree_text
from tests.latex.strategies import grammar_labels

GOLDEN = Path(__file__).parent.parent / "golden"


def golden(name: str) -> list[tuple[str, str]]:
    """Blocks of a golden file: a label, then its tree, parted by blank lines."""
    blocks = (GOLDEN / name).read_text(encoding="utf-8").strip("\n").split("\n\n")
    return [(label, tree) for label, _, tree in (block.partition("\n") for block in blocks)]


@pytest.mark.parametrize(("label", "tree"), golden("both.txt"))
def test_clean_labels_are_the_same_in_both_dialects(label, tree):
    assert tree_text(parse(label)) == tree
    assert released_tree_text(label) == tree


@pytest.mark.parametrize(("label", "tree"), golden("canonical.txt"))
def test_canonical(label, tree):
    assert tree_text(parse(label)) == tree
    assert to_label(parse_tree_text(tree)) == label


@pytest.mark.parametrize(("label", "tree"), golden("released.txt"))
def test_released_leaks_and_all(label, tree):
    assert released_tree_text(label) == tree


@pytest.mark.parametrize("label", [r"x ^ 2", r"\frac 1 2", r"\sqrt [ { [ } ] { x }", r"n \choose k"])
def test_what_the_released_tool_cannot_build(label):
    with pytest.raises(LabelError) as caught:
        released_tree_text(label)
    assert caught.value.reason is RejectReason.RELEASED_UNBUILDABLE


@given(grammar_labels)
def test_the_dialects_agree_wherever_the_released_one_is_clean(label):
    try:
        tree = parse(label)
        released = released_tree_text(to_label(tree))
    except LabelError:
        return
    symbols = {line.lstrip("\t").split(" ")[0] for line in released.split("\n")}
    if symbols & {"{", "}", "_", "^"}:
        return  # it leaks
    try:
        clean = to_label(parse_tree_text(released)) == to_label(tree)
    except LabelError:
        clean = False
    if clean:
        assert released == tree_text(tree)


def test_counts_of_figure_2():
    label = r"| \frac { a x _ { 0 } + b y _ { 0 } + c } { \sqrt { a ^ { 2 } + b ^ { 2 } } } |"
    counts = r"|: 2, \frac: 1, a: 2, x: 1, _: 2, 0: 2, +: 3, b: 2, y: 1, c: 1, \sqrt: 1, ^: 2, 2: 2"
    assert count_text(label) == counts
    assert count_symbols(label)["+"] == 3
    assert count_symbols(r"\begin {cases} a \\ a \end {cases}") == {
        r"\begin": 1, "{cases}": 2, "a": 2, r"\\": 1, r"\end": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "{", "x\n", "x\n\n", "x (right)\ny", "x\ny", "x\ny (sub)", "x\n\t\ty (sub)", "x\n\ty (right)",
        "x\n\ty (above)", "x\n\ty (sub)\n\tz (sub)", "x\n\ty (nextline)\nz (right)", "\\frac\n\tx (above)",
        "\\frac\n\tx (below)\n\ty (above)", "\\sum\n\tx (sub)", "\\begin\n\tx (begin_cases)", "<none>", "x\n<none> (right)",
        "\\begin\n\tx (begin_cases)\n\t\\end (end_matrix)", "\\begin\n\tx (begin_array)\n\t\\end (end_array)",
        "\\begin\n\tx (begin_foo)\n\t\\end (end_foo)", "a\n\\\\ (right)\nb (right)", "\\end", "\\sqrt\n\t[ (below)\n\tx (above)",
        "ab", "x y", "<deleted>", "x\n\t<none> (nextline)", "{}\n\t<none> (inside)", "\\sp",
    ],
)  # fmt: skip
def test_what_is_no_tree_is_refused(text):
    with pytest.raises(LabelError):
        parse_tree_text(text)


def test_a_deep_text_is_refused_by_name():
    text = "\n".join(["x", *("\t" * d + "x (sub)" for d in range(1, 200))])
    with pytest.raises(LabelError) as caught:
        parse_tree_text(text)
    assert caught.value.reason is RejectReason.TOO_DEEP


def test_the_layout_graph():
    graph = parse(r"x _ { 1 } + \frac { a } { b }").to_networkx()
    symbols = nx.get_node_attributes(graph, "symbol")
    edges = {(symbols[a], relation, symbols[b]) for a, b, relation in graph.edges(data="relation")}
    assert edges == {
        ("x", "sub", "1"), ("x", "right", "+"), ("+", "right", r"\frac"), (r"\frac", "above", "a"), (r"\frac", "below", "b"),
    }  # fmt: skip
    assert nx.is_arborescence(graph)
    assert [symbols[n] for n in sorted(symbols)] == ["x", "1", "+", r"\frac", "a", "b"]
