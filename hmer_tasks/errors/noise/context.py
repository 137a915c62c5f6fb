"""What stands around a mistake, as features: the noise model weighs each (model.py, calibrate.py).

A feature is a text such as `lose right =`: the kind of the mistake, the side, the neighbour. A pair of
symbols, one symbol and its sort all are features, so that what is rare falls back on what is not.
"""

from collections.abc import Sequence
from typing import Final

from hmer_tasks.errors.noise.patterns import Pattern
from hmer_tasks.errors.token_classes import END, token_class

_BRACES: Final = ("{", "}")
SHAPE: Final = "shape"  # more than one symbol read as another, lost, or added to


def mistake_kind(pattern: Pattern) -> str:
    """change: a symbol read as another; lose: it is not read; add: tokens read where nothing stands."""
    old, new = pattern.old[0], pattern.new[0]
    if len(pattern.old) > 1 or len(old) > 1:
        return SHAPE
    if new[:1] == old:
        return "add"
    return "lose" if not new else "change" if len(new) == 1 else SHAPE


def mistake_features(tokens: Sequence[str], place: int, pattern: Pattern) -> list[str]:
    """What stands around a mistake, as features.

    Args:
        tokens: The label; its first token is START.
        place: Where the mistake begins.
        pattern: The mistake.

    Returns:
        The features' names, which the noise model weighs.
    """
    kind = mistake_kind(pattern)
    left, changed, right = around(tokens, place, place + len(pattern.old[0]))
    return features(kind, changed, "", right) if kind == "add" else features(kind, left, changed, right)


def around(tokens: Sequence[str], start: int, stop: int) -> tuple[str, str, str]:
    """The neighbours of a mistake and, between them, the first token that it concerns.

    A brace is named together with what it belongs to on the far side: `{ _`, `} ^`.

    Args:
        tokens: The label; its first token is START.
        start: The place of the first token that the mistake concerns.
        stop: The place after the last one.

    Returns:
        The left neighbour, the token, the right neighbour.
    """
    left = tokens[start - 1] if start else ""
    if left in _BRACES:
        left = f"{left} {tokens[start - 2]}"
    right = tokens[stop] if stop < len(tokens) else END
    if right in _BRACES:
        right = f"{right} {tokens[stop + 1] if stop + 1 < len(tokens) else END}"
    return left, tokens[start], right


def neighbours(tokens: Sequence[str]) -> tuple[list[str], list[str]]:
    """For each place of a label (its first token is START) its left and its right neighbour, as `around`
    names them."""
    lefts, rights = ["", *tokens[:-1]], [*tokens[1:], END]
    last = len(tokens) - 1
    for place, token in enumerate(tokens):
        if token in _BRACES:
            if place < last:
                lefts[place + 1] = f"{token} {tokens[place - 1]}"
            rights[place - 1] = f"{token} {tokens[place + 1] if place < last else END}"
    return lefts, rights


def features(kind: str, left: str, changed: str, right: str) -> list[str]:
    """The features of a mistake.

    Args:
        kind: Its kind, as `mistake_kind` names it.
        left: The left neighbour.
        changed: The first token that it concerns; empty where something is only added.
        right: The right neighbour.

    Returns:
        The features' names.
    """
    twin = [f"{kind} twin"] if changed and changed in (left, right) else []
    return [*left_features(kind, left, changed), *right_features(kind, left, changed, right), *twin]


def left_features(kind: str, left: str, changed: str) -> list[str]:
    """Those of the features that the left neighbour decides.

    Args:
        kind: The kind of the mistake.
        left: The left neighbour.
        changed: The first token that it concerns; empty where something is only added.

    Returns:
        The features' names.
    """
    out = [kind, f"{kind} left {left}", f"{kind} before {token_class(left.split(' ', maxsplit=1)[0])}"]
    return [*out, f"{kind} [{changed}]", f"{kind} {left} [{changed}]"] if changed else out


def right_features(kind: str, left: str, changed: str, right: str) -> list[str]:
    """Those of the features that the right neighbour decides.

    Args:
        kind: The kind of the mistake.
        left: The left neighbour; it tells only where nothing is changed.
        changed: The first token that it concerns; empty where something is only added.
        right: The right neighbour.

    Returns:
        The features' names.
    """
    out = [f"{kind} right {right}", f"{kind} after {token_class(right.split(' ', maxsplit=1)[0])}"]
    return [*out, f"{kind} [{changed}] {right}" if changed else f"{kind} {left} [] {right}"]
