"""Which candidates are no misreading but a collapse: named rules, so that a summary can count them."""

from enum import StrEnum

from hmer_tasks.errors.edits import edit_distance

# A candidate further from its label than this share of the longer one is another expression.
FARTHEST = 0.5
_REPEATED = 8  # times in a row


class RejectionRule(StrEnum):
    """Why a candidate teaches nothing."""

    EMPTY = "empty"
    REPEATED = "one_token_repeated"
    TOO_FAR = "too_far"


def rejection_rule(
    candidate: list[str], label: list[str], farthest: float = FARTHEST
) -> RejectionRule | None:
    """Why a candidate is left out.

    Args:
        candidate: What was read.
        label: What stands there.
        farthest: Beyond this share of the longer one's tokens they have too little in common.

    Returns:
        The rule; None where there is something to learn from the candidate.
    """
    if not candidate:
        return RejectionRule.EMPTY
    if longest_repeat(candidate) >= max(_REPEATED, 2 * longest_repeat(label)):
        return RejectionRule.REPEATED
    # A short label must be able to suffer one mistake.
    most = max(1.0, farthest * max(len(candidate), len(label)))
    return RejectionRule.TOO_FAR if edit_distance(candidate, label) > most else None


def longest_repeat(tokens: list[str]) -> int:
    """How often one token stands in a row."""
    longest = row = 0
    before = ""
    for token in tokens:
        row = row + 1 if token == before else 1
        longest, before = max(longest, row), token
    return longest
