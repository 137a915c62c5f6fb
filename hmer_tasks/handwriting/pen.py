"""From marks to ink: a person's unsteadiness, the page's bends, and round strokes on a canvas."""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from hmer_tasks.handwriting.boxes import Box
from hmer_tasks.handwriting.curves import Points
from hmer_tasks.handwriting.strokes import FINEST, LEVELS, LONGEST, MARGIN, OVER
from hmer_tasks.handwriting.writer import Writer

TURN = 2 * math.pi
BEND = 0.2  # radians that a stroke may turn without a disc to fill the notch
HEAVY = 1.7  # how much broader a bold letter is


@dataclass(frozen=True, slots=True)
class Ink:
    """Strokes in pixels. `numbers`: the node that each belongs to; `widths`: of the pen, a point."""

    numbers: list[int]
    strokes: list[Points]
    widths: list[NDArray[np.float64]]
    size: tuple[int, int]


def ink(box: Box, writer: Writer, chance: Random) -> Ink:
    """A box's marks as a writer's pen leaves them, on a canvas of their own.

    Args:
        box: The set expression, in units (a hundredth of a digit's height).
        writer: Who writes.
        chance: The source of randomness.

    Returns:
        The ink, in pixels.
    """
    strokes: list[Points] = []
    numbers: list[int] = []
    sizes: list[float] = []
    heavy: list[bool] = []
    for mark in box.marks:
        place = np.array((mark.x, mark.y))
        for points in mark.strokes:
            strokes.append(points * mark.size + place)
            numbers.append(mark.number)
            sizes.append(min(1.0, mark.size) if mark.loose else 0.8)
            heavy.append(mark.heavy)
    every = np.concatenate(strokes)
    counts = [len(stroke) for stroke in strokes]
    every += _shaken(strokes, counts, sizes, writer, chance)
    every = _bent(every, writer, chance)
    every, counts = sampled(every, counts, writer.pace, writer.grid)
    low, high = every.min(axis=0), every.max(axis=0)
    scale = min(writer.pixels / 100.0, LONGEST / max(float((high - low).max()), 1.0))
    pen = max(FINEST, writer.pen * min(1.0, 1.15 * scale * 100.0 / writer.pixels))
    edge = MARGIN + pen * (HEAVY if any(heavy) else 1.0) / 2
    every = (every - low) * scale + edge
    ends = list(accumulate(counts))
    pixels = [every[end - count : end] for end, count in zip(ends, counts, strict=True)]
    widths = [
        pen * (HEAVY if bold else 1.0) * _pressed(count, writer, chance)
        for count, bold in zip(counts, heavy, strict=True)
    ]
    canvas = np.ceil((high - low) * scale + 2 * edge).astype(int)
    return Ink(numbers, pixels, widths, (int(canvas[0]), int(canvas[1])))


def _shaken(
    strokes: list[Points], counts: list[int], sizes: list[float], writer: Writer, chance: Random
) -> Points:
    """A slow tremble along each stroke, the less the shorter it is."""
    waves = []
    for points, size in zip(strokes, sizes, strict=True):
        (x, y), (far_x, far_y), (end_x, end_y) = points[[0, len(points) // 2, -1]].tolist()
        reach = (abs(end_x - x) + abs(end_y - y)) + (abs(far_x - x) + abs(far_y - y))
        waves.append((
            writer.shake * size * min(1.0, reach / 45.0) * 1.5,
            chance.uniform(0.3, 1.0), chance.random(), chance.uniform(0.3, 1.0), chance.random(),
        ))  # fmt: skip
    tremble = np.repeat(np.array(waves), counts, axis=0)
    along = np.concatenate([_shares(count) for count in counts])
    return np.column_stack([
        tremble[:, 0] * np.sin(TURN * (tremble[:, 1] * along + tremble[:, 2])),
        tremble[:, 0] * np.sin(TURN * (tremble[:, 3] * along + tremble[:, 4])),
    ])  # fmt: skip


@lru_cache(maxsize=512)
def _shares(count: int) -> NDArray[np.float64]:
    """From 0 to 1 in so many points; not to be changed."""
    return np.linspace(0.0, 1.0, count)


def _bent(points: Points, writer: Writer, chance: Random) -> Points:
    """Drift of the line, slant, tilt: smooth, so that neighbours stay neighbours."""
    x, y = points[:, 0].copy(), points[:, 1].copy()
    turn = 2 * math.pi
    length, phase = chance.uniform(500, 1300), chance.random()
    y += writer.drift * np.sin(turn * (x / length + phase))
    length, phase = chance.uniform(400, 900), chance.random()
    y *= 1.0 + 0.012 * writer.drift * np.sin(turn * (x / length + phase))
    x += 4.0 * np.sin(turn * (y / chance.uniform(250, 500) + chance.random()))
    x -= (writer.slant + chance.gauss(0, 0.02)) * y
    tilt = writer.tilt + chance.gauss(0, 0.007)
    return np.column_stack([x, y + tilt * x])


def sampled(points: Points, counts: list[int], pace: float, grid: float) -> tuple[Points, list[int]]:
    """The points that a tablet takes of strokes, evenly in time, on its grid.

    A hand slows down where it turns, by the power of two thirds (Lacquaniti, Terzuolo and Viviani 1983), and
    where a stroke begins and ends.

    Args:
        points: Of all strokes, one after the other: shape (points, 2), in units (a hundredth of a digit's
            height).
        counts: How many points each stroke has.
        pace: What the hand covers between two points of a straight stroke, in units.
        grid: The distance of the tablet's lines, in units.

    Returns:
        The points that are taken, and how many of each stroke.
    """
    lasts = np.cumsum(counts) - 1
    firsts = lasts - np.array(counts) + 1
    steps = np.diff(points, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1]) + 1e-6
    turns = _turns(points)
    bends = np.zeros(len(steps))
    bends[1:] += turns
    bends[:-1] += turns
    slow = 1.0 + 3.0 * (bends / 2) ** (2 / 3)
    slow[firsts] += 0.7
    slow[lasts - 1] += 0.7
    spent = lengths * slow / pace
    spent[lasts[:-1]] = 1.0  # from one stroke to the next
    times = np.concatenate([[0.0], np.cumsum(spent)])
    starts, stops = times[firsts], times[lasts]
    taken = np.maximum(3, np.rint(stops - starts).astype(int) + 1)
    # np.linspace from each start to its stop, of all strokes at once
    ends = np.cumsum(taken)
    numbers = np.arange(ends[-1]) - np.repeat(ends - taken, taken)
    at = numbers * np.repeat((stops - starts) / (taken - 1), taken) + np.repeat(starts, taken)
    at[ends - 1] = stops
    seen = np.column_stack([np.interp(at, times, points[:, 0]), np.interp(at, times, points[:, 1])])
    return np.round(seen / grid) * grid, taken.tolist()


def _pressed(count: int, writer: Writer, chance: Random) -> NDArray[np.float64]:
    """The pen's width along a stroke, as a share."""
    if not writer.pressure:
        return np.full(count, chance.uniform(0.96, 1.04))
    along = _shares(count)
    swell = 1.0 + writer.pressure * np.sin(2 * math.pi * (along * chance.uniform(0.4, 0.9) + chance.random()))
    return swell * np.clip(0.55 + 4.0 * (1.0 - along), 0.0, 1.0)


def painted(written: Ink, over: int = OVER) -> Image.Image:
    """The ink as a greyscale picture, dark on white.

    Args:
        written: The ink, in pixels.
        over: How many times as large it is painted before it is made smaller, which smooths its edges.

    Returns:
        The picture, mode L.
    """
    width, height = written.size
    page = Image.new("L", (width * over, height * over), 255)
    pencil = ImageDraw.Draw(page)
    points = np.concatenate(written.strokes) * over
    widths = (np.concatenate(written.widths) * over).tolist()
    turns = _turns(points) > BEND
    spots = points.ravel().tolist()
    start = 0
    for stroke in written.strokes:
        stop = start + len(stroke)
        discs = [0, *(np.flatnonzero(turns[start : stop - 2]) + 1).tolist(), len(stroke) - 1]
        _stroke(pencil, spots[2 * start : 2 * stop], widths[start:stop], discs)
        start = stop
    return page.reduce(over)


def _turns(points: Points) -> NDArray[np.float64]:
    """By how much a line through points turns at each but the first and the last."""
    steps = np.diff(points, axis=0)
    headings = np.arctan2(steps[:, 1], steps[:, 0])
    return np.abs((np.diff(headings) + math.pi) % TURN - math.pi)


def _stroke(pencil: ImageDraw.ImageDraw, spots: list[float], widths: list[float], discs: list[int]) -> None:
    """Segments with a disc at the ends and wherever the stroke turns: round caps and joins. `spots`: x and y
    of each point in turn."""
    if max(widths) - min(widths) < 0.5:
        pencil.line(spots, fill=0, width=round(widths[0]))
    else:
        whole = [max(1, round(width)) for width in widths]
        start = 0
        for at in range(1, len(whole)):  # segments of one width in one call
            if at + 1 == len(whole) or whole[at + 1] != whole[at]:
                pencil.line(spots[2 * start : 2 * at + 2], fill=0, width=whole[at])
                start = at
    for at in discs:
        x, y, radius = spots[2 * at], spots[2 * at + 1], widths[at] / 2
        pencil.ellipse((x - radius, y - radius, x + radius, y + radius), fill=0)


def clean(written: Ink) -> Image.Image:
    """The `ink` look: as a rendering of pen strokes, in 16 greys."""
    return painted(written).point(LEVELS)
