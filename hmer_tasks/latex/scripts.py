r"""Lines and scripts for rewriting: rows laid flat, scripts distinguished from arguments, moved, sorted."""

from typing import Final

from hmer_tasks.latex.attributes import signature
from hmer_tasks.latex.tree import BREAK, GROUP, NONE, Child, Line, Node

# a group that holds one of these bounds a row or a cell
ROW_MARKS: Final = frozenset([BREAK, "&"])
_LIMITS: Final = frozenset(["\\limits", "\\nolimits", "\\displaylimits"])
_MARK: Final = {"sub": "_", "below": "_", "sup": "^", "above": "^"}


def flat(line: Line) -> list[Node]:
    r"""A line's nodes with ``\\`` between its rows, in place of the `nextline` relation."""
    nodes: list[Node] = []
    rest: Line | None = line
    while rest is not None:
        following: Line | None = None
        for node in rest:
            if node.children and node.children[-1][0] == "nextline":
                following = node.children[-1][1]
                bare = Node(node.symbol, node.children[:-1])
                nodes += [bare, Node(BREAK)]
            else:
                nodes.append(node)
        rest = following
    return [node for node in nodes if node.symbol != NONE or node.children]


def starts_row(before: list[Node]) -> bool:
    """Whether what comes next is the first of its row."""
    return not before or before[-1] == Node(BREAK)


def arguments(node: Node) -> tuple[tuple[Child, ...], tuple[Child, ...]]:
    """A node's children as its own arguments and its scripts."""
    children = node.children
    takes = signature(node.symbol)
    if takes is not None:
        count = len(takes.arguments) + (takes.option is not None and children[0][0] == takes.option)
    elif node.symbol == "\\begin":
        count = 2
    else:
        count = int(node.symbol == GROUP and bool(children) and children[0][0] == "inside")
    return children[:count], children[count:]


def clash(node: Node, scripts: tuple[Child, ...]) -> bool:
    """Whether a node that gets these scripts would have two of one kind, or cannot bear any."""
    held = {_MARK[name] for name, _ in arguments(node)[1]}
    return node.symbol in ROW_MARKS or any(_MARK[name] in held for name, _ in scripts)


def attach(node: Node, scripts: tuple[Child, ...]) -> Node:
    """The node with these scripts after those it has."""
    return Node(node.symbol, node.children + scripts)


def sub_first(scripts: list[Child]) -> tuple[Child, ...]:
    """Scripts with the lower one first."""
    return tuple(sorted(scripts, key=lambda child: _MARK[child[0]] != "_"))


def move_limits(items: list[Node]) -> list[Node]:
    r"""``\sum \limits _ { a }`` as ``\sum _ { a }``."""
    out: list[Node] = []
    for node in items:
        if node.symbol not in _LIMITS:
            out.append(node)
        elif not node.children:
            continue
        elif starts_row(out) or clash(out[-1], node.children):
            out.append(Node(NONE, node.children))
        else:
            out[-1] = attach(out[-1], node.children)
    return out
