"""From marks to ink: a person's unsteadiness, the page's bends, and round strokes on a canvas."""

import math
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from hmer_tasks.handwriting.boxes import Box
from hmer_tasks.handwriting.curves import Points
from hmer_tasks.handwriting.strokes import LEVELS, LONGEST, MARGIN, OVER
from hmer_tasks.handwriting.writer import Writer

TURN = 2 * math.pi
BEND = 0.2  # radians that a stroke may turn without a disc to fill the notch
FINEST = 1.6  # pixels of stroke width, at least
HEAVY = 1.7  # how much broader a bold letter is


@dataclass(frozen=True, slots=True)
class Ink:
    """Strokes in pixels. `numbers`: the node that each belongs to; `widths`: of the pen, a point."""

    numbers: list[int]
    strokes: list[Points]
    widths: list[NDArray[np.float64]]
    size: tuple[int, int]


def ink(box: Box, writer: Writer, chance: Random) -> Ink:
    """The box's marks as this writer's pen leaves them, on a canvas of their own."""
    strokes: list[Points] = []
    numbers: list[int] = []
    sizes: list[float] = []
    heavy: list[bool] = []
    for mark in box.marks:
        for points in mark.strokes:
            strokes.append(points * mark.size + (mark.x, mark.y))
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
    pixels = np.split(every, np.cumsum(counts)[:-1])
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
        reach = np.abs(points[-1] - points[0]).sum() + np.abs(points[len(points) // 2] - points[0]).sum()
        waves.append((
            writer.shake * size * min(1.0, float(reach) / 45.0) * 1.5,
            chance.uniform(0.3, 1.0), chance.random(), chance.uniform(0.3, 1.0), chance.random(),
        ))  # fmt: skip
    tremble = np.repeat(np.array(waves), counts, axis=0)
    along = np.concatenate([np.linspace(0.0, 1.0, count) for count in counts])
    turn = 2 * math.pi
    return np.column_stack([
        tremble[:, 0] * np.sin(turn * (tremble[:, 1] * along + tremble[:, 2])),
        tremble[:, 0] * np.sin(turn * (tremble[:, 3] * along + tremble[:, 4])),
    ])  # fmt: skip


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
    """The points that a tablet takes of strokes, evenly in time, on its grid, and how many of each stroke.

    A hand slows down where it turns, by the power of two thirds (Lacquaniti, Terzuolo and Viviani 1983),
    and where a stroke begins and ends. `pace` is what it covers between two points of a straight stroke.
    """
    lasts = np.cumsum(counts) - 1
    firsts = lasts - np.array(counts) + 1
    steps = np.diff(points, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1]) + 1e-6
    headings = np.arctan2(steps[:, 1], steps[:, 0])
    turns = np.abs((np.diff(headings) + math.pi) % TURN - math.pi)
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
    at = np.concatenate([
        np.linspace(start, stop, count)
        for start, stop, count in zip(starts, stops, taken.tolist(), strict=True)
    ])  # fmt: skip
    seen = np.column_stack([np.interp(at, times, points[:, 0]), np.interp(at, times, points[:, 1])])
    return np.round(seen / grid) * grid, taken.tolist()


def _pressed(count: int, writer: Writer, chance: Random) -> NDArray[np.float64]:
    """The pen's width along a stroke, as a share."""
    if not writer.pressure:
        return np.full(count, chance.uniform(0.96, 1.04))
    along = np.linspace(0.0, 1.0, count)
    swell = 1.0 + writer.pressure * np.sin(2 * math.pi * (along * chance.uniform(0.4, 0.9) + chance.random()))
    return swell * np.clip(0.55 + 4.0 * (1.0 - along), 0.0, 1.0)


def painted(written: Ink, over: int = OVER) -> Image.Image:
    """The ink as a greyscale picture, dark on white."""
    width, height = written.size
    page = Image.new("L", (width * over, height * over), 255)
    pencil = ImageDraw.Draw(page)
    for points, widths in zip(written.strokes, written.widths, strict=True):
        _stroke(pencil, points * over, widths * over)
    return page.reduce(over)


def _stroke(pencil: ImageDraw.ImageDraw, points: Points, widths: NDArray[np.float64]) -> None:
    """Segments with a disc at the ends and wherever the stroke turns: round caps and joins."""
    spots = [(x, y) for x, y in points.tolist()]
    steady = float(widths.max() - widths.min()) < 0.5
    wide = widths.tolist()
    if steady:
        pencil.line(spots, fill=0, width=round(wide[0]))
    else:
        whole = [max(1, round(width)) for width in wide]
        start = 0
        for at in range(1, len(spots)):  # segments of one width in one call
            if at + 1 == len(spots) or whole[at + 1] != whole[at]:
                pencil.line(spots[start : at + 1], fill=0, width=whole[at])
                start = at
    steps = np.diff(points, axis=0)
    headings = np.arctan2(steps[:, 1], steps[:, 0])
    turns = np.abs((np.diff(headings) + math.pi) % TURN - math.pi)
    discs = (np.flatnonzero(turns > BEND) + 1).tolist()
    for at in (0, *discs, len(spots) - 1):
        (x, y), radius = spots[at], wide[at] / 2
        pencil.ellipse((x - radius, y - radius, x + radius, y + radius), fill=0)


def clean(written: Ink) -> Image.Image:
    """The `ink` look: as a rendering of pen strokes, in 16 greys."""
    return painted(written).point(LEVELS)
