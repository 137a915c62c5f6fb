"""What expression trees are made of: nodes, and lines of nodes. Trees are immutable, so leaves are shared."""

from typing import Final, TypeAlias

NONE: Final = "<none>"  # a node without ink: the base of a script at the start of a line, an empty line
GROUP: Final = "{}"  # a bare group
BREAK: Final = "\\\\"
MAX_DEPTH: Final = 100  # of a tree; real labels reach 12, and the text form grows with depth × length

Line: TypeAlias = "tuple[Node, ...]"
Child: TypeAlias = "tuple[str, Line]"


class Node:
    """A symbol and its children: (relation, line) pairs in label order. A node never changes.

    Written out, not a dataclass: most of what a parse costs is making nodes, and the constructor of a frozen
    dataclass takes twice as long (five times where mypyc compiles this one).
    """

    __slots__ = ("children", "symbol")

    def __init__(self, symbol: str, children: "tuple[Child, ...]" = ()) -> None:
        self.symbol: Final = symbol
        self.children: Final = children

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Node):
            return NotImplemented
        return self.symbol == other.symbol and self.children == other.children

    def __hash__(self) -> int:
        return hash((self.symbol, self.children))

    def __repr__(self) -> str:
        return f"Node(symbol={self.symbol!r}, children={self.children!r})"

    def __reduce__(self) -> "tuple[type[Node], tuple[str, tuple[Child, ...]]]":
        return Node, (self.symbol, self.children)

    def child(self, relation: str) -> "Line | None":
        """The child line of that relation, if there is one."""
        for name, line in self.children:
            if name == relation:
                return line
        return None


def depth_of(line: Line) -> int:
    """Levels below a line; 0 where nothing has a child."""
    deepest, open_lines = 0, [(line, 0)]
    while open_lines:
        nodes, depth = open_lines.pop()
        deepest = max(deepest, depth)
        open_lines += [(child, depth + 1) for node in nodes for _, child in node.children]
    return deepest
