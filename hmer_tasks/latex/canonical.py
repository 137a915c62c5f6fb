"""The standard spelling of a label: what looks the same on paper is written one way.

Opt-in (`--normalize`); the tables are in grammar/spellings.toml.
"""

from functools import cache
from typing import Final

from hmer_tasks.exceptions import LabelError, RejectReason
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.rewrite import DOTS, rewrite
from hmer_tasks.latex.rules import Rules, standard
from hmer_tasks.latex.tables import tables
from hmer_tasks.latex.tree import to_label

_NO_INK: Final = frozenset(["{", "}", "_", "^"])


def canonicalize(label: str) -> str:
    r"""The label in standard spelling and explicit form; canonicalizing it again changes nothing.

    Args:
        label: A label.

    Returns:
        The label in standard spelling.

    Raises:
        LabelError: As `parse` raises it, and `empty_label` where nothing that leaves ink remains.

    Examples:
        >>> canonicalize(r"x ^ 2 _ 1 \le y")
        'x _ { 1 } ^ { 2 } \\leq y'
    """
    return spell(label, standard())


def visually_equal(a: str, b: str) -> bool:
    r"""Whether two labels are equal token for token, or in standard spelling.

    Args:
        a: A label, or any string; one that does not parse is compared by its tokens only.
        b: The other.

    Returns:
        Whether they are equal.

    Examples:
        >>> visually_equal(r"x \le y", r"x \leq y")
        True
    """
    left, right = a.split(), b.split()
    if left == right:
        return True
    if _other_ink(left, right):
        return False
    try:
        return canonicalize(a) == canonicalize(b)
    except LabelError:
        return False


def _other_ink(left: list[str], right: list[str]) -> bool:
    """Whether two labels certainly differ: no rule touches a token of either, and the rules that are
    left (braces, empty scripts, script order) never change which signs there are."""
    untouched = _untouched()
    if not (untouched.issuperset(left) and untouched.issuperset(right)):
        return False
    return sorted(t for t in left if t not in _NO_INK) != sorted(t for t in right if t not in _NO_INK)


@cache
def _untouched() -> frozenset[str]:
    """Known tokens that no rule of the standard spelling names."""
    t, rules = tables(), standard()
    known = (t.symbols | t.operators | t.fences).union(t.signatures, map(chr, range(0x21, 0x7F)))
    named = (rules.drop | rules.unwrap | rules.delimiter_sizes).union(rules.alias)
    return known.difference(named, ["'", "\\prime", "\\limits", "\\nolimits", DOTS], t.scripts)


def spell(label: str, rules: Rules) -> str:
    """The label after the rules, repeated until they change nothing more."""
    tree = parse(label)
    written = to_label(tree)
    if rules.change_nothing:
        return written
    while True:
        rewritten = rewrite(tree, rules)
        if rewritten == written:
            return written
        if not rewritten:
            raise LabelError(RejectReason.EMPTY_LABEL, 0, "nothing in it leaves ink", tuple(label.split()))
        tree = parse(rewritten)
        written = rewritten
