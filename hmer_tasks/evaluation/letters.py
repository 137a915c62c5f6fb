r"""Equal in symbols: function names read as the letters they are written with (`\log` as `l o g`).

A hand that writes "log" writes three letters, and CDM, which matches characters of the printed page, merges
the two. In print they differ: a name stands upright with space around it. So both are reported: equal in
typesetting (the standard spelling alone) and equal in symbols. An operator whose limits stand below it
(`\lim _ { x }`) is never spelled out: its layout is another one than that of letters with a subscript.
"""

from functools import cache

from hmer_tasks.errors.equivalence import SPELLED
from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.canonical import canonicalize, visually_equal
from hmer_tasks.latex.rules import standard

_SCRIPTS = frozenset(["_", "^"])


def same_symbols(gt: str, pred: str) -> bool:
    """Whether two labels are equal in standard spelling once function names are letters."""
    names = _names()
    if names.keys().isdisjoint(gt.split()) and names.keys().isdisjoint(pred.split()):
        return visually_equal(gt, pred)
    try:  # spelled first: \operatorname and fonts are gone, and no name is an argument without braces
        return _spelled_out(canonicalize(gt)) == _spelled_out(canonicalize(pred))
    except LabelError:
        return gt.split() == pred.split()


def _spelled_out(label: str) -> str:
    names, stacked = _names(), standard().stacked
    tokens = label.split()
    out: list[str] = []
    for token, after in zip(tokens, [*tokens[1:], ""], strict=True):
        limits = after in _SCRIPTS and token in stacked
        out += (token,) if limits else names.get(token, (token,))
    return " ".join(out)


@cache
def _names() -> dict[str, tuple[str, ...]]:
    """Commands that print as letters."""
    return {name: letters for name, letters in SPELLED.items() if all(letter.isalpha() for letter in letters)}
