"""Real expressions taken apart: which strokes draw which node of the expression tree.

CROHME's InkML groups traces by symbol, and its MathML names the groups in the order of the tree. Where
the symbols of both agree one by one with those of the label's tree, every node has its own strokes;
94 % of CROHME's training ink does. The rest is left out: nothing is guessed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from statistics import median
from xml.etree.ElementTree import Element

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from hmer_tasks.exceptions import LabelError, PictureError
from hmer_tasks.handwriting.boxes import Cell, cells_of
from hmer_tasks.handwriting.curves import Points
from hmer_tasks.handwriting.forms import forms
from hmer_tasks.handwriting.ink_context import local
from hmer_tasks.handwriting.inkml import parse
from hmer_tasks.handwriting.symbols import NO_INK, form_names
from hmer_tasks.latex.normalize import normalize
from hmer_tasks.latex.parser import parse as parse_label
from hmer_tasks.storage.files import Files

SPELLINGS = {
    "\\lt": "<",
    "\\gt": ">",
    "COMMA": ",",
    "\\|": "|",
    "\\vert": "|",
    "'": "\\prime",
}  # of symbols in CROHME's groups
FRACTION_BARS = frozenset(["\\frac", "\\dfrac", "\\tfrac", "\\cfrac", "\\over"])  # CROHME names their ink "-"
STACKED = frozenset("\\sum \\prod \\coprod \\lim \\bigcup \\bigcap \\max \\min \\sup \\inf \\int".split())
INKLESS = NO_INK | {"{}", "<none>", "\\end", "\\begin", "&", "\\\\"}
ID = "{http://www.w3.org/XML/1998/namespace}id"
UNIT = 100.0  # height of a digit: a unit is a hundredth of it, as in all of our handwriting

Bounds = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True, slots=True)
class Group:
    """One symbol of a document: what it is, its strokes, and the ids that name it."""

    token: str
    strokes: tuple[Points, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One InkML document: its symbols, who wrote it, and the label and MathML where it has them."""

    name: str
    writer: str
    groups: tuple[Group, ...]
    truth: str | None
    mathml: Element | None


@dataclass(slots=True)
class Expression:
    """A real expression with strokes for every inked node of its tree; y runs downwards.

    The ink is scaled so that a digit is about `unit` high. `cells`: all nodes by number.
    """

    name: str
    writer: str
    line: list[Cell]
    cells: list[Cell]
    strokes: dict[int, tuple[Points, ...]]
    unit: float = UNIT
    extents: dict[int, Bounds] = field(default_factory=dict)


def read_documents(files: Files, names: Sequence[str]) -> Iterator[Document]:
    """The documents that can be read and have symbol groups.

    Args:
        files: The folder or archive.
        names: Names of InkML files in it.

    Yields:
        The documents, in that order.
    """
    for name in names:
        try:
            data = files.read(name)
            ink = parse(data, name)
            root = fromstring(data, forbid_dtd=True)
        except (PictureError, ParseError, DefusedXmlException, ValueError):
            continue
        strokes = {
            id: np.array(points, dtype=np.float64) for id, points in zip(ink.ids, ink.strokes, strict=True)
        }
        groups = tuple(_groups(root, strokes))
        if groups:
            yield Document(name, _writer(ink.annotations, name), groups, ink.truth, ink.mathml)


def _groups(root: Element, strokes: dict[str, Points]) -> Iterator[Group]:
    for element in root.iter():
        if local(element) != "traceGroup":
            continue
        views = [view.get("traceDataRef", "") for view in element if local(view) == "traceView"]
        drawn = tuple(strokes[view] for view in views if view in strokes)
        if not drawn:
            continue
        truth, names = "", [element.get(ID) or ""]
        for child in element:
            if local(child) == "annotation" and child.get("type") == "truth":
                truth = (child.text or "").strip()
            elif local(child) == "annotationXML":
                names.insert(0, child.get("href", ""))
        yield Group(SPELLINGS.get(truth, truth), drawn, tuple(name for name in names if name))


def _writer(annotations: dict[str, str], name: str) -> str:
    """Who wrote a document: its `writer`, else its session (a UI without its running number)."""
    writer = annotations.get("writer", "").strip()
    if writer.lower() not in ("", "unknown"):
        return writer
    session = annotations.get("UI", "").strip().strip('"').removesuffix(".ink")
    return re.sub(r"-\d+$", "", session) or name


def expression_of(document: Document) -> Expression | None:
    """The document's tree with its strokes; None where label, MathML and groups do not agree."""
    if document.truth is None or document.mathml is None:
        return None
    try:
        line, cells, _ = cells_of(parse_label(normalize(document.truth, "crohme")))
    except LabelError:
        return None
    inked = [cell for cell in _mathml_order(line) if cell.symbol not in INKLESS]
    named = {name: group for group in document.groups for name in group.names}
    order: list[Group] = []
    for element in document.mathml.iter():
        group = named.get(element.get(ID) or element.get("id") or "")
        if group is not None and not (order and order[-1] is group):
            order.append(group)
    if len(order) != len(document.groups) or len(order) != len(inked):
        return None
    for cell, group in zip(inked, order, strict=True):
        if group.token != ("-" if cell.symbol in FRACTION_BARS else SPELLINGS.get(cell.symbol, cell.symbol)):
            return None
    strokes = {cell.number: group.strokes for cell, group in zip(inked, order, strict=True)}
    expression = Expression(document.name, document.writer, line, cells, strokes)
    expression.extents = {number: extent(traces) for number, traces in strokes.items()}
    unit = unit_of(expression, [cell.number for cell in line]) or unit_of(expression, list(strokes))
    if unit is None:  # nothing but bars and brackets: their own size
        unit = max(max(box[2] - box[0], box[3] - box[1]) for box in expression.extents.values())
    if not unit > 0:
        return None
    scale = UNIT / unit
    for number, traces in strokes.items():
        strokes[number] = tuple(stroke * scale for stroke in traces)
        expression.extents[number] = extent(strokes[number])
    return expression


def is_accent(cell: Cell) -> bool:
    """Whether a node's own ink is a mark over or under its argument: MathML names the argument first."""
    places = {name for name, _ in cell.children} - {"sub", "sup", "nextline"}
    if cell.symbol in FRACTION_BARS or cell.symbol == "\\sqrt" or cell.symbol in STACKED:
        return False
    return "inside" in places or places == {"above"}


def _mathml_order(line: Sequence[Cell]) -> Iterator[Cell]:
    """Cells in the order of presentational MathML: an accent after its base, a root's index after its
    content, what stands below before what stands above."""
    for cell in line:
        children = dict(cell.children)
        order = ["below", "above", "sub", "sup"]
        if is_accent(cell):
            first = "inside" if "inside" in children else "above"
            yield from _mathml_order(children.pop(first))
        elif cell.symbol in FRACTION_BARS or cell.symbol == "\\sqrt":
            order = ["above", "below", "sub", "sup"]
        yield cell
        for name in [*order, *(name for name in children if name not in order)]:
            yield from _mathml_order(children.get(name, ()))


def extent(strokes: Sequence[Points]) -> Bounds:
    """The box of some strokes."""
    points = np.concatenate(strokes)
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return left, top, right, bottom


@cache
def usual_height(token: str) -> float | None:
    """Height of a token against that of a digit, as most of our forms have it; None where it stretches."""
    if token in STRETCHING or token in FRACTION_BARS:
        return None
    heights = [form.bottom - form.top for name in form_names(token) for form in forms()[name]]
    if not heights:
        return None
    height = median(heights) / 100.0
    return height if height > 0.3 else None


STRETCHING = frozenset(
    ["\\sqrt", "|", "\\sum", "\\int", "\\prod", "-", "=", "(", ")", "[", "]", "\\{", "\\}", "\\lim", "/"]
)


def unit_of(expression: Expression, numbers: Sequence[int]) -> float | None:
    """The height of a digit in an expression.

    Args:
        expression: The expression.
        numbers: The nodes to judge it by.

    Returns:
        The height, in the expression's units; None where none of the nodes tells.
    """
    sizes = []
    for number in numbers:
        usual = usual_height(expression.cells[number].symbol)
        box = expression.extents.get(number)
        if usual is not None and box is not None:
            sizes.append((box[3] - box[1]) / usual)
    return median(sizes) if sizes else None
