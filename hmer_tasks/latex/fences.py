r"""Commands before a delimiter: ``\left ( x \right .`` as ``( x`` and a delimiter without ink."""

from typing import Final

from hmer_tasks.latex.tree import Node

INVISIBLE: Final = "\\left."  # no token has this name: the place of a delimiter without ink
# TeX reads an angle in these as the delimiter of that shape
_ANGLES: Final = {"<": "\\langle", ">": "\\rangle"}
_PAIRED: Final = frozenset(["\\left", "\\right", "\\middle"])


def open_delimiters(items: list[Node], sizes: frozenset[str], keep_pairs: bool) -> list[Node]:
    r"""A line without the commands that size a delimiter.

    Args:
        items: The line's nodes.
        sizes: The commands.
        keep_pairs: Whether ``\left`` and ``\right`` stay where they are.

    Returns:
        The nodes that are left.
    """
    out: list[Node] = []
    sized = False
    for node in items:
        if node.symbol in sizes and not (keep_pairs and node.symbol in _PAIRED):
            sized = True
            if node.children:  # a script right after it stands on nothing
                out.append(Node(INVISIBLE, node.children))
            continue
        if sized and node.symbol == ".":
            if node.children:
                out.append(Node(INVISIBLE, node.children))
        elif sized and node.symbol in _ANGLES:
            out.append(Node(_ANGLES[node.symbol], node.children))
        else:
            out.append(node)
        sized = False
    return out
