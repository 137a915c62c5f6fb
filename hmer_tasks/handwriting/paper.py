"""The `photo` look: ink on paper under a lamp, taken askew by a phone, or scanned.

SHARES says how often each thing is seen; every photograph draws for each. What else stands on the
paper (lines above and below, print, a crossed-out start) never touches the formula. A page is three planes,
one a colour, of shape (3, height, width): what falls on all colours alike is then added a row at a time.
A scan without ruled lines has no colour: one plane.
"""

import io
import math
from collections.abc import Iterable
from random import Random
from statistics import median

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from hmer_tasks.handwriting import surroundings
from hmer_tasks.handwriting.curves import Points, moved, parted
from hmer_tasks.handwriting.pen import Ink, painted

Grey = NDArray[np.float32]
INKS = (
    (38, 38, 42),
    (24, 26, 34),
    (30, 42, 96),
    (44, 60, 130),
    (62, 62, 66),
    (90, 88, 88),
)  # black, blue, pencil
PAPERS = (
    (206, 203, 196),
    (196, 192, 180),
    (184, 186, 190),
    (214, 206, 190),
    (170, 168, 164),
    (200, 205, 208),
)
SHARES = {  # of photographs, each drawn on its own
    "ruled": 0.40,
    "squared": 0.14,
    "shine through": 0.22,
    "line above": 0.22,  # the neighbouring line, cut at the picture's edge
    "line below": 0.22,
    "crossed out": 0.08,
    "print": 0.10,
    "shadow": 0.30,
    "uneven light": 0.35,
    "motion blur": 0.15,
    "strong jpeg": 0.25,
    "low resolution": 0.15,
    "scan": 0.15,  # flat, even and grey, in place of a phone's photograph
}
CORNERS = ((0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.0))


def photographed(written: Ink, chance: Random) -> tuple[bytes, tuple[int, int], list[Points]]:
    """A photograph of the ink on paper.

    Args:
        written: The ink, in pixels.
        chance: The source of randomness: paper, light, perspective, camera.

    Returns:
        A JPEG, its width and height, and the strokes where the photograph shows them.
    """
    seen = {name for name, share in SHARES.items() if chance.random() < share}
    if "scan" in seen:
        seen -= {"shadow", "uneven light", "motion blur", "low resolution"}
    numbers = np.random.default_rng(chance.getrandbits(64))
    mask = painted(written, 2)
    margins = _margins(seen, mask.size, chance)
    left, top, right, bottom = margins
    width, height = mask.width + left + right, mask.height + top + bottom
    cover = Image.new("L", (width, height), 255)
    cover.paste(mask, (left, top))
    strokes = [moved(stroke, left, top) for stroke in written.strokes]
    pen = median([float(widths[0]) for widths in written.widths])
    surroundings.add_writing(cover, margins, pen, seen, chance)
    page = _page(width, height, seen, chance, numbers)
    if "print" in seen:
        page *= surroundings.printed(width, height, margins, chance)
    picture = _merged(_inked(page, cover, seen, chance, numbers))
    picture, strokes = _askew(picture, strokes, chance, 0.25 if "scan" in seen else 1.0)
    picture = _taken(picture, seen, chance)
    noise = numbers.standard_normal((picture.height, picture.width))
    noise *= chance.uniform(1.0, 5.0)
    whole = np.floor(noise, out=noise).astype(np.int16)  # as brightness is
    picture = _merged(np.asarray(band) + whole for band in picture.split()).convert("RGB")
    file = io.BytesIO()
    quality = chance.randint(22, 45) if "strong jpeg" in seen else chance.randint(65, 93)
    picture.save(file, "JPEG", quality=quality)
    return file.getvalue(), picture.size, strokes


def _margins(seen: set[str], size: tuple[int, int], chance: Random) -> tuple[int, int, int, int]:
    """Paper around the formula: left, top, right, bottom; more where something else stands there."""
    left, right = chance.randint(0, 30), chance.randint(0, 30)
    top, bottom = chance.randint(0, 14), chance.randint(0, 14)
    top += chance.randint(12, 26) if "line above" in seen else 0
    bottom += chance.randint(12, 26) if "line below" in seen else 0
    if "crossed out" in seen:
        left += chance.randint(46, 80)
    if "print" in seen and "line above" not in seen:
        top += chance.randint(20, 34)
    return left, top, right, bottom


def _taken(picture: Image.Image, seen: set[str], chance: Random) -> Image.Image:
    """What the camera does: out of focus, moved, few pixels. The picture keeps its size."""
    picture = picture.filter(ImageFilter.GaussianBlur(chance.uniform(0.3, 0.95)))
    if "low resolution" in seen:
        share = chance.uniform(0.45, 0.7)
        small = (max(8, round(picture.width * share)), max(8, round(picture.height * share)))
        picture = picture.resize(small, Image.Resampling.BILINEAR).resize(
            picture.size, Image.Resampling.BICUBIC
        )
    if "motion blur" in seen:
        picture = _moved(picture, chance.uniform(2.0, 5.0), chance.uniform(0.0, math.pi))
    return picture


def _moved(picture: Image.Image, reach: float, angle: float) -> Image.Image:
    """Blurred along a line `reach` pixels long."""
    pixels = np.asarray(picture, dtype=np.float32)
    steps = np.linspace(-0.5, 0.5, 5) * reach
    padded = np.pad(pixels, ((3, 3), (3, 3), (0, 0)), mode="edge")
    total = np.zeros_like(pixels)
    for step in steps:
        x, y = round(step * math.cos(angle)) + 3, round(step * math.sin(angle)) + 3
        total += padded[y : y + pixels.shape[0], x : x + pixels.shape[1]]
    return Image.fromarray((total / len(steps)).astype(np.uint8), "RGB")


def _smooth(width: int, height: int, grain: int, numbers: np.random.Generator) -> Grey:
    """Noise in patches about `grain` pixels wide, between -1 and 1."""
    small = numbers.uniform(0, 255, (height // grain + 2, width // grain + 2)).astype(np.uint8)
    patches = Image.fromarray(small, "L").resize((width, height), Image.Resampling.BICUBIC)
    noise = np.asarray(patches, dtype=np.float32) / 127.5
    noise -= 1.0
    return noise


def _page(width: int, height: int, seen: set[str], chance: Random, numbers: np.random.Generator) -> Grey:
    """Paper: its colour, its grain, ruled lines, what shines through, and the light on it."""
    if "scan" in seen:
        level = chance.uniform(215, 248)
        paper = np.array((level, level, level), dtype=np.float32)
    else:
        paper = np.array(chance.choice(PAPERS), dtype=np.float32) + chance.uniform(-18, 18)
    planes = 1 if "scan" in seen and not seen & {"ruled", "squared"} else 3
    page = np.broadcast_to(paper[:planes, None, None], (planes, height, width)).astype(np.float32)
    for grain, depth in ((3, chance.uniform(1.0, 4.0)), (40, 4.0)):
        noise = _smooth(width, height, grain, numbers)
        noise *= depth
        page += noise
    if seen & {"ruled", "squared"}:
        page -= _ruled(width, height, chance, squares="squared" in seen)
    if "shine through" in seen:
        page -= _shine_through(width, height, chance)
    page *= _light(width, height, seen, chance)
    return page


def _ruled(width: int, height: int, chance: Random, *, squares: bool) -> Grey:
    """How much darker ruled lines make each pixel, a colour."""
    lines = Image.new("L", (width, height), 0)
    pencil = ImageDraw.Draw(lines)
    step = chance.uniform(26, 48) if squares else chance.uniform(44, 95)
    lean = chance.uniform(-0.025, 0.025) * width
    y = chance.uniform(0, step)
    while y < height + abs(lean):
        pencil.line((0, y - lean / 2, width, y + lean / 2), fill=255, width=chance.choice((1, 1, 2)))
        y += step
    x = chance.uniform(0, step)
    while squares and x < width:
        pencil.line((x, 0, x - lean * height / max(width, 1), height), fill=255, width=1)
        x += step
    colour = np.array(chance.choice(((70, 50, 25), (45, 45, 45), (30, 55, 75))), dtype=np.float32)
    soft = np.asarray(lines.filter(ImageFilter.GaussianBlur(0.6)), dtype=np.float32) / 255
    return (soft * colour[:, None, None] * chance.uniform(0.35, 0.9)).astype(np.float32, copy=False)


def _shine_through(width: int, height: int, chance: Random) -> Grey:
    """Faint scrawl of the paper's other side."""
    back = Image.new("L", (width, height), 0)
    pencil = ImageDraw.Draw(back)
    for _ in range(max(2, width // 60)):
        x, y = chance.uniform(0, width), chance.uniform(0, height)
        spots = [(x, y)]
        for _ in range(chance.randint(2, 6)):
            x, y = x + chance.uniform(-16, 16), y + chance.uniform(-16, 16)
            spots.append((x, y))
        pencil.line(spots, fill=255, width=3)
    soft = np.asarray(back.filter(ImageFilter.GaussianBlur(3.0)), dtype=np.float32) / 255
    return (soft * chance.uniform(6, 20)).astype(np.float32, copy=False)


def _light(width: int, height: int, seen: set[str], chance: Random) -> Grey:
    """A lamp to one side, the edge of a hand's shadow, a spot that fades towards the corners."""
    x = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None, :]
    y = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    if "scan" in seen:
        return np.ones((height, width), dtype=np.float32)
    light = 1.0 + chance.uniform(-0.22, 0.22) * x + chance.uniform(-0.14, 0.14) * y
    if "uneven light" in seen:
        around = (x - chance.uniform(-0.4, 0.4)) ** 2 + (y - chance.uniform(-0.4, 0.4)) ** 2
        light = light * (1.0 - chance.uniform(0.25, 0.6) * np.minimum(around, 0.9))
    if "shadow" in seen:
        edge = chance.uniform(-0.4, 0.4) + chance.uniform(-0.8, 0.8) * y - x
        soft = np.float32(chance.uniform(0.02, 0.12))
        shade = 1.0 / (1.0 + np.exp(np.clip(-edge / soft * chance.choice((-1, 1)), -40, 40)))
        light = light * (1.0 - chance.uniform(0.1, 0.3) * shade)
    return light.astype(np.float32, copy=False)


def _inked(
    page: Grey, cover: Image.Image, seen: set[str], chance: Random, numbers: np.random.Generator
) -> Grey:
    """Ink on the page, which is painted over: uneven, as a ball pen or a pencil leaves it."""
    planes, height, width = page.shape
    amount = np.asarray(cover, dtype=np.float32) / 255
    np.subtract(1.0, amount, out=amount)
    uneven, most = chance.uniform(0.05, 0.25), chance.uniform(0.82, 0.98)
    noise = _smooth(width, height, 5, numbers)
    np.abs(noise, out=noise)
    noise *= uneven
    amount *= np.subtract(most, noise, out=noise)
    colour = np.array(chance.choice(INKS), dtype=np.float32)
    if "scan" in seen:
        colour = np.full(3, colour.mean(), dtype=np.float32)
    page *= 1.0 - amount
    page += colour[:planes, None, None] * amount
    return page


def _merged(planes: Iterable[NDArray[np.floating] | NDArray[np.int16]]) -> Image.Image:
    """A picture of three planes of brightness, or of one, which are cut off below 0 and above 255."""
    bands = [Image.fromarray(np.clip(plane, 0, 255, out=plane).astype(np.uint8), "L") for plane in planes]
    return Image.merge("RGB", bands) if len(bands) > 1 else bands[0]


def _askew(
    picture: Image.Image, strokes: list[Points], chance: Random, share: float
) -> tuple[Image.Image, list[Points]]:
    """Seen from a little off the middle. The picture keeps its size; edges of the table never show."""
    width, height = picture.size
    reach = share * min(12.0, 0.06 * height), share * min(14.0, 0.06 * width)
    seen = np.array(
        [
            (
                x * width + (1 - 2 * x) * chance.uniform(0, reach[1]),
                y * height + (1 - 2 * y) * chance.uniform(0, reach[0]),
            )
            for x, y in CORNERS
        ]
    )
    to = np.array([(x * width, y * height) for x, y in CORNERS])
    back = homography(to, seen)
    forth = np.linalg.inv(np.array([*back, 1.0]).reshape(3, 3))
    turned = picture.transform((width, height), Image.Transform.PERSPECTIVE, back, Image.Resampling.BICUBIC)
    points = np.concatenate(strokes)
    mapped = np.column_stack([points, np.ones(len(points))]) @ forth.T
    return turned, parted(mapped[:, :2] / mapped[:, 2:], strokes)


def homography(source: Points, target: Points) -> list[float]:
    """The perspective that takes four points to four others.

    Args:
        source: Four points, shape (4, 2).
        target: Where they go, shape (4, 2).

    Returns:
        Its eight numbers, as Pillow's `Transform.PERSPECTIVE` has them.
    """
    rows, values = [], []
    for (x, y), (u, v) in zip(source.tolist(), target.tolist(), strict=True):
        rows += [(x, y, 1, 0, 0, 0, -u * x, -u * y), (0, 0, 0, x, y, 1, -v * x, -v * y)]
        values += [u, v]
    return [float(value) for value in np.linalg.solve(np.array(rows), np.array(values))]
