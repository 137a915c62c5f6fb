"""ziamath's drawing, noted instead of drawn.

ziamath draws into an SVG element. Given a `_Page` in its place, its drawing methods note the box of
what they would have drawn; with any other element they do what they always do.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import TypeVar
from xml.etree.ElementTree import Element, ParseError

import latex2mathml.exceptions as unreadable
from ziamath import drawable
from ziamath.nodes import mnode, msubsup, munderover
from ziamath.nodes.nodetools import node_is_singlechar
from ziamath.zmath import Math

from hmer_tasks.typeset.boxes import BAR, FRAME, RING, STROKE, UPRIGHT, Box, outlines
from hmer_tasks.typeset.faster import install

_SIZE = 10.0  # of the main line's letters, in ziamath's points
# Where scripts and accents stand on an ordinary letter, in its size, downwards (measured: x ^ { 2 }, x _ {
# 2 }, \hat { x }, \overline { x }); and what is no difference, in points.
_SUP, _SUB, _ACCENT, _OVER, _LEVEL = -0.36, 0.21, -0.118, -0.65, 0.01
_Kind = TypeVar("_Kind", bound=drawable.Drawable)

# What ziamath and latex2mathml raise on labels they cannot read (measured on random token strings).
_UNREADABLE = (
    unreadable.DenominatorNotFoundError, unreadable.DoubleSubscriptsError,
    unreadable.DoubleSuperscriptsError, unreadable.ExtraLeftOrMissingRightError,
    unreadable.InvalidAlignmentError, unreadable.InvalidStyleForGenfracError,
    unreadable.InvalidWidthError, unreadable.LimitsMustFollowMathOperatorError,
    unreadable.MissingEndError, unreadable.MissingSuperScriptOrSubscriptError,
    unreadable.NoAvailableTokensError, unreadable.NumeratorNotFoundError,
    ParseError, AssertionError, AttributeError, IndexError, KeyError, RecursionError, StopIteration,
    TypeError, ValueError, ZeroDivisionError,
)  # fmt: skip


class _Page(Element):
    """What ziamath draws on: boxes are noted, elements added besides are of no interest."""

    def __init__(self) -> None:
        super().__init__("svg")
        self.boxes: list[Box] = []
        self.raised = 0.0  # by how much what is drawn stands higher than on an ordinary letter, in points


def draw(latex: str) -> list[Box] | None:
    """The boxes of LaTeX in drawing order, blanks included; None where ziamath cannot read it."""
    _hook()
    page = _Page()
    try:
        Math.fromlatex(latex, size=_SIZE).node.draw(0.0, 0.0, page)
    except _UNREADABLE:
        return None
    return page.boxes


@cache
def _hook() -> None:
    """Put `_noting` around the drawing methods, once a process."""
    install()
    _noting(drawable.Glyph, _glyph_box)
    _noting(drawable.HLine, lambda line, x, y: _bar(BAR, x, y, line.length, line.lw) if line.lw else None)
    _noting(drawable.VLine, lambda line, x, y: _bar(UPRIGHT, x - line.lw / 2, y, line.lw, line.height))
    _noting(drawable.Box, lambda box, x, y: _bar(FRAME, x, y - box.height, box.width, box.height))
    _noting(drawable.Diagonal, lambda line, x, y: _bar(STROKE, x, y - line.height, line.width, line.height))
    _levelling(msubsup.Msup, (None, _SUP))
    _levelling(msubsup.Msub, (None, _SUB))
    _levelling(msubsup.Msubsup, (None, _SUB, _SUP))
    _levelling(munderover.Mover, (None, _ACCENT))
    _noting(drawable.Ellipse, lambda ring, x, y: _bar(RING, x, y - ring.height, ring.width, ring.height))


def _noting(kind: type[_Kind], box_of: Callable[[_Kind, float, float], Box | None]) -> None:
    draw_it = kind.draw

    def noted(self: _Kind, x: float, y: float, svg: Element) -> tuple[float, float]:
        if not isinstance(svg, _Page):
            return draw_it(self, x, y, svg)
        if not getattr(self, "phantom", False):
            box = box_of(self, x, y)
            if box is not None:
                if abs(svg.raised) > _LEVEL:
                    box = replace(box, level=box.baseline + svg.raised / _SIZE)
                svg.boxes.append(box)
        return x + self.xadvance(), y

    setattr(kind, "draw", noted)  # noqa: B010 - a method put in another's place


def _levelling(kind: type[mnode.Mnode], levels: tuple[float | None, ...]) -> None:
    """Have a node tell its children's nominal levels, in its own letter sizes (None: as they are)."""
    draw_it = kind.draw

    def levelled(self: mnode.Mnode, x: float, y: float, svg: Element) -> tuple[float, float]:
        if not isinstance(svg, _Page) or not _has_levels(self):
            return draw_it(self, x, y, svg)
        before = svg.raised
        for node, (dx, dy), usual in zip(self.nodes, self.nodexy, levels, strict=True):
            level = _OVER if usual == _ACCENT and not _is_full_size(node, self) else usual
            svg.raised = before if level is None else before + level * self.glyphsize - dy
            node.draw(x + dx, y + dy, svg)
        svg.raised = before
        dx, dy = self.nodexy[-1]
        return x + dx, y + dy

    setattr(kind, "draw", levelled)  # noqa: B010 - a method put in another's place


def _has_levels(node: mnode.Mnode) -> bool:
    """Whether a node's children are scripts or an accent, and not limits, or a brace over a formula."""
    if isinstance(node, munderover.Mover):
        over = node.nodes[1]
        return isinstance(over, drawable.HLine) or node_is_singlechar(over)
    base = node.nodes[0]
    limits = isinstance(base, mnode.Mnode) and base.params.get("movablelimits") == "true"
    return not (limits and node.style.displaystyle)


def _is_full_size(node: drawable.Drawable, of: mnode.Mnode) -> bool:
    r"""Whether an accent is of its letter's size, as `\hat` is: a rule or an arrow is not, and stands on no
    line."""
    return isinstance(node, mnode.Mnode) and node.glyphsize == of.glyphsize


def _bar(symbol: str, x: float, y: float, width: float, height: float) -> Box:
    top, bottom = sorted((y / _SIZE, (y + height) / _SIZE))
    return Box(symbol, x / _SIZE, top, (x + width) / _SIZE, bottom, (top + bottom) / 2, 0.0)


def _glyph_box(glyph: drawable.Glyph, x: float, y: float) -> Box:
    em, box = glyph.size / _SIZE, glyph.bbox
    name = f"{glyph.glyph.id}".replace("-", "m")
    if name not in outlines:
        outlines[name] = _outline(glyph)
    alphabet = glyph.style.mathvariant.style
    symbol = glyph.char if alphabet in ("serif", "sans", "mono") else f"{alphabet} {glyph.char}"
    left, right = (x + box.xmin) / _SIZE, (x + box.xmax) / _SIZE
    return Box(symbol, left, (y - box.ymax) / _SIZE, right, (y - box.ymin) / _SIZE, y / _SIZE, em, name)


def _outline(glyph: drawable.Glyph) -> str:
    outline = glyph.glyph
    unit = 1000 / outline.font.info.layout.unitsperem / outline.funits_to_points(1)
    left = -outline.bbox.xmin * 1000 / outline.font.info.layout.unitsperem
    path = outline.svgpath(left, 0, scale_factor=unit)
    return "" if path is None else path.get("d") or ""  # some have no ink
