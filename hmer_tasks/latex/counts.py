"""Symbol counts as the counting task writes them (Uni-MuMER, Figure 2)."""

from collections import Counter

from hmer_tasks.latex.attributes import ink_tokens
from hmer_tasks.latex.words import letters_of_names
from hmer_tasks.utils.check_types import require_type


def count_symbols(label: str, dialect: str = "canonical") -> dict[str, int]:
    r"""How often each token stands in a label, braces left out, in order of first appearance.

    Environment names and ``_ ^ & \\ \begin`` do count; arguments that are no ink (a colour's name, a
    length) count in the `released` dialect alone, letter by letter.
    """
    require_type(label, str, "a label")
    tokens = label.split()
    counts = Counter(letters_of_names(tokens) if dialect == "released" else ink_tokens(tokens))
    counts.pop("{", None)
    counts.pop("}", None)
    return dict(counts)


def count_text(label: str, dialect: str = "canonical") -> str:
    """``tok: n`` joined by a comma and a space; `dialect` as in `count_symbols`."""
    return ", ".join(f"{token}: {count}" for token, count in count_symbols(label, dialect).items())
