"""Contact sheets of the hand, to be looked at.

python -m bench.handwriting_sheet writers OUT.png            10 labels × 6 writers
python -m bench.handwriting_sheet photos OUT.png LABELS.tsv  40 photographs of labels of a file
python -m bench.handwriting_sheet real OUT.png INK_FOLDER
                                                             real ink beside the same labels written
python -m bench.handwriting_sheet compared OUT.png INK_FOLDER
                                    12 × (real ink, the pen, a real person's strokes, recombined)
"""

import io
from pathlib import Path
from random import Random

from PIL import Image

from bench.corpus import words
from hmer_tasks.exceptions import LabelError
from hmer_tasks.handwriting.boxes import Cell
from hmer_tasks.handwriting.collect import collect
from hmer_tasks.handwriting.compose import recombined_ink
from hmer_tasks.handwriting.inkml import parse
from hmer_tasks.handwriting.parts import Expression, expression_of, read_documents
from hmer_tasks.handwriting.pen import clean
from hmer_tasks.handwriting.recombine import Recombiner
from hmer_tasks.handwriting.strokes import draw
from hmer_tasks.handwriting.writer import keyed
from hmer_tasks.handwriting.writing import decode, drawable, write, writer
from hmer_tasks.latex.normalize import normalize
from hmer_tasks.latex.tree import ExprTree, Node, to_label
from hmer_tasks.storage.opening import open_files

LABELS = (
    "\\frac { a ^ { 2 } } { \\sqrt { x _ { 1 } + 1 } }",
    "x = \\frac { - b \\pm \\sqrt { b ^ { 2 } - 4 a c } } { 2 a }",
    "y = \\begin {cases} 1 & x < 0 \\\\ 2 & x \\geq 0 \\end {cases}",
    "\\sum _ { i = 1 } ^ { n } i = \\frac { n ( n + 1 ) } { 2 }",
    "\\lim _ { x \\rightarrow 0 } \\frac { \\sin x } { x } = 1",
    "\\vec { a } \\cdot \\vec { b } = | \\vec { a } | | \\vec { b } | \\cos \\theta",
    "\\int _ { 0 } ^ { \\pi } \\sin ^ { 2 } \\theta d \\theta = \\frac { \\pi } { 2 }",
    "\\angle A B C = 9 0 ^ { \\circ } , \\triangle A B C \\cong \\triangle D E F",
    "\\left [ \\begin {array} { c c } 1 & 0 \\\\ 0 & 1 \\end {array} \\right ]",
    "2 H _ { 2 } + O _ { 2 } \\xrightarrow { \\Delta } 2 H _ { 2 } O",
)


def sheet(rows: list[list[Image.Image]], cell: tuple[int, int]) -> Image.Image:
    page = Image.new("RGB", (cell[0] * max(map(len, rows)), cell[1] * len(rows)), "white")
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            picture.thumbnail((cell[0] - 10, cell[1] - 8), Image.Resampling.LANCZOS)
            page.paste(picture, (x * cell[0], y * cell[1]))
    return page


def written(label: str, number: int, look: str = "ink") -> Image.Image:
    return Image.open(io.BytesIO(write(label, writer(number), number, look).data)).convert("RGB")


def photos(path: Path) -> list[list[Image.Image]]:
    labels = [line.split("\t")[1] for line in path.read_text(encoding="utf-8").splitlines() if "\t" in line]
    chosen = [label for label in Random(4).sample(labels, 90) if len(label.split()) > 4 and drawable(label)][
        :40
    ]
    pictures = [written(label, number, "photo") for number, label in enumerate(chosen)]
    return [pictures[at : at + 4] for at in range(0, 40, 4)]


def beside(folder: Path) -> list[list[Image.Image]]:
    """Real ink of a CROHME package on the left, the same label by our hand on the right."""
    rows: list[list[Image.Image]] = []
    with open_files(folder) as files:
        names = files.names(suffix=".inkml")
        Random(9).shuffle(names)
        for number, name in enumerate(names):
            ink = parse(files.read(name), name)
            try:
                label = normalize(ink.truth or "", "crohme")
            except LabelError:
                continue
            if not drawable(label):
                continue
            pair = [draw(ink.strokes).convert("RGB"), written(label, number)]
            if rows and len(rows[-1]) < 4:
                rows[-1] += pair
            else:
                rows.append(pair)
            if len(rows) == 12 and len(rows[-1]) == 4:
                return rows
    return rows


def compared(ink: Path) -> list[list[Image.Image]]:
    """Twelve labels: real ink, the pen, a real person's writer, and that expression put together anew."""
    people = collect(ink)
    with open_files(ink) as files:
        names = files.names(suffix=".inkml")
        Random(7).shuffle(names)
        expressions = [
            expression
            for expression in map(expression_of, read_documents(files, names[:1200]))
            if expression is not None
        ]
    recombiner = Recombiner(expressions)
    rows: list[list[Image.Image]] = []
    for number, expression in enumerate(expressions):
        label = label_of(expression)
        if not (6 < len(label.split()) < 24 and drawable(label)):
            continue
        strokes = [
            stroke.tolist() for symbol_strokes in expression.strokes.values() for stroke in symbol_strokes
        ]
        real = draw([[(x, y) for x, y in stroke] for stroke in strokes])
        known = expression.writer in people.people
        by = people.writer(people.people.index(expression.writer) if known else number)
        new = recombiner.plan(keyed("sheet", number))
        rows.append([
            real.convert("RGB"), written(label, number), decode(write(label, by, number)).convert("RGB"),
            clean(recombined_ink(new, keyed("sheet ink", number))).convert("RGB"),
        ])  # fmt: skip
        if len(rows) == 12:
            break
    return rows


def label_of(expression: Expression) -> str:
    """The label of a real expression."""

    def node(cell: Cell) -> Node:
        return Node(cell.symbol, tuple((name, tuple(map(node, line))) for name, line in cell.children))

    return to_label(ExprTree(tuple(map(node, expression.line))))


def main() -> None:
    kind, path, *source = words(__doc__, "KIND", "OUT", "SOURCE?")
    out = Path(path)
    if kind == "writers":
        page = sheet([[written(label, number) for number in range(6)] for label in LABELS], (360, 120))
    elif kind == "photos":
        page = sheet(photos(Path(source[0])), (420, 150))
    elif kind == "compared":
        page = sheet(compared(Path(source[0])), (430, 115))
    else:
        page = sheet(beside(Path(source[0])), (480, 110))
    page.save(out)
    print(f"{out}: {page.width} × {page.height}")


if __name__ == "__main__":
    main()
