"""What expression trees are made of: nodes, and lines of nodes. Trees are immutable, so leaves are shared."""

from dataclasses import dataclass
from typing import TypeAlias

NONE = "<none>"  # a node without ink: the base of a script at the start of a line, an empty line
GROUP = "{}"  # a bare group
BREAK = "\\\\"

Line: TypeAlias = "tuple[Node, ...]"
Child: TypeAlias = "tuple[str, Line]"


@dataclass(frozen=True, slots=True)
class Node:
    """A symbol and its children: (relation, line) pairs in label order."""

    symbol: str
    children: "tuple[Child, ...]" = ()

    def child(self, relation: str) -> "Line | None":
        """The child line of that relation, if there is one."""
        return next((line for name, line in self.children if name == relation), None)
