"""A sixth task, as a plug-in: where each symbol stands, and then the LaTeX.

    hmer-tasks build --plugin examples/bounding_boxes_task.py --dataset synthetic --tasks bounding_boxes
    hmer-tasks verify --plugin examples/bounding_boxes_task.py build/synthetic

Synthetic handwriting knows where it put its ink, so the boxes cost nothing; other corpora get no rows of this
task. An answer has a line for each symbol, `symbol left top right bottom`, in thousandths of the picture's
width and height, and the label as its last line.
"""

import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from hmer_tasks.corpora.synthetic import HandPicture
from hmer_tasks.exceptions import ProofError
from hmer_tasks.handwriting.writing import write
from hmer_tasks.tasks.base import Labelled, Row, last_line

SCALE = 1000
INK = 128  # a grey value below this is ink
MARGIN = 3  # pixels that rounding and the softened edge of a stroke may lie outside

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class BoundingBoxes:
    """The target is a line for each symbol with ink, then the label."""

    name: str = "bounding_boxes"
    prompt: str = (
        "I have an image of a handwritten mathematical expression. Please give the bounding box of each "
        "symbol as left, top, right, bottom in thousandths of the image's width and height, one symbol a "
        "line, and then provide the corresponding LaTeX format."
    )

    def row(self, labelled: Labelled, prompts: Mapping[str, str]) -> Row | None:
        """The row; None for a picture that was not written by the pen."""
        picture = labelled.image
        if not isinstance(picture, HandPicture):
            return None
        pen = picture.pen
        written = write(picture.label, pen.writer(picture.index), picture.index, pen.look)
        width, height = written.size
        lines = []
        for symbol, box in zip(written.symbols, written.boxes, strict=True):
            if box is not None:
                scaled = (box[0] / width, box[1] / height, box[2] / width, box[3] / height)
                lines.append(" ".join([symbol, *(str(_thousandths(part)) for part in scaled)]))
        target = "\n".join([*lines, labelled.label])
        return Row(self.name, labelled.label, prompts[self.name], target)

    def check(self, row: Row) -> None:
        """The last line is the label, and every box is one, of a symbol that the label has."""
        if last_line(row.target) != row.label:
            raise ProofError(f"{self.name}: the last line is not the label")
        boxes = boxes_in(row.target)
        if boxes is None:
            raise ProofError(f"{self.name}: a line is no box")
        if surplus := Counter(symbol for symbol, _ in boxes) - Counter(row.label.split()):
            raise ProofError(f"{self.name}: the label has no {min(surplus)} for a box")

    def check_picture(self, row: Row, picture: bytes) -> None:
        """There is ink in every box, and on clean paper none outside of all."""
        with Image.open(io.BytesIO(picture)) as image:
            pixels = np.asarray(image.convert("L"))
            clean = image.format == "PNG"  # a photograph has shadows and lines
        height, width = pixels.shape
        outside = pixels < INK
        for symbol, (left, top, right, bottom) in boxes_in(row.target) or ():
            rows = slice(max(0, top * height // SCALE - MARGIN), bottom * height // SCALE + MARGIN + 1)
            columns = slice(max(0, left * width // SCALE - MARGIN), right * width // SCALE + MARGIN + 1)
            inside = pixels[rows, columns]
            if clean and not (inside < INK).any():
                raise ProofError(f"{self.name}: there is no ink in the box of {symbol}")
            outside[rows, columns] = False
        if clean and outside.any():
            raise ProofError(f"{self.name}: there is ink outside of all boxes")

    def read(self, target: str) -> str:
        """The label in an answer."""
        return last_line(target)

    def score(self, answer: str, label: str) -> Mapping[str, float]:
        """Whether the boxes can be read, and the F1 of their symbols against the label's."""
        boxes = boxes_in(answer)
        said = Counter(symbol for symbol, _ in boxes or ())
        true = Counter(token for token in label.split() if token not in "{}_^")
        matched, total = sum((said & true).values()), sum(said.values()) + sum(true.values())
        return {
            "readable_boxes": float(boxes is not None),
            "symbol_f1": 2 * matched / total if total else 1.0,
        }


def _thousandths(part: float) -> int:
    return min(SCALE, max(0, round(part * SCALE)))


def boxes_in(answer: str) -> list[tuple[str, Box]] | None:
    """The symbols and boxes of an answer's lines before the last; None where a line is none."""
    boxes = []
    for line in answer.split("\n")[:-1]:
        symbol, *numbers = line.split(" ")
        if len(numbers) != 4 or not all(number.isdigit() for number in numbers):
            return None
        left, top, right, bottom = map(int, numbers)
        if not (left <= right <= SCALE and top <= bottom <= SCALE):
            return None
        boxes.append((symbol, (left, top, right, bottom)))
    return boxes


TASKS = [BoundingBoxes()]
