"""What a mismatch really is: label and prediction compared as trees, in standard spelling.

Symbols and relations are counted over the layout graph in the manner of label graphs (Mouchère et al.,
"Evaluating structural pattern recognition for handwritten math via primitive label graphs", 2013), which know
from the strokes which symbol is which. Without strokes the symbols are aligned in reading order by edit
distance, so that a symbol more at the front costs itself only. LgEval itself names symbols by their path
then: those figures are in `paths.py`.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from hmer_tasks.errors.edits import edit_script
from hmer_tasks.evaluation.letters import same_symbols
from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.canonical import canonicalize
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import GROUP, NONE, Line

# Nodes that stand for no ink: they bear structure, and are not counted as symbols.
_INKLESS = frozenset([NONE, GROUP, "\\begin", "\\end", "&", "\\\\"])


class Outcome(StrEnum):
    """What a pair is; the first that holds."""

    EXACT = "exact"
    SAME = "same on paper"
    SAME_SYMBOLS = "same symbols, a name spelled in letters"
    LABEL_NOT_TEX = "label is not TeX"
    NOT_TEX = "prediction is not TeX"
    WRONG_SYMBOLS = "structure right, symbols wrong"
    WRONG_STRUCTURE = "symbols right, structure wrong"
    BOTH_WRONG = "both wrong"


@dataclass(frozen=True, slots=True)
class Graph:
    """A layout graph in reading order: symbols, and relations as (parent, child, name)."""

    symbols: tuple[str, ...]
    relations: tuple[tuple[int, int, str], ...]

    @property
    def ink(self) -> int:
        """How many nodes leave ink."""
        return sum(symbol not in _INKLESS for symbol in self.symbols)


@dataclass(frozen=True, slots=True)
class Compared:
    """An outcome, and how many symbols and relations the label and the prediction have and share.

    Labels that are not TeX have none (and `label_nodes` 0); a prediction that is not TeX has none either.
    `pred_tex`: whether the prediction is TeX, whatever the label is.
    """

    outcome: Outcome
    label_nodes: int = 0
    label_symbols: int = 0
    pred_symbols: int = 0
    matched_symbols: int = 0
    label_relations: int = 0
    pred_relations: int = 0
    matched_relations: int = 0
    pred_tex: bool = False

    def row(self) -> list[float]:
        """The columns of `columns.COLUMNS` from `same` on."""
        same = self.outcome in (Outcome.EXACT, Outcome.SAME)
        shares = (
            (self.matched_symbols, self.label_symbols), (self.matched_symbols, self.pred_symbols),
            (self.matched_relations, self.label_relations), (self.matched_relations, self.pred_relations),
        )  # fmt: skip
        # a pair without any relation, such as a symbol alone, has them all; one whose prediction is not TeX
        # has none
        nothing = float(self.pred_tex)
        macro = [part / of if of else nothing for part, of in shares] if self.label_nodes else [0.0] * 4
        return [
            same, self.label_symbols, self.pred_symbols, self.matched_symbols,
            self.label_relations, self.pred_relations, self.matched_relations,
            same or self.outcome is Outcome.SAME_SYMBOLS, self.label_nodes > 0, self.pred_tex, *macro,
        ]  # fmt: skip


@lru_cache(maxsize=50_000)
def graph_of(label: str) -> Graph | None:
    """The layout graph of a label in standard spelling; None where it is not TeX or leaves no ink."""
    try:
        line = parse(canonicalize(label)).line
    except LabelError:
        return None
    symbols: list[str] = []
    relations: list[tuple[int, int, str]] = []

    def add(line: Line, parent: int, relation: str) -> None:
        for node in line:
            number = len(symbols)
            symbols.append(node.symbol)
            if parent >= 0:
                relations.append((parent, number, relation))
            for name, child in node.children:
                add(child, number, name)
            parent, relation = number, "right"

    add(line, -1, "")
    # as `ExprTree.to_networkx` gives them, which takes ten times the memory: by parent
    relations.sort(key=lambda relation: relation[0])
    return Graph(tuple(symbols), tuple(relations))


def compare(gt: str, pred: str) -> Compared:
    """What the pair is, and its symbols and relations. Never raises for any two strings."""
    label = graph_of(gt)
    exact = gt.split() == pred.split()
    if label is None:
        outcome = Outcome.EXACT if exact else Outcome.LABEL_NOT_TEX
        return Compared(outcome, pred_tex=not exact and graph_of(pred) is not None)
    nodes, ink, edges = len(label.symbols), label.ink, len(label.relations)
    if exact:
        return Compared(Outcome.EXACT, nodes, ink, ink, ink, edges, edges, edges, pred_tex=True)
    read = graph_of(pred)
    if read is None:
        return Compared(Outcome.NOT_TEX, nodes, label_symbols=ink, label_relations=edges)
    if read == label:
        return Compared(Outcome.SAME, nodes, ink, ink, ink, edges, edges, edges, pred_tex=True)
    places = dict(aligned(label, read))
    read_relations = frozenset(read.relations)
    symbols = sum(
        label.symbols[i] == read.symbols[j] and label.symbols[i] not in _INKLESS for i, j in places.items()
    )
    relations = sum((places.get(a), places.get(b), name) in read_relations for a, b, name in label.relations)
    return Compared(
        Outcome.SAME_SYMBOLS if same_symbols(gt, pred) else _kind(label, read),
        nodes,
        label_symbols=ink,
        pred_symbols=read.ink,
        matched_symbols=symbols,
        label_relations=edges,
        pred_relations=len(read.relations),
        matched_relations=relations,
        pred_tex=True,
    )


def _kind(label: Graph, read: Graph) -> Outcome:
    if label.relations == read.relations and len(label.symbols) == len(read.symbols):
        return Outcome.WRONG_SYMBOLS
    same = Counter(s for s in label.symbols if s not in _INKLESS) == Counter(
        s for s in read.symbols if s not in _INKLESS
    )
    return Outcome.WRONG_STRUCTURE if same else Outcome.BOTH_WRONG


def aligned(label: Graph, read: Graph) -> Iterator[tuple[int, int]]:
    """Which node of the label is which of the prediction: the shortest edit script of their symbols in
    reading order, misread ones paired too."""
    for edit in edit_script(label.symbols, read.symbols):
        if edit.tag in ("equal", "replace"):
            yield from zip(
                range(edit.src_start, edit.src_end), range(edit.dest_start, edit.dest_end), strict=True
            )


def line_parents(graph: Graph) -> list[tuple[int, str]]:
    """The node and relation that each node's line hangs on; (-1, "") on the main line. A line's further
    rows hang where its first does."""
    above: dict[int, tuple[int, str]] = {child: (parent, name) for parent, child, name in graph.relations}
    parents: list[tuple[int, str]] = []
    for i in range(len(graph.symbols)):
        parent, relation = above.get(i, (-1, ""))
        parents.append(parents[parent] if relation in ("right", "nextline") else (parent, relation))
    return parents


def moved(label: Graph, read: Graph, pairs: dict[int, int]) -> set[int]:
    """The label's nodes whose counterparts (`pairs`) hang by another relation or on another node. What
    hangs on a node without a counterpart, on either side, is that node's affair."""
    label_parents, read_parents = line_parents(label), line_parents(read)
    met = set(pairs.values())
    matched: set[int] = set()
    for i, j in pairs.items():
        (parent, relation), (parent_read, relation_read) = label_parents[i], read_parents[j]
        lost = (parent >= 0 and parent not in pairs) or (parent_read >= 0 and parent_read not in met)
        other = pairs.get(parent, -1) != parent_read
        if not lost and (other or relation.partition("{")[0] != relation_read.partition("{")[0]):
            matched.add(i)
    return matched
