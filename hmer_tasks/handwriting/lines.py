"""What a line is made of: its rows, its pairs of brackets, and an infix command that splits it."""

from typing import NamedTuple

from hmer_tasks.handwriting.boxes import Cell
from hmer_tasks.handwriting.symbols import CLOSING, OPENING, VERTICAL_BARS

INFIX = frozenset(["\\over", "\\atop", "\\choose"])


class Bounds(NamedTuple):
    """Cells start … stop of a line."""

    start: int
    stop: int


def rows_of(cells: list[Cell]) -> list[list[Cell]]:
    """A line's rows: each hangs as `nextline` on the last cell of the row before it."""
    rows = []
    while True:
        rows.append([cell for cell in cells if cell.symbol != "\\\\"])
        following = cells[-1].child("nextline") if cells else None
        if following is None:
            return rows
        cells = following


def infix(cells: list[Cell]) -> int | None:
    """Where \\over, \\atop or \\choose stands, if one does."""
    return next((at for at, cell in enumerate(cells) if cell.symbol in INFIX), None)


def matches(cells: list[Cell]) -> dict[int, int]:
    """Opening delimiters and where they close; one that never closes is an ordinary symbol."""
    partners: dict[int, int] = {}
    open_ones: list[tuple[str, int]] = []
    for at, cell in enumerate(cells):
        symbol = cell.symbol
        sized = cells[at - 1].symbol if at and not cells[at - 1].children else ""
        if sized == "\\left":
            open_ones.append(("\\right", at))
        elif sized == "\\right":
            _close(open_ones, "\\right", at, partners)
        elif symbol in ("\\left", "\\right") or sized == "\\middle":
            continue
        elif symbol in OPENING:
            open_ones.append((OPENING[symbol], at))
        elif symbol in CLOSING:
            _close(open_ones, symbol, at, partners)
        elif symbol in VERTICAL_BARS:
            if open_ones and open_ones[-1][0] == symbol:
                partners[open_ones.pop()[1]] = at
            else:
                open_ones.append((symbol, at))
    return partners


def _close(open_ones: list[tuple[str, int]], what: str, at: int, partners: dict[int, int]) -> None:
    """Close the nearest opener that waits for `what`; those inside it never close."""
    for place in range(len(open_ones) - 1, -1, -1):
        if open_ones[place][0] == what:
            partners[open_ones[place][1]] = at
            del open_ones[place:]
            return
        if open_ones[place][0] == "\\right":
            return  # nothing reaches out of \left … \right
