"""Symbol counts as the counting task writes them (Uni-MuMER, Figure 2)."""

from functools import lru_cache

from hmer_tasks.latex.attributes import ink_tokens
from hmer_tasks.latex.words import letters_of_names
from hmer_tasks.utils.check_types import require_type


def count_symbols(label: str, dialect: str = "canonical") -> dict[str, int]:
    r"""How often each token occurs in a label, braces left out.

    Environment names and ``_ ^ & \\ \begin`` count. Arguments that leave no ink (the name of a colour, a
    length) count in the released dialect only, letter by letter.

    Args:
        label: Tokens separated by white space; they are not parsed.
        dialect: `canonical` or `released`.

    Returns:
        Counts by token, in order of first appearance.

    Raises:
        TypeError: The label is no string.

    Examples:
        >>> count_symbols("x ^ { 2 } + x")
        {'x': 2, '^': 1, '2': 1, '+': 1}
    """
    require_type(label, str, "a label")
    tokens = label.split()
    counts: dict[str, int] = {}  # a Counter takes longer than a label's few tokens
    for token in letters_of_names(tokens) if dialect == "released" else ink_tokens(tokens):
        counts[token] = counts.get(token, 0) + 1
    counts.pop("{", None)
    counts.pop("}", None)
    return counts


def count_text(label: str, dialect: str = "canonical") -> str:
    """The counts as the counting task writes them.

    Args:
        label: As for `count_symbols`.
        dialect: As for `count_symbols`.

    Returns:
        ``token: n``, joined by a comma and a blank.

    Raises:
        TypeError: The label is no string.

    Examples:
        >>> count_text("x ^ { 2 } + x")
        'x: 2, ^: 1, 2: 1, +: 1'
    """
    require_type(label, str, "a label")
    return written_counts(label, dialect)


@lru_cache(maxsize=256)  # a row's proof asks again what the row was made of
def written_counts(label: str, dialect: str) -> str:
    """What `count_text` returns; the type is right."""
    return ", ".join([f"{token}: {count}" for token, count in count_symbols(label, dialect).items()])
