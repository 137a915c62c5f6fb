"""A tree for the eye: a rich tree on the terminal, DOT for graphviz, or a PNG."""

import io

from PIL import Image, ImageDraw, ImageFont
from rich.text import Text
from rich.tree import Tree

from hmer_tasks.latex.tree import ExprTree, Line

_STEP, _INDENT, _MARGIN, _SIZE = 30, 46, 16, 18  # pixels: line height, a level, border, letters
_INK, _FADED, _RULE, _PAPER = "#1a1a1a", "#7a5c00", "#b8b8b8", "white"


def rich_tree(tree: ExprTree) -> Tree:
    """The tree with one branch a child line; nodes of a line stand below each other."""
    root = Tree(Text("expression", style="dim"), guide_style="dim")
    _grow(root, tree.line, "")
    return root


def _grow(branch: Tree, line: Line, relation: str) -> None:
    for node in line:
        text = Text(node.symbol, style="bold")
        if relation:
            text.append(f"  {relation}", style="yellow")
        twig = branch.add(text)
        relation = "right"
        for name, child in node.children:
            _grow(twig, child, name)


def dot(tree: ExprTree) -> str:
    """The layout graph in graphviz's DOT."""
    graph = tree.to_networkx()
    out = ["digraph expression {", '  node [shape=box, style=rounded, fontname="Helvetica"];']
    for number, symbol in graph.nodes(data="symbol"):
        out.append(f"  n{number} [label={_quoted(str(symbol))}];")
    for parent, child, relation in graph.edges(data="relation"):
        style = ", style=dashed" if relation == "right" else ""
        out.append(f"  n{parent} -> n{child} [label={_quoted(str(relation))}{style}];")
    return "\n".join([*out, "}"])


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def png(tree: ExprTree) -> bytes:
    """The tree drawn as an indented outline: PNG bytes."""
    rows: list[tuple[int, int, str, str]] = []  # depth, row of the parent (-1: none), symbol, relation
    _outline(tree.line, 0, -1, "", rows)
    font = ImageFont.load_default(_SIZE)
    small = ImageFont.load_default(_SIZE * 0.7)
    width = max(
        _MARGIN * 2 + d * _INDENT + font.getlength(s) + small.getlength(r) + 30 for d, _, s, r in rows
    )
    picture = Image.new("RGB", (int(width), _MARGIN * 2 + _STEP * len(rows)), _PAPER)
    draw = ImageDraw.Draw(picture)
    for number, (depth, parent, symbol, relation) in enumerate(rows):
        x, y = _MARGIN + depth * _INDENT, _MARGIN + number * _STEP
        if parent >= 0:
            elbow = x - _INDENT + 10
            top = _MARGIN + parent * _STEP + _STEP - 4
            draw.line([(elbow, top), (elbow, y + _STEP // 2), (x - 4, y + _STEP // 2)], fill=_RULE, width=2)
        draw.text((x, y + _STEP // 2), symbol, fill=_INK, font=font, anchor="lm")
        if relation:
            place = (x + font.getlength(symbol) + 10, y + _STEP // 2 + 1)
            draw.text(place, relation, fill=_FADED, font=small, anchor="lm")
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def _outline(
    line: Line, depth: int, parent: int, relation: str, rows: list[tuple[int, int, str, str]]
) -> None:
    for node in line:
        rows.append((depth, parent, node.symbol, relation))
        here, relation = len(rows) - 1, "right"
        for name, child in node.children:
            _outline(child, depth + 1, here, name, rows)


def as_json(tree: ExprTree) -> list[dict[str, object]]:
    """The tree as nested lists of `{symbol, children: [{relation, line}]}`."""
    return _line_json(tree.line)


def _line_json(line: Line) -> list[dict[str, object]]:
    out: list[dict[str, object]] = []
    for node in line:
        entry: dict[str, object] = {"symbol": node.symbol}
        if node.children:
            entry["children"] = [
                {"relation": name, "line": _line_json(child)} for name, child in node.children
            ]
        out.append(entry)
    return out
