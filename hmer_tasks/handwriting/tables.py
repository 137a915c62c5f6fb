"""Rows and columns: matrices, cases, arrays, aligned lines."""

from hmer_tasks.handwriting import stretch
from hmer_tasks.handwriting.accents import between
from hmer_tasks.handwriting.boxes import AXIS, Box, Cell, LineSetter, strokes_box
from hmer_tasks.handwriting.lines import rows_of
from hmer_tasks.latex.words import split_environment

FENCES = {
    "pmatrix": ("(", ")"), "bmatrix": ("[", "]"), "Bmatrix": ("\\{", "\\}"), "vmatrix": ("|", "|"),
    "Vmatrix": ("\\|", "\\|"), "cases": ("\\{", ""), "dcases": ("\\{", ""), "rcases": ("", "\\}"),
    "drcases": ("", "\\}"),
}  # fmt: skip
LEFT = frozenset("cases dcases rcases drcases".split())
ALIGNED = frozenset("aligned align align* split eqnarray eqnarray*".split())


def environment(pen: LineSetter, cell: Cell, size: float, style: str) -> Box:
    relation, body = cell.children[0]
    name, columns = split_environment(relation)
    name = name.removesuffix("*") if name.endswith("matrix*") else name
    spec = "".join(token for token in columns or [] if token in ("l", "c", "r", "|"))
    places = spec.replace("|", "") or ("l" if name in LEFT else "rl" * 8 if name in ALIGNED else "c")
    ruled: list[tuple[int, Cell]] = []
    grid: list[list[Box]] = []
    for row in rows_of(body):
        cells: list[list[Cell]] = [[]]
        for child in row:
            if child.symbol == "&":
                cells.append([])
            elif child.symbol == "\\hline":
                ruled.append((len(grid), child))
            else:
                cells[-1].append(child)
        grid.append([pen.row(line, size, style) for line in cells])
    while len(grid) > 1 and not any(box.marks for box in grid[-1]):
        grid.pop()  # what stood in the last row was a line across, or nothing
    inner = stack(pen, grid, size, places, name in ALIGNED)
    _rules(pen, cell, inner, ruled, rows=len(grid), spec=spec, size=size)
    left, right = FENCES.get(name, ("", ""))
    if not (left or right):
        return inner
    return between(pen, cell, inner, (left, right), size)


def stack(pen: LineSetter, grid: list[list[Box]], size: float, places: str, tight: bool = False) -> Box:
    """Boxes in rows and columns about the axis. `places`: l, c or r a column, the last one repeated."""
    count = max(len(row) for row in grid)
    widths = [max((row[i].width for row in grid if i < len(row)), default=0.0) for i in range(count)]
    across = max((18 if tight else pen.chance.uniform(55, 85)) * size, 2 * pen.least)
    down = max(pen.chance.uniform(26, 40) * size, 1.5 * pen.least)
    out = Box()
    y = 0.0
    for row in grid:
        top = min([-62.0 * size, *(box.top for box in row if box.marks)])
        bottom = max([0.0, *(box.bottom for box in row if box.marks)])
        x, base = 0.0, y - top
        for i, box in enumerate(row):
            if box.marks:
                free = widths[i] - box.width
                place = places[min(i, len(places) - 1)]
                out.put(box, x + {"l": 0.0, "c": free / 2, "r": free}[place], base)
            x += widths[i] + across
        y = base + bottom + down
    middle = Box()
    middle.put(out, 0.0, AXIS * size - (out.top + out.bottom) / 2)
    return middle


def _rules(
    pen: LineSetter,
    cell: Cell,
    inner: Box,
    ruled: list[tuple[int, Cell]],
    *,
    rows: int,
    spec: str,
    size: float,
) -> None:
    """Lines across between rows and down between columns, evenly spread."""
    top, bottom, wide = inner.top - 10 * size, inner.bottom + 10 * size, inner.width
    for row, rule in ruled:
        line = strokes_box(rule.number, stretch.bar(wide + 16 * size, pen.chance))
        inner.put(line, 0.0, top + (bottom - top) * row / rows)
    letters = spec.replace("|", "")
    if "|" in spec and letters:
        seen = 0
        for letter in spec:
            if letter != "|":
                seen += 1
                continue
            x = wide * seen / len(letters)
            inner.put(strokes_box(cell.number, stretch.upright(top, bottom, pen.chance)), x)
