"""Why the parser stopped: a named reason from the parser's state and the token's class.

Runs only when a label is refused, so it may walk the tokens again to find what is still open.
"""

from typing import Final

from hmer_tasks.exceptions import LabelError, RejectReason
from hmer_tasks.latex.tokens import ID, Lexed

_NAMES: Final = {number: name for name, number in ID.items()}


def explain(lexed: Lexed, index: int, owner: str) -> LabelError:
    """Name what is wrong where the grammar takes no more.

    Args:
        lexed: The label's terminals.
        index: The number of the terminal that does not fit.
        owner: The command or script mark that wants an argument at this place; empty if none does.

    Returns:
        The error, with its reason and place.
    """
    terminal = _NAMES[lexed.terminals[index]]
    reason, at, detail = _name(lexed, index, terminal, owner)
    place = at if lexed.places is None else ([*lexed.places, len(lexed.words)])[at]
    return LabelError(reason, place, detail, tuple(lexed.words))


def _name(lexed: Lexed, index: int, terminal: str, owner: str) -> tuple[RejectReason, int, str]:
    word = _word(lexed, index)
    if owner:
        return RejectReason.MISSING_ARGUMENT, index, f"{owner} wants an argument, not {word}"
    previous = _NAMES[lexed.terminals[index - 1]] if index else ""
    if previous == "ARRAY":
        return (
            RejectReason.MISSING_ARGUMENT,
            index,
            f"{_word(lexed, index - 1)} wants a column specification in braces",
        )
    if terminal in ("SUB", "SUP"):
        return RejectReason.DOUBLE_SCRIPT, index, f"a second {word} on the same base"
    kind, opened = _innermost(lexed, index)
    if kind == "LBRACE":
        return RejectReason.UNBALANCED_BRACE, opened, f"this brace is still open at {word}"
    if kind == "BEGIN":
        return (
            RejectReason.UNBALANCED_ENVIRONMENT,
            opened,
            f"{_word(lexed, opened + 1)} is still open at {word}",
        )
    if kind == "OPEN":
        return RejectReason.UNBALANCED_BRACE, index, f"{word} inside an option"
    if terminal == "RBRACE":
        return RejectReason.UNBALANCED_BRACE, index, "this brace closes nothing"
    return RejectReason.UNBALANCED_ENVIRONMENT, index, f"{word} closes nothing"


def _word(lexed: Lexed, index: int) -> str:
    if lexed.terminals[index] == 0:
        return "the end"
    return lexed.words[index if lexed.places is None else lexed.places[index]]


def _innermost(lexed: Lexed, index: int) -> tuple[str, int]:
    """The class and index of the innermost brace, option or environment open before `index`."""
    closes = {"RBRACE": "LBRACE", "CLOSE": "OPEN", "END": "BEGIN"}
    stack: list[tuple[str, int]] = []
    for i, number in enumerate(lexed.terminals[:index]):
        name = _NAMES[number]
        if name in closes.values():
            stack.append((name, i))
        elif name in closes and stack:
            stack.pop()
    return stack[-1] if stack else ("", index)
