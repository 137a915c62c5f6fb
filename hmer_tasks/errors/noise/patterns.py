r"""A mistake as a pattern: tokens of the label, and what is read in their stead.

`_ { … } => …` is a subscript read on the line: `…` is what stays as it is, one or more tokens with
their braces balanced. A pattern that only adds something begins with the token before it on both
sides (`x => x 2`), `<start>` at the beginning. `find` says where a pattern fits a label, and
`mistakes` reads the patterns off a label and a candidate.
"""

from dataclasses import dataclass
from random import Random
from typing import Final

from hmer_tasks.errors.align import align
from hmer_tasks.errors.token_classes import START
from hmer_tasks.latex.tables import tables
from hmer_tasks.utils.pickling import reduce_dataclass

GAP: Final = "…"
_DEPTH: Final = {"{": 1, "}": -1}

Edit = tuple[int, int, tuple[str, ...]]  # start, stop, what stands there instead


@dataclass(frozen=True, slots=True)
class Pattern:
    """Pieces of the label and what they become; between two pieces there is a gap."""

    old: tuple[tuple[str, ...], ...]
    new: tuple[tuple[str, ...], ...]

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return reduce_dataclass(self)


def pattern(old: str, new: str) -> Pattern:
    """A pattern from its two sides as they are written in the noise file."""
    return Pattern(_pieces(old), _pieces(new))


def _pieces(text: str) -> tuple[tuple[str, ...], ...]:
    pieces: list[list[str]] = [[]]
    for token in text.split():
        if token == GAP:
            pieces.append([])
        else:
            pieces[-1].append(token)
    return tuple(map(tuple, pieces))


def written(pieces: tuple[tuple[str, ...], ...]) -> str:
    """One side of a pattern as text."""
    return f" {GAP} ".join(" ".join(piece) for piece in pieces).replace("  ", " ").strip()


def start_of(old: str) -> str:
    """What the left side of a pattern begins with: its tokens before the first gap."""
    return old.split(f" {GAP}", maxsplit=1)[0]


def find(
    shape: Pattern, tokens: list[str], place: int, lengths: tuple[int, ...], random: Random
) -> list[Edit] | None:
    """Where a pattern fits a label.

    Args:
        shape: The pattern.
        tokens: The label; its first token is START.
        place: Where the pattern is to begin.
        lengths: How many items a gap takes that ends where it likes; one of them is drawn.
        random: The source of randomness.

    Returns:
        The edits that put the pattern there; None if it does not fit.
    """
    if len(shape.old) == 1:  # without a gap, as most are
        (old,), (new,) = shape.old, shape.new
        stop = place + len(old)
        if tokens[place] != old[0] or (len(old) > 1 and tuple(tokens[place:stop]) != old):
            return None
        kept = 1 if new[:1] == old[:1] else 0
        return [(place + kept, stop, new[kept:])]
    edits: list[Edit] = []
    for number, (old, new) in enumerate(zip(shape.old, shape.new, strict=True)):
        if number:
            if place < len(tokens) and tokens[place] == "{" and tokens[place - 1] != "{":
                return None  # an argument is not torn from its command
            if place < len(tokens) and tokens[place] in ("_", "^") and shape.new[number - 1][-1:] == ("{",):
                return None  # nor a script from its base
            start, place = place, _gap_end(tokens, place, old, lengths, random)
            if place == start:
                return None
        stop = place + len(old)
        if tuple(tokens[place:stop]) != old:
            return None
        kept = 1 if not number and new[:1] == old[:1] else 0
        edits.append((place + kept, stop, new[kept:]))
        place = stop
    return edits


def _gap_end(
    tokens: list[str], start: int, after: tuple[str, ...], lengths: tuple[int, ...], random: Random
) -> int:
    """Where a gap ends: at the end of its group, where what follows first fits, or after some items."""
    inside = bool(after) and after[0] != "}"
    items = random.choice(lengths) if not after else len(tokens)
    place = start
    while items and (end := item_end(tokens, place)) > place:
        place, items = end, items - 1
        if inside and tuple(tokens[place : place + len(after)]) == after:
            break
    return place


def is_argument(before: str) -> bool:
    """Whether a brace after this token opens an argument or a script: no group that may lose its braces."""
    return before in ("_", "^", "}", "]") or before[:1] == "{" != before or before in tables().signatures


def item_end(tokens: list[str], start: int) -> int:
    """The end of one thing that stands whole: a symbol, a group, a command with its arguments."""
    if start >= len(tokens) or tokens[start] in ("}", "\\end"):
        return start
    place, depth, takes = start, 0, tables().signatures
    while place < len(tokens):
        token = tokens[place]
        depth += _DEPTH.get(token, 0) + (token == "\\begin") - (token == "\\end")
        place += 1 + (token in ("\\begin", "\\end"))
        following = tokens[place] if place < len(tokens) else ""
        open_ended = token in takes or token in ("_", "^") or (depth == 0 and following == "{")
        if depth <= 0 and not open_ended:
            break
    return min(place, len(tokens))


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake of a candidate: its pattern, where it stands, and the edits that make it of the label
    (places count START as token 0)."""

    pattern: Pattern
    place: int
    edits: tuple[Edit, ...]

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return reduce_dataclass(self)


def mistakes(label: list[str], candidate: list[str]) -> list[Mistake]:
    """The mistakes of a candidate: spans that balance each other's braces are one."""
    out = []
    tokens = [START, *label]
    open_spans: list[tuple[Edit, int]] = []
    balance = 0
    for span in align(candidate, label):
        old, new = label[span.right_start : span.right_stop], candidate[span.start : span.stop]
        open_spans.append(((span.right_start + 1, span.right_stop + 1, tuple(new)), len(old)))
        balance += _balance(new) - _balance(old)
        if balance == 0:
            out.append(_mistake(tokens, [edit for edit, _ in open_spans]))
            open_spans = []
    out += [_mistake(tokens, [edit]) for edit, _ in open_spans]
    return out


def _balance(tokens: list[str]) -> int:
    return sum(_DEPTH.get(token, 0) + 1000 * ((token == "\\begin") - (token == "\\end")) for token in tokens)


def _mistake(tokens: list[str], edits: list[Edit]) -> Mistake:
    place, stop, new = edits[0]
    old = tokens[place:stop]
    if not old:  # what is only added is found by the token before it
        place -= 1
        old, new = [tokens[place]], (tokens[place], *new)
    rest = edits[1:]
    shape = Pattern(
        (tuple(old), *(tuple(tokens[start:stop]) for start, stop, _ in rest)),
        (new, *(added for _, _, added in rest)),
    )
    return Mistake(shape, place, tuple(edits))


def apply(tokens: list[str], edits: list[Edit]) -> list[str]:
    """The label (START first) with edits that do not overlap, in any order, done; without START."""
    out = list(tokens)
    for start, stop, new in sorted(edits, reverse=True):
        out[start:stop] = new
    return out[1:]
