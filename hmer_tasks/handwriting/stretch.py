"""Strokes that stretch: bars, roots, brackets, braces, arrows, boxes. Sizes in units, y downwards.

`wobble` is a small random number source of the writer: no two bars are the same bar.
"""

from random import Random

from hmer_tasks.handwriting.curves import Points, curve, moved
from hmer_tasks.handwriting.variation import warped

BEND = 0.035  # of a bracket, as a share of its size
Given = list[tuple[float, float]]


def bar(width: float, wobble: Random) -> list[Points]:
    """A line from left to right about y = 0: a little bent, a little off the level."""
    reach = min(0.5 * width, 8.0 + 0.02 * width)
    rise, bend = (max(-reach, min(reach, wobble.gauss(0.0, share * width))) for share in (0.022, 0.016))
    middle = width * wobble.uniform(0.35, 0.65)
    return [curve([(0, rise), (middle, bend), (width, -rise)])]


def upright(top: float, bottom: float, wobble: Random) -> list[Points]:
    bend = wobble.uniform(-0.02, 0.02) * (bottom - top)
    return [curve([(0, top), (bend, (top + bottom) / 2), (wobble.uniform(-2, 2), bottom)])]


def root(hook: float, width: float, top: float, bottom: float, wobble: Random) -> list[Points]:
    """A radical sign over a box `width` wide that starts `hook` to the right of its left edge."""
    tall = bottom - top
    lift = wobble.uniform(-3, 3)
    start = (0.0, bottom - min(0.55 * tall, 55) + lift)
    first = (0.28 * hook, start[1] - min(6.0, 0.08 * tall))
    foot = (0.55 * hook, bottom + wobble.uniform(-2, 2))
    corner = (hook * wobble.uniform(0.9, 1.0), top)
    end = (hook + width, top + wobble.uniform(-2.5, 2.5))
    sign = [start, first, first, foot, foot, corner, corner, ((corner[0] + end[0]) / 2, top - lift / 2), end]
    sign = sign[wobble.choice((0, 0, 1, 3)) :]  # some begin at the foot, or without the small rise
    return [curve(sign)]


def bracket(token: str, top: float, bottom: float, unit: float, wobble: Random) -> list[Points] | None:
    """A delimiter that spans top … bottom; None for one that does not stretch."""
    tall = bottom - top
    middle = (top + bottom) / 2 + wobble.uniform(-0.02, 0.02) * tall
    wide = min(12 * unit + 0.09 * tall, 34 * unit)
    shapes: dict[str, list[Given]] = {
        "(": [
            [
                (wide, top),
                (0.3 * wide, top + 0.2 * tall),
                (0, middle),
                (0.3 * wide, bottom - 0.2 * tall),
                (wide, bottom),
            ]
        ],
        "[": [[(wide, top), (0, top), (0, top), (0, bottom), (0, bottom), (wide, bottom)]],
        "{": [
            [
                (1.2 * wide, top),
                (0.6 * wide, top + 0.05 * tall),
                (0.7 * wide, middle - wobble.uniform(0.06, 0.16) * tall),
                (0, middle),
                (0, middle),
                (0.7 * wide, middle + wobble.uniform(0.06, 0.16) * tall),
                (0.6 * wide, bottom - 0.05 * tall),
                (1.2 * wide, bottom),
            ]
        ],
        "<": [[(wide, top), (0, middle), (0, middle), (wide, bottom)]],
        "lceil": [[(wide, top), (0, top), (0, top), (0, bottom)]],
        "lfloor": [[(0, top), (0, bottom), (0, bottom), (wide, bottom)]],
    }
    if token in ("|", "\\vert", "\\lvert", "\\rvert", "\\mid"):
        return upright(top, bottom, wobble)
    if token in ("\\|", "\\Vert", "\\lVert", "\\rVert", "\\parallel"):
        return [*upright(top, bottom, wobble), moved(upright(top, bottom, wobble)[0], 11 * unit + 6, 0.0)]
    if token in _MIRRORED:
        return warped([_mirror(curve(points), wide) for points in shapes[_MIRRORED[token]]], BEND, wobble)
    shape = shapes.get(_SHAPES.get(token, ""))
    return warped([curve(points) for points in shape], BEND, wobble) if shape else None


_SHAPES = {
    "(": "(",
    "（": "(",
    "\\lparen": "(",
    "[": "[",
    "\\lbrack": "[",
    "\\{": "{",
    "\\lbrace": "{",
    "\\langle": "<",
    "\\lang": "<",
    "<": "<",
    "\\lceil": "lceil",
    "\\lfloor": "lfloor",
}
_MIRRORED = {
    ")": "(",
    "）": "(",
    "\\rparen": "(",
    "]": "[",
    "\\rbrack": "[",
    "\\}": "{",
    "\\rbrace": "{",
    "\\rangle": "<",
    "\\rang": "<",
    ">": "<",
    "\\rceil": "lceil",
    "\\rfloor": "lfloor",
}


def _mirror(points: Points, width: float) -> Points:
    return points * (-1.0, 1.0) + (width, 0.0)


def arrow(width: float, head: float, left: bool, right: bool, wobble: Random) -> list[Points]:
    """A shaft about y = 0 with a head at either end."""
    strokes = bar(width, wobble)
    if right:
        tip = (width, float(strokes[0][-1, 1]))
        strokes.append(curve([(width - head, -0.8 * head), tip, tip, (width - 0.9 * head, 0.85 * head)]))
    if left:
        tip = (0.0, float(strokes[0][0, 1]))
        strokes.append(curve([(head, -0.8 * head), tip, tip, (0.9 * head, 0.85 * head)]))
    return strokes


def wave(width: float, deep: float) -> list[Points]:
    return [
        curve(
            [
                (0, 0),
                (0.22 * width, -deep),
                (0.5 * width, -0.3 * deep),
                (0.78 * width, 0.5 * deep),
                (width, -0.5 * deep),
            ]
        )
    ]


def roof(width: float, deep: float) -> list[Points]:
    tip = (0.5 * width, -deep)
    return [curve([(0, 0), tip, tip, (width, 0)])]


def bow(width: float, deep: float) -> list[Points]:
    return [
        curve(
            [
                (0, 0),
                (0.25 * width, -0.75 * deep),
                (0.5 * width, -deep),
                (0.75 * width, -0.75 * deep),
                (width, 0),
            ]
        )
    ]


def lying_brace(width: float, deep: float) -> list[Points]:
    """A brace that opens downwards."""
    tip = (0.5 * width, -deep)
    return [
        curve(
            [
                (0, 0),
                (0.06 * width, -0.5 * deep),
                (0.42 * width, -0.5 * deep),
                tip,
                tip,
                (0.58 * width, -0.5 * deep),
                (0.94 * width, -0.5 * deep),
                (width, 0),
            ]
        )
    ]


def frame(width: float, top: float, bottom: float, wobble: Random) -> list[Points]:
    def off() -> float:
        return wobble.uniform(-2.5, 2.5)

    start = (off(), top + off())
    corners = [(width + off(), top + off()), (width + off(), bottom + off()), (off(), bottom + off())]
    return [
        curve([start, *(point for corner in corners for point in (corner, corner)), (off(), top + off())])
    ]


def ring(width: float, top: float, bottom: float) -> list[Points]:
    """A circle around a box."""
    radius = 0.5 * max(1.15 * width, bottom - top) + 12
    x, y = width / 2, (top + bottom) / 2
    around = [
        (0.2, -0.98),
        (-0.5, -0.87),
        (-0.97, -0.2),
        (-0.8, 0.6),
        (-0.1, 1.0),
        (0.7, 0.72),
        (1.0, 0.0),
        (0.72, -0.7),
        (0.1, -1.02),
    ]
    return [curve([(x + radius * a, y + radius * b) for a, b in around])]
