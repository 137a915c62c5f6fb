"""The forms of a symbol: how different hands write it, as strokes.

Read from table/ (traced from OFL-1.1 fonts, under OFL-1.1) and made/ (drawn for this project). A
unit is a hundredth of a digit's height; a digit stands on y = 0 and reaches up to y = -100.
"""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise, product
from pathlib import Path
from statistics import median

import numpy as np

from hmer_tasks.handwriting.curves import Points, curve
from hmer_tasks.handwriting.variation import DOT, in_one

HERE = Path(__file__).parent / "data"
MADE = "made"  # the name of the project's own hand
TOUCHING = 7.0  # units: a traced stroke that starts so near where one ends is the same stroke
DOTTED, CROSSED = frozenset("ij"), frozenset(["x", "X", "×", "times", "χ"])
STEMMED = frozenset("BDEFPRK")
ZIGZAG = frozenset("MNVWvw")
RINGS = frozenset([*"0oOQ", "θ", "Θ", "φ", "Φ", "⊕", "⊗", "circ", "bigcirc"])
SCRIPT = "script"  # the hand of calligraphic letters


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write a symbol; its left edge lies at x = 0."""

    hand: str
    strokes: tuple[Points, ...]
    width: float
    top: float
    bottom: float


def form(hand: str, strokes: list[Points]) -> Form:
    """Strokes moved to x = 0, with their box."""
    every = np.concatenate(strokes)
    (left, top), (right, bottom) = every.min(axis=0).tolist(), every.max(axis=0).tolist()
    step = np.array((left, 0.0))
    return Form(hand, tuple(stroke - step for stroke in strokes), right - left, top, bottom)


@cache
def forms() -> dict[str, tuple[Form, ...]]:
    """All forms by symbol: a character, or a name of made/strokes.tsv."""
    by_name: dict[str, list[Form]] = {}
    for path in [*sorted((HERE / "table").glob("*.tsv")), HERE / "made" / "strokes.tsv"]:
        hand = MADE if path.parent.name == "made" else path.stem
        for line in path.read_text(encoding="utf-8").splitlines():
            name, _, text = line.partition("\t")
            strokes = [[_point(pair) for pair in stroke.split()] for stroke in text.split(";")]
            key = f"{SCRIPT}:{name}" if hand == SCRIPT else name
            curves = [curve(stroke) for stroke in strokes]
            if hand != MADE:
                curves = _as_written(name, in_one(curves, TOUCHING))
            by_name.setdefault(key, []).append(form(hand, curves))
    return {name: _alike(name, tuple(same_name)) for name, same_name in by_name.items()}


def _as_written(name: str, strokes: list[Points]) -> list[Points]:
    """Traced strokes in the order and direction in which people write them."""
    if name in DOTTED:  # the dot comes last
        strokes = sorted(strokes, key=lambda stroke: float(np.ptp(stroke, axis=0).max()) < DOT)
    if name in CROSSED:  # the stroke that starts on the left comes first
        strokes = sorted(strokes, key=lambda stroke: float(stroke[0, 0]))
    if name in STEMMED:  # the stem comes first, downwards
        strokes = sorted(strokes, key=lambda stroke: float(stroke[:, 0].mean()))
        if strokes[0][-1, 1] < strokes[0][0, 1] and len(strokes) > 1:
            strokes[0] = strokes[0][::-1]
    if name in ZIGZAG:
        strokes = _zigzag(strokes)
    return [_ring(stroke) if name in RINGS else stroke for stroke in strokes]


def _zigzag(strokes: list[Points]) -> list[Points]:
    """Strokes up and down, from left to right, each turned so that it goes on where the last one ended."""
    strokes = sorted(strokes, key=lambda stroke: float(stroke[:, 0].mean()))
    best = min(
        product((1, -1), repeat=len(strokes)),
        key=lambda ways: sum(
            float(np.hypot(*(b[::after][0] - a[::before][-1])))
            for (a, b), (before, after) in zip(pairwise(strokes), pairwise(ways), strict=True)
        ),
    )
    return in_one([stroke[::way] for stroke, way in zip(strokes, best, strict=True)], 2 * TOUCHING)


def _ring(stroke: Points) -> Points:
    """A closed stroke from its top and against the clock; any other as it is."""
    size = float(np.ptp(stroke, axis=0).max())
    if size < 2 * DOT or float(np.hypot(*(stroke[-1] - stroke[0]))) > 0.25 * size:
        return stroke
    x, y = stroke[:, 0], stroke[:, 1]
    clockwise = float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()) > 0
    top = int(y.argmin())
    turned = np.concatenate([stroke[top:], stroke[: top + 1]])
    return turned[::-1] if clockwise else turned


def _point(text: str) -> tuple[float, float]:
    x, _, y = text.partition(",")
    return float(x), float(y)


def _alike(name: str, all_forms: tuple[Form, ...]) -> tuple[Form, ...]:
    """Fonts draw signs and Greek at sizes far apart: bring those to the size most of them agree on."""
    if len(all_forms) < 2 or (len(name) == 1 and name.isascii() and name.isalnum()) or ":" in name[:-1]:
        return all_forms
    own = [candidate for candidate in all_forms if candidate.hand == MADE] or list(all_forms)
    tall = median(max(candidate.bottom - candidate.top, candidate.width) for candidate in own)
    middle = median((candidate.bottom + candidate.top) / 2 for candidate in own)
    out = []
    for candidate in all_forms:
        scale = tall / max(candidate.bottom - candidate.top, candidate.width, 1.0)
        scale = scale if not 0.85 < scale < 1.18 else 1.0
        lift = middle - scale * (candidate.bottom + candidate.top) / 2
        if name.isalpha() and len(name) == 1:
            lift = 0.0  # a Greek letter stands on the line, as its hand has it
        out.append(
            form(candidate.hand, [stroke * scale + np.array((0.0, lift)) for stroke in candidate.strokes])
        )
    return tuple(out)
