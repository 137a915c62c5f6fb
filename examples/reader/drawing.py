"""Strokes as small pictures: those that a build of the same ink would show the model, each time another one.

A build draws ink at 44 pixels to a typical stroke with a margin of 14 (`handwriting/strokes.py`), and the
model's processor resizes that to whole tokens. Here both happen in one step, straight into the final size: some
20 times as fast, and the strokes may be moved and bent on the way.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize

from hmer_tasks.handwriting.strokes import MARGIN, PEN, SYMBOL, TINY

OVER = 2  # supersampling
Points = NDArray[np.float32]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Jitter:
    """How far a drawing may be from the ink as it is; 0 everywhere draws it as it is.

    `turn` in radians; `shear`, `aspect`, `size`, `pen` are shares; `shift` and `bend` in digits' heights.
    """

    turn: float = 0.05
    shear: float = 0.15
    aspect: float = 0.12
    size: float = 0.12
    pen: float = 0.15
    shift: float = 0.03
    scale: float = 0.06
    bend: float = 0.04


STILL = Jitter(*[0.0] * 8)


@dataclass(frozen=True, slots=True)
class Geometry:
    """Patch and token sizes, and how many tokens a picture may have."""

    patch: int
    merge: int
    fewest: int
    most: int

    @property
    def factor(self) -> int:
        """A token's side in pixels."""
        return self.patch * self.merge

    def size(self, width: float, height: float) -> tuple[int, int]:
        """The size that the processor gives a picture."""
        area = self.factor**2
        tall, wide = smart_resize(
            round(height), round(width), self.factor, self.fewest * area, self.most * area
        )
        return wide, tall


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture (height × width, 255 for full ink) and where each symbol's ink is.

    `cells`, `symbols`, `shares`: in token `cells[i]` (counted row by row) that share of the ink is `symbols[i]`'s.
    """

    ink: NDArray[np.uint8]
    rows: int
    columns: int
    cells: NDArray[np.int64]
    symbols: NDArray[np.int64]
    shares: NDArray[np.float32]


def draw(
    points: Points,
    counts: Counts,
    symbols: Counts,
    geometry: Geometry,
    jitter: Jitter,
    rng: np.random.Generator,
) -> Drawn:
    """A picture of these strokes. `symbols`: the number of each stroke's symbol."""
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    points = moved(points, counts, symbols, starts, jitter, rng)
    low = np.minimum.reduceat(points, starts)
    high = np.maximum.reduceat(points, starts)
    left, top = low.min(axis=0).tolist()
    right, bottom = high.max(axis=0).tolist()
    spans = np.sort((high - low).max(axis=1))
    telling = spans[spans >= TINY * spans[int(0.8 * (len(spans) - 1))]]
    typical = max(float(telling[len(telling) // 2]), (bottom - top) / 12)
    scale = SYMBOL / typical if typical > 0 else 1.0
    scale = min(scale * math.exp(jitter.size * rng.normal()), 1600 / max(right - left, bottom - top, 1e-6))
    pen = PEN * math.exp(jitter.pen * rng.normal())
    edge = MARGIN + pen / 2
    width, height = (right - left) * scale + 2 * edge, (bottom - top) * scale + 2 * edge
    if not 1 / 150 < width / height < 150:
        width, height = max(width, height / 150), max(height, width / 150)
    wide, tall = geometry.size(width, height)
    across, down = wide / width, tall / height
    placed = ((points - (left, top)) * scale + edge) * np.array([across, down], np.float32)
    page = Image.new("L", (wide * OVER, tall * OVER), 0)
    pencil = ImageDraw.Draw(page)
    thick = max(1, round(pen * math.sqrt(across * down) * OVER))
    radius = thick / 2
    flat = (placed * OVER).reshape(-1).tolist()
    for start, count in zip((2 * starts).tolist(), (2 * counts).tolist(), strict=True):
        spots = flat[start : start + count]
        pencil.line(spots, fill=255, width=thick)
        for at in (0, count - 2):
            x, y = spots[at], spots[at + 1]
            pencil.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    ink = np.asarray(page.reduce(OVER))
    side = geometry.factor
    rows, columns = tall // side, wide // side
    at = np.clip(placed // side, 0, (columns - 1, rows - 1)).astype(np.int64)
    keys = (at[:, 1] * columns + at[:, 0]) * 4096 + np.repeat(symbols, counts)
    kept, amounts = np.unique(keys, return_counts=True)
    cells = kept // 4096
    totals = np.bincount(cells, amounts, rows * columns)
    shares = (amounts / totals[cells]).astype(np.float32)
    return Drawn(ink, rows, columns, cells, kept % 4096, shares)


def moved(
    points: Points, counts: Counts, symbols: Counts, starts: Counts, jitter: Jitter, rng: np.random.Generator
) -> Points:
    """The strokes slanted, stretched, turned and bent as a whole, and each one moved a little."""
    if jitter == STILL:
        return points
    turn, shear, aspect = (rng.normal(0.0, (jitter.turn, jitter.shear, jitter.aspect))).tolist()
    cos, sin = math.cos(turn), math.sin(turn)
    matrix = np.array([[cos, -sin], [sin, cos]]) @ np.array([[math.exp(aspect), shear], [0.0, 1.0]])
    middles = np.add.reduceat(points, starts) / counts[:, None]
    # Strokes of one symbol that follow one another move together.
    groups = np.cumsum(np.concatenate([[0], np.diff(symbols) != 0]))
    several = int(groups[-1]) + 1
    shifts = rng.normal(0.0, jitter.shift, (several, 2))[groups]
    scales = np.exp(rng.normal(0.0, jitter.scale, (several, 2)))[groups]
    centres = np.zeros((several, 2))
    np.add.at(centres, groups, middles)
    centres = (centres / np.bincount(groups)[:, None])[groups]
    of_point = np.repeat(np.arange(len(counts)), counts)
    out = (points - centres[of_point]) * scales[of_point] + (centres + shifts)[of_point]
    phase, length = rng.uniform(0, 2 * math.pi, 4), rng.uniform(0.6, 2.0, 4)
    bent = jitter.bend * rng.normal(0.0, 1.0, 4)
    x, y = out[:, 0].copy(), out[:, 1].copy()
    out[:, 0] += bent[0] * np.sin(x / length[0] + phase[0]) + bent[1] * np.sin(y / length[1] + phase[1])
    out[:, 1] += bent[2] * np.sin(x / length[2] + phase[2]) + bent[3] * np.sin(y / length[3] + phase[3])
    return (out @ matrix.T).astype(np.float32)
