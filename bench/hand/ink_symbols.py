"""Symbols cut out of ink: real ones from CROHME's trace groups, and the same of what we write.

A symbol is its strokes in the ink's own units, y downwards, with the token, the expression and the
writer that it came from. Everything that judges handwriting in bench/ starts from these.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from hmer_tasks.exceptions import LabelError
from hmer_tasks.handwriting.parts import FRACTION_BARS, read_documents
from hmer_tasks.handwriting.parts import SPELLINGS as GROUP_SPELLINGS
from hmer_tasks.handwriting.writer import Writer
from hmer_tasks.handwriting.writing import write_ink
from hmer_tasks.storage.opening import open_files

Stroke = NDArray[np.float64]  # (n, 2)
SPELLINGS = {"\\lbrace": "\\{", "\\to": "\\rightarrow"}  # beside those of read_documents


@dataclass(frozen=True, slots=True)
class Symbol:
    """One written symbol."""

    token: str
    strokes: tuple[Stroke, ...]
    expression: str
    writer: str

    @property
    def points(self) -> Stroke:
        """All points of all strokes."""
        return np.concatenate(self.strokes)


def read_expressions(path: Path, limit: int | None = None, seed: int = 0) -> Iterator[list[Symbol]]:
    """The symbols of each InkML document of a folder or archive, in a shuffled, repeatable order."""
    with open_files(path) as files:
        names = files.names(suffix=".inkml")
        Random(seed).shuffle(names)
        for document in read_documents(files, names[:limit]):
            yield [
                Symbol(SPELLINGS.get(group.token, group.token), group.strokes, document.name, document.writer)
                for group in document.groups
            ]


def by_token(expressions: Iterable[Sequence[Symbol]], most: int) -> dict[str, list[Symbol]]:
    """At most `most` symbols of each token, at most three of an expression."""
    taken: dict[str, list[Symbol]] = defaultdict(list)
    for symbols in expressions:
        count: dict[str, int] = defaultdict(int)
        for symbol in symbols:
            count[symbol.token] += 1
            if len(taken[symbol.token]) < most and count[symbol.token] <= 3:
                taken[symbol.token].append(symbol)
    return taken


def symbol_name(token: str) -> str:
    """A node's ink as CROHME names it: bars are minus signs."""
    return "-" if token in FRACTION_BARS else SPELLINGS.get(token, GROUP_SPELLINGS.get(token, token))


def written_expression(label: str, by: Writer, seed: int) -> list[Symbol]:
    """The symbols of a label as a writer of ours writes it; none if it cannot be drawn."""
    try:
        ink, cells = write_ink(label, by, seed)
    except LabelError:
        return []
    strokes: dict[int, list[Stroke]] = defaultdict(list)
    for number, stroke in zip(ink.numbers, ink.strokes, strict=True):
        strokes[number].append(stroke)
    symbols = []
    for number, symbol_strokes in sorted(strokes.items()):
        symbols.append(
            Symbol(symbol_name(cells[number].symbol), tuple(symbol_strokes), f"{seed}", f"{by.number}")
        )
    return symbols
