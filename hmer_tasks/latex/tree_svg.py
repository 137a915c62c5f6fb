"""An expression tree drawn as a tree (SVG): a line of symbols is a box, its child lines hang below it.

An edge goes from a symbol to the box of its child line and bears the relation's name. All that a label
holds becomes escaped text; places are numbers.
"""

from dataclasses import dataclass
from unicodedata import combining, east_asian_width

from markupsafe import Markup

from hmer_tasks.latex.nodes import Line, Node, depth_of

MAX_NODES = 400  # beyond it nobody finds anything in a drawing
# Pixels: a monospace character of a symbol and of a relation, padding within a box, the gap between
# boxes, a box's height, from one level to the next, around the whole.
_CHAR, _SMALL, _PAD, _GAP, _HIGH, _LEVEL, _MARGIN = 8.2, 6.3, 7, 12, 26, 66, 8
# What a colour of its own stands for; any other relation is of class `rel`.
_COLOURED = frozenset(["sub", "sup", "above", "below", "inside"])

_STYLE = Markup(
    "<style>svg.tree{background:#fff}svg.tree path{fill:none;stroke:#666;stroke-width:1.2}"
    "svg.tree .right{stroke:#bbb}svg.tree rect{fill:#f2f4f8;stroke:#bbb}"
    "svg.tree text{font:13.5px monospace;text-anchor:middle;fill:#1a1a1a}"
    "svg.tree .name{font-size:10.5px;paint-order:stroke;stroke:#fff;stroke-width:4px;fill:#555}</style>"
)


@dataclass(frozen=True, slots=True)
class _Part:
    """A node with its child lines; the widths of its symbol, of its lines together, and of the whole."""

    node: Node
    text: float
    below: float
    width: float
    lines: "tuple[tuple[str, _Row], ...]"


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of nodes: `left` and `right` are the edges of its own box within `width`."""

    parts: tuple[_Part, ...]
    width: float
    left: float
    right: float


def tree_svg(line: Line, *, standalone: bool = False) -> Markup | None:
    """The drawing of an expression tree.

    Args:
        line: the main line of the tree.
        standalone: whether the drawing brings its own style; on our pages the page's style sheet has it.

    Returns:
        An `<svg>` element; None where the tree has over MAX_NODES nodes.
    """
    if _size(line) > MAX_NODES:
        return None
    row, drawing = _measured(line, ""), _Drawing()
    drawing.row(row, _MARGIN, _MARGIN)
    depth = depth_of(line)
    width, height = row.width + 2 * _MARGIN, depth * _LEVEL + _HIGH + 2 * _MARGIN
    return Markup(
        '<svg class="tree" role="img" aria-label="tree of {} nodes, {} deep" width="{:.0f}" height="{:.0f}" '
        'viewBox="0 0 {:.0f} {:.0f}">{}<path d="{}"/>{}</svg>'
    ).format(
        _size(line), depth, width, height, width, height, _STYLE if standalone else "",
        "".join(drawing.edges), Markup("").join(drawing.shapes),
    )  # fmt: skip


def _size(line: Line) -> int:
    count, open_lines = 0, [line]
    while open_lines:
        for node in open_lines.pop():
            count += 1
            open_lines += [child for _, child in node.children]
    return count


def text_width(text: str, character: float) -> float:
    """Pixels of a monospace text: Chinese is two wide, combining marks nothing."""
    return character * sum(
        0 if combining(sign) else 1 + (east_asian_width(sign) in ("W", "F")) for sign in text
    )


def _measured(line: Line, relation: str) -> _Row:
    parts = tuple(_part(node) for node in line)
    first, last = parts[0], parts[-1]
    width = sum(part.width for part in parts)
    left = (first.width - first.text) / 2
    right = width - (last.width - last.text) / 2
    # a short line under a long name, such as `begin_array{cc}`, stands in the middle of the name's width
    spare = max(0.0, text_width(relation, _SMALL) + _GAP - width)
    return _Row(parts, width + spare, left + spare / 2, right + spare / 2)


def _part(node: Node) -> _Part:
    lines = tuple((relation, _measured(line, relation)) for relation, line in node.children)
    text = text_width(node.symbol, _CHAR) + 2 * _PAD
    below = sum(row.width for _, row in lines) + _GAP * (len(lines) - 1)
    return _Part(node, text, below, max(text, below), lines)


class _Drawing:
    """Edges (path data) and shapes, in the order in which they are drawn."""

    def __init__(self) -> None:
        self.edges: list[str] = []
        self.shapes: list[Markup] = []

    def row(self, row: _Row, x: float, y: float, relation: str = "") -> None:
        """The row's box, its symbols and what hangs on them; x is the left of its whole width, y its top."""
        self.shapes.append(
            Markup('<rect{} x="{:.0f}" y="{:.0f}" width="{:.0f}" height="{}" rx="6"/>').format(
                _class(relation), x + row.left, y, row.right - row.left, _HIGH
            )
        )
        start = x + row.left - (row.parts[0].width - row.parts[0].text) / 2
        ended = 0.0
        for number, part in enumerate(row.parts):
            middle = start + part.width / 2
            left = middle - part.text / 2
            if number and left - ended > 1:  # symbols apart are joined by a stroke
                stroke = f"M{ended - 3:.0f} {y + _HIGH / 2:.0f}H{left + 3:.0f}"
                self.shapes.append(Markup('<path class="right" d="{}"/>').format(stroke))
            self.text(middle, y + 17.5, part.node.symbol)
            self.below(part, middle, y)
            ended = left + part.text
            start += part.width

    def below(self, part: _Part, middle: float, y: float) -> None:
        """A node's child lines, each with its edge and the relation's name."""
        top, end = y + _HIGH, y + _LEVEL
        half = (top + end) / 2
        at = middle - part.below / 2
        for name, child in part.lines:
            self.row(child, at, end, name)
            aim = at + (child.left + child.right) / 2
            self.edges.append(
                f"M{middle:.0f} {top:.0f}C{middle:.0f} {half:.0f} {aim:.0f} {half:.0f} {aim:.0f} {end:.0f}"
            )
            self.text(aim, end - 8, name, _class(name, "name"))
            at += child.width + _GAP

    def text(self, x: float, y: float, text: str, kind: Markup | str = "") -> None:
        self.shapes.append(Markup('<text{} x="{:.0f}" y="{:.0f}">{}</text>').format(kind, x, y, text))


def _class(relation: str, also: str = "") -> Markup:
    kind = relation if relation in _COLOURED else "rel" if relation else ""
    names = " ".join(name for name in (also, kind) if name)
    return Markup(' class="{}"').format(names) if names else Markup("")
