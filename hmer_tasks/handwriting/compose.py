"""The ink of a recombined expression: parts fitted to their slots, everything else moved to make room.

Each line is composed in the coordinates of the expression that it comes from. What is not exchanged keeps
its place and size to the point; what is gets the slot's size and stands where the old part stood: on
the bar, in the root, at the script's corner, on the line. What follows moves to keep the old gap; bars,
roots and brackets grow with what they hold.
"""

from dataclasses import dataclass, field
from random import Random

import numpy as np

from hmer_tasks.handwriting.boxes import Cell
from hmer_tasks.handwriting.curves import Points, moved
from hmer_tasks.handwriting.forms import forms
from hmer_tasks.handwriting.lines import matches
from hmer_tasks.handwriting.parts import FRACTION_BARS, UNIT, Bounds, Expression, extent, unit_of
from hmer_tasks.handwriting.pen import Ink
from hmer_tasks.handwriting.recombine import Part, Plan, Slot, Term
from hmer_tasks.handwriting.strokes import FINEST, LONGEST, MARGIN
from hmer_tasks.handwriting.symbols import form_names

SCRIPT_SIZE = 0.7  # of a line whose symbols tell no size, against the main line
GROWN = 1.12  # change of what brackets hold at which they change too
PIXELS = (42.0, 64.0)  # that a digit is high
PEN = (0.05, 0.095)  # width of the pen against a digit's height
TILT = 0.01  # of the whole line
SAME = 0.02  # of a digit's height that a part may differ before its bar does
LEAST_BAR = 0.1  # of a digit's height that a fraction bar reaches over what it carries


@dataclass(slots=True)
class Piece:
    """Ink of one node (`number` in the new tree) or of everything beneath it."""

    number: int
    strokes: list[Points]


@dataclass(slots=True)
class Placed:
    """Pieces that move together: a node's own ink first, then that of its children by relation."""

    own: list[Piece] = field(default_factory=list)
    children: "list[tuple[str, list[Piece]]]" = field(default_factory=list)

    def pieces(self) -> list[Piece]:
        return [*self.own, *(piece for _, pieces in self.children for piece in pieces)]


def composed(slot: Slot) -> list[Piece]:
    """The ink of a whole plan, in the units of the expression it starts from."""
    return _line(slot)


def _line(slot: Slot) -> list[Piece]:
    source = slot.source
    placed: list[tuple[Placed, list[Cell]]] = []
    shift = 0.0
    for part in slot.parts:
        if isinstance(part, Term):
            cells = part.replaced
            group = Placed(own=_fitted_term(part, source, slot.cells))
        else:
            cells = [part.cell]
            group = _node(part, source)
        old, new = extent_of(source, cells), _box(group.pieces())
        if old is None or new is None:
            placed.append((group, cells))
            continue
        by = shift + old[0] - new[0]
        _move(group.pieces(), by, 0.0)
        shift = new[2] + by - old[2]
        placed.append((group, cells))
    _fit_brackets(placed, source)
    return [piece for group, _ in placed for piece in group.pieces()]


def _fit_brackets(placed: list[tuple[Placed, list[Cell]]], source: Expression) -> None:
    """Brackets grow and shrink with what stands between them; scripts on them move along."""
    if any(len(cells) != 1 for _, cells in placed):
        flat = [cells[0] if len(cells) == 1 else Cell(-1, "") for _, cells in placed]
    else:
        flat = [cells[0] for _, cells in placed]
    for start, stop in matches(flat).items():
        inside = [cell for _, cells in placed[start + 1 : stop] for cell in cells]
        old = extent_of(source, inside)
        new = _box([piece for group, _ in placed[start + 1 : stop] for piece in group.pieces()])
        if old is None or new is None:
            continue
        before, after = old[3] - old[1], new[3] - new[1]
        if before <= 0 or 1 / GROWN < after / before < GROWN:
            continue
        for at in (start, stop):
            group = placed[at][0]
            box = _box(group.own)
            if box is None:
                continue
            tall = max(box[3] - box[1], 1e-6)
            top = new[1] + (box[1] - old[1])
            bottom = new[3] + (box[3] - old[3])
            if bottom - top < 0.4 * tall:
                continue
            ratio = (bottom - top) / tall
            _fit(group.own, (1.0, ratio), (0.0, top - box[1] * ratio))
            for relation, pieces in group.children:
                by = top - box[1] if relation == "sup" else bottom - box[3]
                _move(pieces, 0.0, by)


def _node(part: Part, source: Expression) -> Placed:
    cell = part.cell
    out = Placed()
    own = _own_strokes(part, source)
    if own:
        out.own = [Piece(part.number, own)]
    core = source.extents.get(cell.number)
    fitted: list[tuple[str, list[Piece], Bounds, Bounds]] = []
    for (relation, slot), (_, line) in zip(part.children, cell.children, strict=True):
        pieces = _line(slot)
        old, new = extent_of(source, line), _box(pieces)
        if old is None or new is None:
            out.children.append((relation, pieces))
            continue
        if slot.cells is not line:
            scale = line_unit(source, line) / line_unit(slot.source, slot.cells)
            _fit(pieces, (scale, scale), (0.0, 0.0))
            new = (new[0] * scale, new[1] * scale, new[2] * scale, new[3] * scale)
        fitted.append((relation, pieces, old, new))
    if cell.symbol in FRACTION_BARS and core is not None and fitted:
        _fraction(out, fitted, core, source.unit)
        return out
    for relation, pieces, old, new in fitted:
        if cell.symbol == "\\sqrt" and core is not None and relation == "above":
            _move(pieces, old[0] - new[0], old[3] - new[3])
            _stretch_root(out.own, core, old, new)
        elif relation in ("above", "sup") and _stacked(core, old):
            _move(pieces, (old[0] + old[2] - new[0] - new[2]) / 2, old[3] - new[3])
        elif relation in ("below", "sub") and _stacked(core, old):
            _move(pieces, (old[0] + old[2] - new[0] - new[2]) / 2, old[1] - new[1])
        else:
            _move(pieces, old[0] - new[0], old[1] - new[1] if relation == "sub" else old[3] - new[3])
        out.children.append((relation, pieces))
    return out


def _fraction(
    out: Placed, fitted: list[tuple[str, list[Piece], Bounds, Bounds]], core: Bounds, unit: float
) -> None:
    """Both parts on the bar, in the middle as they were, and the bar as wide as they need."""
    widest = max(old[2] - old[0] for _, _, old, _ in fitted)
    needed = max(new[2] - new[0] for _, _, _, new in fitted)
    wide = needed + max(core[2] - core[0] - widest, LEAST_BAR * unit)
    ratio = wide / max(core[2] - core[0], 1e-6)
    if abs(needed - widest) > SAME * unit and not 0.95 < ratio < 1.05:
        _fit(out.own, (ratio, 1.0), (core[0] * (1.0 - ratio), 0.0))
    else:
        wide = core[2] - core[0]
    stays = abs(needed - widest) <= SAME * unit
    for relation, pieces, old, new in fitted:
        off = (old[0] + old[2] - core[0] - core[2]) / 2
        free = max(0.0, (wide - (new[2] - new[0])) / 2)
        if not stays:
            off = max(-free, min(free, off))
        middle = core[0] + wide / 2 + off
        y = old[3] - new[3] if relation == "above" else old[1] - new[1]
        _move(pieces, middle - (new[0] + new[2]) / 2, y)
        out.children.append((relation, pieces))


def _stretch_root(own: list[Piece], core: Bounds, old: Bounds, new: Bounds) -> None:
    """The sign over what it holds now: its roof as long, its hook as tall."""
    over = core[2] - old[2]  # how far the roof reaches beyond what it covers, below 0 where it falls short
    across = max(0.3, (new[2] - new[0] + over) / max(core[2] - old[0], 1e-6))
    tall = max(core[3] - core[1], 1e-6)
    down = max(0.4, (tall + (new[3] - new[1]) - (old[3] - old[1])) / tall)

    for piece in own:
        for at, points in enumerate(piece.strokes):
            x = points[:, 0]
            x = np.where(x > old[0], old[0] + (x - old[0]) * across, x)
            piece.strokes[at] = np.column_stack([x, core[3] - (core[3] - points[:, 1]) * down])


def _stacked(core: Bounds | None, old: Bounds) -> bool:
    """Whether a script stands over or under its base, not beside it."""
    if core is None:
        return False
    shared = min(core[2], old[2]) - max(core[0], old[0])
    return shared > 0.4 * min(core[2] - core[0], old[2] - old[0])


def _own_strokes(part: Part, source: Expression) -> list[Points]:
    """The ink of the symbol that stands there, in the place and size of the one that stood there."""
    glyph = part.glyph
    strokes = glyph.source.strokes.get(glyph.number)
    if strokes is None:
        return []
    if glyph.source is source and glyph.number == part.cell.number:
        return list(strokes)
    target, origin = source.extents[part.cell.number], glyph.source.extents[glyph.number]
    scale = _glyph_scale(part, source, target, origin)
    _, top, bottom = usual_box(part.cell.symbol)
    _, other_top, other_bottom = usual_box(glyph.token)
    unit = (target[3] - target[1]) / max(bottom - top, 0.2)
    base = target[3] - bottom * unit
    foot = origin[3] * scale - other_bottom * min(
        unit, (origin[3] - origin[1]) * scale / max(other_bottom - other_top, 0.2)
    )
    x = (target[0] + target[2]) / 2 - scale * (origin[0] + origin[2]) / 2
    return [stroke * scale + (x, base - foot) for stroke in strokes]


def _glyph_scale(part: Part, source: Expression, target: Bounds, origin: Bounds) -> float:
    """Height for height against what both symbols usually are; wide flat ones by their width."""
    wide, top, bottom = usual_box(part.cell.symbol)
    other_wide, other_top, other_bottom = usual_box(part.glyph.token)
    tall, other_tall = bottom - top, other_bottom - other_top
    if tall > 0.35 and other_tall > 0.35:
        return (target[3] - target[1]) / tall / max((origin[3] - origin[1]) / other_tall, 1e-6)
    return (
        (target[2] - target[0]) / max(wide, 0.1) / max((origin[2] - origin[0]) / max(other_wide, 0.1), 1e-6)
    )


_USUAL: dict[str, tuple[float, float, float]] = {}


def usual_box(token: str) -> tuple[float, float, float]:
    """Width, top and bottom of a symbol over its line, in digits' heights, as most of our forms have it."""
    known = _USUAL.get(token)
    if known is None:
        every = [form for name in form_names(token) for form in forms()[name]]
        if every:
            values = np.median([(form.width, form.top, form.bottom) for form in every], axis=0) / 100.0
            known = float(values[0]), float(values[1]), float(values[2])
        else:
            known = (1.6, -0.8, 0.0)
        _USUAL[token] = known
    return known


def _fitted_term(term: Term, source: Expression, line: list[Cell]) -> list[Piece]:
    """A term on the line it comes to, in that line's size."""
    pieces = _line(term.slot)
    origin = term.slot.source
    scale = line_unit(source, line) / line_unit(origin, term.slot.cells)
    rise = baseline(source, line) - scale * baseline(origin, term.slot.cells)
    _fit(pieces, (scale, scale), (0.0, rise))
    return pieces


def line_unit(source: Expression, cells: list[Cell]) -> float:
    """The height of a digit on a line, judged by its own symbols."""
    unit = unit_of(source, [cell.number for cell in cells])
    if unit is not None:
        return unit
    return source.unit * (1.0 if cells and cells[0] in source.line else SCRIPT_SIZE)


def baseline(source: Expression, cells: list[Cell]) -> float:
    """Where the line stands: the median of where its symbols do."""
    unit = line_unit(source, cells)
    feet = []
    for cell in cells:
        box = source.extents.get(cell.number)
        if box is not None:
            _, top, bottom = usual_box(cell.symbol)
            middle = (box[1] + box[3]) / 2 - (top + bottom) / 2 * unit
            feet.append(box[3] - bottom * unit if bottom - top > 0.35 and cell.symbol.isalnum() else middle)
    if feet:
        return float(np.median(feet))
    box = extent_of(source, cells)
    return box[3] if box is not None else 0.0


def extent_of(source: Expression, cells: list[Cell]) -> Bounds | None:
    """The box of some nodes and all beneath them, as the real expression has it."""
    boxes: list[Bounds] = []
    open_lines = [cells]
    while open_lines:
        for cell in open_lines.pop():
            box = source.extents.get(cell.number)
            if box is not None:
                boxes.append(box)
            open_lines += [line for _, line in cell.children]
    return _union(boxes)


def _union(boxes: list[Bounds]) -> Bounds | None:
    if not boxes:
        return None
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _box(pieces: list[Piece]) -> Bounds | None:
    strokes = [stroke for piece in pieces for stroke in piece.strokes]
    return extent(strokes) if strokes else None


def _move(pieces: list[Piece], x: float, y: float) -> None:
    if x or y:
        for piece in pieces:
            piece.strokes = [moved(stroke, x, y) for stroke in piece.strokes]


def _fit(pieces: list[Piece], scale: tuple[float, float], shift: tuple[float, float]) -> None:
    """Scale about the origin, then move."""
    factors, step = np.array(scale), np.array(shift)
    for piece in pieces:
        piece.strokes = [stroke * factors + step for stroke in piece.strokes]


def recombined_ink(plan: Plan, chance: Random) -> Ink:
    """The ink of a plan, as a pen of this person's width leaves it.

    Args:
        plan: Which parts of real expressions stand where.
        chance: The source of randomness.

    Returns:
        The ink, in pixels; its `numbers` are those of the label's tree.
    """
    pieces = composed(plan.slot)
    numbers = [piece.number for piece in pieces for _ in piece.strokes]
    strokes = [stroke for piece in pieces for stroke in piece.strokes]
    counts = [len(stroke) for stroke in strokes]
    every = np.concatenate(strokes)
    tilt = chance.gauss(0.0, TILT)
    every = np.column_stack([every[:, 0], every[:, 1] + tilt * every[:, 0]])
    low, high = every.min(axis=0), every.max(axis=0)
    pixels = chance.uniform(*PIXELS)
    scale = min(pixels / UNIT, LONGEST / max(float((high - low).max()), 1.0))
    pen = max(FINEST, scale * UNIT * chance.uniform(*PEN))
    every = (every - low) * scale + MARGIN + pen / 2
    width, height = np.ceil((high - low) * scale + 2 * MARGIN + pen).astype(int).tolist()
    placed = np.split(every, np.cumsum(counts)[:-1])
    return Ink(numbers, placed, [np.full(count, pen) for count in counts], (width, height))
