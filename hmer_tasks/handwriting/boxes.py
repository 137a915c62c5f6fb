"""What layout works with: cells (numbered nodes), marks (symbols at a place), boxes of marks."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from hmer_tasks.handwriting.curves import Points, box_of, moved
from hmer_tasks.handwriting.writer import Writer
from hmer_tasks.latex.attributes import HIDDEN, command_of, tokens_of
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import ExprTree, Line

SMALLEST = 0.42  # size under which nothing is written
AXIS = -46.0  # height at which fraction bars, + and = are written
BIN = 14.0  # units of height in which two boxes are compared


class UndrawableError(Exception):
    """A symbol that no form, stretching stroke or rule can draw."""

    def __init__(self, symbol: str) -> None:
        super().__init__(symbol)
        self.symbol = symbol


@dataclass(slots=True)
class Cell:
    """A node of the tree with its number: that of `ExprTree.to_networkx`."""

    number: int
    symbol: str
    children: "list[tuple[str, list[Cell]]]" = field(default_factory=list)

    def child(self, relation: str) -> "list[Cell] | None":
        return next((line for name, line in self.children if name == relation), None)


Relation = tuple[int, int, str]  # parent, child, name


def cells_of(tree: ExprTree) -> tuple[list[Cell], list[Cell], list[Relation]]:
    """The main line as cells, all cells by number, and all relations."""
    every: list[Cell] = []
    relations: list[Relation] = []

    def read(line: Line, parent: int, relation: str) -> list[Cell]:
        cells = []
        for node in line:
            cell = Cell(len(every), command_of(node.symbol))
            every.append(cell)
            if parent >= 0:
                relations.append((parent, cell.number, relation))
            cell.children = [(name, read(child, cell.number, name)) for name, child in node.children]
            if node.symbol != cell.symbol and cell.symbol in HIDDEN:
                cell.children.insert(0, ("inside", _unseen_cells(node.symbol)))
            parent, relation = cell.number, "right"
            cells.append(cell)
        return cells

    return read(tree.line, -1, ""), every, relations


def _unseen_cells(symbol: str) -> list[Cell]:
    r"""What a ``\phantom{…}`` takes the room of."""
    label = " ".join(tokens_of(symbol)[2:-1])
    return cells_of(parse(label))[0] if label else []


@dataclass(slots=True)
class Mark:
    """Strokes at a place: every point p lies at (x, y) + size * p. `loose`: may tilt and shift on its own."""

    number: int
    strokes: tuple[Points, ...]
    x: float
    y: float
    size: float
    loose: bool = True
    heavy: bool = False
    reach: "tuple[tuple[float, float], dict[float, tuple[float, float]]] | None" = field(
        default=None, repr=False, compare=False
    )

    def reach_at(self, down: float) -> dict[float, tuple[float, float]]:
        """By row of BIN units, with the mark `down` below its place: how far its ink reaches to the left and
        to the right, from `x`. Kept, for a mark is compared with several that follow it."""
        key = self.y, down
        if self.reach is None or self.reach[0] != key:
            rows: dict[float, tuple[float, float]] = {}
            size, place = self.size, self.y
            for stroke in self.strokes:
                for across, along in stroke[::2].tolist():  # points lie nearer than rows
                    x, row = across * size, (along * size + place + down) // BIN
                    left, right = rows.get(row, (x, x))
                    if x <= left or x >= right:
                        rows[row] = min(x, left), max(x, right)
            self.reach = key, rows
        return self.reach[1]


@dataclass(slots=True)
class Box:
    """Marks side by side and above one another; left edge at 0, baseline at 0, y downwards."""

    width: float = 0.0
    top: float = 0.0
    bottom: float = 0.0
    marks: list[Mark] = field(default_factory=list)

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def put(self, other: "Box", x: float, y: float = 0.0) -> None:
        """Take another box's marks in, moved there; the box grows."""
        if not self.marks:
            self.top, self.bottom = other.top + y, other.bottom + y
        elif other.marks:
            self.top, self.bottom = min(self.top, other.top + y), max(self.bottom, other.bottom + y)
        self.width = max(self.width, x + other.width)
        for mark in other.marks:
            mark.x += x
            mark.y += y
        self.marks += other.marks


class LineSetter(Protocol):
    """Sets lines and symbols as boxes: what commands and tables, which hold lines, need of a layout.

    `chance` decides what a person does not do twice the same way; `least` is a gap that the pen's width
    cannot close. `size` is 1 for the main line; `style` is a key of the writer's forms, empty for the usual.
    """

    writer: Writer
    chance: Random
    least: float

    def block(self, cells: list[Cell], size: float, style: str = "") -> Box:
        """A child line, of one row or of several under one another."""
        ...

    def row(self, cells: list[Cell], size: float, style: str = "") -> Box:
        """A line of one row."""
        ...

    def word(self, number: int, letters: str, size: float) -> Box:
        """Letters as ink of one cell."""
        ...

    def over(self, box: Box, above: Box, below: Box, space: float) -> Box:
        """A box with one above it and one below it, centred."""
        ...

    def fence(self, number: int, symbol: str, top: float, bottom: float, size: float) -> Box:
        """A delimiter from `top` to `bottom`."""
        ...


def kerning(left: Box, right: Box, down: float, most: float) -> float:
    """How far a box may move into the box to its left.

    Args:
        left: The box to the left.
        right: The box that moves.
        down: How far below the line it stands, in units.
        most: At most so far, in units.

    Returns:
        The distance, in units, at which their ink is no nearer than with the two side by side.
    """
    edge: dict[float, float] = {}
    for mark in left.marks[-4:]:
        place = mark.x
        for row, (_, x) in mark.reach_at(0.0).items():
            if x + place > edge.get(row, -math.inf):
                edge[row] = x + place
    free, width, edge_at = most, left.width, edge.get
    for mark in right.marks[:4]:
        place = mark.x
        for row, (x, _) in mark.reach_at(down).items():
            nearest = max(edge_at(row - 1, -math.inf), edge_at(row, -math.inf), edge_at(row + 1, -math.inf))
            free = min(free, width - nearest + (x + place))
    return max(0.0, free)


def strokes_box(number: int, strokes: Iterable[Points], heavy: bool = False) -> Box:
    """A box of strokes that stand where they are meant to; its left edge becomes 0."""
    kept = tuple(strokes)
    lefts, tops, rights, bottoms = zip(*map(box_of, kept), strict=True)
    left = min(lefts)
    kept = tuple(moved(stroke, -left, 0.0) for stroke in kept)
    return Box(
        max(rights) - left,
        min(tops),
        max(bottoms),
        [Mark(number, kept, 0.0, 0.0, 1.0, loose=False, heavy=heavy)],
    )
