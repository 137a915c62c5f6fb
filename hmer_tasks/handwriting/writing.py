"""A label written by hand: the picture, and where each of its symbols stands.

    written = write("x ^ { 2 }", writer(3), seed=0)
    written.png()                      # the picture's bytes
    written.boxes, written.relations   # labels for free: a box a node, and how nodes hang together

Nodes are numbered as by `ExprTree.to_networkx`. The same (label, writer, seed) gives the same bytes.
"""

import io
from dataclasses import dataclass
from random import Random

from PIL import Image

from hmer_tasks.exceptions import LabelError, RejectReason
from hmer_tasks.handwriting.boxes import Cell, Relation, UndrawableError, cells_of
from hmer_tasks.handwriting.curves import box_of
from hmer_tasks.handwriting.inkml_writer import inkml_document
from hmer_tasks.handwriting.layout import Layout
from hmer_tasks.handwriting.paper import photographed
from hmer_tasks.handwriting.pen import Ink, clean, ink
from hmer_tasks.handwriting.writer import Hands, Writer, keyed, writer
from hmer_tasks.images import png
from hmer_tasks.latex.parser import parse

__all__ = ["LOOKS", "Hands", "Writer", "Written", "drawable", "write", "write_ink", "write_inkml", "writer"]

LOOKS = ("ink", "photo")
PixelBox = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True, slots=True)
class Written:
    """A picture, its encoded bytes and their ending, and what stands where.

    `symbols`: the tree's nodes in order; `boxes`: each one's place in pixels, None for a node
    without ink (a group, a space, an `&`); `relations`: (parent, child, name).
    """

    data: bytes
    ending: str
    size: tuple[int, int]
    symbols: tuple[str, ...]
    boxes: tuple[PixelBox | None, ...]
    relations: tuple[Relation, ...]


def write(label: str, by: Writer, seed: int = 0, look: str = "ink") -> Written:
    """Write a label by hand.

    Args:
        label: The LaTeX; it need not be in explicit form.
        by: Who writes.
        seed: The same label, writer and seed give the same picture.
        look: `ink` (a clean scan, PNG) or `photo` (a photograph of paper, JPEG).

    Returns:
        The encoded picture, with the boxes of its symbols in pixels.

    Raises:
        LabelError: What `parse` raises, and `not_drawable`.
    """
    chance = keyed("write", seed, by.number, label)
    written, cells, relations = _ink_of(label, by, chance)
    if look == "photo":
        data, size, places = photographed(written, chance)
        ending = "jpg"
    else:
        picture = clean(written)
        data, size, places, ending = png(picture), picture.size, written.strokes, "png"
    boxes: list[PixelBox | None] = [None] * len(cells)
    for number, points, widths in zip(written.numbers, places, written.widths, strict=True):
        half = float(widths[0]) / 2
        left, top, right, bottom = box_of(points)
        box = left - half, top - half, right + half, bottom + half
        old = boxes[number] or box
        boxes[number] = (min(box[0], old[0]), min(box[1], old[1]), max(box[2], old[2]), max(box[3], old[3]))
    return Written(data, ending, size, tuple(cell.symbol for cell in cells), tuple(boxes), tuple(relations))


def write_ink(label: str, by: Writer, seed: int = 0) -> tuple[Ink, list[Cell]]:
    """The strokes that `write` paints.

    Args:
        label: The LaTeX.
        by: Who writes.
        seed: As for `write`.

    Returns:
        The ink, in pixels, and the nodes of the label's tree by number.

    Raises:
        LabelError: As `write` does.
    """
    ink_written, cells, _ = _ink_of(label, by, keyed("write", seed, by.number, label))
    return ink_written, cells


def write_inkml(label: str, by: Writer, seed: int = 0, id: str = "") -> bytes:
    """The label as InkML, with the strokes that `write` paints.

    Args:
        label: The LaTeX.
        by: Who writes.
        seed: As for `write`.
        id: What the document calls itself.

    Returns:
        The document, UTF-8.

    Raises:
        LabelError: As `write` does.
    """
    return inkml_document(id, label, write_ink(label, by, seed)[0], by.name)


def _ink_of(label: str, by: Writer, chance: Random) -> tuple[Ink, list[Cell], list[Relation]]:
    line, cells, relations = cells_of(parse(label))
    try:
        box = Layout(by, chance).block(line, 1.0)
    except UndrawableError as error:
        raise _refused(label, error.symbol) from None
    if not box.marks:
        raise _refused(label, label.split(maxsplit=1)[0])
    return ink(box, by, chance), cells, relations


def drawable(label: str) -> bool:
    """Whether a label parses and every symbol of it can be drawn."""
    try:
        line, _, _ = cells_of(parse(label))
        return bool(Layout(writer(0), keyed("drawable")).block(line, 1.0).marks)
    except (LabelError, UndrawableError):
        return False


def _refused(label: str, symbol: str) -> LabelError:
    tokens = label.split()
    place = tokens.index(symbol) if symbol in tokens else 0
    detail = f"{symbol} cannot be drawn: no writer has strokes for it"
    return LabelError(RejectReason.NOT_DRAWABLE, place, detail, tuple(tokens))


def decode(written: Written) -> Image.Image:
    """The picture, decoded."""
    return Image.open(io.BytesIO(written.data))
