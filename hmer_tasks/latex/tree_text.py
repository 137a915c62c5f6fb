r"""A tree's text form, canonical dialect: one node a line, lossless (Uni-MuMER Figure 2, completed).

A line is TAB × depth + symbol + `` (relation)``; the very first bears no relation. The first node
of a child line bears that line's relation, the nodes after it ``right``.
"""

from hmer_tasks.exceptions import LabelError, RejectReason
from hmer_tasks.latex.attributes import symbol_end
from hmer_tasks.latex.tree import ExprTree, Line, Node
from hmer_tasks.latex.tree_checks import check_tree
from hmer_tasks.utils.check_types import require_type

MAX_DEPTH = 100


def tree_text(tree: ExprTree) -> str:
    r"""The text form of a tree, canonical dialect.

    Args:
        tree: A tree.

    Returns:
        Lines joined by LF, none at the end: one tab a level, the symbol, its relation in brackets.

    Raises:
        TypeError: The argument is no tree.

    Example:
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


class _Draft:
    """A node while its children are still being read."""

    __slots__ = ("children", "symbol")

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.children: list[tuple[str, list[str | _Draft]]] = []


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

    Example:
        >>> from hmer_tasks import to_label
        >>> to_label(parse_tree_text("x\n\t2 (sup)"))
        'x ^ { 2 }'
    """
    require_type(text, str, "a tree text")
    lines = text.split("\n")
    root: list[str | _Draft] = [lines[0]]  # a node is its symbol until a child of it is met: most have none
    open_lines = [root]
    for number, line in enumerate(lines[1:], start=1):
        body = line.lstrip("\t")
        depth = len(line) - len(body)
        end = symbol_end(body)
        symbol, space, relation = body[: max(end, 0)], end > 0, body[end + 1 :]
        if not symbol or not space or len(relation) < 3 or relation[0] != "(" or relation[-1] != ")":
            raise _bad(number, f"{line.strip()!r} is not a symbol with a relation in brackets", lines)
        if depth > MAX_DEPTH:
            raise LabelError(RejectReason.TOO_DEEP, number, f"nesting is over {MAX_DEPTH} deep")
        if relation == "(right)":
            if depth >= len(open_lines):
                raise _bad(number, f"{symbol} stands right of nothing at depth {depth}", lines)
            del open_lines[depth + 1 :]
            open_lines[depth].append(symbol)
        else:
            if not 1 <= depth <= len(open_lines):
                raise _bad(number, f"{symbol} has no parent at depth {depth - 1}", lines)
            del open_lines[depth:]
            child: list[str | _Draft] = [symbol]
            parent = open_lines[depth - 1][-1]
            if isinstance(parent, str):
                parent = open_lines[depth - 1][-1] = _Draft(parent)
            parent.children.append((relation[1:-1], child))
            open_lines.append(child)
    tree = ExprTree(_finish(root, {}))
    check_tree(tree)
    return tree


def _bad(number: int, detail: str, lines: list[str]) -> LabelError:
    return LabelError(RejectReason.BAD_TREE_TEXT, number, detail, tuple(lines))


def _finish(drafts: list[str | _Draft], leaves: dict[str, Node]) -> Line:
    """The line of these drafts; nodes without children are shared."""
    line: list[Node] = []
    for draft in drafts:
        if not isinstance(draft, str):
            children = tuple((name, _finish(child, leaves)) for name, child in draft.children)
            line.append(Node(draft.symbol, children))
            continue
        leaf = leaves.get(draft)
        if leaf is None:
            leaf = leaves[draft] = Node(draft)
        line.append(leaf)
    return tuple(line)
