"""A grammar fitted to a label file: it writes new labels with the file's symbols, lengths and depths.

What is fitted: for every kind of line (the main line, what stands under a bar, in a root, between
brackets …) which unit follows which. A unit is a node with the kinds of its children, or a pair of
brackets; what stands in it is written anew, by the statistics of its own kind of line. Nothing longer
than three units in a row is ever remembered, and a triple only if the file has it often.
How long and how deep a label is to be is drawn from the file's own table of both.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from hmer_tasks.exceptions import LabelError
from hmer_tasks.handwriting.boxes import Cell, cells_of
from hmer_tasks.handwriting.lines import matches
from hmer_tasks.latex.attributes import ATTRIBUTED
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import ExprTree, Line, Node, to_label
from hmer_tasks.utils.keyed_random import WeightedChoice

Unit: TypeAlias = tuple[str, ...]  # a symbol and its children's names; "(…)" closing, then children
Key: TypeAlias = tuple[object, ...]

START: Unit = ("",)
END: Unit = ("", "end")
OFTEN = 12  # times that a pair of units must have been seen before a third is predicted by both
SEEN = 4  # as OFTEN, for a single one
TRIES = 400
MAIN = "main"


@dataclass(frozen=True, slots=True)
class LabelStatistics:
    """The fitted grammar. `skipped`: labels of the file that `fit` left out."""

    followers: dict[Key, WeightedChoice[Unit]]
    shapes: list[tuple[int, int, int]]  # (length, depth, braces) of every label
    labels: frozenset[str]
    skipped: int

    def label(self, chance: Random) -> str:
        """A new label, about as long and as deep as one of the file's."""
        length, depth, braces = self.shapes[chance.randrange(len(self.shapes))]
        best, missed = "", 10**9
        for attempt in range(TRIES):
            tree = ExprTree(self._line(MAIN, chance, length, 0)[0])
            label = to_label(tree)
            miss = abs(len(label.split()) - length) + 3 * abs(tree.depth() - depth)
            miss += abs(label.count("{") - braces)
            if miss < missed:
                best, missed = label, miss
            # An exact hit is rare for long labels: later tries content themselves with less.
            if missed <= attempt * length // 4000:
                break
        return best

    def _line(self, kind: str, chance: Random, budget: int, level: int) -> tuple[Line, int]:
        """Nodes of a line of that kind, and how many tokens they are. The main line fills its budget."""
        nodes: list[Node] = []
        before, last, length = START, START, 0
        while length < 4 * budget + 8:
            unit = self._next(kind, before, last, chance)
            if unit == END:
                if level or length >= budget:
                    break
                for _ in range(6):  # too short yet: something else that followed here
                    unit = self._next(kind, before, last, chance)
                    if unit != END:
                        break
                else:
                    break
            elif not level and length >= budget:
                break
            if level > 12:
                break
            written, count = self._write(unit, chance, budget - length, level)
            nodes += written
            length += count
            before, last = last, unit
        return tuple(nodes), length

    def _next(self, kind: str, before: Unit, last: Unit, chance: Random) -> Unit:
        for key, need in (((kind, before, last), OFTEN), ((kind, last), SEEN), (("", last), 1), ((kind,), 1)):
            choice = self.followers.get(key)
            if choice is not None and choice.sums[-1] >= need:
                return choice.draw(chance)
        return END

    def _write(self, unit: Unit, chance: Random, budget: int, level: int) -> tuple[list[Node], int]:
        symbol, *names = unit
        if symbol.startswith("pair "):
            _, left, right = symbol.split(" ")
            inner, length = self._line(f"pair {left}", chance, budget, level + 1)
            closing, more = self._node(right, names, chance, budget, level)
            return [Node(left), *inner, closing], length + more + 1
        if symbol.startswith("table "):
            return self._table(unit, chance, budget, level)
        node, length = self._node(symbol, names, chance, budget, level)
        return [node], length

    def _node(
        self, symbol: str, names: list[str], chance: Random, budget: int, level: int
    ) -> tuple[Node, int]:
        children = []
        length = 1
        for name in names:
            line, more = self._line(line_kind(symbol, name), chance, budget, level + 1)
            children.append((name, line or (Node("<none>"),)))
            length += more + 3
        return Node(symbol, tuple(children)), length

    def _table(self, unit: Unit, chance: Random, budget: int, level: int) -> tuple[list[Node], int]:
        """An environment: rows and columns as some table of the file had them, the cells anew."""
        _, begin, rows, columns = unit[0].split(" ", 3)
        length = 4
        body: Line = ()
        for row in range(int(rows)):
            nodes: list[Node] = []
            for column in range(int(columns)):
                cell, more = self._line("cell", chance, budget, level + 1)
                nodes += [*([Node("&")] if column else []), *(cell or (Node("0"),))]
                length += more + 1
            nodes = nodes or [Node("0")]
            if row:
                last = nodes[-1]
                nodes[-1] = Node(last.symbol, (*last.children, ("nextline", body)))
            body = tuple(nodes)
        name = begin.removeprefix("begin_").partition("{")[0]
        return [Node("\\begin", ((begin, body), (f"end_{name}", (Node("\\end"),))))], length


def line_kind(symbol: str, relation: str) -> str:
    """What kind of line stands there; scripts of letters are alike, whatever the letter."""
    if relation in ("sub", "sup"):
        kind = symbol if symbol.startswith("\\") or symbol in (")", "]") else _class_of(symbol)
        return f"{kind} {relation}"
    return f"{symbol} {relation}"


def _class_of(symbol: str) -> str:
    if symbol.isdigit():
        return "digit"
    return "upper" if symbol.isupper() else "letter"


def fit(labels: Iterable[str]) -> LabelStatistics:
    """Count what follows what. Labels that do not parse, and those with arguments that are no ink (a length,
    a colour's name), are left out and counted."""
    counts: dict[Key, Counter[Unit]] = defaultdict(Counter)
    shapes: list[tuple[int, int, int]] = []
    seen: set[str] = set()
    skipped = 0
    for label in labels:
        try:
            tree = parse(label)
        except LabelError:
            skipped += 1
            continue
        text = to_label(tree)
        if not ATTRIBUTED.isdisjoint(text.split()):
            skipped += 1
            continue
        seen.add(text)
        shapes.append((len(text.split()), tree.depth(), text.count("{")))
        _count(cells_of(tree)[0], MAIN, counts)
    if not shapes:
        raise ValueError("no label in it can be read")
    return LabelStatistics(
        {key: WeightedChoice(unit) for key, unit in counts.items()}, shapes, frozenset(seen), skipped
    )


def _count(cells: list[Cell], kind: str, counts: "dict[Key, Counter[Unit]]") -> None:
    before, last = START, START
    for unit in [*_units(cells, counts), END]:
        counts[kind, before, last][unit] += 1
        counts[kind, last][unit] += 1
        counts["", last][unit] += 1
        counts[(kind,)][unit] += 1
        before, last = last, unit


def _units(cells: list[Cell], counts: "dict[Key, Counter[Unit]]") -> list[Unit]:
    """A line's units; the lines beneath it are counted on the way."""
    pairs = matches(cells)
    units: list[Unit] = []
    at = 0
    while at < len(cells):
        cell = cells[at]
        close = pairs.get(at)
        if close is not None and cell.children == [] and not _sized(cells, at):
            _count(cells[at + 1 : close], f"pair {cell.symbol}", counts)
            cell, at = cells[close], close
            symbol = f"pair {cells[_opener(pairs, close)].symbol} {cell.symbol}"
        elif cell.symbol == "\\begin":
            units.append(_table_unit(cell, counts))
            at += 1
            continue
        else:
            symbol = cell.symbol
        names = tuple(name for name, _ in cell.children)
        for name, line in cell.children:
            _count(line, line_kind(cell.symbol, name), counts)
        units.append((symbol, *names))
        at += 1
    return units


def _sized(cells: list[Cell], at: int) -> bool:
    return at > 0 and cells[at - 1].symbol == "\\left"


def _opener(pairs: dict[int, int], close: int) -> int:
    return next(opening for opening, closing in pairs.items() if closing == close)


def _table_unit(cell: Cell, counts: "dict[Key, Counter[Unit]]") -> Unit:
    from hmer_tasks.handwriting.lines import rows_of

    relation, body = cell.children[0]
    rows = rows_of(body)
    most = 1
    for row in rows:
        parts: list[list[Cell]] = [[]]
        for unit in row:
            if unit.symbol == "&":
                parts.append([])
            else:
                parts[-1].append(
                    Cell(unit.number, unit.symbol, [c for c in unit.children if c[0] != "nextline"])
                )
        most = max(most, len(parts))
        for part in parts:
            _count(part, "cell", counts)
    return (f"table {relation.replace(' ', '')} {len(rows)} {most}",)
