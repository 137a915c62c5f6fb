"""Plots as inline SVG: columns for numbers in order, bars for things with names. No script, one colour.

A plot is an image to assistive technology, with a title and a description that tells its numbers.
"""

from collections.abc import Sequence

from markupsafe import Markup

from hmer_tasks.latex.tree_svg import text_width

Counts = Sequence[tuple[str, int]]

_WIDE = 340  # pixels: as wide as a phone's page
_CHAR = 6.7  # of a monospace character at 11 pixels
_LONGEST_NAME = 22  # characters


def columns(title: str, counts: Counts) -> Markup:
    """A histogram: a column for each bin, in the order given; every so many bins a name below."""
    high, base = 150, 126
    most = max((count for _, count in counts), default=0) or 1
    step = (_WIDE - 8) / max(len(counts), 1)
    widest = max((text_width(name, _CHAR) for name, _ in counts), default=0.0)
    every = max(1, -int(-(widest + 6) // step))
    shapes = [_line(4, base, _WIDE - 4, base)]
    for number, (name, count) in enumerate(counts):
        tall = 104 * count / most
        x = 4 + number * step
        shapes.append(_bar(x + step * 0.08, base - tall, step * 0.84, tall, (name, count)))
        if number % every == 0:
            shapes.append(_text(x + step / 2, base + 16, name, "middle"))
    top = max(range(len(counts)), key=lambda i: counts[i][1], default=None)
    if top is not None:
        x = min(max(4 + (top + 0.5) * step, 24), _WIDE - 24)
        shapes.append(_text(x, base - 108, f"{counts[top][1]:,}", "middle"))
    return _plot(title, counts, high, shapes)


def bars(title: str, counts: Counts) -> Markup:
    """A bar for each name, the number behind it."""
    row = 20
    high = row * len(counts) + 8
    most = max((count for _, count in counts), default=0) or 1
    names = [name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…" for name, _ in counts]
    left = max((text_width(name, _CHAR) for name in names), default=0.0) + 10
    numbers = max((text_width(f"{count:,}", _CHAR) for _, count in counts), default=0.0) + 10
    room = max(_WIDE - left - numbers, 40)
    shapes = []
    for number, (name, count) in enumerate(counts):
        y, long = 4 + number * row, room * count / most
        shapes.append(_text(left - 6, y + 13, names[number], "end"))
        shapes.append(_bar(left, y + 3, long, row - 7, (name, count)))
        shapes.append(_text(left + long + 5, y + 13, f"{count:,}", "start"))
    return _plot(title, counts, high, shapes)


def _plot(title: str, counts: Counts, high: float, shapes: list[Markup]) -> Markup:
    description = ", ".join(f"{name}: {count:,}" for name, count in counts)
    return Markup(
        '<svg class="plot" role="img" width="{}" height="{}" viewBox="0 0 {} {}">'
        "<title>{}</title><desc>{}</desc>{}</svg>"
    ).format(_WIDE, high, _WIDE, high, title, description, Markup("").join(shapes))


def _bar(x: float, y: float, width: float, height: float, value: tuple[str, int]) -> Markup:
    return Markup(
        '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}: {:,}</title></rect>'
    ).format(x, y, width, height, *value)


def _line(x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup('<path d="M{} {}L{} {}"/>').format(x1, y1, x2, y2)


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, text)
