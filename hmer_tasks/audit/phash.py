"""What a picture looks like, in twice 256 bits: perceptual hashes that small changes of the file leave alone.

One hash is of the picture, one of its ink alone, cut out of its margins, so that copies with other margins
are found too. Both are of dark ink on light paper, whichever the picture has.

They are the DCT hash of Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions"
(2010), with 16 × 16 coefficients as ImageHash's `phash(hash_size=16)` has them. Its authors' 8 × 8 is too
coarse for formulas, which are all thin dark strokes on white.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from math import log

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from hmer_tasks.corpora import Picture
from hmer_tasks.images import decode

BITS = 256
_SIDE, _KEPT = 64, 16  # pixels of the reduced picture, coefficients kept of each row and column
_FLAT = 4.0  # grey levels between the darkest and lightest of a picture that shows nothing
_INK = 0.4  # of the widest distance from the paper's level: what is further from it is ink
_LOOKED_AT = 1024  # pixels of a side, at most, that ink is looked for in
_BLOCK = 16_000_000  # pairs compared at once: 64 MB


@dataclass(frozen=True, slots=True)
class Look:
    """What is compared of a picture.

    Attributes:
        bits: The hash of the picture, 32 bytes.
        shape: The logarithm of its width over its height, which the hash does not see.
        ink_bits: The hash of its ink.
        ink_shape: The shape of its ink.
        pixels: A digest of the decoded grey picture.
        flat: It shows nothing, and its hashes are noise.
    """

    bits: bytes
    shape: float
    ink_bits: bytes
    ink_shape: float
    pixels: bytes
    flat: bool


def look_of(picture: Picture) -> Look:
    """Read and hash a picture. Raises PictureError."""
    data, name = picture.load()
    return look_at(decode(data, name))


def look_at(image: Image.Image) -> Look:
    """Hash a decoded picture."""
    grey = image.convert("L")
    size = f"{grey.width}x{grey.height}:".encode()
    pixels = blake2b(size + grey.tobytes(), digest_size=8).digest()
    low, high = grey.getextrema()
    assert isinstance(low, int | float) and isinstance(high, int | float)
    levels = np.asarray(grey)
    step = max(1, max(levels.shape) // _LOOKED_AT)
    levels = levels[::step, ::step].astype(np.float32)
    paper = float(np.median(levels))
    if paper < (low + high) / 2:  # light ink
        grey = ImageOps.invert(grey)
    ink = grey.crop(_box_of_ink(levels, paper, step, grey.size))
    return Look(_hash(grey), _shape(grey), _hash(ink), _shape(ink), pixels, high - low < _FLAT)


def _box_of_ink(
    levels: npt.NDArray[np.float32], paper: float, step: int, size: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is far from the paper's level; the whole where nothing is.

    Args:
        levels: Every so many rows and columns of the picture.
        paper: The level of its paper.
        step: Every how many.
        size: Width and height of the picture.

    Returns:
        The box, in pixels.
    """
    away = np.abs(levels - paper)
    is_ink = away > _INK * away.max()
    rows, columns = np.flatnonzero(is_ink.any(axis=1)), np.flatnonzero(is_ink.any(axis=0))
    if not len(rows):
        return 0, 0, *size
    right, bottom = (
        min(side, (int(last[-1]) + 1) * step) for side, last in zip(size, (columns, rows), strict=True)
    )
    return int(columns[0]) * step, int(rows[0]) * step, right, bottom


def _hash(grey: Image.Image) -> bytes:
    small = np.asarray(grey.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS), dtype=np.float64)
    cosines = _cosines()
    frequencies = cosines @ small @ cosines.T
    return np.packbits(frequencies > np.median(frequencies)).tobytes()


def _shape(grey: Image.Image) -> float:
    return log(grey.width / grey.height)


@cache
def _cosines() -> npt.NDArray[np.float64]:
    """The first 16 rows of the DCT-II of 64 values; a factor changes no bit."""
    row, column = np.arange(_KEPT)[:, None], np.arange(_SIDE)[None, :]
    cosines: npt.NDArray[np.float64] = np.cos(np.pi * row * (2 * column + 1) / (2 * _SIDE))
    return cosines


def similar(
    left: Sequence[Look], right: Sequence[Look] | None, distance: int, stretch: float
) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Pairs of pictures that look alike, whole or by their ink, some rows of `left` at a time.

    Every pair is compared: ±1 vectors, whose product is 256 − 2 × the distance, so that 75,000 × 25,000
    pairs are two matrix products of half a minute each. A flat picture is near to nothing.

    Args:
        left: The hashes of the one side.
        right: Those of the other. None: pairs within `left`.
        distance: How many of the 256 bits differ at most.
        stretch: The largest ratio between two aspect ratios.

    Yields:
        How many rows of `left` are done, and the pairs (i, j) found in them; i < j within one side.
    """
    within = right is None
    others = left if right is None else right
    if not left or not others:
        return
    whole = _signs([look.bits for look in left], left), _signs([look.bits for look in others], others)
    ink = _signs([look.ink_bits for look in left], left), _signs([look.ink_bits for look in others], others)
    shapes = _column([look.shape for look in left]), _column([look.shape for look in others])
    ink_shapes = _column([look.ink_shape for look in left]), _column([look.ink_shape for look in others])
    step = max(1, _BLOCK // len(others))
    for start in range(0, len(left), step):
        first = start if within else 0
        alike: set[tuple[int, int]] = set()
        for (a, b), (shapes_a, shapes_b) in ((whole, shapes), (ink, ink_shapes)):
            product = a[start : start + step] @ b[first:].T
            rows, columns = np.nonzero(product >= BITS - 2 * distance)
            rows, columns = rows + start, columns + first
            fine = np.abs(shapes_a[rows] - shapes_b[columns]) <= log(stretch)
            if within:
                fine &= rows < columns
            alike.update(zip(rows[fine].tolist(), columns[fine].tolist(), strict=True))
        yield min(start + step, len(left)), sorted(alike)


def _signs(hashes: Sequence[bytes], looks: Sequence[Look]) -> npt.NDArray[np.float32]:
    """A row of ±1 a picture; of zeros where it is flat, which is near to nothing."""
    packed = np.frombuffer(b"".join(hashes), np.uint8).reshape(len(hashes), -1)
    signs = np.unpackbits(packed, axis=1).astype(np.float32) * 2 - 1
    signs[np.array([look.flat for look in looks])] = 0
    return signs


def _column(values: Sequence[float]) -> npt.NDArray[np.float64]:
    return np.array(values)
