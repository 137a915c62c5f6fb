"""Ink written as InkML, as CROHME has it: strokes, a trace group for each symbol, writer, label, MathML.

The MathML is presentational, with LaTeX tokens as its text and an `xml:id` on every symbol that the
trace groups name. Coordinates are those of the picture that would be drawn, y downwards.
"""

from collections import defaultdict
from html import escape as escape_html

from hmer_tasks.handwriting.accents import UNDER
from hmer_tasks.handwriting.boxes import Cell, cells_of
from hmer_tasks.handwriting.parts import FRACTION_BARS, STACKED, is_accent
from hmer_tasks.handwriting.pen import Ink
from hmer_tasks.handwriting.symbols import NAMES, NO_INK, SPACES, space_class
from hmer_tasks.latex.attributes import HIDDEN
from hmer_tasks.latex.parser import parse

NAMESPACE = "http://www.w3.org/2003/InkML"
MATHML = "http://www.w3.org/1998/Math/MathML"
COPYRIGHT = "written by hmer-tasks"
SET = frozenset(["\\overset", "\\underset", "\\stackrel"])  # they have no ink of their own
INKLESS = NO_INK | SPACES.keys() | {"<none>", "\\end", "&", "\\\\"}


def inkml_document(id: str, label: str, ink: Ink, writer: str) -> bytes:
    """One expression as an InkML document.

    Args:
        id: goes into the document as its `UI`.
        label: the LaTeX, tokens separated by blanks; its tree numbers the nodes that `ink.numbers` names.
        ink: strokes in pixels.
        writer: who wrote it.

    Returns:
        The document, UTF-8.
    """
    line, cells, _ = cells_of(parse(label))
    traces: dict[int, list[int]] = defaultdict(list)
    for position, number in enumerate(ink.numbers):
        traces[number].append(position)
    names = _names(cells, set(traces))
    out = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<ink xmlns="{NAMESPACE}">',
        "<traceFormat>",
        '<channel name="X" type="decimal"/>',
        '<channel name="Y" type="decimal"/>',
        "</traceFormat>",
        f'<annotation type="UI">{_escaped(id)}</annotation>',
        f'<annotation type="truth">{_escaped(label)}</annotation>',
        f'<annotation type="writer">{_escaped(writer)}</annotation>',
        f'<annotation type="copyright">{COPYRIGHT}</annotation>',
        '<annotationXML type="truth" encoding="Presentation-MathML">',
        f'<math xmlns="{MATHML}">{_row(line, names)}</math>',
        "</annotationXML>",
    ]
    for position, stroke in enumerate(ink.strokes):
        points = ", ".join(f"{x:.2f} {y:.2f}" for x, y in stroke.tolist())
        out.append(f'<trace id="{position}">{points}</trace>')
    out += ['<traceGroup xml:id="segmentation">', '<annotation type="truth">Segmentation</annotation>']
    for number, positions in sorted(traces.items()):
        views = "".join(f'<traceView traceDataRef="{position}"/>' for position in positions)
        truth = "-" if cells[number].symbol in FRACTION_BARS else cells[number].symbol
        out.append(
            f'<traceGroup xml:id="group_{number}"><annotation type="truth">{_escaped(truth)}</annotation>'
            f"{views}<annotationXML href={_quoted(names[number])}/></traceGroup>"
        )
    out += ["</traceGroup>", "</ink>", ""]
    return "\n".join(out).encode()


def _escaped(text: str) -> str:
    """Text of an element. (`xml.sax.saxutils` does this, but loads an HTTP client with it.)"""
    return escape_html(text, quote=False)


def _quoted(text: str) -> str:
    """The value of an attribute, in quotation marks."""
    return f'"{_escaped(text).replace(chr(34), "&quot;")}"'


def _names(cells: list[Cell], inked: set[int]) -> dict[int, str]:
    """An id for each inked node: its token and which one of its kind it is, as CROHME has it."""
    counts: dict[str, int] = defaultdict(int)
    names = {}
    for cell in cells:
        if cell.number in inked:
            token = "-" if cell.symbol in FRACTION_BARS else cell.symbol
            counts[token] += 1
            names[cell.number] = f"{token}_{counts[token]}"
    return names


def _row(cells: list[Cell], names: dict[int, str]) -> str:
    inked = (cell for cell in cells if cell.symbol not in HIDDEN)
    rows = [_node(cell, names) for cell in inked if cell.symbol not in INKLESS or cell.children]
    return rows[0] if len(rows) == 1 else f"<mrow>{''.join(rows)}</mrow>"


def _node(cell: Cell, names: dict[int, str]) -> str:
    """A node with its children. Fractions and roots carry the id of their own ink themselves."""
    children = dict(cell.children)
    sub, sup = children.pop("sub", None), children.pop("sup", None)
    symbol = cell.symbol
    if symbol == "\\begin":
        core = _table(cell, names)
    elif "above" in children and "below" in children and (symbol in FRACTION_BARS or "binom" in symbol):
        above, below = _row(children["above"], names), _row(children["below"], names)
        core = f"<mfrac{_id(cell, names)}>{above}{below}</mfrac>"
    elif symbol == "\\sqrt" and "above" in children:
        inside = _row(children["above"], names)
        if "below" in children:
            core = f"<mroot{_id(cell, names)}>{inside}{_row(children['below'], names)}</mroot>"
        else:
            core = f"<msqrt{_id(cell, names)}>{inside}</msqrt>"
    elif is_accent(cell):
        inside = _row(children.pop("inside") if "inside" in children else children.pop("above"), names)
        tag = "munder" if symbol in UNDER else "mover"
        core = inside if symbol == "{}" or symbol in SET else f"<{tag}>{inside}{_leaf(cell, names)}</{tag}>"
    else:
        core = _leaf(cell, names)
    if (
        "above" in children
        and "below" in children
        and not (symbol in FRACTION_BARS or symbol == "\\sqrt" or "binom" in symbol)
    ):
        core = (
            f"<munderover>{core}{_row(children['below'], names)}{_row(children['above'], names)}</munderover>"
        )
    elif "below" in children and symbol not in FRACTION_BARS | {"\\sqrt"} and "above" not in children:
        core = f"<munder>{core}{_row(children['below'], names)}</munder>"
    elif "above" in children and symbol in STACKED | SET:
        core = f"<mover>{core}{_row(children['above'], names)}</mover>"
    if sub is not None and sup is not None:
        return f"<msubsup>{core}{_row(sub, names)}{_row(sup, names)}</msubsup>"
    if sub is not None:
        return f"<msub>{core}{_row(sub, names)}</msub>"
    if sup is not None:
        return f"<msup>{core}{_row(sup, names)}</msup>"
    return core


def _leaf(cell: Cell, names: dict[int, str]) -> str:
    symbol = cell.symbol
    if cell.number not in names:
        return "<mrow/>"
    tag = "mn" if symbol.isdigit() else "mi"
    if symbol not in NAMES and (space_class(symbol) != "plain" or not symbol.lstrip("\\").isalnum()):
        tag = "mo"
    return f"<{tag}{_id(cell, names)}>{_escaped(symbol)}</{tag}>"


def _table(cell: Cell, names: dict[int, str]) -> str:
    """An environment: a table whose cells are the rows' parts between `&`."""
    from hmer_tasks.handwriting.lines import rows_of

    rows = []
    for row in rows_of(cell.children[0][1]):
        parts: list[list[Cell]] = [[]]
        for child in row:
            if child.symbol == "&":
                parts.append([])
            else:
                parts[-1].append(child)
        rows.append("".join(f"<mtd>{_row(part, names)}</mtd>" for part in parts))
    return f"<mtable{_id(cell, names)}>{''.join(f'<mtr>{row}</mtr>' for row in rows)}</mtable>"


def _id(cell: Cell, names: dict[int, str]) -> str:
    return f" xml:id={_quoted(names[cell.number])}" if cell.number in names else ""
