r"""A label laid out in print: a box for every glyph and bar, without any TeX (ziamath, STIX Two Math)."""

import re
from functools import lru_cache

from hmer_tasks.exceptions import LabelError, MissingLibraryError
from hmer_tasks.latex.canonical import canonicalize
from hmer_tasks.typeset.boxes import Box

MAX_TOKENS = 1_500
# ziamath lays the content of each group out twice, so its time doubles with every level: the sum of
# 2^depth over the tokens foretells it, about a fifth of a millisecond each. Real labels stay below 2,000.
MAX_WORK = 10_000

# one letter, digit or command in braces after a script mark or an argument: the braces change nothing
# but ziamath's work
_SINGLE = re.compile(r"(?:(?<= [_^] )|(?<= \} ))\{ ([A-Za-z0-9]|\\[A-Za-z]+) \}(?= |$)")
# latex2mathml knows these letters only where nothing stands between
_DOUBLE_STRUCK = re.compile(r"\\mathbb \{ ([A-Za-z0-9]) \}")
_SPACES = frozenset(["\u2009", "\xa0", " "])


@lru_cache(maxsize=20_000)
def layout(label: str) -> tuple[Box, ...] | None:
    """The boxes of a label, in standard spelling, in drawing order.

    None where it is not TeX, too long or too deep to lay out, beyond ziamath, or leaves no ink.
    """
    return lay_out(label)


def lay_out(label: str) -> tuple[Box, ...] | None:
    """`layout` without its memory."""
    if len(label.split()) > MAX_TOKENS:
        return None
    try:
        spelled = _DOUBLE_STRUCK.sub(r"\\mathbb{\1}", _SINGLE.sub(r"\1", canonicalize(label)))
    except LabelError:
        return None
    if _work(spelled) > MAX_WORK:
        return None
    try:
        from hmer_tasks.typeset.glyphs import draw
    except ImportError:
        raise MissingLibraryError("laying out needs ziamath: pip install 'hmer-tasks[score]'") from None
    boxes = draw(spelled)
    return None if boxes is None else tuple(_with_names_joined(boxes)) or None


def _work(label: str) -> int:
    depth = work = 0
    for token in label.split():
        work += 1 << min(depth, 30)
        if token in ("{", "\\begin"):
            depth += 1
        elif token in ("}", "\\end"):
            depth = max(0, depth - 1)
    return work


def _with_names_joined(boxes: list[Box]) -> list[Box]:
    """Boxes without blanks; a command that ziamath does not know, which it spells out between thin
    spaces, is one box."""
    out: list[Box] = []
    naming = False
    for i, box in enumerate(boxes):
        if box.symbol in _SPACES:
            naming = not naming and i + 1 < len(boxes) and boxes[i + 1].symbol == "\\"
            continue
        if naming and out and boxes[i - 1].symbol not in _SPACES:
            out[-1] = _joined(out[-1], box)
        else:
            out.append(box)
    return out


def _joined(a: Box, b: Box) -> Box:
    top, bottom = min(a.top, b.top), max(a.bottom, b.bottom)
    return Box(a.symbol + b.symbol, a.left, top, b.right, bottom, a.baseline, a.size, "")
