"""The forms of a symbol: how different hands write it, as strokes.

Read from table/ (traced from OFL-1.1 fonts, under OFL-1.1) and made/ (drawn for this project). A
unit is a hundredth of a digit's height; a digit stands on y = 0 and reaches up to y = -100.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

import numpy as np

from hmer_tasks.handwriting.curves import Points, curve

HERE = Path(__file__).parent / "data"
MADE = "made"  # the name of the project's own hand
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
    left = min(float(each[:, 0].min()) for each in strokes)
    moved = tuple(each - (left, 0.0) for each in strokes)
    return Form(
        hand,
        moved,
        max(float(each[:, 0].max()) for each in moved),
        min(float(each[:, 1].min()) for each in moved),
        max(float(each[:, 1].max()) for each in moved),
    )


@cache
def forms() -> dict[str, tuple[Form, ...]]:
    """All forms by symbol: a character, or a name of made/strokes.tsv."""
    found: dict[str, list[Form]] = {}
    for path in [*sorted((HERE / "table").glob("*.tsv")), HERE / "made" / "strokes.tsv"]:
        hand = MADE if path.parent.name == "made" else path.stem
        for line in path.read_text(encoding="utf-8").splitlines():
            name, _, text = line.partition("\t")
            strokes = [[_point(pair) for pair in stroke.split()] for stroke in text.split(";")]
            key = f"{SCRIPT}:{name}" if hand == SCRIPT else name
            found.setdefault(key, []).append(form(hand, [curve(stroke) for stroke in strokes]))
    return {name: _alike(name, tuple(each)) for name, each in found.items()}


def _point(text: str) -> tuple[float, float]:
    x, _, y = text.partition(",")
    return float(x), float(y)


def _alike(name: str, all_forms: tuple[Form, ...]) -> tuple[Form, ...]:
    """Fonts draw signs and Greek at sizes far apart: bring those to the size most of them agree on."""
    if len(all_forms) < 2 or (len(name) == 1 and name.isascii() and name.isalnum()) or ":" in name[:-1]:
        return all_forms
    own = [each for each in all_forms if each.hand == MADE] or list(all_forms)
    tall = median(max(each.bottom - each.top, each.width) for each in own)
    middle = median((each.bottom + each.top) / 2 for each in own)
    out = []
    for each in all_forms:
        scale = tall / max(each.bottom - each.top, each.width, 1.0)
        scale = scale if not 0.85 < scale < 1.18 else 1.0
        lift = middle - scale * (each.bottom + each.top) / 2
        if name.isalpha() and len(name) == 1:
            lift = 0.0  # a Greek letter stands on the line, as its hand has it
        out.append(form(each.hand, [stroke * scale + np.array((0.0, lift)) for stroke in each.strokes]))
    return tuple(out)
