r"""The shortest edit script between two token lists that reads best.

Many scripts are equally short: `a ^ { 2 } ^ { 2 }` against `a ^ { 2 }` may lose `^ { 2 }` or
`2 } ^ {`. Of the shortest (token Levenshtein) the one is chosen whose spans cut the fewest
structures: braces balanced on both sides of a span, no argument without its command, few tokens
marked, few spans, no symbol read as a brace. Of what is left the one whose spans stand latest is
taken, so the choice depends on the tokens alone.
"""

from functools import cache
from typing import NamedTuple

from hmer_tasks.errors.edits import edit_distance, edit_script
from hmer_tasks.latex.tables import tables

# What makes one script read worse than another one as short.
_CUT, _DANGLING, _SPAN, _TOKEN, _ODD = 8, 3, 2, 2, 1
# How much of what both sides share at either end may be drawn into the choice.
_MARGIN = 8
# Above this many cells (a collapsed prediction of a thousand tokens) any shortest script will do.
_CELLS = 40_000
# The same above this many states of cells: a few tokens against thousands, with braces, have many a cell.
# Of 6,000 pairs of real ones the most had 228.
_STATES = 20_000


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
    if head + tail + 1 == len(wrong) == len(right):
        return [Span(head, head + 1, head, head + 1)]  # one symbol read as another: nothing to choose
    head, tail = max(0, head - _MARGIN), max(0, tail - _MARGIN)
    a, b = wrong[head : len(wrong) - tail], right[head : len(right) - tail]
    distance = edit_distance(a, b)
    too_large = (len(a) + 1) * (2 * distance + 1) > _CELLS
    spans = _any_spans(a, b) if too_large else _best_spans(a, b, distance)
    return [Span(*(place + head for place in span)) for span in spans]


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


class _State(NamedTuple):
    """Where a script stands inside a span: braces open on each side, and each side's last token.

    A side that closed a brace it did not open is cut for good (-1).
    """

    wrong_open: int
    right_open: int
    wrong_last: str
    right_last: str


class _Best(NamedTuple):
    """The best way to a cell in a state: its cost, and the cell and state before."""

    cost: int
    before: "tuple[int, int, _State | None] | None"


_Cell = dict["_State | None", _Best]


def _best_spans(a: list[str], b: list[str], distance: int) -> list[Span]:
    """Dynamic programming over the cells that lie on a shortest script; a state of None is no span."""
    to_end = _distances_to_end(a, b, distance)
    far = distance + 1
    cells: dict[tuple[int, int], _Cell] = {(0, 0): {None: _Best(0, None)}}
    # Every way leads down or to the right, so cells are done in order of i + j.
    wave = {0: [(0, 0)]}
    states = 0
    for total in range(len(a) + len(b) + 1):
        for i, j in wave.pop(total, ()):
            cell, remaining = cells[i, j], to_end[i, j]
            states += len(cell)
            if states > _STATES:
                return _any_spans(a, b)
            equal = i < len(a) and j < len(b) and a[i] == b[j]
            steps = []
            if i < len(a) and j < len(b) and to_end.get((i + 1, j + 1), far) == remaining - (not equal):
                steps.append((i + 1, j + 1, not equal))
            if i < len(a) and to_end.get((i + 1, j), far) == remaining - 1:
                steps.append((i + 1, j, True))
            if j < len(b) and to_end.get((i, j + 1), far) == remaining - 1:
                steps.append((i, j + 1, True))
            for x, y, edit in steps:
                target = cells.get((x, y))
                if target is None:
                    target = cells[x, y] = {}
                    wave.setdefault(x + y, []).append((x, y))
                for state, best in cell.items():
                    after, cost = _step(state, a[i:x], b[j:y]) if edit else _closed(state)
                    cost += best.cost
                    known = target.get(after)
                    late = known is not None and cost == known.cost and state is not None
                    if known is None or cost < known.cost or late:
                        target[after] = _Best(cost, (i, j, state))
    return _walk_back(cells, len(a), len(b))


def _distances_to_end(a: list[str], b: list[str], distance: int) -> dict[tuple[int, int], int]:
    """Edits left from each cell; cells further off the diagonal than a shortest script goes are left out."""
    n, m = len(a), len(b)
    left: dict[tuple[int, int], int] = {}
    far = distance + 1
    below: dict[int, int] = {}
    for i in range(n, -1, -1):
        row: dict[int, int] = {}
        for j in range(min(m, i + distance), max(0, i - distance) - 1, -1):
            if i < n and j < m and a[i] == b[j]:
                edits = below.get(j + 1, far)
            elif i == n:
                edits = m - j
            elif j == m:
                edits = n - i
            else:
                edits = 1 + min(below.get(j + 1, far), below.get(j, far), row.get(j + 1, far))
            row[j] = edits
            if edits <= distance:
                left[i, j] = edits
        below = row
    return left


def _step(state: _State | None, lost: list[str], added: list[str]) -> tuple[_State, int]:
    """One edit: a span begins or goes on."""
    cost = _TOKEN * (len(lost) + len(added))
    if state is None:
        state, cost = _State(0, 0, "", ""), cost + _SPAN
    wrong_open, right_open, wrong_last, right_last = state
    for token in lost:
        cost += _DANGLING * (token == "{" and wrong_last == "")
        wrong_open, wrong_last = _opened(wrong_open, token), token
    for token in added:
        cost += _DANGLING * (token == "{" and right_last == "")
        right_open, right_last = _opened(right_open, token), token
    if lost and added and _sort(lost[0]) != _sort(added[0]):
        cost += _ODD
    return _State(wrong_open, right_open, wrong_last, right_last), cost


def _opened(depth: int, token: str) -> int:
    if depth < 0:
        return depth
    return depth + 1 if token == "{" else depth - 1 if token == "}" else depth


def _closed(state: _State | None) -> tuple[None, int]:
    """A match: what the span before it costs."""
    if state is None:
        return None, 0
    cut = (state.wrong_open != 0) + (state.right_open != 0)
    dangling = (_sort(state.wrong_last) == "takes") + (_sort(state.right_last) == "takes")
    return None, _CUT * cut + _DANGLING * dangling


def _walk_back(cells: dict[tuple[int, int], _Cell], i: int, j: int) -> list[Span]:
    end = cells[i, j]
    state = min(end, key=lambda option: end[option].cost + _closed(option)[1])
    spans: list[Span] = []
    stop = (i, j)
    while (before := cells[i, j][state].before) is not None:
        if state is None:
            stop = before[:2]
        elif before[2] is None:
            spans.append(Span(before[0], stop[0], before[1], stop[1]))
        i, j, state = before
    return spans[::-1]


@cache
def _sorts() -> dict[str, str]:
    takes = (*tables().signatures, "_", "^", "\\begin", "\\end")
    return dict.fromkeys(takes, "takes") | {"{": "brace", "}": "brace"}


def _sort(token: str) -> str:
    """Tokens of one sort may well be read for each other."""
    return _sorts().get(token, "symbol")
