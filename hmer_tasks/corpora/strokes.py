"""Ink drawn as a picture: round dark strokes on white, at a size at which symbols are read well."""

import math
from dataclasses import dataclass
from pathlib import PurePosixPath

from PIL import Image, ImageDraw

from hmer_tasks.corpora.files import Files
from hmer_tasks.corpora.inkml import Ink, Stroke, parse
from hmer_tasks.images import png

SYMBOL = 44.0  # pixels that a typical stroke spans
PEN = SYMBOL / 13  # stroke width in pixels, where nothing is capped
MARGIN = 14  # pixels on each side
LONGEST = 1600  # pixels of ink along the longer side, at most
FINEST = 1.6  # pixels of stroke width, at least
OVER = 3  # supersampling
TINY = 0.2  # share of the larger strokes' span under which a stroke is a dot, and tells no size
LEVELS = [min(255, 17 * round(value / 17)) for value in range(256)]  # 16 greys: half the bytes


def span(stroke: Stroke) -> float:
    """The longer side of a stroke's box."""
    xs = [point[0] for point in stroke]
    ys = [point[1] for point in stroke]
    return max(max(xs) - min(xs), max(ys) - min(ys))


def symbol_size(strokes: list[Stroke]) -> float:
    """What a typical symbol spans, in the ink's units: the median stroke, dots left out.

    Some ink is broken into crumbs, and some is a single long bar; the whole formula's height puts
    a bound on either.
    """
    spans = sorted(span(stroke) for stroke in strokes)
    large = spans[int(0.8 * (len(spans) - 1))]
    telling = [value for value in spans if value >= TINY * large]
    ys = [point[1] for stroke in strokes for point in stroke]
    height = max(ys) - min(ys)
    return max(telling[len(telling) // 2], height / 12)


def draw(strokes: list[Stroke]) -> Image.Image:
    """The ink as a greyscale picture (mode L), its proportions kept."""
    left = min(point[0] for stroke in strokes for point in stroke)
    top = min(point[1] for stroke in strokes for point in stroke)
    width = max(point[0] for stroke in strokes for point in stroke) - left
    height = max(point[1] for stroke in strokes for point in stroke) - top
    size = symbol_size(strokes)
    wanted = SYMBOL / size if size > 0 else 1.0
    scale = min(wanted, LONGEST / max(width, height, 1e-12))
    pen = max(FINEST, PEN * scale / wanted)
    edge = MARGIN + pen / 2
    canvas = (math.ceil(width * scale + 2 * edge), math.ceil(height * scale + 2 * edge))
    image = Image.new("L", (canvas[0] * OVER, canvas[1] * OVER), 255)
    pencil = ImageDraw.Draw(image)
    for stroke in strokes:
        points = [((edge + (x - left) * scale) * OVER, (edge + (y - top) * scale) * OVER) for x, y in stroke]
        _stroke(pencil, points, pen * OVER)
    return image.reduce(OVER).point(LEVELS)


def _stroke(pencil: ImageDraw.ImageDraw, points: Stroke, pen: float) -> None:
    """Segments with a disc at every point: round caps and joins."""
    kept = points[:1]
    for point in points[1:-1]:
        # Points closer than a fraction of the pen's width change nothing that can be seen.
        if abs(point[0] - kept[-1][0]) + abs(point[1] - kept[-1][1]) >= pen / 4:
            kept.append(point)
    kept.extend(points[-1:] if len(points) > 1 else ())
    if len(kept) > 1:
        pencil.line(kept, fill=0, width=round(pen))
    radius = pen / 2
    for x, y in kept:
        pencil.ellipse((x - radius, y - radius, x + radius, y + radius), fill=0)


def render(ink: Ink) -> bytes:
    """The ink as a PNG (greyscale, dark on light), the same bytes every time."""
    return png(draw(ink.strokes))


@dataclass(frozen=True, slots=True)
class InkPicture:
    """The picture drawn from the InkML file `name` in `files`; `ink` where it was read already."""

    files: Files
    name: str
    ink: Ink | None = None

    def load(self) -> tuple[bytes, str]:
        """A PNG and its file name. Raises PictureError as `inkml.parse` and `Files.read` do."""
        ink = parse(self.files.read(self.name), self.name) if self.ink is None else self.ink
        return render(ink), f"{PurePosixPath(self.name).stem}.png"
