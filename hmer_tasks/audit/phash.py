"""What a picture looks like, in 256 bits: a perceptual hash that small changes of the file leave alone.

The hash is the DCT hash of Zauner, "Implementation and Benchmarking of Perceptual Image Hash
Functions" (2010), with 16 × 16 coefficients as ImageHash's `phash(hash_size=16)` has them. Its authors'
8 × 8 is too coarse for formulas, which are all thin dark strokes on white.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from math import log

import numpy as np
import numpy.typing as npt
from PIL import Image

from hmer_tasks.corpora import Picture
from hmer_tasks.images import decode

BITS = 256
_SIDE, _KEPT = 64, 16  # pixels of the reduced picture, coefficients kept of each row and column
_FLAT = 4.0  # grey levels between the darkest and lightest of a picture that shows nothing
_BLOCK = 16_000_000  # pairs compared at once: 64 MB


@dataclass(frozen=True, slots=True)
class Look:
    """`bits`: the hash, 32 bytes; `shape`: the logarithm of width over height, which the hash does not
    see; `pixels`: a digest of the decoded grey picture; `flat`: it shows nothing, its hash is noise."""

    bits: bytes
    shape: float
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
    small = np.asarray(grey.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS), dtype=np.float64)
    cosines = _cosines()
    frequencies = cosines @ small @ cosines.T
    bits = frequencies > np.median(frequencies)
    return Look(np.packbits(bits).tobytes(), log(grey.width / grey.height), pixels, high - low < _FLAT)


@cache
def _cosines() -> npt.NDArray[np.float64]:
    """The first 16 rows of the DCT-II of 64 values; a factor changes no bit."""
    row, column = np.arange(_KEPT)[:, None], np.arange(_SIDE)[None, :]
    cosines: npt.NDArray[np.float64] = np.cos(np.pi * row * (2 * column + 1) / (2 * _SIDE))
    return cosines


def similar(
    left: Sequence[Look], right: Sequence[Look] | None, distance: int, stretch: float
) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Pairs of pictures that look alike, some rows of `left` at a time.

    Every pair is compared: ±1 vectors, whose product is 256 − 2 × the distance, so that 75,000 × 25,000
    pairs are a matrix product of half a minute. A flat picture is near to nothing.

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
    a, b = _signs(left), _signs(others)
    shapes_a, shapes_b = _shapes(left), _shapes(others)
    step = max(1, _BLOCK // len(b))
    for start in range(0, len(a), step):
        first = start if within else 0
        product = a[start : start + step] @ b[first:].T
        rows, columns = np.nonzero(product >= BITS - 2 * distance)
        rows, columns = rows + start, columns + first
        fine = np.abs(shapes_a[rows] - shapes_b[columns]) <= log(stretch)
        if within:
            fine &= rows < columns
        pairs = zip(rows[fine].tolist(), columns[fine].tolist(), strict=True)
        yield min(start + step, len(a)), list(pairs)


def _signs(looks: Sequence[Look]) -> npt.NDArray[np.float32]:
    """A row of ±1 a picture; of zeros where it is flat, which is near to nothing."""
    packed = np.frombuffer(b"".join(look.bits for look in looks), np.uint8).reshape(len(looks), -1)
    signs = np.unpackbits(packed, axis=1).astype(np.float32) * 2 - 1
    signs[np.array([look.flat for look in looks])] = 0
    return signs


def _shapes(looks: Sequence[Look]) -> npt.NDArray[np.float64]:
    return np.array([look.shape for look in looks])
