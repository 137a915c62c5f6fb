"""Symbol counts as the counting task writes them (Uni-MuMER, Figure 2)."""

from collections import Counter


def count_symbols(label: str) -> dict[str, int]:
    r"""How often each token stands in a label, braces left out, in order of first appearance.

    Environment names and ``_ ^ & \\ \begin`` do count.
    """
    counts = Counter(label.split())
    counts.pop("{", None)
    counts.pop("}", None)
    return dict(counts)


def count_text(label: str) -> str:
    """``tok: n`` joined by a comma and a space."""
    return ", ".join(f"{token}: {count}" for token, count in count_symbols(label).items())
