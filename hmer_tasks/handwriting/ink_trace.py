"""The points of one InkML trace, as W3C InkML writes them (Recommendation of 20 September 2011, `trace`).

    trace ::= point ("," point)* ","?        point ::= value+
    value ::= ("!" | "'" | '"')? "-"? number | "T" | "F" | "*" | "?"

`!` begins explicit values, `'` first and `"` second differences; each holds for its channel until another
comes. `*` repeats the last value, `?` says that there is none. White space may be left out where a value can
only end: `3-5`, `4*T`, `"7"-8`.
"""

import re
from dataclasses import dataclass

Point = tuple[float, float]
Stroke = list[Point]

LIMIT = 1e9  # no tablet's coordinate comes near; beyond it arithmetic would lose the shape
# Two values with nothing between them: `float` finds such a pair where X and Y come first, not before them.
_UNSET = re.compile(r"[!'\"*?TF]|[\d.][-+]|\.\d*\.")
_NUMBER = r"#[0-9A-Fa-f]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
# White space is one space here at most: so no part of the pattern is tried twice.
_VALUE = re.compile(rf" ?([!'\"]?) ?(?:([+-]?) ?({_NUMBER})|([TF*?]))")
_EXPLICIT, _FIRST, _SECOND = "!", "'", '"'


class UnsupportedInkError(Exception):
    """Ink that is sound, but not read: a few words that say what it is."""


class TraceError(ValueError):
    """A point that cannot be read: its number, its text, and why."""

    def __init__(self, number: int, text: str, why: str) -> None:
        super().__init__(number, text, why)
        self.number, self.text, self.why = number, text, why


@dataclass(frozen=True, slots=True)
class Channels:
    """Where X and Y stand in a point; how many values it has (`regular`), and how many more may follow
    (`optional`: intermittent channels). Without a trace format one may: MathWriting's points are x, y and
    time. More would be points that no comma sets apart. Some real points lack their last values (81 files of
    CROHME): X and Y are where they should be nevertheless."""

    x: int = 0
    y: int = 1
    regular: int = 2
    optional: int = 1

    @property
    def needed(self) -> int:
        """How many values a point must have at least."""
        return max(self.x, self.y) + 1


@dataclass(slots=True)
class _Axis:
    """A channel while it is read: the last value, the last difference, and what comes next."""

    value: float | None = None
    difference: float | None = None
    order: str = _EXPLICIT

    def read(self, match: re.Match[str]) -> float:
        """The value that a token stands for. Raises ValueError, UnsupportedInkError."""
        prefix, sign, digits, letter = match.groups()
        if letter:
            return self._letter(prefix, letter)
        number = float(int(digits[1:], 16)) if digits[0] == "#" else float(digits)
        number = -number if sign == "-" else number
        self.order = prefix or self.order
        last, value = self.value, number
        if self.order == _FIRST:
            if last is None:
                raise ValueError("a difference, and no value before it")
            value = last + number
        elif self.order == _SECOND:
            if last is None or self.difference is None:
                raise ValueError("a second difference, and no difference before it")
            value = last + self.difference + number
        self.difference = None if last is None else value - last
        self.value = value
        return value

    def _letter(self, prefix: str, letter: str) -> float:
        if letter == "?":
            raise UnsupportedInkError("a coordinate that is not reported (?)")
        if letter != "*":
            raise ValueError(f"{letter} is no coordinate")
        if prefix or self.order != _EXPLICIT:
            raise UnsupportedInkError("* among differences")
        if self.value is None:
            raise ValueError("*, and no value before it")
        self.difference = 0.0
        return self.value


def read_points(text: str, channels: Channels) -> Stroke:
    """Read the points of a trace.

    Args:
        text: What stands in the trace.
        channels: Its channels, in order.

    Returns:
        x and y of each point, in the trace's own units; none where the text is empty.

    Raises:
        TraceError: A point is not as the recommendation has it.
        UnsupportedInkError: It is, but in a way that is not read here.
    """
    text = text.strip().removesuffix(",")
    if not text:
        return []
    # `float` reads 1_000 too, which InkML does not.
    if "_" not in text and (channels.x + channels.y == 1 or _UNSET.search(text) is None):
        try:
            return _plain(text, channels)
        except ValueError:  # values that are not set apart, or a fault that is to be named
            pass
    return _all_forms(text.split(","), channels)


def _plain(text: str, channels: Channels) -> Stroke:
    """Points whose values are all explicit and set apart: nearly all ink. Raises ValueError."""
    pieces = text.split(",")
    if channels.x == 0 and channels.y == 1 and len(pieces[0].split()) == 2:
        return _pairs(pieces)
    x, y = channels.x, channels.y
    least, most = channels.needed, channels.regular + channels.optional
    stroke: Stroke = []
    for piece in pieces:
        values = piece.split()
        if not least <= len(values) <= most:
            raise ValueError("another number of values")
        across, down = float(values[x]), float(values[y])
        if not (-LIMIT < across < LIMIT and -LIMIT < down < LIMIT):  # false for nan as well
            raise ValueError("out of range")
        stroke.append((across, down))
    return stroke


def _pairs(pieces: list[str]) -> Stroke:
    """Points of X and Y alone. Raises ValueError."""
    stroke: Stroke = []
    for piece in pieces:
        x, y = piece.split()
        across, down = float(x), float(y)
        if not (-LIMIT < across < LIMIT and -LIMIT < down < LIMIT):
            raise ValueError("out of range")
        stroke.append((across, down))
    return stroke


def _all_forms(pieces: list[str], channels: Channels) -> Stroke:
    across, down = _Axis(), _Axis()
    stroke: Stroke = []
    for number, piece in enumerate(pieces):
        try:
            values = _values(piece)
            if len(values) < channels.needed:
                raise ValueError("too few values")
            if len(values) > channels.regular + channels.optional:
                raise ValueError("too many values")
            point = across.read(values[channels.x]), down.read(values[channels.y])
            if not (abs(point[0]) < LIMIT and abs(point[1]) < LIMIT):
                raise ValueError("out of range")
        except ValueError as error:
            raise TraceError(number, piece.strip(), str(error)) from None
        stroke.append(point)
    return stroke


def _values(piece: str) -> list[re.Match[str]]:
    """The values of one point. Raises ValueError where something else stands between them."""
    piece = " ".join(piece.split())
    values, at = [], 0
    while at < len(piece):
        match = _VALUE.match(piece, at)
        if match is None:
            raise ValueError(f"no value: {piece[at : at + 20].strip()!r}")
        values.append(match)
        at = match.end()
    return values
