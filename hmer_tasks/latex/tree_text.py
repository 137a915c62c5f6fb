r"""A tree's text form, canonical dialect: one node a line, lossless (Uni-MuMER Figure 2, completed).

A line is TAB × depth + symbol + `` (relation)``; the very first bears no relation. The first node
of a child line bears that line's relation, the nodes after it ``right``.
"""

from functools import lru_cache

from hmer_tasks.exceptions import LabelError, RejectReason
from hmer_tasks.latex.attributes import symbol_end
from hmer_tasks.latex.nodes import MAX_DEPTH
from hmer_tasks.latex.tree import Child, ExprTree, Line, Node
from hmer_tasks.latex.tree_checks import check_tree
from hmer_tasks.utils.check_types import require_type

_LONGEST_KNOWN = 60  # characters of a line whose parts are remembered


def tree_text(tree: ExprTree) -> str:
    r"""The text form of a tree, canonical dialect.

    Args:
        tree: A tree.

    Returns:
        Lines joined by LF, none at the end: one tab a level, the symbol, its relation in brackets.

    Raises:
        TypeError: The argument is no tree.

    Examples:
        >>> from hmer_tasks import parse
        >>> tree_text(parse("x ^ { 2 } + 1"))
        'x\n\t2 (sup)\n+ (right)\n1 (right)'
    """
    require_type(tree, ExprTree, "a tree")
    out: list[str] = []
    _write(tree.line, "", "", out)
    first = tree.line[0].symbol
    out[0] = first
    return "\n".join(out)


def _write(line: Line, tabs: str, relation: str, out: list[str]) -> None:
    for node in line:
        out.append(f"{tabs}{node.symbol} ({relation})")
        relation = "right"
        for name, child in node.children:
            _write(child, tabs + "\t", name, out)


def parse_tree_text(text: str) -> ExprTree:
    r"""The tree that a text form describes: the exact inverse of `tree_text`.

    Args:
        text: A text form, canonical dialect.

    Returns:
        The tree.

    Raises:
        LabelError: `bad_tree_text` where a line is not a line of a tree or where no label has such a tree,
            `too_deep` over 100 levels. Its `position` is the number of the line, from 0.
        TypeError: The text is no string.

    Examples:
        >>> from hmer_tasks import to_label
        >>> to_label(parse_tree_text("x\n\t2 (sup)"))
        'x ^ { 2 }'
    """
    require_type(text, str, "a tree text")
    lines = text.split("\n")
    current = _OpenLine("", Node(lines[0]))
    open_lines = [current]
    for number in range(1, len(lines)):
        line = lines[number]
        parts = _known_parts(line) if len(line) <= _LONGEST_KNOWN else _parts(line)
        if parts is None:
            raise _bad(number, f"{line.strip()!r} is not a symbol with a relation in brackets", lines)
        depth, leaf, relation = parts
        if depth > MAX_DEPTH:
            raise LabelError(RejectReason.TOO_DEEP, number, f"nesting is over {MAX_DEPTH} deep")
        if relation == "right":
            if depth >= len(open_lines):
                raise _bad(number, f"{leaf.symbol} stands right of nothing at depth {depth}", lines)
            if depth + 1 < len(open_lines):
                _close(open_lines, depth + 1)
                current = open_lines[depth]
            current.add(leaf)
        else:
            if not 1 <= depth <= len(open_lines):
                raise _bad(number, f"{leaf.symbol} has no parent at depth {depth - 1}", lines)
            if depth < len(open_lines):
                _close(open_lines, depth)
            current = _OpenLine(relation, leaf)
            open_lines.append(current)
    _close(open_lines, 1)
    tree = ExprTree(open_lines[0].finished())
    check_tree(tree)
    return tree


class _OpenLine:
    """A line of nodes while its last one may still get children."""

    __slots__ = ("children", "last", "nodes", "relation")

    def __init__(self, relation: str, first: Node) -> None:
        self.relation = relation
        self.nodes: list[Node] = []
        self.last = first  # without its children
        self.children: list[Child] = []

    def add(self, leaf: Node) -> None:
        """Go on with another node."""
        if self.children:
            self.nodes.append(Node(self.last.symbol, tuple(self.children)))
            self.children = []
        else:
            self.nodes.append(self.last)
        self.last = leaf

    def finished(self) -> Line:
        """The line; it ends here."""
        self.add(self.last)
        return tuple(self.nodes)


def _close(open_lines: list[_OpenLine], depth: int) -> None:
    """Finish the lines that are deeper: each is a child of the last node above it."""
    while len(open_lines) > depth:
        ended = open_lines.pop()
        open_lines[-1].children.append((ended.relation, ended.finished()))


def _parts(line: str) -> tuple[int, Node, str] | None:
    """A line's depth, its symbol as a leaf, and its relation; None where it is no line of a tree."""
    body = line.lstrip("\t")
    end = symbol_end(body)
    symbol, space, relation = body[: max(end, 0)], end > 0, body[end + 1 :]
    if not symbol or not space or len(relation) < 3 or relation[0] != "(" or relation[-1] != ")":
        return None
    return len(line) - len(body), Node(symbol), relation[1:-1]


# The lines of most texts are some of a few thousand: the parts of these are remembered, leaves included.
_known_parts = lru_cache(maxsize=8192)(_parts)


def _bad(number: int, detail: str, lines: list[str]) -> LabelError:
    return LabelError(RejectReason.BAD_TREE_TEXT, number, detail, tuple(lines))
