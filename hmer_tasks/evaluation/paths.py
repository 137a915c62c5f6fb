"""Symbols and structure as LgEval counts them for CROHME: a node is named by its path from the start of the
main line.

The symbol layout trees of CROHME 2019 and 2023 (Mahdavi et al., "ICDAR 2019 CROHME + TFD", 2019; LgEval)
have no strokes to tell symbols by, so a node's name is the sequence of relations that leads to it. A symbol
is right where both trees have a node of that path with that symbol; the structure is right where both trees
have the same paths. One symbol more or less at the front therefore costs all that follow it on its line.
"""

from dataclasses import dataclass

from hmer_tasks.evaluation.trees import Graph, graph_of

# The figures of LgEval that these were held against (CROHME 2014) come without the one prediction of 1,027
# tokens, of which its converter made no graph. Predictions as long are left out here as well, and counted.
LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class PathScore:
    """Nodes of the label and the prediction, nodes that agree, and whether all paths do."""

    label_nodes: int
    pred_nodes: int
    matched: int
    structure: bool


def path_score(label: Graph, read: Graph | None) -> PathScore | None:
    """The score of a pair; None where the prediction is over LONGEST nodes. A prediction that is not TeX
    has no nodes."""
    nodes = len(label.symbols)
    if read is None:
        return PathScore(nodes, 0, 0, structure=False)
    if len(read.symbols) > LONGEST:
        return None
    if read == label:
        return PathScore(nodes, nodes, nodes, structure=True)
    numbers: dict[tuple[int, str], int] = {}  # of the paths, by (number of the parent's path, relation)
    ours, theirs = _paths(label, numbers), _paths(read, numbers)
    symbols = dict(zip(theirs, read.symbols, strict=True))
    matched = sum(symbols.get(path) == symbol for path, symbol in zip(ours, label.symbols, strict=True))
    return PathScore(nodes, len(read.symbols), matched, set(ours) == set(theirs))


def path_row(gt: str, pred: str) -> list[float]:
    """The columns of `columns.COLUMNS` that begin with `path_`: all 0 where the pair is left out, because the
    label is not TeX or the prediction too long."""
    label = graph_of(gt)
    score = None if label is None else path_score(label, graph_of(pred))
    if score is None:
        return [0.0] * 5
    return [1.0, score.label_nodes, score.pred_nodes, score.matched, score.structure]


def _paths(graph: Graph, numbers: dict[tuple[int, str], int]) -> list[int]:
    """Each node's path as a number: equal numbers are equal paths. Relations come parents first."""
    depths = [0] * len(graph.symbols)
    for parent, child, relation in graph.relations:
        key = depths[parent], relation
        depths[child] = numbers.setdefault(key, len(numbers) + 1)
    return depths
