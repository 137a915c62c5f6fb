r"""Primes as TeX defines them: ``f '`` is ``f ^ { \prime }``, ``f ' ^ { 2 }`` is ``f ^ { \prime 2 }``."""

from typing import Final

from hmer_tasks.latex.scripts import ROW_MARKS, clash, starts_row
from hmer_tasks.latex.tables import tables
from hmer_tasks.latex.tree import NONE, Child, Line, Node

_PRIME: Final = Node("\\prime")
_SUPERSCRIPTS: Final = frozenset(["sup", "above"])


def raise_primes(items: list[Node]) -> list[Node]:
    """A line in which runs of ' are superscripts of what they follow. One that follows a node that
    has a superscript already (an error in TeX) stays, as does one after & and the like."""
    if not any(node.symbol == "'" for node in items):
        return items
    out: list[Node] = []
    run = 0
    for i, node in enumerate(items):
        if node.symbol != "'":
            out.append(node)
            continue
        run += 1
        if not node.children and i + 1 < len(items) and items[i + 1].symbol == "'":
            continue
        scripts = _raised(run, node.children)
        run_was, run = run, 0
        if starts_row(out):
            out.append(Node(NONE, scripts))
        elif _can_bear(out[-1]) and not clash(out[-1], scripts):
            out[-1] = Node(out[-1].symbol, out[-1].children + scripts)
        else:
            out += [Node("'")] * (run_was - 1) + [node]
    return out


def unstack_primes(relation: str, line: Line) -> Line:
    r"""A superscript that is nothing but raised primes (``^ { ' }``) as the primes themselves."""
    if relation not in _SUPERSCRIPTS or len(line) != 1 or line[0].symbol != NONE:
        return line
    children = line[0].children
    if len(children) != 1 or children[0][0] not in _SUPERSCRIPTS:
        return line
    inner = children[0][1]
    return inner if all(node == _PRIME for node in inner) else line


def _raised(count: int, scripts: tuple[Child, ...]) -> tuple[Child, ...]:
    """Scripts of a base that so many primes follow, the last of which has these scripts."""
    primes: Line = (_PRIME,) * count
    if not any(name == "sup" for name, _ in scripts):
        return (("sup", primes), *scripts)
    return tuple((name, primes + line if name == "sup" else line) for name, line in scripts)


def _can_bear(node: Node) -> bool:
    return node.symbol not in ROW_MARKS and node.symbol not in tables().fences and node.symbol != "'"
