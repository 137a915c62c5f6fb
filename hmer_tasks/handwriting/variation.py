"""What changes from one copy of a symbol to the next, and from one writer's shape to another's.

A person never makes a shape twice alike: size, slant and proportions change, strokes start and end
elsewhere, meet a little off, and lie on a warped grid. The spreads are those measured on people's ink
(bench/handwriting_judge.py prints both). Shapes are in units, a hundredth of a digit's height.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from hmer_tasks.handwriting.curves import Points, box_of, moved, parted

TURN = 2 * math.pi
SHORT = 22.0  # units under which a stroke is a touch of the pen, without hooks or trembling
STRAIGHT = 0.9  # share of its length that a straight stroke reaches
DOT = 9.0  # units under which a stroke is a dot, any way up


@dataclass(frozen=True, slots=True)
class Habits:
    """How far one person's copies of a symbol lie apart. Shares of a symbol's size, or radians."""

    warp: float = 0.05
    size: float = 0.1
    aspect: float = 0.09
    shear: float = 0.09
    tilt: float = 0.05
    ends: float = 0.06  # how far a stroke begins early or late
    apart: float = 0.035  # how far strokes of one symbol shift against each other
    hooks: float = 0.5  # share of stroke ends with a hook
    hook: float = 6.0  # length of a hook in units
    joined: float = 0.2  # share of symbols whose strokes are written in one


def warped(strokes: Sequence[Points], share: float, chance: Random) -> list[Points]:
    """Strokes under a smooth warp of their box.

    Args:
        strokes: The strokes.
        share: How strong it is, as a share of the box's size.
        chance: The source of randomness.

    Returns:
        The strokes, as many points as before.
    """
    points = np.concatenate(strokes)
    return parted(warp(points, box_of(points), share, chance), strokes)


def warp(points: Points, box: tuple[float, float, float, float], share: float, chance: Random) -> Points:
    """Points under a smooth warp of their box (left, top, right, bottom), two slow waves each way."""
    wide, tall = max(box[2] - box[0], 1.0), max(box[3] - box[1], 1.0)
    most = min(max(tall, wide), 110.0)  # what is slim bends less across than a square of its length
    right, down = share * min(most, 0.9 * wide + 12.0), share * min(most, 0.9 * tall + 12.0)
    along = (points - box[:2]) / (max(wide, 0.4 * tall), max(tall, 0.4 * wide))
    waves = along.T[[1, 0, 0, 1]]  # down, across, across, down
    drawn = [(TURN * chance.uniform(0.3, 0.9), TURN * chance.random()) for _ in range(4)]
    heights = [weight * chance.uniform(-1.3, 1.3) for weight in (right, 0.7 * right, down, 0.7 * down)]
    lengths, phases, reaches = np.array([*zip(*drawn, strict=True), heights])[:, :, None]
    waves *= lengths
    waves += phases
    np.sin(waves, out=waves)
    waves *= reaches
    bent: Points = points + (waves[::2] + waves[1::2]).T
    return bent


def copied(strokes: Sequence[Points], habits: Habits, size: float, chance: Random) -> list[Points]:
    """The strokes of one copy of a symbol: with a warp, size, slant, ends and hooks of its own.

    Args:
        strokes: The symbol's strokes, in units.
        habits: The writer's habits.
        size: That of the line, 1 for the main one. What is written small has hooks no smaller in the hand's
            own units, so they grow against the symbol.
        chance: The source of randomness.

    Returns:
        The strokes.
    """
    points = np.concatenate(strokes)
    left, top, right, bottom = box = box_of(points)
    size_now = max(right - left, bottom - top)
    if size_now < SHORT:
        return [_dotted(stroke, chance) for stroke in strokes]
    points = warp(points, box, habits.warp, chance)
    points = _affine(points, np.array(((left + right) / 2, bottom)), habits, chance)
    reach = habits.apart * size_now
    varied = []
    for piece in parted(points, strokes):
        stroke = piece
        if len(strokes) > 1:
            stroke = moved(piece, chance.gauss(0.0, reach), chance.gauss(0.0, reach))
        if span(stroke) < DOT:
            varied.append(_dotted(stroke, chance))
            continue
        varied.append(_ended(stroke, habits, max(size, 0.4), chance))
    return varied


def _affine(points: Points, middle: Points, habits: Habits, chance: Random) -> Points:
    """Another size, proportion, slant and tilt about a point."""
    scale, root = chance.lognormvariate(0.0, habits.size), chance.lognormvariate(0.0, habits.aspect / 2)
    shear, tilt = chance.gauss(0.0, habits.shear), chance.gauss(0.0, habits.tilt)
    c, s = math.cos(tilt), math.sin(tilt)
    stretch = np.array(((scale * root, -shear * scale / root), (0.0, scale / root)))
    matrix = np.array(((c, -s), (s, c))) @ stretch
    turned: Points = (points - middle) @ matrix.T + middle
    return turned


def _ended(stroke: Points, habits: Habits, size: float, chance: Random) -> Points:
    """A stroke with ends of its own, and hooks where the pen lands and leaves."""
    length = 5.0 * len(stroke)  # points lie about five units apart
    if length < SHORT or len(stroke) < 5:
        return stroke
    stroke = _stretched_end(stroke, length * chance.gauss(0.0, habits.ends))
    stroke = _stretched_end(stroke[::-1], length * chance.gauss(0.0, habits.ends))[::-1]
    chord = stroke[-1] - stroke[0]
    straight = math.hypot(chord[0], chord[1]) > STRAIGHT * length
    hooks = habits.hooks * (0.5 if straight else 1.0)  # bars and signs are drawn, letters are written
    if chance.random() < hooks:
        stroke = _hooked(stroke[::-1], length, habits.hook / size, chance)[::-1]
    if chance.random() < hooks:
        stroke = _hooked(stroke, length, habits.hook / size, chance)
    return stroke


def span(stroke: Points) -> float:
    """The longer side of a stroke's box."""
    left, top, right, bottom = box_of(stroke)
    return max(right - left, bottom - top)


def _dotted(stroke: Points, chance: Random) -> Points:
    """A dot or a dash, a little otherwise turned and as long as it happens to be."""
    left, top, right, bottom = box_of(stroke)
    middle = np.array(((left + right) / 2, (top + bottom) / 2))
    small = max(right - left, bottom - top) < DOT
    angle, scale = (
        chance.gauss(0.0, 0.8 if small else 0.15),
        chance.lognormvariate(0.0, 0.35 if small else 0.15),
    )
    c, s = math.cos(angle) * scale, math.sin(angle) * scale
    turned: Points = (stroke - middle) @ np.array(((c, s), (-s, c))) + middle
    return turned


def _stretched_end(stroke: Points, by: float) -> Points:
    """The last end drawn out along its own direction, or cut short, by some units."""
    if abs(by) < 1.5:
        return stroke
    if by > 0:
        step = stroke[-1] - stroke[-3]
        reach = math.hypot(step[0], step[1])
        if reach < 1e-6:
            return stroke
        return np.concatenate((stroke, (stroke[-1] + step / reach * min(by, 14.0))[None]))
    count = min(len(stroke) // 5, int(-by / 5.0))
    return stroke[:-count] if count else stroke


def _hooked(stroke: Points, length: float, hook: float, chance: Random) -> Points:
    """A short turn at the last end."""
    before, _, end = stroke[-3:].tolist()
    heading = math.atan2(end[1] - before[1], end[0] - before[0])
    heading += chance.choice((-1.0, 1.0)) * chance.uniform(0.7, 2.5)
    reach = min(hook * chance.uniform(0.4, 1.5), 0.16 * length)
    x, y = end
    tip_x, tip_y = x + math.cos(heading) * reach, y + math.sin(heading) * reach
    return np.concatenate((stroke, np.array((((x + tip_x) / 2, (y + tip_y) / 2), (tip_x, tip_y)))))


def in_one(strokes: Sequence[Points], farthest: float) -> list[Points]:
    """Strokes written without lifting the pen: each joined to the next where that starts near enough."""
    out = [strokes[0]]
    for stroke in strokes[1:]:
        gap = stroke[0] - out[-1][-1]
        if min(len(stroke), len(out[-1])) < 4 or float(np.hypot(*gap)) > farthest:
            out.append(stroke)
            continue
        out[-1] = np.vstack([out[-1], _bridge(out[-1], stroke), stroke])
    return out


def _bridge(before: Points, after: Points) -> Points:
    """The way of a pen from one stroke's end to the next one's start: nearly straight, rounded off."""
    start, end = before[-1], after[0]
    reach = float(np.hypot(*(end - start)))
    count = max(2, round(reach / 5.0))
    t = np.linspace(0.0, 1.0, count + 2)[1:-1, None]
    out_of, into = _unit(before[-1] - before[-4]), _unit(after[3] - after[0])
    pull = 0.35 * reach
    a, b = start + out_of * pull, end - into * pull
    bridge: Points = (1 - t) ** 3 * start + 3 * (1 - t) ** 2 * t * a + 3 * (1 - t) * t * t * b + t**3 * end
    return bridge


def _unit(step: Points) -> Points:
    unit: Points = step / max(float(np.hypot(*step)), 1e-9)
    return unit
