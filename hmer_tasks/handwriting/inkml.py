"""One InkML document read: strokes, the truth, symbol groups and MathML. Drawing is in strokes.py.

Read as W3C InkML has it (Recommendation of 20 September 2011): what the pen left on paper, and nothing else.
ink_trace.py reads points, ink_context.py contexts. What is sound InkML but not read here is refused by name:
nothing is guessed.
"""

import re
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from defusedxml import DefusedXmlException, DTDForbidden

from hmer_tasks.exceptions import PictureError, RejectReason
from hmer_tasks.handwriting.ink_context import (
    Contexts,
    InkContext,
    InkReferenceError,
    everywhere,
    holds_traces,
    id_of,
    local,
    named,
)
from hmer_tasks.handwriting.ink_trace import LIMIT, Stroke, TraceError, UnsupportedInkError, read_points
from hmer_tasks.utils.bounded_reading import LONGEST_LINE

MAX_BYTES = 16 << 20  # of a document; real ones reach some hundred thousand
_DEEPEST = 100  # groups within groups
DECLARED = re.compile(rb"\s*<\?xml[^>]*\bencoding\b")


@dataclass(frozen=True, slots=True)
class Ink:
    """What one document holds.

    `strokes`: one list of (x, y) a trace that leaves ink, x to the right and y downwards, in one unit.
    `truth`: the expression's LaTeX as written, None if there is none. `annotations`: those of the whole
    document, by type. `groups`: (symbol truth, trace ids) of each symbol. `mathml`: the first
    `<math>` element. `ids`: the trace's id for each stroke, empty where it has none.
    """

    strokes: list[Stroke]
    truth: str | None
    annotations: dict[str, str] = field(default_factory=dict)
    groups: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    mathml: Element | None = None
    ids: tuple[str, ...] = ()


def parse(data: bytes, where: str) -> Ink:
    """Read an InkML document.

    Args:
        data: The document.
        where: Its name, for messages.

    Returns:
        The strokes in the document's own units, with what it says of label, writer and symbols.

    Raises:
        PictureError: `ink_empty` (no bytes, or no stroke with a point); `ink_unreadable` (not XML, not InkML,
            a DTD or an entity, a point that is not numbers, a reference that leads nowhere);
            `ink_unsupported` (InkML that is not read here); `not_utf8` (a truth in unknown bytes);
            `image_too_large` (over `MAX_BYTES`: as Python's objects a document is twenty times its size).
    """
    if len(data) > MAX_BYTES:
        detail = f"{len(data):,} bytes; an ink document of at most {MAX_BYTES:,} is read"
        raise PictureError(RejectReason.IMAGE_TOO_LARGE, where, detail)
    if not data.strip():
        raise PictureError(RejectReason.INK_EMPTY, where, "the file is empty")
    root = _xml(data, where)
    if local(root) != "ink":
        raise PictureError(RejectReason.INK_UNREADABLE, where, f"<{local(root)}> is not InkML")
    annotations: dict[str, str] = {}
    for child in root:
        if local(child) == "annotation":
            annotations.setdefault(child.get("type", ""), child.text or "")
    truth = annotations.get("truth")
    if truth is not None and "\ufffd" in truth:
        raise PictureError(RejectReason.NOT_UTF8, where, "its truth is not UTF-8")
    for kind, text in annotations.items():
        if len(text) > LONGEST_LINE:
            raise PictureError(
                RejectReason.INK_UNREADABLE, where, f"a {kind[:40]!r} of {len(text):,} characters"
            )
    tracer = _Tracer(root, where)
    try:
        tracer.read()
    except UnsupportedInkError as error:
        raise PictureError(RejectReason.INK_UNSUPPORTED, where, str(error)) from None
    except InkReferenceError as error:
        raise PictureError(RejectReason.INK_UNREADABLE, where, str(error)) from None
    if not tracer.strokes:
        raise PictureError(RejectReason.INK_EMPTY, where, "no stroke")
    mathml = next(everywhere(root, "math"), None)
    return Ink(tracer.strokes, truth, annotations, _groups(root), mathml, tuple(tracer.ids))


class _WithoutDTD(TreeBuilder):
    """As defusedxml with `forbid_dtd`, whose parser is in Python: without a DTD there are no entities."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise DTDForbidden(name, system, pubid)


def _xml(data: bytes, where: str) -> Element:
    try:
        data.decode()
    except UnicodeDecodeError:
        # One real file holds a Latin-1 dot in its MathML, in a document that declares nothing. Its
        # ink and truth are sound, so the stray byte is marked, and refused only where it matters.
        if not DECLARED.match(data) and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
            data = data.decode("utf-8", "replace").encode()
    try:
        parser = XMLParser(target=_WithoutDTD())
        parser.feed(data)
        root: Element = parser.close()
    except ParseError as error:
        raise PictureError(RejectReason.INK_UNREADABLE, where, f"not XML: {error}") from None
    except DefusedXmlException as error:
        detail = f"a DTD or an entity is not read: {type(error).__name__}"
        raise PictureError(RejectReason.INK_UNREADABLE, where, detail) from None
    except (ValueError, LookupError) as error:
        raise PictureError(RejectReason.INK_UNREADABLE, where, f"unknown encoding: {error}") from None
    return root


class _Tracer:
    """The traces of a document that leave ink, as strokes, in the document's order."""

    def __init__(self, root: Element, where: str) -> None:
        self.strokes: list[Stroke] = []
        self.ids: list[str] = []
        self._root, self._where = root, where
        self._contexts = Contexts(root)
        self._traces = 0  # met so far, for messages
        self._going_on: dict[str, int] = {}  # the stroke of each trace that another may continue, by its id

    def read(self) -> None:
        """Read all traces. Raises PictureError, UnsupportedInkError, InkReferenceError."""
        # CROHME has its traceFormat right under the root, where it can only mean the whole document.
        formats = named(self._root, "traceFormat")
        base = InkContext(trace_format=formats[0]) if formats else InkContext()
        self._children(self._root, base, 0)
        self._viewed(base)

    def _children(self, parent: Element, context: InkContext, depth: int) -> None:
        if depth > _DEEPEST:
            raise UnsupportedInkError(f"trace groups more than {_DEEPEST} deep")
        for child in parent:
            kind = local(child)
            if kind == "trace":
                self._trace(child, context)
            elif kind == "traceGroup":
                self._children(child, self._contexts.within(context, child), depth + 1)
            elif kind == "context":  # in a stream of ink it holds for what follows
                context = self._contexts.changed(context, child)
            elif kind in _WITHOUT_INK:
                continue
            elif kind in _DRAFT:
                raise UnsupportedInkError(f"a {kind} outside a context")
            elif holds_traces([child]):
                raise UnsupportedInkError(f"traces in an element {kind[:40]!r}")

    def _viewed(self, base: InkContext) -> None:
        """Draw those traces of `<definitions>` that a view shows: by themselves they are not on paper."""
        definitions = named(self._root, "definitions")
        if not holds_traces(definitions):
            return
        hidden = {id(element) for top in definitions for element in top.iter()}
        drawn: set[int] = set()
        views = [view for view in everywhere(self._root, "traceView") if id(view) not in hidden]
        while views:
            view = views.pop(0)
            reference = view.get("traceDataRef")
            shown = None if reference is None else self._contexts.target(reference)
            if shown is None or id(shown) not in hidden or id(shown) in drawn:
                continue
            if any(view.get(name) for name in ("from", "to", "contextRef")):
                raise UnsupportedInkError("a traceView of a part of a trace, or in another context")
            drawn.add(id(shown))
            if local(shown) == "trace":
                self._trace(shown, base)
            elif local(shown) == "traceView":
                views.insert(0, shown)
                views[1:1] = [other for other in everywhere(shown, "traceView") if other is not shown]
            else:
                self._children(shown, self._contexts.within(base, shown), 0)
                views[0:0] = everywhere(shown, "traceView")

    def _trace(self, trace: Element, context: InkContext) -> None:
        number = self._traces
        self._traces += 1
        kind = trace.get("type", "penDown")
        if kind == "penUp":
            return
        if kind != "penDown":
            raise UnsupportedInkError(f"a trace of the type {kind[:30]!r}")
        if trace.get("contextRef") or trace.get("brushRef"):
            context = self._contexts.within(context, trace)
        reading = self._contexts.reading(context)
        if not reading.visible:
            return
        name = id_of(trace)
        try:
            points = read_points(_text(trace), reading.channels)
        except TraceError as error:
            place = f"trace {name or number}, point {error.number} ({error.text[:40]!r})"
            raise PictureError(RejectReason.INK_UNREADABLE, self._where, f"{place}: {error.why}") from None
        if not points:
            return  # a pen that never touched
        stroke = reading.placed(points)
        if reading.matrix is not None and not all(abs(x) < LIMIT and abs(y) < LIMIT for x, y in stroke):
            raise PictureError(
                RejectReason.INK_UNREADABLE, self._where, f"trace {name or number}: out of range"
            )
        part = trace.get("continuation")
        if part in ("middle", "end"):
            self._continue(trace, name, stroke)
            return
        self.strokes.append(stroke)
        self.ids.append(name)
        if part == "begin":
            self._going_on[name] = len(self.strokes) - 1

    def _continue(self, trace: Element, name: str, points: Stroke) -> None:
        """Add the points of a trace that goes on with an earlier one to its stroke."""
        prior = (trace.get("priorRef") or "").removeprefix("#")
        at = self._going_on.get(prior)
        if at is None:
            raise InkReferenceError(f"trace {name}: it continues {prior[:40]!r}, and no trace begins so")
        self.strokes[at] += points
        if trace.get("continuation") == "middle":
            self._going_on[name] = at


# Elements whose traces, if any, are not on paper by themselves, or that hold none.
_WITHOUT_INK = frozenset(
    ("annotation", "annotationXML", "definitions", "traceView", "traceFormat", "timestamp")
)
# Where drafts of InkML put them, and what they would mean there differs from draft to draft.
_DRAFT = frozenset(("brush", "canvas", "canvasTransform", "mapping"))


def _text(trace: Element) -> str:
    """The points of a trace: its text, without that of annotations in it."""
    if not len(trace):
        return trace.text or ""
    parts = [trace.text or ""]
    for child in trace:
        if local(child) not in ("annotation", "annotationXML"):
            raise UnsupportedInkError(f"an element {local(child)[:40]!r} in a trace")
        parts.append(child.tail or "")
    return " ".join(parts)


def _groups(root: Element) -> list[tuple[str, tuple[str, ...]]]:
    groups = []
    for group in everywhere(root, "traceGroup"):
        traces = tuple(view.get("traceDataRef", "") for view in named(group, "traceView"))
        truths = [
            child.text or ""
            for child in group
            if local(child) == "annotation" and child.get("type") == "truth"
        ]
        if traces:
            groups.append((truths[0] if truths else "", traces))
    return groups
