"""One label by three synthetic writers and as a photograph, and its tree: the picture of the README.

    python examples/picture_and_tree.py docs/images/picture_and_tree.png

The same versions of the packages draw the same picture.
"""

import io
import sys

from PIL import Image

from hmer_tasks import parse
from hmer_tasks.cli.trees import png
from hmer_tasks.handwriting.writing import decode, write, writer

LABEL = r"x _ { 1 } = \frac { - b + \sqrt { b ^ { 2 } - 4 a c } } { 2 a }"
WRITERS = (3, 10, 16)
PHOTOGRAPHER = 6
WIDTH, GAP = 460, 26  # pixels: of a formula, and between formulas


def column(pictures: list[Image.Image]) -> Image.Image:
    """The pictures below one another, all of one width."""
    scaled = [picture.resize((WIDTH, round(picture.height * WIDTH / picture.width))) for picture in pictures]
    sheet = Image.new("RGB", (WIDTH, sum(picture.height + GAP for picture in scaled) - GAP), "white")
    top = 0
    for picture in scaled:
        sheet.paste(picture, (0, top))
        top += picture.height + GAP
    return sheet


def main(out: str) -> None:
    written = [decode(write(LABEL, writer(number))) for number in WRITERS]
    photograph = decode(write(LABEL, writer(PHOTOGRAPHER), look="photo"))
    left = column([*(picture.convert("RGB") for picture in written), photograph])
    tree = Image.open(io.BytesIO(png(parse(LABEL))))
    size = left.width + 2 * GAP + tree.width, max(left.height, tree.height) + GAP
    sheet = Image.new("RGB", size, "white")
    sheet.paste(left, (GAP // 2, GAP // 2))
    sheet.paste(tree, (left.width + 2 * GAP, GAP // 2))
    sheet.save(out)
    print(f"picture: {out}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "picture_and_tree.png")
