"""One InkML document read: strokes, the truth, symbol groups and MathML. Drawing is in strokes.py."""

import re
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from hmer_tasks.corpora.faults import PictureError
from hmer_tasks.reading import LONGEST_LINE
from hmer_tasks.reasons import Reason

Point = tuple[float, float]
Stroke = list[Point]

MAX_BYTES = 16 << 20  # of a document; real ones reach some hundred thousand
LIMIT = 1e9  # no tablet's coordinate comes near; beyond it arithmetic would lose the shape
DECLARED = re.compile(rb"\s*<\?xml[^>]*\bencoding\b")


@dataclass(frozen=True, slots=True)
class Ink:
    """What one document holds.

    `strokes`: one list of (x, y) a trace, y downwards, in the device's own units. `truth`: the
    expression's LaTeX as written, None if there is none. `annotations`: those of the whole
    document, by type. `groups`: (symbol truth, trace ids) of each symbol. `mathml`: the first
    `<math>` element.
    """

    strokes: list[Stroke]
    truth: str | None
    annotations: dict[str, str] = field(default_factory=dict)
    groups: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    mathml: Element | None = None


def local(element: Element) -> str:
    """A tag without its namespace: packages differ in which they declare."""
    return element.tag.rpartition("}")[2]


def parse(data: bytes, where: str) -> Ink:
    """Read a document. `where` names it in errors.

    Raises PictureError: INK_EMPTY (no bytes, or no stroke with a point), INK_UNREADABLE (not XML,
    not InkML, a DTD or an entity, a point that is not numbers), NOT_UTF8 (a truth in unknown bytes),
    IMAGE_TOO_LARGE (over MAX_BYTES: as Python's objects a document is twenty times its size).
    """
    if len(data) > MAX_BYTES:
        detail = f"{len(data):,} bytes; an ink document of at most {MAX_BYTES:,} is read"
        raise PictureError(Reason.IMAGE_TOO_LARGE, where, detail)
    if not data.strip():
        raise PictureError(Reason.INK_EMPTY, where, "the file is empty")
    root = _xml(data, where)
    if local(root) != "ink":
        raise PictureError(Reason.INK_UNREADABLE, where, f"<{local(root)}> is not InkML")
    annotations: dict[str, str] = {}
    for child in root:
        if local(child) == "annotation":
            annotations.setdefault(child.get("type", ""), child.text or "")
    truth = annotations.get("truth")
    if truth is not None and "\ufffd" in truth:
        raise PictureError(Reason.NOT_UTF8, where, "its truth is not UTF-8")
    for kind, text in annotations.items():
        if len(text) > LONGEST_LINE:
            raise PictureError(Reason.INK_UNREADABLE, where, f"a {kind[:40]!r} of {len(text):,} characters")
    strokes = _strokes(root, where)
    if not strokes:
        raise PictureError(Reason.INK_EMPTY, where, "no stroke")
    mathml = next((element for element in root.iter() if local(element) == "math"), None)
    return Ink(strokes, truth, annotations, _groups(root), mathml)


def _xml(data: bytes, where: str) -> Element:
    try:
        data.decode()
    except UnicodeDecodeError:
        # One real file holds a Latin-1 dot in its MathML, in a document that declares nothing. Its
        # ink and truth are sound, so the stray byte is marked, and refused only where it matters.
        if not DECLARED.match(data) and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
            data = data.decode("utf-8", "replace").encode()
    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except ParseError as error:
        raise PictureError(Reason.INK_UNREADABLE, where, f"not XML: {error}") from None
    except DefusedXmlException as error:
        detail = f"a DTD or an entity is not read: {type(error).__name__}"
        raise PictureError(Reason.INK_UNREADABLE, where, detail) from None
    except (ValueError, LookupError) as error:
        raise PictureError(Reason.INK_UNREADABLE, where, f"unknown encoding: {error}") from None
    return root


def _axes(root: Element) -> tuple[int, int]:
    """Where x and y stand in a point: some devices declare further channels before them."""
    for element in root.iter():
        if local(element) == "traceFormat":
            names = [channel.get("name", "").upper() for channel in element if local(channel) == "channel"]
            if "X" in names and "Y" in names:
                return names.index("X"), names.index("Y")
    return 0, 1


def _strokes(root: Element, where: str) -> list[Stroke]:
    x, y = _axes(root)
    need = max(x, y) + 1
    strokes = []
    for number, trace in enumerate(element for element in root.iter() if local(element) == "trace"):
        stroke: Stroke = []
        for piece in (trace.text or "").strip().removesuffix(",").split(","):
            numbers = piece.split()
            try:
                if len(numbers) < need:
                    raise ValueError("too few numbers")
                point = float(numbers[x]), float(numbers[y])
                if not (abs(point[0]) < LIMIT and abs(point[1]) < LIMIT):  # false for nan as well
                    raise ValueError("out of range")
            except ValueError as error:
                if not (trace.text or "").strip():
                    break  # a trace without points is a pen that never touched
                place = f"trace {trace.get('id', number)}, point {len(stroke)} ({piece.strip()[:40]!r})"
                raise PictureError(Reason.INK_UNREADABLE, where, f"{place}: {error}") from None
            stroke.append(point)
        if stroke:
            strokes.append(stroke)
    return strokes


def _groups(root: Element) -> list[tuple[str, tuple[str, ...]]]:
    groups = []
    for group in (element for element in root.iter() if local(element) == "traceGroup"):
        traces = tuple(view.get("traceDataRef", "") for view in group if local(view) == "traceView")
        truths = [
            child.text or ""
            for child in group
            if local(child) == "annotation" and child.get("type") == "truth"
        ]
        if traces:
            groups.append((truths[0] if truths else "", traces))
    return groups
