"""Where every symbol of a formula stands: the tree walked once, boxes put beside and above one another.

Boxes are those of the ink itself, in the writer's own forms, so that nothing collides by design;
what bends the page later (slant, drift, warp) is smooth and keeps neighbours apart.
"""

from random import Random

import numpy as np

from hmer_tasks.handwriting import accents, stretch, tables
from hmer_tasks.handwriting.boxes import (
    AXIS,
    SMALLEST,
    Box,
    Cell,
    Mark,
    UndrawableError,
    kerning,
    strokes_box,
)
from hmer_tasks.handwriting.curves import box_of, curve, moved, parted
from hmer_tasks.handwriting.forms import SCRIPT
from hmer_tasks.handwriting.lines import Bounds, infix, matches, rows_of
from hmer_tasks.handwriting.symbols import (
    BIG,
    INTEGRALS,
    NAMES,
    NO_INK,
    SPACES,
    STYLES,
    SWITCHES,
    form_names,
    space_class,
)
from hmer_tasks.handwriting.variation import Habits, copied
from hmer_tasks.handwriting.writer import Writer
from hmer_tasks.latex.tree import GROUP, NONE

OPERATORS = frozenset(["relation", "binary"])
SCRIPTS = frozenset(["sub", "sup"])
BRACES = frozenset(["\\underbrace", "\\overbrace"])
BESIDE = SCRIPTS | {"nextline"}  # a next line is set by whoever lays out the rows
PRIMES, PRIME = frozenset(["'", "′"]), -42.0  # a prime on the line itself is written as high as a script
REAL = Habits(warp=0.035, hooks=0.0, ends=0.03)  # real strokes have hooks and ends of their own
WIDE_LIMITS = frozenset(["\\lim", *BIG])


class Layout:
    """One formula by one writer. `chance` decides what a person does not do twice the same way."""

    def __init__(self, writer: Writer, chance: Random) -> None:
        self.writer = writer
        self.chance = chance
        self.least = 5.0 + 100.0 * writer.pen / writer.pixels  # a gap that the pen's width cannot close

    # ------------------------------------------------------------ lines

    def block(self, cells: list[Cell], size: float, style: str = "") -> Box:
        """A child line, of one row or of several under one another."""
        rows = rows_of(cells)
        if len(rows) == 1:
            return self.row(rows[0], size, style)
        return tables.stack(self, [[self.row(row, size, style)] for row in rows], size, "l")

    def row(self, cells: list[Cell], size: float, style: str = "") -> Box:
        at = infix(cells)
        if at is not None:
            return self._infix(cells, at, size, style)
        return self._stretch_of_row(cells, Bounds(0, len(cells)), matches(cells), size, style)

    def _stretch_of_row(
        self, cells: list[Cell], bounds: Bounds, pairs: dict[int, int], size: float, style: str
    ) -> Box:
        line = Box()
        before = ""
        at = bounds.start
        slash: Cell | None = None
        while at < bounds.stop:
            cell = cells[at]
            if cell.symbol in SWITCHES:
                style = STYLES[cell.symbol]
            elif cell.symbol in SPACES and not cell.children:
                line.width += SPACES[cell.symbol] * size
            elif cell.symbol == "\\not":
                slash = cell
            elif at in pairs and pairs[at] < bounds.stop:
                inner = self._stretch_of_row(cells, Bounds(at + 1, pairs[at]), pairs, size, style)
                left = self.bracket(cell, inner, size)
                right = self._scripted(
                    cells[pairs[at]], self.bracket(cells[pairs[at]], inner, size), size, style
                )
                before = self._append(line, self._scripted(cell, left, size, style), before, "open", size)
                if inner.marks:
                    before = self._append(line, inner, before, "plain", size)
                before = self._append(line, right, before, "close", size)
                at = pairs[at]
            else:
                bare_limits = (
                    cells[at + 1] if at + 1 < bounds.stop and cells[at + 1].symbol == "\\limits" else None
                )
                box = self.node(cell, size, style, bare_limits)
                if slash is not None:
                    box = self._slashed(slash, box)
                    slash = None
                if box.marks:
                    before = self._append(line, box, before, space_class(cell.symbol), size)
            at += 1
        return line

    def _append(self, line: Box, box: Box, before: str, kind: str, size: float) -> str:
        if not box.marks:
            return before
        space = 0.0
        if line.marks:
            writer = self.writer
            space = writer.gap * self.chance.lognormvariate(0.0, writer.spread)
            if "relation" in (before, kind):
                space += 8 + writer.loose
            elif kind == "binary":
                space += 0.6 * writer.loose if before not in ("", "open", "binary", "relation") else 0
            elif before == "binary":
                space += 0.6 * writer.loose
            if "word" in (before, kind) and kind not in ("open", "close"):
                space += 9
            if before == "comma":
                space += 8 + 0.5 * writer.loose
            space = max(space * size, self.least)
            room = kerning(line, box, 0.0, 45.0 * size)
            kern = writer.kern * (0.3 if OPERATORS.intersection((before, kind)) else 1.0)
            # boxes may overlap, ink may not, and no = comes to stand in a C's mouth
            space -= min(self.chance.random() * kern * room, room + space - self.least)
        line.put(box, line.width + space)
        return kind

    # ------------------------------------------------------------ nodes

    def node(self, cell: Cell, size: float, style: str = "", limits: Cell | None = None) -> Box:
        """A node with all its children."""
        symbol = cell.symbol
        if symbol in SPACES:
            return self._scripted(cell, Box(), size, style)
        if symbol in (NONE, "\\end") or symbol in NO_INK:
            if symbol == "\\limits":
                return Box()  # its scripts were set with the operator before it
            return self._scripted(cell, Box(), size, style)
        if symbol in BRACES:
            return self._braced(cell, size, style)
        if symbol == GROUP:
            inside = cell.child("inside")
            box = self.block(inside, size, style) if inside else Box()
        elif symbol == "\\begin":
            box = tables.environment(self, cell, size, style)
        elif cell.child("above") is not None and symbol in accents.FRACTIONS:
            box = accents.fraction(self, cell, size, style)
        elif symbol in accents.UNSEEN or (
            any(name not in BESIDE for name, _ in cell.children)
            and symbol not in BIG | INTEGRALS | NAMES.keys()
        ):
            box = accents.command(self, cell, size, style)
        else:
            children = list(cell.children) + (limits.children if limits is not None else [])
            return self._operator_or_symbol(cell, children, limits is not None, size, style)
        return self._scripted(cell, box, size, style)

    def _operator_or_symbol(
        self, cell: Cell, children: list[tuple[str, list[Cell]]], forced: bool, size: float, style: str
    ) -> Box:
        symbol = cell.symbol
        names = {"sub": "below", "sup": "above", "below": "below", "above": "above"}
        limits_of = {names[name]: line for name, line in children if name in names}
        stacked = symbol in WIDE_LIMITS or forced or (symbol in INTEGRALS and self.writer.limits)
        box = self.symbol(cell, size, style)
        if not limits_of:
            return box
        if not stacked or (symbol not in WIDE_LIMITS | INTEGRALS and not forced):
            return self._beside(box, limits_of.get("below"), limits_of.get("above"), size, style)
        small = max(SMALLEST, size * self.writer.script)
        above = self.block(limits_of["above"], small, style) if "above" in limits_of else Box()
        below = self.block(limits_of["below"], small, style) if "below" in limits_of else Box()
        return self.over(box, above, below, 14 * size)

    def symbol(self, cell: Cell, size: float, style: str = "") -> Box:
        """A symbol alone."""
        symbol = cell.symbol
        if symbol in NAMES and symbol not in self.writer.hands:
            return self.word(cell.number, NAMES[symbol], size)
        if symbol in BIG:
            size = size * self.chance.uniform(1.15, 1.4)
        if symbol in INTEGRALS:
            size = size * self.chance.uniform(1.35, 1.7)
        box = self.glyph(cell.number, symbol, size, style)
        if symbol in BIG | INTEGRALS:  # about the axis, not on the line
            lift = AXIS * size * 0.9 - (box.top + box.bottom) / 2
            lifted = Box()
            lifted.put(box, 0.0, lift)
            return lifted
        return box

    def glyph(self, number: int, symbol: str, size: float, style: str = "") -> Box:
        writer = self.writer
        names = form_names(symbol)
        letter = len(symbol) == 1 and symbol.isascii() and symbol.isalpha()
        if style == "script" and letter:
            names = (f"{SCRIPT}:{symbol}",)
        if not names and not writer.hands.get(symbol):
            raise UndrawableError(symbol)
        form = writer.form(f"{style}{symbol}" if style == "script" else symbol, names, self.chance)
        habits = REAL if symbol in writer.hands else writer.habits
        strokes = copied(form.strokes, habits, size, self.chance)
        wide = writer.wide if symbol.isalnum() else 1.0
        points = np.concatenate(strokes)
        left, top, right, bottom = box_of(points)
        points[:, 0] -= left
        points[:, 0] *= wide
        marks = [Mark(number, tuple(parted(points, strokes)), 0.0, 0.0, size, heavy=style == "bold")]
        if style == "double" and (letter or symbol.isdigit()):
            rib = stretch.upright(top * size + 6, bottom * size - 6, self.chance)
            marks.append(
                Mark(
                    number, tuple(moved(stroke, 11 * size, 0.0) for stroke in rib), 0.0, 0.0, 1.0, loose=False
                )
            )
        width = (right - left) * wide * size
        written = Box(width, top * size, bottom * size, marks)
        out = Box()
        wander = self.chance.gauss(0.0, 2.2 * writer.jitter * size)
        out.put(written, 0.0, wander + (PRIME * size if symbol in PRIMES else 0.0))
        return out

    def word(self, number: int, letters: str, size: float) -> Box:
        box = Box()
        for letter in letters:
            gap = 0.55 * self.writer.gap * self.chance.lognormvariate(0.0, 0.3)
            space = max(gap * size, self.least) if box.marks else 0.0
            box.put(self.glyph(number, letter, size), box.width + space)
        return box

    # ------------------------------------------------------------ scripts

    def _scripted(self, cell: Cell, box: Box, size: float, style: str) -> Box:
        children = {name: line for name, line in cell.children if name in SCRIPTS}
        if not children:
            return box
        return self._beside(box, children.get("sub"), children.get("sup"), size, style)

    def _braced(self, cell: Cell, size: float, style: str) -> Box:
        """A brace over or under a line; its script stands at the brace's tip."""
        small = max(SMALLEST, size * self.writer.script)
        above, below = (self.block(cell.child(name) or [], small, style) for name in ("sup", "sub"))
        return self.over(accents.command(self, cell, size, style), above, below, 9 * size)

    def _beside(
        self, box: Box, sub: list[Cell] | None, sup: list[Cell] | None, size: float, style: str
    ) -> Box:
        writer = self.writer
        small = max(SMALLEST, size * writer.script * self.chance.uniform(0.94, 1.06))
        upper = self.block(sup, small, style) if sup else Box()
        lower = self.block(sub, small, style) if sub else Box()
        top = min(box.top, -62 * size) if box.marks else -100 * size
        low = max(box.bottom, 0.0) if box.marks else 0.0
        tall = min(low - top, 100 * size)
        raise_by = top + writer.raised * tall - upper.bottom
        low_by = low - (0.3 if low < 5 * size else 0.5) * min(tall, 80 * size) * 0.75 - lower.top
        raise_by = min(raise_by, AXIS * size - upper.bottom)
        low_by = max(low_by, AXIS * size * 0.45 - lower.top)
        if upper.marks and lower.marks:
            raise_by = min(raise_by, low_by + lower.top - 0.6 * self.least - 6 * size - upper.bottom)
        out = Box()
        out.put(box, 0.0)
        for script, y in ((upper, raise_by), (lower, low_by)):
            if not script.marks:
                continue
            x = 0.0
            if box.marks:
                gap = 0.45 * writer.gap * size * self.chance.lognormvariate(0.0, writer.spread)
                x = box.width + max(gap, 0.9 * self.least)
                room = kerning(box, script, y, 45.0 * size)
                free = room + x - box.width - 0.9 * self.least
                x -= min(self.chance.uniform(0.1, 0.6) * writer.kern * room, free)
            out.put(script, max(x, 0.0), y)
        return out

    def over(self, box: Box, above: Box, below: Box, space: float) -> Box:
        """A box with one above it and one below it, centred."""
        space = max(space, self.least)
        wide = max(box.width, above.width, below.width)
        out = Box()
        out.put(box, (wide - box.width) / 2)
        top, bottom = out.top, out.bottom
        if above.marks:
            out.put(above, (wide - above.width) / 2, top - space - above.bottom)
        if below.marks:
            out.put(below, (wide - below.width) / 2, bottom + space - below.top)
        return out

    # ------------------------------------------------------------ brackets and the like

    def bracket(self, cell: Cell, inner: Box, size: float) -> Box:
        """A delimiter as tall as what it holds."""
        if cell.symbol == ".":
            return Box()  # \left . is no ink
        if not inner.marks or (inner.top > -112 * size and inner.bottom < 26 * size):
            if form_names(cell.symbol) or self.writer.hands.get(cell.symbol):
                return self.glyph(cell.number, cell.symbol, size)
            inner = Box(0.0, -92 * size, 8 * size)
        return self.fence(cell.number, cell.symbol, inner.top - 8 * size, inner.bottom + 8 * size, size)

    def fence(self, number: int, symbol: str, top: float, bottom: float, size: float) -> Box:
        drawn = stretch.bracket(symbol, top, bottom, size, self.chance)
        if drawn is None:
            return self.glyph(number, symbol, size)
        return strokes_box(number, drawn)

    def _slashed(self, cell: Cell, box: Box) -> Box:
        middle = box.width / 2
        lean = 0.4 * max(box.height, 40.0)
        line = [curve([(middle + lean, box.top - 8), (middle - lean, box.bottom + 8)])]
        box.marks.append(Mark(cell.number, tuple(line), 0.0, 0.0, 1.0, loose=False))
        box.top, box.bottom = box.top - 8, box.bottom + 8
        return box

    def _infix(self, cells: list[Cell], at: int, size: float, style: str) -> Box:
        cell = cells[at]
        small = max(SMALLEST, size * self.writer.fraction)
        above, below = self.row(cells[:at], small, style), self.row(cells[at + 1 :], small, style)
        box = accents.stacked(self, cell, above, below, size, barred=cell.symbol == "\\over")
        if cell.symbol == "\\choose":
            return accents.between(self, cell, box, ("(", ")"), size)
        return box
