"""Ink drawn as a picture: round dark strokes on white, at a size at which symbols are read well."""

import math
from dataclasses import dataclass
from pathlib import PurePosixPath

from PIL import Image, ImageDraw

from hmer_tasks.exceptions import PictureError, RejectReason
from hmer_tasks.handwriting.ink_trace import Stroke
from hmer_tasks.handwriting.inkml import Ink, parse
from hmer_tasks.images import png
from hmer_tasks.storage.files import Files

SYMBOL = 44.0  # pixels that a typical stroke spans
PEN = SYMBOL / 13  # stroke width in pixels, where nothing is capped
MARGIN = 14  # pixels on each side
LONGEST = 1600  # pixels of ink along the longer side, at most
FINEST = 1.6  # pixels of stroke width, at least
OVER = 3  # supersampling
SMALLEST = 5.0  # pixels: typical strokes under it cannot be read (in CROHME the smallest have 20)
STRAY = 8.0  # times by which the whole shrinks without one point: then it is a stray (in CROHME 2.3 at most)
FEW = 8  # points among which none is a stray: a quick stroke may have no more
TINY = 0.2  # share of the larger strokes' span under which a stroke is a dot, and tells no size
LEVELS = [min(255, 17 * round(value / 17)) for value in range(256)]  # 16 greys: half the bytes


@dataclass(frozen=True, slots=True)
class Extent:
    """How large ink is, in its own units: its box, each stroke's (left, top, right, bottom), and what typical
    strokes span."""

    left: float
    top: float
    width: float
    height: float
    boxes: list[tuple[float, float, float, float]]
    typical: float

    @property
    def symbol_size(self) -> float:
        """What a typical symbol spans. Some ink is broken into crumbs, and some is a single long bar; the
        whole formula's height puts a bound on either."""
        return max(self.typical, self.height / 12)

    @property
    def scale(self) -> float:
        """Pixels to a unit."""
        return min(self.wanted_scale, LONGEST / max(self.width, self.height, 1e-12))

    @property
    def wanted_scale(self) -> float:
        """Pixels to a unit, were there no bound on the picture."""
        return SYMBOL / self.symbol_size if self.symbol_size > 0 else 1.0


def measure(strokes: list[Stroke]) -> Extent:
    """The extent of ink. Its typical stroke is the median, dots left out."""
    sides = [tuple(zip(*stroke, strict=True)) for stroke in strokes]
    boxes = [(min(xs), min(ys), max(xs), max(ys)) for xs, ys in sides]
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    ordered = sorted([max(right - left, bottom - top) for left, top, right, bottom in boxes])
    large = ordered[int(0.8 * (len(ordered) - 1))]
    telling = [value for value in ordered if value >= TINY * large]
    left, top = min(lefts), min(tops)
    return Extent(left, top, max(rights) - left, max(bottoms) - top, boxes, telling[len(telling) // 2])


def check_size(strokes: list[Stroke], extent: Extent, where: str) -> None:
    """Refuse ink that would be drawn too small to be read.

    Args:
        strokes: The strokes, in the document's units.
        extent: Their box and the size of a symbol, as `measure` found them.
        where: The document's name, for the message.

    Raises:
        PictureError: `ink_unsupported`: one point lies so far from all others that they would become a dot,
            or typical strokes would be under `SMALLEST` pixels.
    """
    if _may_have_stray(extent) and _has_stray(strokes):
        raise PictureError(RejectReason.INK_UNSUPPORTED, where, "one point lies far from all the others")
    drawn = extent.typical * extent.scale
    if 0 < drawn < SMALLEST:
        raise PictureError(
            RejectReason.INK_UNSUPPORTED, where, f"its strokes would be {drawn:.1g} pixels large"
        )


def _may_have_stray(extent: Extent) -> bool:
    """Whether the ink without one of its strokes is STRAY times smaller along its longer side: a quick look,
    for without one of the points it can be no smaller."""
    if len(extent.boxes) == 1:
        return True
    axis = 0 if extent.width >= extent.height else 1
    starts = sorted([box[axis] for box in extent.boxes])
    ends = sorted([box[axis + 2] for box in extent.boxes])
    rest = min(ends[-2] - starts[0], ends[-1] - starts[1], ends[-2] - starts[1])
    return rest * STRAY <= ends[-1] - starts[0]


def _has_stray(strokes: list[Stroke]) -> bool:
    """Whether the ink without one of its points is STRAY times smaller, and still more than a dot."""
    points = [point for stroke in strokes for point in stroke]
    if len(points) <= FEW:
        return False
    sides = [sorted(values) for values in zip(*points, strict=True)]
    longest, axis = max((side[-1] - side[0], axis) for axis, side in enumerate(sides))
    side = sides[axis]
    for far, rest in ((side[0], side[-1] - side[1]), (side[-1], side[-2] - side[0])):
        if rest * STRAY <= longest:
            at = next(at for at, point in enumerate(points) if point[axis] == far)
            others = points[:at] + points[at + 1 :]
            size = max(max(values) - min(values) for values in zip(*others, strict=True))
            if 0 < size * STRAY <= longest:
                return True
    return False


def draw(strokes: list[Stroke], extent: Extent | None = None) -> Image.Image:
    """Ink as a greyscale picture, its proportions kept.

    Args:
        strokes: The strokes, each of shape (points, 2), in any unit.
        extent: As `measure` found it. None: it is measured.

    Returns:
        The picture, mode L, dark on white.
    """
    extent = measure(strokes) if extent is None else extent
    left, top, width, height = extent.left, extent.top, extent.width, extent.height
    wanted, scale = extent.wanted_scale, extent.scale
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
        """A PNG and its file name. Raises PictureError as `inkml.parse`, `check_size` and `Files.read` do."""
        ink = parse(self.files.read(self.name), self.name) if self.ink is None else self.ink
        extent = measure(ink.strokes)
        check_size(ink.strokes, extent, self.name)
        return png(draw(ink.strokes, extent)), f"{PurePosixPath(self.name).stem}.png"
