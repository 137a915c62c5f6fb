"""Commands with arguments: fractions, roots, accents, arrows with words, frames."""

from collections.abc import Callable

from hmer_tasks.handwriting import stretch
from hmer_tasks.handwriting.boxes import AXIS, SMALLEST, Box, Cell, LineSetter, UndrawableError, strokes_box
from hmer_tasks.handwriting.curves import Points, curve, moved
from hmer_tasks.handwriting.symbols import STYLES

FRACTIONS = frozenset(r"\frac \cfrac \dfrac \tfrac \binom \dbinom \tbinom".split())
BINOMIALS = frozenset(r"\binom \dbinom \tbinom".split())
PLAIN = frozenset(
    r"""
\mathrm \mathit \mathnormal \mathsf \mathtt \text \textit \textmd \textnormal \textrm \textsf \texttt \textup
\textsc \textsl \emph \mbox \hbox \operatorname \operatorname* \mathop \mathord \mathbin \mathrel \mathopen
\mathclose \mathpunct \mathinner \bold \textcolor \smash \lefteqn \rlap \llap \clap \mathrlap \mathllap
\mathclap
\substack
""".split()
)
UNSEEN = frozenset(
    r"""
\phantom \hphantom \vphantom \label \hspace \hspace* \vspace \vspace* \mspace \kern \mkern \hskip \mskip
\vskip \color
""".split()
)
UNDER = frozenset(
    r"\underline \underbrace \underbar \undertilde \utilde \underrightarrow \underleftarrow".split()
)


def fraction(pen: LineSetter, cell: Cell, size: float, style: str) -> Box:
    """One over the other, with a bar or between brackets."""
    small = max(SMALLEST, size * pen.writer.fraction)
    above = pen.block(cell.child("above") or [], small, style)
    below = pen.block(cell.child("below") or [], small, style)
    binomial = cell.symbol in BINOMIALS
    box = stacked(pen, cell, above, below, size, barred=not binomial)
    return between(pen, cell, box, ("(", ")"), size) if binomial else box


def stacked(pen: LineSetter, cell: Cell, above: Box, below: Box, size: float, *, barred: bool) -> Box:
    axis = AXIS * size
    space = max(19 * size, pen.least + 5) * pen.writer.air
    wide = max(above.width, below.width, 24 * size) + 2 * pen.chance.uniform(7, 20) * size
    out = Box()
    if barred:
        line = strokes_box(cell.number, stretch.bar(wide, pen.chance))
        out.put(line, 0.0, axis)
        space += 0.6 * max(-line.top, line.bottom)
    else:
        out.width, space = wide, space / 2
    lean = pen.chance.uniform(-0.25, 0.25)
    for box, y in ((above, axis - space - above.bottom), (below, axis + space - below.top)):
        if box.marks:
            free = wide - box.width
            out.put(box, free / 2 + lean * min(free, 40 * size) / 2, y)
    return out


def between(pen: LineSetter, cell: Cell, inner: Box, fences: tuple[str, str], size: float) -> Box:
    """A box between two delimiters that belong to the cell; an empty name is none."""
    left, right = fences
    out = Box()
    space = max(0.5 * pen.writer.gap * size, pen.least)
    if left:
        out.put(pen.fence(cell.number, left, inner.top - 6 * size, inner.bottom + 6 * size, size), 0.0)
    out.put(inner, out.width + (space if left else 0.0))
    if right:
        fence = pen.fence(cell.number, right, out.top, out.bottom, size)
        out.put(fence, out.width + space)
    return out


def command(pen: LineSetter, cell: Cell, size: float, style: str) -> Box:
    """Any other command with an argument. Raises UndrawableError."""
    symbol = cell.symbol
    small = max(SMALLEST, size * pen.writer.script)
    if symbol == "\\sqrt":
        return _root(pen, cell, size, style)
    if symbol in ARROWS:
        above = pen.block(cell.child("above") or cell.child("inside") or [], small, style)
        below = pen.block(cell.child("below") or [], small, style)
        return _arrow(pen, cell, above, below, size)
    if symbol in ("\\overset", "\\stackrel", "\\underset"):
        base = pen.block(cell.child("inside") or [], size, style)
        above, below = (pen.block(cell.child(name) or [], small, style) for name in ("above", "below"))
        return pen.over(base, above, below, 9 * size)
    line = cell.child("above") or cell.child("inside") or []
    if symbol in STYLES:
        return pen.block(line, size, STYLES[symbol])
    if symbol in PLAIN:
        return pen.block(line, size, style)
    if symbol in UNSEEN:
        return _unseen(pen, cell, line, size, style)
    if symbol in ACCENTS:
        return _accented(pen, cell, pen.block(line, size, style), size)
    if symbol in FRAMES:
        return _framed(pen, cell, pen.block(line, size, style), size)
    if symbol in ("\\pmod", "\\mod", "\\pod", "\\tag"):
        word = pen.word(cell.number, "mod", size) if "mod" in symbol else Box()
        inner = Box()
        if word.marks:
            inner.put(word, 0.0)
            inner.width += 30 * size
        inner.put(pen.block(line, size, style), inner.width)
        return inner if symbol == "\\mod" else between(pen, cell, inner, ("(", ")"), size)
    raise UndrawableError(symbol)


def _unseen(pen: LineSetter, cell: Cell, line: list[Cell], size: float, style: str) -> Box:
    wide = pen.block(line, size, style).width if "phantom" in cell.symbol and cell.symbol[1] != "v" else 0.0
    return Box(width=wide)


def _root(pen: LineSetter, cell: Cell, size: float, style: str) -> Box:
    inner = pen.block(cell.child("above") or [], size, style)
    if not inner.marks:
        inner = Box(30 * size, -80 * size, 0.0)
    index = pen.block(cell.child("below") or [], max(SMALLEST, 0.6 * size), style)
    space = max(17 * size, pen.least + 5)
    hook = min(38 * size + 0.05 * inner.height, 60.0)
    top, bottom = inner.top - space, max(inner.bottom, 0.0) + 5 * size
    sign = strokes_box(cell.number, stretch.root(hook, inner.width + 1.4 * space, top, bottom, pen.chance))
    out = Box()
    shift = 0.0
    if index.marks:
        shift = max(0.0, index.width - 0.3 * hook)
        foot = bottom - min(0.55 * (bottom - top), 55.0) - max(9 * size, pen.least)
        out.put(index, max(0.0, 0.3 * hook - index.width), foot - 4 * size - index.bottom)
    out.put(sign, shift)
    if inner.marks:
        out.put(inner, shift + hook + 0.6 * space)
        out.width = max(out.width, shift + sign.width)
    return out


ARROWS = {  # left head, right head, doubled shaft
    "\\xrightarrow": (False, True, False), "\\xleftarrow": (True, False, False),
    "\\xleftrightarrow": (True, True, False), "\\xlongequal": (False, False, True),
    "\\xRightarrow": (False, True, True), "\\xLeftarrow": (True, False, True),
    "\\xLeftrightarrow": (True, True, True), "\\xmapsto": (False, True, False),
    "\\xhookrightarrow": (False, True, False), "\\xhookleftarrow": (True, False, False),
    "\\xrightharpoonup": (False, True, False), "\\xrightleftharpoons": (True, True, True),
}  # fmt: skip


def _arrow(pen: LineSetter, cell: Cell, above: Box, below: Box, size: float) -> Box:
    left, right, doubled = ARROWS[cell.symbol]
    wide = max(above.width, below.width, 60 * size) + 36 * size
    shaft = stretch.arrow(wide, 20 * size, left and not doubled, right and not doubled, pen.chance)
    if doubled:
        shaft = [moved(stroke, 0.0, dy) for stroke, dy in zip(shaft * 2, (-9 * size, 9 * size), strict=False)]
        heads = stretch.arrow(wide, 22 * size, left, right, pen.chance)[1:]
        shaft += heads
    box = strokes_box(cell.number, shaft)
    lifted = Box()
    lifted.put(box, 0.0, AXIS * size)
    return pen.over(lifted, above, below, 11 * size)


def _accented(pen: LineSetter, cell: Cell, inner: Box, size: float) -> Box:
    strokes = ACCENTS[cell.symbol](pen, max(inner.width, 12 * size), size)
    mark = strokes_box(cell.number, strokes)
    space = max(10 * size, pen.least)
    if not inner.marks:
        inner = Box(20 * size, -60 * size, 0.0)
    if cell.symbol in UNDER:
        if cell.symbol == "\\underbrace":
            mark = strokes_box(cell.number, [stroke * (1.0, -1.0) for stroke in strokes])
        y = max(inner.bottom, 0.0) + space - mark.top
    else:
        y = inner.top - space - mark.bottom
    wide = max(mark.width, inner.width)
    out = Box()
    out.put(inner, (wide - inner.width) / 2)
    out.put(mark, (wide - mark.width) / 2, y)
    return out


def _across(pen: LineSetter, width: float, size: float) -> list[Points]:
    return stretch.bar(width + 8 * size, pen.chance)


def _small_roof(pen: LineSetter, width: float, size: float) -> list[Points]:
    return stretch.roof(min(width, 46 * size) + 6 * size, 18 * size)


def _dots(count: int, size: float) -> list[Points]:
    """Short touches of the pen, beside one another."""
    return [
        curve([(24 * size * number, 0.0), (24 * size * number + 3 * size, 4 * size)])
        for number in range(count)
    ]


def _wide_arrow(
    pen: LineSetter, width: float, size: float, *, left: bool = False, right: bool = False
) -> list[Points]:
    return stretch.arrow(max(width, 34 * size) + 8 * size, 13 * size, left, right, pen.chance)


ACCENTS: dict[str, Callable[[LineSetter, float, float], list[Points]]] = {
    "\\hat": _small_roof,
    "\\widehat": lambda pen, width, size: stretch.roof(width + 6 * size, 22 * size),
    "\\check": lambda pen, width, size: [stroke * (1.0, -1.0) for stroke in _small_roof(pen, width, size)],
    "\\widecheck": lambda pen, width, size: [
        stroke * (1.0, -1.0) for stroke in _small_roof(pen, width, size)
    ],
    "\\bar": _across,
    "\\overline": _across,
    "\\underline": _across,
    "\\underbar": _across,
    "\\vec": lambda pen, width, size: _wide_arrow(pen, width, size, right=True),
    "\\overrightarrow": lambda pen, width, size: _wide_arrow(pen, width, size, right=True),
    "\\overleftarrow": lambda pen, width, size: _wide_arrow(pen, width, size, left=True),
    "\\underrightarrow": lambda pen, width, size: _wide_arrow(pen, width, size, right=True),
    "\\underleftarrow": lambda pen, width, size: _wide_arrow(pen, width, size, left=True),
    "\\overleftrightarrow": lambda pen, width, size: _wide_arrow(pen, width, size, left=True, right=True),
    "\\dot": lambda pen, width, size: _dots(1, size),
    "\\ddot": lambda pen, width, size: _dots(2, size),
    "\\dddot": lambda pen, width, size: _dots(3, size),
    "\\tilde": lambda pen, width, size: stretch.wave(min(width, 50 * size) + 6 * size, 12 * size),
    "\\widetilde": lambda pen, width, size: stretch.wave(width + 8 * size, 14 * size),
    "\\undertilde": lambda pen, width, size: stretch.wave(width + 8 * size, 14 * size),
    "\\utilde": lambda pen, width, size: stretch.wave(width + 8 * size, 14 * size),
    "\\acute": lambda pen, width, size: [curve([(16 * size, -20 * size), (0, 0)])],
    "\\grave": lambda pen, width, size: [curve([(0, -20 * size), (16 * size, 0)])],
    "\\breve": lambda pen, width, size: [
        stroke * (1.0, -1.0) for stroke in stretch.bow(min(width, 44 * size), 14 * size)
    ],
    "\\overarc": lambda pen, width, size: stretch.bow(width + 6 * size, 18 * size),
    "\\wideparen": lambda pen, width, size: stretch.bow(width + 6 * size, 18 * size),
    "\\overparen": lambda pen, width, size: stretch.bow(width + 6 * size, 18 * size),
    "\\overbrace": lambda pen, width, size: stretch.lying_brace(width + 6 * size, 26 * size),
    "\\underbrace": lambda pen, width, size: stretch.lying_brace(width + 6 * size, 26 * size),
    "\\mathring": lambda pen, width, size: [
        stroke * 0.25 * size for stroke in stretch.ring(8.0, -20.0, 20.0)
    ],
}
FRAMES = frozenset(r"\boxed \fbox \textcircled \cancel \bcancel \xcancel \sout".split())


def _framed(pen: LineSetter, cell: Cell, inner: Box, size: float) -> Box:
    space = 0.6 * pen.least + 10 * size
    if not inner.marks:
        inner = Box(40 * size, -70 * size, 0.0)
    top, bottom, wide = inner.top - space, inner.bottom + space, inner.width
    if cell.symbol in ("\\boxed", "\\fbox"):
        strokes = stretch.frame(wide + 2 * space, top, bottom, pen.chance)
    elif cell.symbol == "\\textcircled":
        strokes = stretch.ring(wide, inner.top, inner.bottom)
    else:
        middle = (top + bottom) / 2
        lines = {
            "\\cancel": [(bottom, top)],
            "\\bcancel": [(top, bottom)],
            "\\xcancel": [(bottom, top), (top, bottom)],
            "\\sout": [(middle, middle)],
        }[cell.symbol]
        strokes = [curve([(0, a), (wide + 2 * space, b)]) for a, b in lines]
    left = min(float(stroke[:, 0].min()) for stroke in strokes)
    frame = strokes_box(cell.number, strokes)
    out = Box()
    out.put(frame, 0.0)
    if inner.marks:
        out.put(inner, -left if cell.symbol == "\\textcircled" else space)
    return out
