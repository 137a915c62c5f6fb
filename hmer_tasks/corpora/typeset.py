"""A label typeset in print and rasterised: ziamath lays it out, Pillow fills the outlines."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring
from PIL import Image, ImageChops, ImageDraw

from hmer_tasks.corpora.pictures import png

Contour = list[tuple[float, float]]

SIZE = 40  # pixels an em
MARGIN = 16  # pixels on each side
OVER = 4  # supersampling
STEPS = 8  # straight pieces a curve

PIECE = re.compile(r"([A-Za-z])|(-?[\d.]+(?:e-?\d+)?)")
OPERANDS = {"M": 2, "L": 2, "Q": 4, "C": 6}


@dataclass(frozen=True, slots=True)
class Glyph:
    """One shape on the page: closed contours, in points, y downwards."""

    contours: list[Contour]


def flatten(path: str) -> list[Contour]:
    """An SVG path of absolute M, L, Q, C and Z as polygons. Raises ValueError for another command."""
    contours: list[Contour] = []
    numbers: list[float] = []
    command = ""
    for letter, number in PIECE.findall(path):
        if letter:
            command = letter
            if command not in OPERANDS and command != "Z":
                raise ValueError(f"SVG path command {command!r}")
            continue
        numbers.append(float(number))
        if len(numbers) == OPERANDS[command]:
            points = list(zip(numbers[::2], numbers[1::2], strict=True))
            numbers = []
            if command == "M":
                contours.append(points)
            else:
                contours[-1].extend(curve([contours[-1][-1], *points]))
    return contours


def curve(control: Contour) -> Contour:
    """Points along a Bézier curve of any degree, its first left out (de Casteljau)."""
    if len(control) == 2:
        return control[1:]
    found = []
    for step in range(1, STEPS + 1):
        t, level = step / STEPS, control
        while len(level) > 1:
            level = [((1 - t) * a[0] + t * b[0], (1 - t) * a[1] + t * b[1]) for a, b in pairwise(level)]
        found.append(level[0])
    return found


def shapes(svg: Element) -> Iterator[Glyph]:
    """The glyphs and bars of ziamath's SVG, placed."""
    outlines: dict[str, tuple[list[float], list[Contour]]] = {}
    for element in svg:
        tag = element.tag.rpartition("}")[2]
        if tag == "symbol":
            box = [float(number) for number in element.get("viewBox", "").split()]
            path = " ".join(child.get("d", "") for child in element)
            outlines[element.get("id", "")] = box, flatten(path)
        elif tag == "use":
            box, contours = outlines[element.get("href", "").removeprefix("#")]
            x, y = float(element.get("x", 0)), float(element.get("y", 0))
            scale = float(element.get("height", box[3])) / box[3]
            yield Glyph(
                [[(x + (a - box[0]) * scale, y + (b - box[1]) * scale) for a, b in c] for c in contours]
            )
        elif tag == "rect":
            x, y, w, h = (float(element.get(name, 0)) for name in ("x", "y", "width", "height"))
            if w > 0 and h > 0:  # the bar of \binom is there, and has no thickness
                yield Glyph([[(x, y), (x + w, y), (x + w, y + h), (x, y + h)]])
        elif tag == "path":
            yield Glyph(flatten(element.get("d", "")))


def area(contour: Contour) -> float:
    """Twice the signed area of a polygon."""
    pairs = zip(contour, contour[1:] + contour[:1], strict=True)
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)


def fill(page: Image.Image, contours: list[Contour]) -> None:
    """Fill a glyph. Its holes run the other way round than its outline, and lie inside it."""
    sized = sorted(((area(contour), contour) for contour in contours), key=lambda pair: -abs(pair[0]))
    mask = Image.new("L", page.size, 0)
    pencil = ImageDraw.Draw(mask)
    for size, contour in sized:
        if len(contour) > 2:
            pencil.polygon(contour, fill=255 if (size > 0) == (sized[0][0] > 0) else 0)
    page.paste(ImageChops.subtract(page, mask))


def typeset(label: str) -> bytes:
    """A label as a PNG (greyscale, dark on light)."""
    from ziamath.zmath import Math  # heavy, and needed by nobody who reads a real corpus

    svg: str = Math.fromlatex(label, size=SIZE).svg()
    glyphs = [glyph for glyph in shapes(fromstring(svg)) if glyph.contours]
    points = [point for glyph in glyphs for contour in glyph.contours for point in contour]
    left, top = min(x for x, _ in points), min(y for _, y in points)
    width, height = max(x for x, _ in points) - left, max(y for _, y in points) - top
    page = Image.new("L", ((int(width) + 1 + 2 * MARGIN) * OVER, (int(height) + 1 + 2 * MARGIN) * OVER), 255)
    for glyph in glyphs:
        contours = [
            [((x - left + MARGIN) * OVER, (y - top + MARGIN) * OVER) for x, y in contour]
            for contour in glyph.contours
        ]
        fill(page, contours)
    return png(page.reduce(OVER))
