r"""The expression tree: a line is a tuple of nodes, a node a symbol with a child line per relation.

Relations (Uni-MuMER, arXiv 2505.23566, Figure 2, made lossless): ``sub sup above below inside
nextline begin_<env> end_<env>``; nodes of one line are joined by ``right``. Trees are immutable, so
leaves are shared. `to_label` prints the explicit form; text form and counts stand in their own files.
"""

from typing import TYPE_CHECKING, Final

from hmer_tasks.latex.attributes import signature, tokens_of
from hmer_tasks.latex.nodes import BREAK, GROUP, NONE, Child, Line, Node, depth_of
from hmer_tasks.latex.tables import Signature
from hmer_tasks.latex.tree_svg import tree_svg
from hmer_tasks.latex.words import split_environment
from hmer_tasks.utils.check_types import require_type

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["BREAK", "GROUP", "NONE", "Child", "ExprTree", "Line", "Node", "to_label"]


class ExprTree:
    """An expression: its main line. A tree never changes; like a node it is no dataclass.

    `print(tree)` shows it as indented lines, a notebook as a drawing.

    Args:
        line: The nodes of the main line; a node has its symbol and its child lines by relation.
    """

    __slots__ = ("line",)

    def __init__(self, line: Line) -> None:
        self.line: Final = line

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ExprTree):
            return NotImplemented
        return self.line == other.line

    def __hash__(self) -> int:
        return hash((self.line,))

    def __repr__(self) -> str:
        return f"ExprTree(line={self.line!r})"

    def __reduce__(self) -> "tuple[type[ExprTree], tuple[Line]]":
        return ExprTree, (self.line,)

    def depth(self) -> int:
        """How deeply the tree is nested.

        Returns:
            Levels below the main line; 0 for a flat expression.
        """
        return depth_of(self.line)

    def __str__(self) -> str:
        """The tree as indented lines: a symbol, and its relation to the line or symbol before it.

        Returns:
            One line a node, joined by LF.

        Examples:
            >>> print(ExprTree((Node("x", (("sup", (Node("2"),)),)), Node("+"))))
            x
              2 (sup)
            + (right)
        """
        rows: list[str] = []
        waiting = [(self.line, 0, "")]
        while waiting:
            line, depth, relation = waiting.pop()
            if not line:
                continue
            node, rest = line[0], line[1:]
            rows.append("  " * depth + node.symbol + (f" ({relation})" if relation else ""))
            waiting.append((rest, depth, "right"))
            waiting += [(child, depth + 1, name) for name, child in reversed(node.children)]
        return "\n".join(rows)

    def _repr_svg_(self) -> str | None:
        """The drawn tree, for notebooks; None where it has too many nodes to be read."""
        return tree_svg(self.line, standalone=True)

    def to_networkx(self) -> "nx.DiGraph[int]":
        """The layout graph.

        A node is joined to the next on its line by ``right``, and to the first node of each of its child
        lines by that child's relation.

        Returns:
            Nodes 0 to n-1 in reading order with the attribute `symbol`, edges with the attribute `relation`.

        Examples:
            >>> graph = ExprTree((Node("x", (("sup", (Node("2"),)),)), Node("+"))).to_networkx()
            >>> list(graph.edges(data="relation"))
            [(0, 1, 'sup'), (0, 2, 'right')]
        """
        import networkx as nx  # a tenth of a second that most commands do without

        graph: nx.DiGraph[int] = nx.DiGraph()

        def add(line: Line, parent: int, relation: str) -> None:
            for node in line:
                number = graph.number_of_nodes()
                graph.add_node(number, symbol=node.symbol)
                if parent >= 0:
                    graph.add_edge(parent, number, relation=relation)
                for name, child in node.children:
                    add(child, number, name)
                parent, relation = number, "right"

        add(self.line, -1, "")
        return graph


def to_label(tree: ExprTree) -> str:
    r"""The label of a tree in explicit form: every argument and every script in braces.

    Args:
        tree: A tree, as `parse` or `parse_tree_text` returns it.

    Returns:
        Tokens separated by single blanks; `parse` makes the same tree of them.

    Raises:
        TypeError: The argument is no tree.

    Examples:
        >>> from hmer_tasks import parse
        >>> to_label(parse(r"\frac a b ^ 2"))
        '\\frac { a } { b } ^ { 2 }'
    """
    require_type(tree, ExprTree, "a tree")
    out: list[str] = []
    _write_line(tree.line, out)
    return " ".join(out)


def _write_line(line: Line, out: list[str]) -> None:
    for node in line:
        symbol = node.symbol
        if not node.children:
            if symbol == GROUP:
                out += "{", "}"
            elif len(symbol) < 3:  # most are: they have no attributes
                out.append(symbol)
            elif symbol != NONE:
                out += tokens_of(symbol)
        elif symbol == "\\begin":
            _write_environment(node, out)
        else:
            _write_node(node, out)


def _write_node(node: Node, out: list[str]) -> None:
    symbol = node.symbol
    if symbol == GROUP:
        if node.children[0][0] != "inside":
            out += "{", "}"
    elif symbol != NONE:
        out += tokens_of(symbol)
    takes = signature(symbol)
    for relation, line in node.children:
        if takes is not None and relation == takes.option:
            _write_between("[", line, "]", out)
        elif relation == "nextline":
            out.append(BREAK)
            _write_line(line, out)
        else:
            if _is_script(symbol, relation, takes):
                out.append("_" if relation in ("sub", "below") else "^")
            _write_between("{", line, "}", out)


def _is_script(symbol: str, relation: str, takes: Signature | None) -> bool:
    return relation in ("sub", "sup") or (takes is None and relation in ("above", "below"))


def _write_between(start: str, line: Line, end: str, out: list[str]) -> None:
    out.append(start)
    _write_line(line, out)
    out.append(end)


def _write_environment(node: Node, out: list[str]) -> None:
    relation, body = node.children[0]
    name, columns = split_environment(relation)
    out += "\\begin", f"{{{name}}}"
    if columns is not None:
        out += "{", *columns, "}"
    _write_line(body, out)
    out += "\\end", f"{{{name}}}"
    for relation, line in node.children[2:]:
        if relation == "nextline":
            out.append(BREAK)
            _write_line(line, out)
        else:
            out.append("_" if relation == "sub" else "^")
            _write_between("{", line, "}", out)
