"""Formulas as SVG that is safe to put into a page.

Nothing that a label holds gets into the markup but as escaped text: a formula is drawn from the numbers
of its boxes, with outlines that come from the font.
"""

from collections.abc import Iterable

from markupsafe import Markup

from hmer_tasks.typeset.boxes import BAR, FRAME, RING, STROKE, UPRIGHT, Box, outlines

EM = 22  # pixels
_MARGIN = 0.25  # em around a formula


def formula(boxes: tuple[Box, ...], unmatched: Iterable[int] = ()) -> Markup:
    """An SVG of a layout; boxes that found no match are of class `bad`. Needs `sprite` on the page."""
    bad = frozenset(unmatched)
    left = min(box.left for box in boxes) - _MARGIN
    top = min(box.top for box in boxes) - _MARGIN
    width = max(box.right for box in boxes) + _MARGIN - left
    height = max(box.bottom for box in boxes) + _MARGIN - top
    shapes = Markup("").join(_shape(box, i in bad) for i, box in enumerate(boxes))
    return Markup(
        '<svg class="formula" role="img" aria-label="in print" width="{:.0f}" height="{:.0f}" '
        'viewBox="{:.3f} {:.3f} {:.3f} {:.3f}">{}</svg>'
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


def sprite(glyphs: Iterable[str]) -> Markup:
    """The outlines of these glyphs (`Box.glyph`), once for the whole page."""
    symbols = Markup("").join(
        Markup('<path id="{}" d="{}"/>').format(_name(name), outlines[name])
        for name in sorted(set(glyphs))
        if name
    )
    return Markup('<svg width="0" height="0" style="position:absolute"><defs>{}</defs></svg>').format(symbols)


def _name(glyph: str) -> str:
    return f"g-{glyph}"
