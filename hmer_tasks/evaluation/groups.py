"""Subgroups that scores are reported for: by the label's length, depth, constructs and characters."""

from collections.abc import Callable
from functools import cache

from hmer_tasks.evaluation.trees import Graph, graph_of
from hmer_tasks.latex.tables import tables

_LENGTHS = ((1, 5), (6, 10), (11, 20), (21, 40), (41, 80))
NOT_TEX = "not TeX"
_SAME_LEVEL = ("right", "nextline")  # a row below another one is no deeper


def length(gt: str) -> tuple[str, ...]:
    """The bin of the label's length in tokens."""
    tokens = len(gt.split())
    return (next((f"{low} to {high}" for low, high in _LENGTHS if tokens <= high), "over 80"),)


def depth(gt: str) -> tuple[str, ...]:
    """How deep the label nests: lines between the main line and its deepest symbol."""
    graph = graph_of(gt)
    if graph is None:
        return (NOT_TEX,)
    deepest = max(_depths(graph))
    return (str(deepest) if deepest < 5 else "5 and more",)


def _depths(graph: Graph) -> list[int]:
    depths = [0] * len(graph.symbols)
    for parent, child, relation in graph.relations:
        depths[child] = depths[parent] + (relation not in _SAME_LEVEL)
    return depths


def constructs(gt: str) -> tuple[str, ...]:
    """The constructs a label holds; `none of them` for a plain line."""
    graph = graph_of(gt)
    if graph is None:
        return (NOT_TEX,)
    symbols = set(graph.symbols)
    relations = {relation for *_, relation in graph.relations}
    constructs = [name for name, commands in _commands().items() if not symbols.isdisjoint(commands)]
    if relations & {"sub", "sup"}:
        constructs += [
            name for name, relation in (("subscript", "sub"), ("superscript", "sup")) if relation in relations
        ]
        if _both(graph):
            constructs.append("both scripts")
    constructs += ["environment"] * ("\\begin" in symbols)
    return tuple(constructs) or ("none of them",)


def _both(graph: Graph) -> bool:
    below = {parent for parent, _, relation in graph.relations if relation == "sub"}
    return any(relation == "sup" and parent in below for parent, _, relation in graph.relations)


@cache
def _commands() -> dict[str, frozenset[str]]:
    signatures = tables().signatures

    def taking(like: str) -> frozenset[str]:
        return frozenset(name for name, takes in signatures.items() if takes == signatures[like])

    return {
        "fraction": taking("\\frac"),
        "radical": frozenset(["\\sqrt"]),
        "accent": taking("\\hat"),
        "mark over or under": taking("\\overset") | taking("\\underset"),
        "big operator": tables().operators,
        "font or box": taking("\\mathbb"),
    }


def characters(gt: str) -> tuple[str, ...]:
    """Whether a label is ASCII: published HME100K scores leave out labels with Chinese characters."""
    return ("ASCII" if gt.isascii() else "beyond ASCII",)


GROUPS: dict[str, Callable[[str], tuple[str, ...]]] = {
    "length": length,
    "depth": depth,
    "construct": constructs,
    "characters": characters,
}
