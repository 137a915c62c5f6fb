"""Presentation MathML as an expression tree, and the layout edges of a tree.

Reads what CROHME's InkML holds: leaves are LaTeX names (``\\alpha``) or entity names (``alpha``), rows
are nested to the right, a script's base may be a whole row: the script stands on its last sign then.
"""

from collections import Counter
from typing import TypeAlias
from xml.etree.ElementTree import Element

from hmer_tasks.latex.scripts import flat
from hmer_tasks.latex.tables import tables
from hmer_tasks.latex.tree import GROUP, NONE, Child, ExprTree, Line, Node

# (symbol, relation, symbol): a node and the first node of a child line, or its right neighbour
Edge: TypeAlias = tuple[str, str, str]

_ROWS = frozenset(["math", "mrow", "mstyle"])
_LEAVES = frozenset(["mi", "mn", "mo", "mtext"])
# element: the relations of its second and third child, a script's on the base's last sign
_SCRIPTS = {
    "msub": ("sub",),
    "msup": ("sup",),
    "msubsup": ("sub", "sup"),
    "munder": ("below",),
    "mover": ("above",),
    "munderover": ("below", "above"),
}
# entity names, and names from before LaTeX ones were used; others gain a backslash if that is a command
_NAMES = {
    "le": "\\leq", "ge": "\\geq", "ne": "\\neq", "\\lt": "<", "\\gt": ">", "rarr": "\\rightarrow",
    "infin": "\\infty", "hellip": "\\ldots", "ctdot": "\\cdots", "exist": "\\exists", "im": "\\lim",
    "{": "\\{", "}": "\\}",
}  # fmt: skip


def mathml_tree(element: Element) -> ExprTree:
    """The tree of a <math> element. ValueError for an element that is not known."""
    return ExprTree(tuple(_line(element)))


def edges(tree: ExprTree) -> Counter[Edge]:
    """How often each edge of the layout occurs. On an operator sub and sup are below and above."""
    counts: Counter[Edge] = Counter()
    lines = [tree.line]
    while lines:
        nodes = flat(lines.pop())
        for i, node in enumerate(nodes):
            if i:
                counts[nodes[i - 1].symbol, "right", node.symbol] += 1
            for name, line in node.children:
                relation = _OPERATOR.get(name, name) if node.symbol in tables().operators else name
                if line and line[0].symbol != NONE:
                    counts[node.symbol, relation, line[0].symbol] += 1
                lines.append(line)
    return counts


_OPERATOR = {"sub": "below", "sup": "above"}


def symbols(tree: ExprTree) -> Counter[str]:
    """How often each symbol occurs."""
    graph = tree.to_networkx()
    counts = Counter(str(symbol) for _, symbol in graph.nodes(data="symbol"))
    del counts[NONE]
    return counts


def _line(element: Element) -> list[Node]:
    tag = element.tag.rpartition("}")[2]
    if tag in _ROWS:
        return [node for child in element for node in _line(child)]
    if tag in _LEAVES:
        return _leaf((element.text or "").strip())
    if tag in _SCRIPTS:
        base, *scripts = element
        return _on_last(_line(base), tuple(zip(_SCRIPTS[tag], map(_child, scripts), strict=False)))
    if tag == "mfrac":
        above, below = element
        return [Node("\\frac", (("above", _child(above)), ("below", _child(below))))]
    if tag == "msqrt":
        return [Node("\\sqrt", (("above", tuple(node for child in element for node in _line(child))),))]
    if tag == "mroot":
        base, index = element
        return [Node("\\sqrt", (("below", _child(index)), ("above", _child(base))))]
    raise ValueError(f"<{tag}> is not read")


def _child(element: Element) -> Line:
    return tuple(_line(element))


def _leaf(text: str) -> list[Node]:
    text = _NAMES.get(text, text)
    if len(text) > 1 and not text.startswith("\\"):
        command = f"\\{text}"
        return (
            [Node(command)] if command in tables().symbols | tables().operators else [Node(c) for c in text]
        )
    return [Node(text)] if text else []


def _on_last(base: list[Node], scripts: tuple[Child, ...]) -> list[Node]:
    scripts = tuple((name, line) for name, line in scripts if line)
    if not scripts:
        return base
    if not base:
        return [Node(GROUP, scripts)]
    last = base[-1]
    return [*base[:-1], Node(last.symbol, last.children + scripts)]
