r"""The shortest edit script between two token lists that reads best.

Many scripts are equally short: `a ^ { 2 } ^ { 2 }` against `a ^ { 2 }` may lose `^ { 2 }` or
`2 } ^ {`. Of the shortest (token Levenshtein) the one is chosen whose spans cut the fewest
structures: braces balanced on both sides of a span, no argument without its command, few tokens
marked, few spans, no symbol read as a brace. Of what is left one is taken in a fixed order, so
the choice depends on the tokens alone.
"""

from functools import cache
from typing import Final, NamedTuple, TypeAlias

from hmer_tasks.errors.edits import edit_distance, edit_script
from hmer_tasks.latex.tables import tables

# What makes one script read worse than another one as short.
_CUT: Final = 8
_DANGLING: Final = 3
_SPAN: Final = 2
_TOKEN: Final = 2
_ODD: Final = 1
# How much of what both sides share at either end may be drawn into the choice.
_MARGIN: Final = 8
# Above this many cells (a collapsed prediction of a thousand tokens) any shortest script will do.
_CELLS: Final = 40_000
# The same above this many states of cells: a few tokens against thousands, with braces, have many a cell.
# Of 6,000 pairs of real ones the most had 228.
_STATES: Final = 20_000


class Span(NamedTuple):
    """`wrong[start:stop]` stands where `right[right_start:right_stop]` should."""

    start: int
    stop: int
    right_start: int
    right_stop: int


def align(wrong: list[str], right: list[str]) -> list[Span]:
    """The spans in which the two differ, in order; at least one common token between any two."""
    shared = min(len(wrong), len(right))
    head = 0
    while head < shared and wrong[head] == right[head]:
        head += 1
    if head == len(wrong) == len(right):
        return []
    tail = 0
    while tail < shared - head and wrong[-1 - tail] == right[-1 - tail]:
        tail += 1
    # One symbol read as another, lost or added (half of all synthetic candidates): nothing to weigh.
    if head + tail + 1 == len(wrong) == len(right):
        return [Span(head, head + 1, head, head + 1)]
    if head + tail == shared and abs(len(wrong) - len(right)) == 1:
        longer = wrong if len(wrong) > shared else right
        if head == shared and head and longer[head - 1] == longer[head]:
            head -= 1  # in a run of its like the last one, but a common symbol ends the line
        return [Span(head, head + (longer is wrong), head, head + (longer is right))]
    head, tail = max(0, head - _MARGIN), max(0, tail - _MARGIN)
    a, b = wrong[head : len(wrong) - tail], right[head : len(right) - tail]
    distance = edit_distance(a, b)
    too_large = (len(a) + 1) * (2 * distance + 1) > _CELLS
    spans = _any_spans(a, b) if too_large else _best_spans(a, b, distance)
    return [
        Span(start + head, stop + head, right_start + head, right_stop + head)
        for start, stop, right_start, right_stop in spans
    ]


def _any_spans(a: list[str], b: list[str]) -> list[Span]:
    """The spans of a script that need not read well, neighbouring edits joined."""
    spans: list[Span] = []
    joined = False
    for edit in edit_script(a, b):
        if edit.tag == "equal":
            joined = False
            continue
        if joined:
            spans[-1] = Span(spans[-1].start, edit.src_end, spans[-1].right_start, edit.dest_end)
        else:
            spans.append(Span(edit.src_start, edit.src_end, edit.dest_start, edit.dest_end))
        joined = True
    return spans


# Where a script stands inside a span: braces open on each side, and each side's last token. A side that
# closed a brace it did not open is cut for good (-1). Plain tuples: thousands of them are made a second.
_State: TypeAlias = tuple[int, int, str, str]
# The best way to a cell in a state: its cost, and the cell and state before (the first cell: -1, -1).
_Best: TypeAlias = tuple[int, int, int, _State | None]
_Cell: TypeAlias = dict[_State | None, _Best]


def _best_spans(a: list[str], b: list[str], distance: int) -> list[Span]:
    """Dynamic programming over the cells that lie on a shortest script; a state of None is no span."""
    n, m = len(a), len(b)
    left, first = _edits_left(a, b, distance)
    head = 0  # up to the first place where an edit may stand there is one way
    while min(left[head][1 - first], left[head + 1][-1 - first], left[head + 1][-first]) == distance:
        head += 1
    cells: dict[tuple[int, int], _Cell] = {(head, head): {None: (0, -1, -1, None)}}
    # Every way leads down or to the right, so cells are done in order of i + j.
    wave = {2 * head: [(head, head)]}
    states = 0
    for total in range(2 * head, n + m + 1):
        front = wave.pop(total, ())
        for here in front:
            i, j = here
            cell = cells[here]
            states += len(cell)
            if states > _STATES:
                return _any_spans(a, b)
            row, below, place = left[i], left[i + 1], j - i - first
            remaining = row[place]
            if not (remaining or wave) and len(front) == len(cell) == 1 and None in cell:
                return _walk_back(cells, i, j)  # the rest is the same on both sides
            lost, added = a[i] if i < n else "", b[j] if j < m else ""
            if i < n and j < m and lost == added:
                if below[place] == remaining:
                    _reach(cells, wave, here, "", "")
            elif below[place] == remaining - 1:
                _reach(cells, wave, here, lost, added)
            if below[place - 1] == remaining - 1:
                _reach(cells, wave, here, lost, "")
            if row[place + 1] == remaining - 1:
                _reach(cells, wave, here, "", added)
    return _walk_back(cells, n, m)


def _edits_left(a: list[str], b: list[str], distance: int) -> tuple[list[list[int]], int]:
    """Edits left from each cell `i, j`: at `[i][j - i - first]`, and `first`.

    Only the diagonals are filled that a shortest script can reach: from the first cell's to the last one's,
    and half of the edits that are left over beyond either.
    """
    n, m = len(a), len(b)
    far = distance + 1
    beyond = (distance - abs(m - n)) // 2
    first = min(0, m - n) - beyond - 1  # a diagonal more on either side, which is always too far
    width = abs(m - n) + 2 * beyond + 3
    below = [far] * width
    rows = [below]
    for i in range(n, -1, -1):
        row = [far] * width
        last, lowest = m - i - first, -i - first
        # here and below without min() and max(): these cells are most of an alignment's work
        for place in range(last if last < width - 2 else width - 2, (lowest if lowest > 1 else 1) - 1, -1):
            j = i + place + first
            if i == n:
                row[place] = m - j
            elif j == m:
                row[place] = n - i
            elif a[i] == b[j]:
                row[place] = below[place]
            else:
                both, lost, added = below[place], below[place - 1], row[place + 1]
                least = both if both < lost else lost
                row[place] = 1 + (least if least < added else added)
        rows.append(row)
        below = row
    rows.reverse()
    return rows, first


def _reach(
    cells: dict[tuple[int, int], _Cell],
    wave: dict[int, list[tuple[int, int]]],
    here: tuple[int, int],
    lost: str,
    added: str,
) -> None:
    """Go on from a cell: by an edit, or by a match where nothing is lost or added."""
    i, j = here
    is_match = not lost and not added
    x, y = i + (is_match or lost != ""), j + (is_match or added != "")
    target = cells.get((x, y))
    if target is None:
        target = cells[x, y] = {}
        wave.setdefault(x + y, []).append((x, y))
    for state, best in cells[here].items():
        if is_match:
            after, cost = None, best[0] + _closed(state)
        else:
            after, cost = _step(state, lost, added)
            cost += best[0]
        known = target.get(after)
        if known is None or cost < known[0] or (cost == known[0] and state is not None):
            target[after] = (cost, i, j, state)


def _step(state: _State | None, lost: str, added: str) -> tuple[_State, int]:
    """One edit: a span begins or goes on."""
    if state is None:
        wrong_open, right_open, wrong_last, right_last, cost = 0, 0, "", "", _SPAN
    else:
        wrong_open, right_open, wrong_last, right_last = state
        cost = 0
    if lost:
        cost += _TOKEN
        if lost == "{" and not wrong_last:
            cost += _DANGLING
        wrong_open, wrong_last = _opened(wrong_open, lost), lost
    if added:
        cost += _TOKEN
        if added == "{" and not right_last:
            cost += _DANGLING
        right_open, right_last = _opened(right_open, added), added
        if lost and _sort(lost) != _sort(added):
            cost += _ODD
    return (wrong_open, right_open, wrong_last, right_last), cost


def _opened(depth: int, token: str) -> int:
    if depth < 0:
        return depth
    return depth + 1 if token == "{" else depth - 1 if token == "}" else depth


def _closed(state: _State | None) -> int:
    """A match: what the span before it costs."""
    if state is None:
        return 0
    wrong_open, right_open, wrong_last, right_last = state
    cut = (wrong_open != 0) + (right_open != 0)
    dangling = (_sort(wrong_last) == "takes") + (_sort(right_last) == "takes")
    return _CUT * cut + _DANGLING * dangling


def _walk_back(cells: dict[tuple[int, int], _Cell], i: int, j: int) -> list[Span]:
    end = cells[i, j]
    state = min(end, key=lambda option: end[option][0] + _closed(option))
    spans: list[Span] = []
    stop = (i, j)
    while True:
        _, before_i, before_j, before = cells[i, j][state]
        if before_i < 0:
            return spans[::-1]
        if state is None:
            stop = (before_i, before_j)
        elif before is None:
            spans.append(Span(before_i, stop[0], before_j, stop[1]))
        i, j, state = before_i, before_j, before


@cache
def _sorts() -> dict[str, str]:
    takes = (*tables().signatures, "_", "^", "\\begin", "\\end")
    return dict.fromkeys(takes, "takes") | {"{": "brace", "}": "brace"}


def _sort(token: str) -> str:
    """Tokens of one sort may well be read for each other."""
    return _sorts().get(token, "symbol")
