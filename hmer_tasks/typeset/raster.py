"""A layout drawn at low resolution, column by column: what two formulas look like, without TeX and without
a picture file.

Every glyph is drawn once for each of its sizes, from the font's outline, and set on whole pixels, so that
the same letter has the same columns wherever it stands on its line. A column is the set of its inked rows
as the bits of a number, counted from the main line's baseline; columns without ink are left out, for how
wide a space is says nothing of what was written.
"""

import re
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from hmer_tasks.typeset.boxes import BAR, FRAME, RING, STROKE, UPRIGHT, Box, outlines
from hmer_tasks.typeset.layout import layout

PIXELS = 10  # an em of the main line
_FINER = 4  # times as fine is drawn, and a pixel is inked where a third of it is
_INKED = 0.33
_CURVE = 4  # straight pieces of a curve
_ORIGIN = 1024  # the bit of the baseline's row: rows above have lower bits
_TOKENS = re.compile(r"[MLQZ]|-?\d+(?:\.\d+)?")

Bits = tuple[int, ...]


@lru_cache(maxsize=20_000)
def columns(label: str) -> Bits | None:
    """The columns of a label's picture, from left to right; None where it cannot be laid out.

    Raises MissingLibraryError without ziamath.
    """
    boxes = layout(label)
    if boxes is None:
        return None
    inked: dict[int, int] = {}
    for box in boxes:
        left, bits = _drawn(box)
        for i, column in enumerate(bits, start=left):
            inked[i] = inked.get(i, 0) | column
    return tuple(inked[i] for i in sorted(inked) if inked[i])


def _drawn(box: Box) -> tuple[int, Bits]:
    """The first column of a box and its columns' bits."""
    left = round(box.left * PIXELS)
    if box.glyph and box.size:
        bits = _glyph(box.glyph, round(box.size * 100))
        return left, _shifted(bits, round(box.baseline * PIXELS))
    width = max(1, round((box.right - box.left) * PIXELS))
    top, bottom = round(box.top * PIXELS), max(round(box.bottom * PIXELS), round(box.top * PIXELS) + 1)
    full, edges = _rows(top, bottom), _rows(top, top + 1) | _rows(bottom - 1, bottom)
    if box.symbol in (BAR, UPRIGHT):
        return left, (full,) * width
    if box.symbol in (FRAME, RING):
        return left, (full, *(edges,) * max(0, width - 2), full)[:width]
    if box.symbol == STROKE:
        rows = bottom - top
        return left, tuple(_rows(row := bottom - 1 - i * rows // width, row + 1) for i in range(width))
    # a command's name spelled out, or a box that has no outline: inked all over
    return left, (full,) * width


def _rows(top: int, bottom: int) -> int:
    """The bits of the rows from top on and before bottom, downwards from the baseline."""
    low, high = max(0, top + _ORIGIN), min(2 * _ORIGIN, bottom + _ORIGIN)
    return ((1 << max(0, high - low)) - 1) << low


def _shifted(bits: Bits, rows: int) -> Bits:
    return (
        tuple(column << rows for column in bits) if rows >= 0 else tuple(column >> -rows for column in bits)
    )


@lru_cache(maxsize=20_000)
def _glyph(name: str, size: int) -> Bits:
    """A glyph's columns, its left edge at 0 and on the baseline; `size` in hundredths of an em."""
    contours = _contours(outlines.get(name, ""))
    if not contours:
        return ()
    scale = size / 100 * PIXELS * _FINER / 1000
    points = np.concatenate([np.array(contour) for contour in contours]) * scale
    top = int(np.floor(points[:, 1].min() / _FINER))
    bottom = int(np.ceil(points[:, 1].max() / _FINER)) + 1
    width = int(np.ceil(points[:, 0].max() / _FINER)) + 1
    shape = (bottom - top) * _FINER, width * _FINER
    ink = np.zeros(shape, dtype=np.bool_)
    for contour in contours:  # a hole is what two contours cover
        mask = Image.new("1", (shape[1], shape[0]))
        moved = [(x * scale, y * scale - top * _FINER) for x, y in contour]
        if len(moved) > 2:
            ImageDraw.Draw(mask).polygon(moved, fill=1)
        ink ^= np.array(mask)
    share = ink.reshape(bottom - top, _FINER, width, _FINER).mean(axis=(1, 3))
    if not (share >= _INKED).any():  # a stroke thinner than a third of a pixel still shows
        share = share / max(float(share.max()), 1e-9)
    rows = [1 << (top + i + _ORIGIN) for i in range(bottom - top)]
    return tuple(
        sum(row for row, inked in zip(rows, column, strict=True) if inked) for column in (share >= _INKED).T
    )


def _contours(path: str) -> list[list[tuple[float, float]]]:
    """The polygons of an SVG path of M, L, Q and Z with absolute coordinates (ziafont writes no other)."""
    contours: list[list[tuple[float, float]]] = []
    words = _TOKENS.findall(path)
    i = 0
    command = ""
    while i < len(words):
        if words[i].isalpha():
            command = words[i]
            i += 1
            continue
        if command == "Q":
            (x0, y0) = contours[-1][-1]
            x1, y1, x2, y2 = map(float, words[i : i + 4])
            for step in range(1, _CURVE + 1):
                t = step / _CURVE
                a, b, c = (1 - t) * (1 - t), 2 * t * (1 - t), t * t
                contours[-1].append((a * x0 + b * x1 + c * x2, a * y0 + b * y1 + c * y2))
            i += 4
            continue
        point = float(words[i]), float(words[i + 1])
        if command == "M":
            contours.append([point])
        else:
            contours[-1].append(point)
        i += 2
    return contours


def picture(label: str) -> Image.Image | None:
    """The columns as a picture, to look at; None where there is none."""
    bits = columns(label)
    if bits is None:
        return None
    used = [column for column in bits if column]
    every = 0
    for column in used:
        every |= column
    low, high = (every & -every).bit_length() - 1, every.bit_length()
    rows = [[0 if column >> row & 1 else 255 for column in used] for row in range(low, high)]
    return Image.fromarray(np.array(rows, dtype=np.uint8))
