"""Dark ink on light paper, or light ink on dark: decided by the picture, or left open.

Three measures, in this order. Counting: paper is the majority, and most of it lies in the lightest third of
the picture's range. That decides clean pages and bitmaps on light paper. Shadows, dark tables and
reflections break it, so whatever it leaves is judged by its strokes: they are thin, so against the mean of
their neighbourhood they stand out one way only, while the edge of a shadow or of a sheet stands out both
ways alike. That is the skewness of the picture less a blur of itself. Last, a ground of one level, which
only bitmaps have.

The thresholds were chosen on synthetic photographs with shadows, reflections, dark tables and gradients, and
their inversions (bench/polarity.py): no page of them is taken for a blackboard.
"""

from enum import Enum

import numpy as np
from PIL import Image, ImageFilter

MIN_CONTRAST = 16  # levels of 255 between the darkest and the lightest; below it a picture is blank
DARK_SKEWNESS = -0.3  # of 1: how one-sided the strokes must be to be plainly dark
LIGHT_SKEWNESS = 0.6  # or plainly light: a picture that is inverted wrongly is worse than one left alone
_QUICK_SKEWNESS = -0.6  # of an eighth of the picture
_GROUND = 0.6  # at least this share of the pixels, of one level (and its neighbours), is a bitmap's paper
_GROUND_SKEWNESS = 0.1  # on such a ground even bold strokes stand out so much
_NEIGHBOURHOOD = 12  # of the shorter side: the blur's radius, wider than a stroke
_MINORITY = 0.35  # at most this share of the pixels is ink, if counting alone is to decide it
_ENOUGH = 400  # pixels that strokes can be looked at in
_SAMPLE = 8  # every eighth row and column is looked at first
_LONGEST = 1_024  # pixels: larger pictures are made smaller before their strokes are looked at


class Polarity(Enum):
    """What a picture shows."""

    DARK_ON_LIGHT = "dark on light"
    LIGHT_ON_DARK = "light on dark"
    UNDECIDED = "undecided"


def contrast(image: Image.Image) -> int:
    """The widest range of brightness of any band (0 to 255)."""
    bands = image.split()[: 1 if image.mode == "LA" else 3]
    ranges = [band.getextrema() for band in bands]
    return max(int(high) - int(low) for low, high in ranges)  # type: ignore[arg-type]


def is_plainly(image: Image.Image, wanted: Polarity) -> bool:
    """A quick look: whether a picture, or an eighth of one, has ink and plainly has the polarity wanted.

    False says nothing.
    """
    grey = _sampled(image)
    low, high = (int(level) for level in grey.getextrema())  # type: ignore[arg-type]
    if high - low < MIN_CONTRAST + 4:
        return False
    counts, pixels = grey.histogram(), grey.width * grey.height
    third = (high - low) // 3
    if wanted is Polarity.LIGHT_ON_DARK:
        return sum(counts[low + third :]) <= _MINORITY * pixels
    if sum(counts[: high - third + 1]) <= _MINORITY * pixels:
        return True
    return pixels >= _ENOUGH and min(grey.size) >= _SAMPLE and skewness(grey) <= _QUICK_SKEWNESS


def polarity(image: Image.Image, margin: float = 0.0) -> Polarity:
    """What a decoded picture shows.

    Args:
        image: the picture, whole.
        margin: by how much more than `LIGHT_SKEWNESS` strokes must be light to be called so.

    Returns:
        The polarity, or that it is undecided.
    """
    if is_plainly(image, Polarity.DARK_ON_LIGHT):
        return Polarity.DARK_ON_LIGHT
    grey = image.convert("L")
    if max(grey.size) > _LONGEST:
        grey = grey.reduce(-(-max(grey.size) // _LONGEST))
    low, high = (int(level) for level in grey.getextrema())  # type: ignore[arg-type]
    if high - low < MIN_CONTRAST:  # ink of another colour, as bright as its paper
        return Polarity.UNDECIDED
    one_sided = skewness(grey)
    if one_sided <= DARK_SKEWNESS:
        return Polarity.DARK_ON_LIGHT
    middle = (low + high) / 2
    counts = np.convolve(grey.histogram(), (1, 1, 1), mode="same") / (grey.width * grey.height)
    if counts.max() >= _GROUND and counts.argmax() > middle and one_sided <= -_GROUND_SKEWNESS:
        return Polarity.DARK_ON_LIGHT
    if counts.max() >= _GROUND + margin:
        mostly_dark = bool(counts.argmax() < middle) and one_sided >= _GROUND_SKEWNESS
    else:
        dark_paper = bool(np.median(np.asarray(grey)) < middle)
        mostly_dark = dark_paper and one_sided >= LIGHT_SKEWNESS + margin
    return Polarity.LIGHT_ON_DARK if mostly_dark else Polarity.UNDECIDED


def skewness(grey: Image.Image) -> float:
    """How one-sided the strokes of a grey picture stand out: -1 all dark, 1 all light, 0 both alike."""
    radius = max(2.0, min(grey.size) / _NEIGHBOURHOOD)
    around = grey.filter(ImageFilter.BoxBlur(radius))
    cubes = (np.asarray(grey, dtype=np.float32) - np.asarray(around, dtype=np.float32)) ** 3
    total = float(np.abs(cubes).sum())
    return float(cubes.sum()) / total if total else 0.0


def _sampled(image: Image.Image) -> Image.Image:
    size = max(1, image.width // _SAMPLE), max(1, image.height // _SAMPLE)
    if min(size) >= _SAMPLE:  # else it is small, or an eighth already
        image = image.resize(size, Image.Resampling.NEAREST)
    return image if image.mode == "L" else image.convert("L")
