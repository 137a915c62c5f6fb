"""The `photo` look: ink on paper under a lamp, taken askew by a phone."""

import io
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from hmer_tasks.handwriting.curves import Points
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
CORNERS = ((0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.0))


def photographed(written: Ink, chance: Random) -> tuple[bytes, tuple[int, int], list[Points]]:
    """A JPEG, its size, and the strokes where the photograph shows them."""
    numbers = np.random.default_rng(chance.getrandbits(64))
    mask = painted(written, 2)
    pad = chance.randint(0, 14)
    width, height = mask.width + 2 * pad, mask.height + 2 * pad
    cover = Image.new("L", (width, height), 255)
    cover.paste(mask, (pad, pad))
    strokes = [each + pad for each in written.strokes]
    page = _inked(_page(width, height, chance, numbers), cover, chance, numbers)
    picture = Image.fromarray(page, "RGB")
    picture, strokes = _askew(picture, strokes, chance)
    picture = picture.filter(ImageFilter.GaussianBlur(chance.uniform(0.3, 0.95)))
    clear = np.asarray(picture, dtype=np.float32)
    noise = numbers.normal(0.0, chance.uniform(1.0, 4.0), clear.shape[:2])[..., None]
    picture = Image.fromarray((clear + noise).clip(0, 255).astype(np.uint8), "RGB")
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=chance.randint(70, 93))
    return file.getvalue(), picture.size, strokes


def _smooth(width: int, height: int, grain: int, numbers: np.random.Generator) -> Grey:
    """Noise in patches about `grain` pixels wide, between -1 and 1."""
    small = numbers.uniform(0, 255, (height // grain + 2, width // grain + 2)).astype(np.uint8)
    patches = Image.fromarray(small, "L").resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(patches, dtype=np.float32) / 127.5 - 1.0


def _page(width: int, height: int, chance: Random, numbers: np.random.Generator) -> Grey:
    """Paper: its colour, its grain, ruled lines, what shines through, and the light on it."""
    paper = np.array(chance.choice(PAPERS), dtype=np.float32) + chance.uniform(-18, 18)
    page = np.broadcast_to(paper, (height, width, 3)).astype(np.float32)
    page += _smooth(width, height, 3, numbers)[..., None] * chance.uniform(1.0, 4.0)
    page += _smooth(width, height, 40, numbers)[..., None] * 4.0
    kind = chance.random()
    if kind < 0.55:
        page -= _ruled(width, height, chance, squares=kind < 0.12)
    if chance.random() < 0.25:
        page -= _shine_through(width, height, chance)
    return page * _light(width, height, chance)[..., None]


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
    return (soft[..., None] * colour * chance.uniform(0.35, 0.9)).astype(np.float32)


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
    return (soft[..., None] * chance.uniform(6, 20)).astype(np.float32)


def _light(width: int, height: int, chance: Random) -> Grey:
    """A lamp to one side, and now and then the edge of a hand's shadow."""
    x = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None, :]
    y = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    light = 1.0 + chance.uniform(-0.22, 0.22) * x + chance.uniform(-0.14, 0.14) * y
    if chance.random() < 0.3:
        edge = chance.uniform(-0.4, 0.4) + chance.uniform(-0.8, 0.8) * y - x
        soft = np.float32(chance.uniform(0.02, 0.12))
        shade = 1.0 / (1.0 + np.exp(np.clip(-edge / soft * chance.choice((-1, 1)), -40, 40)))
        light = light * (1.0 - chance.uniform(0.1, 0.3) * shade)
    return np.broadcast_to(light, (height, width)).astype(np.float32)


def _inked(page: Grey, cover: Image.Image, chance: Random, numbers: np.random.Generator) -> NDArray[np.uint8]:
    """Ink on the page: uneven, as a ball pen or a pencil leaves it."""
    height, width = page.shape[:2]
    amount = 1.0 - np.asarray(cover, dtype=np.float32) / 255
    uneven = chance.uniform(0.05, 0.25)
    amount = amount * (chance.uniform(0.82, 0.98) - uneven * np.abs(_smooth(width, height, 5, numbers)))
    colour = np.array(chance.choice(INKS), dtype=np.float32)
    mixed = page * (1.0 - amount[..., None]) + colour * amount[..., None]
    return mixed.clip(0, 255).astype(np.uint8)


def _askew(picture: Image.Image, strokes: list[Points], chance: Random) -> tuple[Image.Image, list[Points]]:
    """Seen from a little off the middle. The picture keeps its size; edges of the table never show."""
    width, height = picture.size
    reach = min(9.0, 0.05 * height), min(7.0, 0.05 * width)
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
    moved = []
    for points in strokes:
        mapped = np.column_stack([points, np.ones(len(points))]) @ forth.T
        moved.append(mapped[:, :2] / mapped[:, 2:])
    return turned, moved


def homography(here: Points, there: Points) -> list[float]:
    """The eight numbers of the perspective that takes four points here to four points there."""
    rows, values = [], []
    for (x, y), (u, v) in zip(here.tolist(), there.tolist(), strict=True):
        rows += [(x, y, 1, 0, 0, 0, -u * x, -u * y), (0, 0, 0, x, y, 1, -v * x, -v * y)]
        values += [u, v]
    return [float(value) for value in np.linalg.solve(np.array(rows), np.array(values))]
