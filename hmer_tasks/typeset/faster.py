"""ziamath made faster: the same boxes, several times as many a second.

ziamath measures every row twice: once without its stretching delimiters, to learn how tall these must be,
and once to place it. A row within a row within a row is therefore laid out eight times. And every node
copies its style through dictionaries. Here

- a row in which nothing can stretch is not measured first: nothing asks for the measure;
- what is measured is remembered by sub-expression, for all formulas that come later;
- a style is worked out once for each set of attributes and style above it.

`tests/evaluation/test_layout_speed.py` holds the boxes against ziamath as it is.
"""

from functools import cache, lru_cache
from typing import TypeAlias
from xml.etree.ElementTree import Element, fromstring, tostring

from ziamath import operators
from ziamath.nodes import mnode, mrow
from ziamath.styles import MathStyle, MathVariant, parse_style

_MEASURES = 50_000  # sub-expressions remembered
_NOTHING = (0.0, 0.0)  # the measure of a row in which nobody asks for it


@cache
def install() -> None:
    """Put the faster ways in place of ziamath's own, once a process."""
    setattr(mnode, "parse_style", _style)  # noqa: B010 - a function put in another's place
    setattr(mrow.Mrow, "_get_height_nostretch", _measure_row)  # noqa: B010


def forget() -> None:
    """Empty what is remembered of sub-expressions: for measurements that begin anew."""
    _measures.clear()


# font family, italic, bold, normal; display, colours, size, level of scripts
_Values: TypeAlias = "tuple[str, bool, bool, bool, bool, str, str, str, int]"


def _style(element: Element, above: MathStyle | None = None) -> MathStyle:
    """`parse_style`, remembered; each node gets a copy, for some change theirs."""
    if above is None:
        return parse_style(element, above)
    return _math_style(_style_values(tuple(element.attrib.items()), _values(above)))


def _values(style: MathStyle) -> _Values:
    variant = style.mathvariant
    return (
        variant.style, variant.italic, variant.bold, variant.normal, style.displaystyle, style.mathcolor,
        style.mathbackground, style.mathsize, style.scriptlevel,
    )  # fmt: skip


def _math_style(values: _Values) -> MathStyle:
    variant = MathVariant(values[0], values[1], values[2], values[3])
    return MathStyle(variant, values[4], values[5], values[6], values[7], values[8])


@lru_cache(maxsize=10_000)
def _style_values(attributes: tuple[tuple[str, str], ...], above: _Values) -> _Values:
    return _values(parse_style(Element("x", dict(attributes)), _math_style(above)))


def _measure_row(row: "mrow.Mrow", line: list[Element], **kwargs: object) -> tuple[float, float]:
    """Bottom and top of a row without what stretches in it (`Mrow._get_height_nostretch`)."""
    if not any(map(_may_stretch, line)):
        return _NOTHING
    kwargs["nostretch"] = True
    low, high = 9999.0, -9999.0
    context = (
        row.element.tag, len(row.element) == 1, row.size, row.glyphsize, *_values(row.style),
        *sorted((name, str(value)) for name, value in kwargs.items()),
    )  # fmt: skip
    for child in line:
        if child.tag == "mo" and not (child.text or "").strip():
            continue
        text = tostring(child)
        key = (text, *context)
        extent = _measures.get(key)
        if extent is None:
            box = mnode.Mnode.fromelement(fromstring(text), parent=row, **kwargs).bbox
            extent = box.ymin, box.ymax
            if len(_measures) >= _MEASURES:
                _measures.clear()
            _measures[key] = extent
        low, high = min(low, extent[0]), max(high, extent[1])
    return low, high


_measures: dict[tuple[object, ...], tuple[float, float]] = {}


def _may_stretch(element: Element) -> bool:
    """Whether some operator of the element might stretch with its row."""
    if element.tag == "mfenced":
        return True
    if element.tag in ("mo", "mi"):
        attribute = element.get("stretchy")
        if attribute is not None:
            return attribute != "false"
        return (element.text or "").strip() in _stretching()
    return any(map(_may_stretch, element))


@cache
def _stretching() -> frozenset[str]:
    return frozenset(
        name
        for (name, _), params in operators.operators.items()
        if params.get("stretchy", "false") != "false"
    )
