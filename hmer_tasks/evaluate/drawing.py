"""Formulas, token differences and trees as markup that is safe to put into a page.

Nothing that a label or a prediction holds gets into the markup but as escaped text: formulas are drawn
from the numbers of their boxes, with outlines that come from the font.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup, escape
from rapidfuzz.distance import Levenshtein

from hmer_tasks.evaluate.layout import BAR, FRAME, RING, STROKE, UPRIGHT, Box, outlines
from hmer_tasks.evaluate.trees import Graph, aligned, moved

EM = 22  # pixels
_MARGIN = 0.25  # em around a formula
_MAX_TOKENS, _MAX_NODES = 400, 250  # of one expression on the page; what is left out is said


def formula(boxes: tuple[Box, ...], unmatched: Iterable[int] = ()) -> Markup:
    """An SVG of a layout; boxes that found no match are of class `bad`. Needs `sprite` on the page."""
    bad = frozenset(unmatched)
    left = min(box.left for box in boxes) - _MARGIN
    top = min(box.top for box in boxes) - _MARGIN
    width = max(box.right for box in boxes) + _MARGIN - left
    height = max(box.bottom for box in boxes) + _MARGIN - top
    shapes = Markup("").join(_shape(box, i in bad) for i, box in enumerate(boxes))
    return Markup(
        '<svg class="formula" width="{:.0f}" height="{:.0f}" viewBox="{:.3f} {:.3f} {:.3f} {:.3f}">{}</svg>'
    ).format(width * EM, height * EM, left, top, width, height, shapes)


def _shape(box: Box, bad: bool) -> Markup:
    kind = Markup(' class="bad"') if bad else Markup("")
    width, height = box.right - box.left, box.bottom - box.top
    if box.glyph:
        return Markup('<use href="#{}"{} transform="translate({:.3f} {:.3f}) scale({:.5f})"/>').format(
            _name(box.glyph), kind, box.left, box.baseline, box.size / 1000
        )
    if box.symbol in (BAR, UPRIGHT, FRAME, RING):
        hollow = (
            Markup("")
            if box.symbol in (BAR, UPRIGHT)
            else Markup(' fill="none" stroke="currentColor" stroke-width="0.06"')
        )
        round_ = Markup(' rx="{:.3f}"').format(width / 2) if box.symbol == RING else Markup("")
        return Markup('<rect x="{:.3f}" y="{:.3f}" width="{:.3f}" height="{:.3f}"{}{}{}/>').format(
            box.left, box.top, width, height, hollow, round_, kind
        )
    if box.symbol == STROKE:
        return Markup(
            '<path d="M{:.3f} {:.3f}L{:.3f} {:.3f}" stroke="currentColor" stroke-width="0.06"{}/>'
        ).format(box.left, box.bottom, box.right, box.top, kind)
    return Markup(
        '<text x="{:.3f}" y="{:.3f}" font-size="{:.3f}" textLength="{:.3f}" '
        'lengthAdjust="spacingAndGlyphs"{}>{}</text>'
    ).format(box.left, box.baseline, box.size, width, kind, box.symbol)


def sprite(layouts: Iterable[tuple[Box, ...]]) -> Markup:
    """The outlines that these layouts use, once for the whole page."""
    names = sorted({box.glyph for boxes in layouts for box in boxes if box.glyph})
    symbols = Markup("").join(
        Markup('<path id="{}" d="{}"/>').format(_name(name), outlines[name]) for name in names
    )
    return Markup('<svg width="0" height="0" style="position:absolute"><defs>{}</defs></svg>').format(symbols)


def _name(glyph: str) -> str:
    return f"g-{glyph}"


def token_differences(gt: str, pred: str) -> tuple[Markup, Markup]:
    """Label and prediction as text, what differs in `<del>` (label) and `<ins>` (prediction)."""
    label, read = gt.split(), pred.split()
    left, right = Markup(""), Markup("")
    for edit in Levenshtein.opcodes(label[:_MAX_TOKENS], read[:_MAX_TOKENS]):
        old, new = label[edit.src_start : edit.src_end], read[edit.dest_start : edit.dest_end]
        if edit.tag == "equal":
            left += escape(" ".join(old)) + " "
            right += escape(" ".join(new)) + " "
            continue
        if old:
            left += Markup("<del>{}</del> ").format(" ".join(old))
        if new:
            right += Markup("<ins>{}</ins> ").format(" ".join(new))
    return left + _rest(label), right + _rest(read)


def _rest(tokens: list[str]) -> str:
    return f"… and {len(tokens) - _MAX_TOKENS:,} more tokens" if len(tokens) > _MAX_TOKENS else ""


@dataclass(frozen=True, slots=True)
class TreeRow:
    """A node in a tree's outline: depth, symbol, relation, and whether it differs from the other tree."""

    depth: int
    symbol: str
    relation: str
    differs: bool


def tree_rows(label: Graph, read: Graph) -> tuple[list[TreeRow], list[TreeRow]]:
    """The outlines of two trees. A node differs that has no counterpart, another symbol, or whose line
    hangs elsewhere."""
    pairs = dict(aligned(label, read))
    elsewhere = moved(label, read, pairs)
    fine = {i: j for i, j in pairs.items() if label.symbols[i] == read.symbols[j] and i not in elsewhere}
    return _rows(label, set(fine)), _rows(read, set(fine.values()))


def _parents(graph: Graph) -> list[tuple[int, str]]:
    found = [(-1, "")] * len(graph.symbols)
    for parent, child, relation in graph.relations:
        found[child] = (parent, relation)
    return found


def _rows(graph: Graph, fine: set[int]) -> list[TreeRow]:
    rows: list[TreeRow] = []
    depths: list[int] = []
    for i, (parent, relation) in enumerate(_parents(graph)):
        depths.append(0 if parent < 0 else depths[parent] + (relation != "right"))
        if i < _MAX_NODES:
            shown = "" if relation == "right" else relation
            rows.append(TreeRow(min(depths[i], 40), graph.symbols[i], shown, i not in fine))
    if len(graph.symbols) > _MAX_NODES:
        rows.append(TreeRow(0, f"… and {len(graph.symbols) - _MAX_NODES:,} more nodes", "", False))
    return rows
