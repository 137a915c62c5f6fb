"""Which symbol was read as which, what kind of mistake it is, and where in the tree it stands."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from hmer_tasks.evaluation.trees import Graph, aligned, graph_of, moved
from hmer_tasks.latex.tree import BREAK, NONE

_SILENT = frozenset(["\\end", NONE])  # \end goes with its \begin; no ink is nobody's mistake


class Kind(StrEnum):
    """A kind of mistake."""

    MISREAD = "misread"
    MISSING = "missing"
    EXTRA = "extra"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake: the label's symbol and the prediction's (empty where there is none), and where the
    symbol stands; for a moved one, `pred` is the place where it was put."""

    kind: Kind
    label: str
    pred: str
    where: str


def mistakes(gt: str, pred: str) -> list[Mistake]:
    """The mistakes of a pair in reading order of the label; none where one of the two is not TeX."""
    label, read = graph_of(gt), graph_of(pred)
    if label is None or read is None or label == read:
        return []
    return list(_mistakes(label, read))


def _mistakes(label: Graph, read: Graph) -> Iterator[Mistake]:
    label_places, read_places = places(label), places(read)
    pairs = dict(aligned(label, read))
    elsewhere = moved(label, read, pairs)
    for i, symbol in enumerate(label.symbols):
        j = pairs.get(i)
        if symbol in _SILENT:
            continue
        if j is None:
            yield Mistake(Kind.MISSING, symbol, "", label_places[i])
        elif symbol != read.symbols[j]:
            yield Mistake(Kind.MISREAD, symbol, read.symbols[j], label_places[i])
        elif i in elsewhere:
            yield Mistake(Kind.MOVED, symbol, read_places[j], label_places[i])
    matched = set(pairs.values())
    for j, symbol in enumerate(read.symbols):
        if j not in matched and symbol not in _SILENT:
            yield Mistake(Kind.EXTRA, "", symbol, read_places[j])
    rows, rows_read = _row_starts(label), _row_starts(read)
    begun, begun_read = {pairs[i] for i in rows if i in pairs}, frozenset(rows_read)
    for i in rows:
        if i in pairs and pairs[i] not in begun_read:
            yield Mistake(Kind.MISSING, BREAK, "", label_places[i])
    for j in rows_read:
        if j in matched and j not in begun:
            yield Mistake(Kind.EXTRA, "", BREAK, read_places[j])


def _row_starts(graph: Graph) -> list[int]:
    """The nodes that a row break stands before."""
    return [child for _, child, relation in graph.relations if relation == "nextline"]


def places(graph: Graph) -> list[str]:
    r"""Where each node stands: `main line`, `sub`, `sup`, `in matrix`, or such as `above of \frac`. The
    rows of one thing are one place."""
    places_of = ["main line"] * len(graph.symbols)
    for parent, child, relation in graph.relations:
        if relation in ("right", "nextline"):
            places_of[child] = places_of[parent]
        elif relation in ("sub", "sup"):
            places_of[child] = relation
        elif graph.symbols[parent] == "\\begin":
            places_of[child] = f"in {relation.removeprefix('begin_').partition('{')[0]}"
        else:
            places_of[child] = f"{relation} of {graph.symbols[parent]}"
    return places_of


@dataclass(frozen=True, slots=True)
class Confusions:
    """In how many pairs there is a mistake: by (kind, label's symbol, prediction's symbol), by kind, by
    place. A prediction that runs in circles counts once."""

    symbols: Counter[tuple[str, str, str]]
    kinds: Counter[str]
    places: Counter[str]

    def top(self, count: int) -> list[tuple[str, str, int]]:
        """The most frequent mistakes to read: the label's symbol, what became of it, in how many pairs."""
        return [
            (label or "(nothing)", f"moved to {pred}" if kind == Kind.MOVED else pred or "(nothing)", n)
            for (kind, label, pred), n in self.symbols.most_common(count)
        ]


def confusions(pairs: Iterator[tuple[str, str]]) -> Confusions:
    """The mistakes of (label, prediction) pairs counted."""
    confusions = Confusions(Counter(), Counter(), Counter())
    for gt, pred in pairs:
        pair_mistakes = mistakes(gt, pred)
        confusions.symbols.update(
            list(dict.fromkeys((str(mistake.kind), mistake.label, mistake.pred) for mistake in pair_mistakes))
        )
        confusions.kinds.update(list(dict.fromkeys(str(mistake.kind) for mistake in pair_mistakes)))
        confusions.places.update(list(dict.fromkeys(mistake.where for mistake in pair_mistakes)))
    return confusions
