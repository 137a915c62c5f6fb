"""Lines drawn through a few points: the curve a pen follows, and points spread evenly along it."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Points: TypeAlias = NDArray[np.float64]  # (n, 2): x to the right, y downwards

STEPS = 6  # pieces between two given points


def curve(given: Sequence[tuple[float, float]]) -> Points:
    """A Catmull-Rom curve through the points. A point given twice is a corner."""
    points = np.array(given, dtype=np.float64)
    if len(points) < 3:
        return evenly(points)
    before, after = points[:-1], points[1:]
    first = np.vstack([points[:1], points[:-2]])
    last = np.vstack([points[2:], points[-1:]])
    t = (np.arange(1, STEPS + 1) / STEPS)[None, :, None]
    a, b, c, d = (neighbours[:, None, :] for neighbours in (first, before, after, last))
    curved = 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t**3
    )
    same = np.all(before == after, axis=1)
    return evenly(np.vstack([points[:1], curved[~same].reshape(-1, 2)]))


def evenly(points: Points, step: float = 5.0, fewest: int = 3) -> Points:
    """The same line with its points evenly spaced.

    Args:
        points: The line, shape (points, 2).
        step: About how far apart its points are to be, in the unit of the points.
        fewest: At least so many points.

    Returns:
        The line, both of its ends kept.
    """
    if len(points) < 2:
        return np.repeat(points, 2, axis=0)
    lengths = np.hypot(np.diff(points[:, 0]), np.diff(points[:, 1]))
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    count = max(fewest, round(float(along[-1]) / step) + 1)
    at = np.linspace(0.0, along[-1], count)
    return np.column_stack([np.interp(at, along, points[:, 0]), np.interp(at, along, points[:, 1])])


def box_of(points: Points) -> tuple[float, float, float, float]:
    """Left, top, right and bottom. Of a symbol's few points lists tell it sooner than arrays do."""
    xs, ys = points.T.tolist()
    return min(xs), min(ys), max(xs), max(ys)


def parted(points: Points, like: Sequence[Points]) -> list[Points]:
    """Points that were joined, as strokes again.

    Args:
        points: All points, shape (points, 2).
        like: Strokes with as many points each.

    Returns:
        The strokes.
    """
    if len(like) == 1:
        return [points]
    strokes, start = [], 0
    for stroke in like:
        strokes.append(points[start : start + len(stroke)])
        start += len(stroke)
    return strokes


def moved(points: Points, right: float, down: float) -> Points:
    """The same line elsewhere."""
    shifted: Points = points + np.array((right, down))
    return shifted
