r"""From raw LaTeX (InkML truths, papers, user files) to a label in explicit form.

The steps, top to bottom: comments, tokens, Unicode characters, math delimiters, the profile's rules.
A profile is a table of grammar/profiles.toml; `plain` does nothing that is not needed to read it.
"""

import re
from typing import Final

from hmer_tasks.exceptions import LabelError, RejectReason
from hmer_tasks.latex.canonical import spell
from hmer_tasks.latex.document import formula, with_scripts, without_comments
from hmer_tasks.latex.rules import Rules, profile
from hmer_tasks.latex.tables import tables
from hmer_tasks.latex.unicode import to_commands
from hmer_tasks.latex.words import split_glued
from hmer_tasks.utils.check_types import require_type

# TeX's comment runs to the end of its line. On the last line there is nothing to run to: there, and
# so in every one-line truth, % is a per cent sign that somebody forgot to escape, and it stays.
# (Each match ends: on the last line, where none can, the search would take quadratic time.)
_COMMENT: Final = re.compile(r"(?<!\\)((?:\\\\)*)%[^\n]*\n")
_DELIMITERS: Final = frozenset(["$", "\\(", "\\)", "\\[", "\\]"])
_DISPLAYS: Final = frozenset(["{math}", "{displaymath}", "{equation}", "{equation*}"])


def normalize(latex: str, profile_name: str = "plain") -> str:
    r"""The label of raw LaTeX, by the rules of a profile.

    Args:
        latex: LaTeX as people write it: of an InkML file, a paper, a label file of your own.
        profile_name: A table of grammar/profiles.toml. `plain` changes only what must change to read the
            text.

    Returns:
        The label in explicit form.

    Raises:
        LabelError: What is left is not in the language. `position` is an index into the error's `tokens`.
        ValueError: There is no such profile; the message names the nearest.
        TypeError: The argument is no string.

    Examples:
        >>> normalize(r"$\frac12 + x$")
        '\\frac { 1 } { 2 } + x'
    """
    require_type(latex, str, "LaTeX")
    rules = profile(profile_name)
    if rules.document == "strip":
        text = without_comments(latex)
    else:
        before, newline, last = latex.strip().rpartition("\n")
        text = _COMMENT.sub(r"\1", before + newline) + last
    _refuse_reserved(text)
    tokens = _tokens(text, rules)
    if rules.document == "strip":
        tokens = formula(tokens)
    if rules.unicode == "scripts":
        tokens = with_scripts(tokens)
    if rules.unicode != "keep":
        tokens = [new for token in tokens for new in to_commands(token)]
    if rules.document == "keep":
        tokens = _without_delimiters(tokens)
    return spell(" ".join(tokens), rules)


def _refuse_reserved(text: str) -> None:
    for place, word in enumerate(text.split()):
        if word in tables().reserved:
            detail = f"{word} is a mark of the error tasks"
            raise LabelError(RejectReason.RESERVED_TOKEN, place, detail, tuple(text.split()))


def _tokens(text: str, rules: Rules) -> list[str]:
    r"""The tokens of the text; a name that a letter was glued to (``\ltN``) comes apart."""
    tokens = split_glued(text)
    if not any(name in text for name in rules.glued):
        return tokens
    apart: list[str] = []
    for token in tokens:
        name = next((prefix for prefix in rules.glued if token.startswith(prefix)), None)
        if name is None or token in tables().symbols:
            apart.append(token)
        else:
            apart += [name, *token[len(name) :]]
    return apart


def _without_delimiters(tokens: list[str]) -> list[str]:
    r"""Tokens without $ and the like, wherever they stand: around it all, doubled by mistake, or around
    mathematics in a \mbox. None is ink, and an ordinary dollar is ``\$``."""
    tokens = [token for token in tokens if token not in _DELIMITERS]
    if len(tokens) > 4 and tokens[0] == "\\begin" and tokens[1] in _DISPLAYS:
        closing = [i for i, token in enumerate(tokens) if token == tokens[1] and tokens[i - 1] == "\\end"]
        if closing == [len(tokens) - 1]:
            return tokens[2:-2]
    return tokens
