"""Ink as a picture: whatever numbers the reader lets through are drawn, at a sound size. A stroke a line."""

import io
from xml.sax.saxutils import escape

from PIL import Image

from hmer_tasks.exceptions import PictureError
from hmer_tasks.handwriting.inkml import parse
from hmer_tasks.handwriting.strokes import render
from hmer_tasks.images import MAX_ASPECT, MAX_PIXELS
from tests.fuzz.common import check_line

WORDS = b"\n|, |1 2|0 0|-1 -1|999999999 -999999999|1e-300 1e-300|0.1 0.1, 0.10000001 0.1|-0 0|5e-324 0|1e8 0".split(
    b"|"
)


def run(data: bytes) -> None:
    lines = data.decode("ascii", "replace").replace("\x00", " ").split("\n")
    document = "".join(f"<trace>{escape(line)}</trace>" for line in lines)
    try:
        ink = parse(f"<ink>{document}</ink>".encode(), "x.inkml")
    except PictureError as error:
        check_line(error)
        return
    picture = Image.open(io.BytesIO(render(ink)))
    picture.load()
    assert picture.mode == "L"
    assert picture.width * picture.height <= MAX_PIXELS
    assert max(picture.size) <= MAX_ASPECT * min(picture.size)
