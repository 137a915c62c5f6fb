"""Whether a picture's ink can hold the symbols of its label, by counting strokes.

People who write a formula do not join its symbols: each takes a stroke of its own at least, and few take
more than four. So a label with more symbols than there are strokes, or with far fewer than there are
strokes, is of another picture.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache

import numpy as np

from hmer_tasks.errors.equivalence import SPELLED
from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.canonical import canonicalize
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tables import tables
from hmer_tasks.latex.tree import GROUP, NONE, Line

_INKLESS = frozenset([NONE, GROUP, "\\begin", "\\end", "&", "\\\\", "\\left.", "\\right."])
# strokes of a symbol that people usually write with more than one, at most; two for any other, and for a name
# of letters twice its length
_MOST: Mapping[str, int] = {
    **dict.fromkeys(r"\ldots \cdots = + \sqrt \approx \in B R \rightarrow".split(), 3),
    **dict.fromkeys(r"\equiv \neq \pm \sum H F \div \% % \forall M W k K A \pi \Rightarrow".split(), 4),
    **dict.fromkeys(r"E \exists \Leftrightarrow".split(), 5),
}
_USUAL = 2
_RIDGE, _MOST_NATS = 3.0, 12.0
_SLACK = 3  # strokes over the most, for strokes drawn again


def symbols_of(label: str) -> list[str] | None:
    """The symbols of a label that leave ink, an accent and a fraction's rule among them; None where it is
    not TeX."""
    try:
        tree = parse(canonicalize(label))
    except LabelError:
        return None
    symbols: list[str] = []

    def walk(line: Line) -> None:
        for node in line:
            takes = tables().signatures.get(node.symbol)
            # a font or a box around an argument draws nothing, or is drawn with the argument
            inside = takes is not None and "inside" in takes.arguments
            if node.symbol not in _INKLESS and not inside:
                symbols.append(node.symbol)
            for _, child in node.children:
                walk(child)

    walk(tree.line)
    return symbols


def strokes_bounds(label: str) -> tuple[int, int] | None:
    """How few and how many strokes a label can be written with; None where it is not TeX."""
    symbols = symbols_of(label)
    if symbols is None:
        return None
    most = sum(_most_of(symbol) for symbol in symbols)
    return len(symbols), most + _SLACK


def _most_of(symbol: str) -> int:
    """The most strokes that a symbol usually takes; a name of letters two for each."""
    if symbol in _names():
        return 2 * (len(symbol) - 1)
    return _MOST.get(symbol, _USUAL)


@cache
def _names() -> frozenset[str]:
    """Commands that are written as letters."""
    return frozenset(name for name, letters in SPELLED.items() if all(letter.isalpha() for letter in letters))


class StrokeModel:
    """How many strokes a label takes, learned from the samples themselves: a mean for each symbol, by least
    squares (ridge towards the mean of all), and the spread of what is left.

    Most labels are right, so a few wrong ones move it little.
    """

    def __init__(self, samples: Iterable[tuple[str, int]]) -> None:
        rows = [(Counter(symbols), strokes) for label, strokes in samples if (symbols := symbols_of(label))]
        self._place = {
            name: i for i, name in enumerate(sorted({name for counts, _ in rows for name in counts}))
        }
        counts = np.array([self._row(symbol_counts) for symbol_counts, _ in rows]).reshape(
            len(rows), len(self._place)
        )
        strokes = np.array([number for _, number in rows], dtype=np.float64)
        self._usual = float(strokes.sum() / max(counts.sum(), 1))
        ridge = _RIDGE * np.eye(len(self._place))
        left = strokes - self._usual * counts.sum(axis=1)
        self._more = np.linalg.solve(counts.T @ counts + ridge, counts.T @ left) if rows else np.zeros(0)
        spread = left - counts @ self._more
        # the median: wrong labels are far off, and must not widen what counts as usual
        self._variance = max(float(np.median(np.abs(spread)) * 1.4826) ** 2, 0.25) if rows else 1.0

    def _row(self, counts: Mapping[str, int]) -> list[float]:
        row = [0.0] * len(self._place)
        for name, count in counts.items():
            if name in self._place:
                row[self._place[name]] = float(count)
        return row

    def advantage(self, reading: str, label: str, strokes: int) -> float:
        """By how many nats the ink fits the reading better than the label, at most _MOST_NATS either way."""
        off = []
        for text in (reading, label):
            symbols = symbols_of(text)
            if symbols is None:
                return 0.0
            expected = len(symbols) * self._usual + float(np.dot(self._row(Counter(symbols)), self._more))
            off.append((strokes - expected) ** 2 / (2 * self._variance))
        return max(-_MOST_NATS, min(_MOST_NATS, off[1] - off[0]))
