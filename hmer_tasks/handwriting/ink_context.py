"""What a trace of InkML is read and drawn by: trace format, ink source, canvas and brush (`context`).

A context is a handful of elements, found by following references; `Contexts.reading` turns them into what is
needed to draw: where X and Y stand, how a value becomes a place on paper, and whether the brush leaves ink.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from xml.etree.ElementTree import Element

from hmer_tasks.handwriting.ink_trace import Channels, Stroke, UnsupportedInkError

_XML_ID = "{http://www.w3.org/XML/1998/namespace}id"
_METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254, "pt": 0.0254 / 72, "pc": 0.0254 / 6}
_DEVICE = "dev"  # the unit where none is named
_OPAQUE, _INVISIBLE = 0.0, 255.0  # values of the brush property `transparency`
_INK = frozenset(("copyPen", "black"))  # raster operations that leave the ink as it is
_PALEST = 0.9  # luminance over which ink would not be seen on white paper; real pens are far below
_LONGEST_CHAIN = 20  # references followed from one element to the next
_Matrix = tuple[float, float, float, float, float, float]


class InkReferenceError(ValueError):
    """A reference that leads nowhere, or around in a circle."""


def local(element: Element) -> str:
    """A tag without its namespace: packages differ in which they declare."""
    return element.tag.rpartition("}")[2]


def id_of(element: Element) -> str:
    """The `xml:id` of an element, or the plain `id` of CROHME; empty where it has none."""
    return element.get(_XML_ID) or element.get("id") or ""


def everywhere(element: Element, name: str) -> Iterator[Element]:
    """The elements of that name in an element, in order, itself included."""
    for descendant in element.iter():
        if (
            descendant.tag.endswith(name) and local(descendant) == name
        ):  # the first is quick, and nearly always false
            yield descendant


def named(element: Element, name: str) -> list[Element]:
    """The children of that name."""
    return [child for child in element if local(child) == name]


@dataclass(frozen=True, slots=True)
class InkContext:
    """The elements in force; None: the defaults of the recommendation."""

    trace_format: Element | None = None
    ink_source: Element | None = None
    canvas: Element | None = None
    canvas_transform: Element | None = None
    brush: Element | None = None


_PARTS = {
    "traceFormat": "trace_format",
    "inkSource": "ink_source",
    "canvas": "canvas",
    "canvasTransform": "canvas_transform",
    "brush": "brush",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """How a trace becomes a stroke. `matrix`: x' = a x + b y + c, y' = d x + e y + f; None: as it is.
    `visible`: false for a brush that leaves no ink."""

    channels: Channels
    matrix: _Matrix | None
    visible: bool

    def placed(self, points: Stroke) -> Stroke:
        """The points on paper, y downwards."""
        if self.matrix is None:
            return points
        a, b, c, d, e, f = self.matrix
        return [(a * x + b * y + c, d * x + e * y + f) for x, y in points]


class Contexts:
    """The contexts of one document. Every method may raise UnsupportedInkError and InkReferenceError."""

    def __init__(self, root: Element) -> None:
        self._root = root
        self._readings: dict[InkContext, Reading] = {}
        self._last: tuple[InkContext | None, Reading] = (None, Reading(Channels(), None, True))

    @cached_property
    def _by_id(self) -> dict[str, Element]:
        elements: dict[str, Element] = {}
        for element in self._root.iter():
            if name := id_of(element):
                elements.setdefault(name, element)
        return elements

    def find(self, reference: str, kind: str) -> Element | None:
        """The element that a reference names; None for the recommendation's own defaults."""
        name = reference.removeprefix("#")
        element = self.target(reference)
        if element is None and name.startswith("Default"):
            return None
        if element is None or local(element) != kind:
            raise InkReferenceError(f"no {kind} {reference[:60]!r}")
        return element

    def target(self, reference: str) -> Element | None:
        """What a traceView shows; None where it is not there (in CROHME some are not)."""
        if reference.partition("#")[0] and "#" in reference:
            raise UnsupportedInkError(f"a reference into another document: {reference[:60]!r}")
        return self._by_id.get(reference.removeprefix("#"))

    def within(self, context: InkContext, element: Element) -> InkContext:
        """The context of a trace or a group of traces that stands in `context`."""
        reference, brush = element.get("contextRef"), element.get("brushRef")
        if reference:
            context = self._referred(reference, context, _LONGEST_CHAIN)
        if brush:
            context = replace(context, brush=self.find(brush, "brush"))
        return context

    def changed(self, context: InkContext, element: Element, chain: int = _LONGEST_CHAIN) -> InkContext:
        """What a `<context>` makes of the context before it."""
        if reference := element.get("contextRef"):
            context = self._referred(reference, context, chain)
        parts: dict[str, Element | None] = {}
        for kind, part in _PARTS.items():
            children = named(element, kind)
            if children:
                parts[part] = children[-1]
            elif reference := element.get(f"{kind}Ref"):
                parts[part] = self.find(reference, kind)
        if "ink_source" in parts and "trace_format" not in parts:
            parts["trace_format"] = None  # then the source's own format holds
        return replace(context, **parts)

    def _referred(self, reference: str, context: InkContext, chain: int) -> InkContext:
        if not chain:
            raise InkReferenceError(f"references from context to context without an end: {reference[:60]!r}")
        element = self.find(reference, "context")
        # A context that is referred to does not depend on where it is referred from.
        base = InkContext(trace_format=context.trace_format if self._is_bare(context) else None)
        return InkContext() if element is None else self.changed(base, element, chain - 1)

    def _is_bare(self, context: InkContext) -> bool:
        """Whether its format is the document's own, as CROHME writes it: a child of the root."""
        return context.trace_format is not None and any(child is context.trace_format for child in self._root)

    def reading(self, context: InkContext) -> Reading:
        """How traces of a context are read; found once for each."""
        if context is self._last[0]:  # as mostly
            return self._last[1]
        reading = self._readings.get(context)
        if reading is None:
            reading = self._readings[context] = self._reading(context)
        self._last = context, reading
        return reading

    def _reading(self, context: InkContext) -> Reading:
        own = context.trace_format
        if own is None and context.ink_source is not None:
            own = next(iter(named(context.ink_source, "traceFormat")), None)
        if own is not None and (reference := own.get("href")):
            own = self.find(reference, "traceFormat")
        channels = Channels() if own is None else _channels(own)
        matrix = self._matrix(context, own, channels)
        return Reading(
            channels, matrix, context.brush is None or _leaves_ink(self._properties(context.brush))
        )

    def _matrix(self, context: InkContext, form: Element | None, channels: Channels) -> _Matrix | None:
        scale, flipped = (1.0, 1.0), (False, False)
        if form is not None:
            scale, flipped = _scale(form, context.ink_source), _flipped(form)
        canvas = None if context.canvas is None else next(iter(named(context.canvas, "traceFormat")), None)
        mapped = (
            None if context.canvas_transform is None else self._mapped(context.canvas_transform, channels)
        )
        if mapped is None:
            if canvas is not None and _flipped(canvas) != flipped:
                raise UnsupportedInkError("a canvas that is oriented otherwise than its traces")
            across, down = (scale[axis] * (-1 if flipped[axis] else 1) for axis in (0, 1))
            return None if across == down == 1 else (across, 0.0, 0.0, 0.0, down, 0.0)
        if any(flipped) or scale != (1.0, 1.0):
            raise UnsupportedInkError("a canvasTransform of channels with an orientation or unequal units")
        if canvas is None:
            return mapped
        if _scale(canvas, None) != (1.0, 1.0):
            raise UnsupportedInkError("a canvas of unequal units")
        across, down = (-1.0 if is_flipped else 1.0 for is_flipped in _flipped(canvas))
        a, b, c, d, e, f = mapped
        return (across * a, across * b, across * c, down * d, down * e, down * f)

    def _mapped(self, transform: Element, channels: Channels) -> _Matrix | None:
        """The matrix of a canvasTransform; None for the identity."""
        mappings = named(transform, "mapping")
        mapping = mappings[0] if mappings else None
        if mapping is not None and (reference := mapping.get("mappingRef")):
            mapping = self.find(reference, "mapping")
        kind = "unknown" if mapping is None else mapping.get("type", "unknown")
        if kind == "identity":
            return None
        if mapping is None or kind != "affine":
            raise UnsupportedInkError(f"a canvasTransform by {kind[:30]!r}")
        return _affine(mapping, channels)

    def _properties(self, brush: Element, chain: int = _LONGEST_CHAIN) -> dict[str, str]:
        properties: dict[str, str] = {}
        if reference := brush.get("brushRef"):
            if not chain:
                raise InkReferenceError(f"references from brush to brush without an end: {reference[:60]!r}")
            base = self.find(reference, "brush")
            properties = {} if base is None else self._properties(base, chain - 1)
        for setting in named(brush, "brushProperty"):
            properties[setting.get("name", "")] = setting.get("value", "")
        return properties


def _named_channels(form: Element) -> dict[str, Element]:
    """The regular channels by name, in order."""
    return {channel.get("name", "").upper(): channel for channel in named(form, "channel")}


def _channels(form: Element) -> Channels:
    regular = [channel.get("name", "").upper() for channel in named(form, "channel")]
    if "X" not in regular or "Y" not in regular:
        raise UnsupportedInkError("a traceFormat whose regular channels are not X and Y")
    for name in ("X", "Y"):
        for mapping in named(_named_channels(form)[name], "mapping"):
            if mapping.get("type") != "identity":
                raise UnsupportedInkError(f"the channel {name} with a mapping of its own")
    more = sum(len(named(group, "channel")) for group in named(form, "intermittentChannels"))
    return Channels(regular.index("X"), regular.index("Y"), len(regular), more)


def _flipped(form: Element) -> tuple[bool, bool]:
    """Whether X grows to the left, and Y upwards."""
    channels = _named_channels(form)
    signs = [channels[name].get("orientation", "+ve") if name in channels else "+ve" for name in "XY"]
    for sign in signs:
        if sign not in ("+ve", "-ve"):
            raise UnsupportedInkError(f"the orientation {sign[:20]!r}")
    return signs[0] == "-ve", signs[1] == "-ve"


def _scale(form: Element, source: Element | None) -> tuple[float, float]:
    """By how much X and Y must be multiplied so that their units are equal."""
    channels = _named_channels(form)
    units = [channels[name].get("units") or _DEVICE if name in channels else _DEVICE for name in "XY"]
    by_unit = _ratio(*(_METRES.get(unit) for unit in units))
    steps = [None, None] if source is None else _resolutions(source)
    by_step = _ratio(*(None if step is None else 1 / step for step in steps))
    if by_unit is not None and by_step is not None and not _close(by_unit, by_step):
        raise UnsupportedInkError("units and resolutions of X and Y that do not agree")
    ratio = by_unit if by_unit is not None else by_step
    if ratio is None:
        if units[0] != units[1] or (steps[0] is None) != (steps[1] is None):
            raise UnsupportedInkError(f"X in {units[0][:20]!r} and Y in {units[1][:20]!r}")
        ratio = 1.0
    if _close(ratio, 1.0):
        return 1.0, 1.0
    return (1.0, ratio) if ratio > 1 else (1 / ratio, 1.0)


def _ratio(across: float | None, down: float | None) -> float | None:
    return None if across is None or down is None else down / across


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-6 * abs(b)


def _resolutions(source: Element) -> list[float | None]:
    """Steps to a metre (or to one and the same unknown unit) of X and of Y."""
    resolutions: dict[str, float] = {}
    for properties in named(source, "channelProperties"):
        for setting in named(properties, "channelProperty"):
            axis = setting.get("channel", "").upper()
            if axis in ("X", "Y") and setting.get("name") == "resolution":
                unit = _METRES.get((setting.get("units") or "").removeprefix("1/").strip(), 1.0)
                value = _number(setting.get("value", ""))
                if not value > 0:
                    raise UnsupportedInkError("a resolution that is no positive number")
                resolutions[axis] = value / unit
    return [resolutions.get("X"), resolutions.get("Y")]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _affine(mapping: Element, channels: Channels) -> _Matrix:
    """The matrix of an affine mapping of X and Y alone: two rows of two factors and a shift."""
    tables = [*named(mapping, "affine"), *named(mapping, "matrix")]
    text = "".join(tables[0].itertext()) if len(tables) == 1 else ""
    rows = [[_number(value) for value in row.split()] for row in text.strip().split(",")]
    plain = channels.regular == 2 and not named(mapping, "bind")
    if not plain or [len(row) for row in rows] != [3, 3] or not all(map(_finite, (*rows[0], *rows[1]))):
        raise UnsupportedInkError(
            "an affine canvasTransform that is not two rows of three numbers for X and Y"
        )
    (a, b, c), (d, e, f) = ((row[channels.x], row[channels.y], row[2]) for row in rows)
    if abs(a * e - b * d) <= 1e-12 * max(abs(a * e), abs(b * d), 1e-300):
        raise UnsupportedInkError("a canvasTransform that makes a line of every shape")
    return a, b, c, d, e, f


def _finite(value: float) -> bool:
    return abs(value) < 1e12  # false for nan as well


def _leaves_ink(properties: dict[str, str]) -> bool:
    """Whether a brush leaves ink; false where it leaves none at all. Raises UnsupportedInkError."""
    transparency = properties.get("transparency", "0")
    operation = properties.get("rasterOp", "copyPen")
    if _number(transparency) == _INVISIBLE or operation == "noOperation":
        return False
    if _number(transparency) != _OPAQUE:
        raise UnsupportedInkError(f"a brush of transparency {transparency[:20]!r}")
    if operation not in _INK:
        raise UnsupportedInkError(f"a brush with the rasterOp {operation[:20]!r}")
    colour = properties.get("color", "").strip().lower()
    if colour == "white" or _luminance(colour) > _PALEST:
        raise UnsupportedInkError(f"a brush as pale as the paper: {colour[:20]!r}")
    return True


def _luminance(colour: str) -> float:
    """From 0 to 1 (Rec. 709 weights); 0 for a colour that is not `#rrggbb`."""
    digits = colour.removeprefix("#")
    try:
        channels = [int(digits[at : at + 2], 16) for at in (0, 2, 4)] if len(digits) == 6 else [0, 0, 0]
    except ValueError:
        return 0.0
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), channels, strict=True)) / 255


def holds_traces(elements: Iterable[Element]) -> bool:
    """Whether there is a trace anywhere in them."""
    return any(next(everywhere(element, "trace"), None) is not None for element in elements)
