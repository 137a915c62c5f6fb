"""White-space words and the tokens glued together in them."""

import re

from hmer_tasks.latex.tables import tables

# one token of glued text; a lone backslash is control space
_PIECE = re.compile(r"\\(?:begin|end)\s*\{[A-Za-z]+\*?\}|\\[A-Za-z]+\*?|\\[^A-Za-z\s]|\\|[^\s\\]")
_ENVIRONMENT = re.compile(r"\\(begin|end)\s*(\{[A-Za-z]+\*?\})")
_LETTER_COMMAND = re.compile(r"\\[A-Za-z]+")


def is_token(word: str) -> bool:
    """Whether a word is one token (an environment's name apart), printable as text."""
    if not word or not word.isprintable() or " " in word:
        return False
    if len(word) == 1:
        return True
    if word.endswith("*") and len(word) > 2:
        return word in tables().signatures
    return word[0] == "\\" and (len(word) == 2 or _LETTER_COMMAND.fullmatch(word) is not None)


def split_glued(text: str) -> list[str]:
    r"""Tokens of text in which they may stand glued together: ``\left(x^2`` gives five of them."""
    words: list[str] = []
    for piece in _PIECE.findall(text):
        named = _ENVIRONMENT.fullmatch(piece)
        if named:
            words += [f"\\{named[1]}", named[2]]
        elif piece.endswith("*") and len(piece) > 2 and piece not in tables().signatures:
            words += [piece[:-1], "*"]
        else:
            words.append(piece)
    return words


def join_columns(tokens: list[str]) -> str:
    """A column specification's tokens concatenated, with a space only where it keeps a command
    apart from what follows (a letter command before a letter; control space before anything)."""
    out = ""
    for i, token in enumerate(tokens):
        after = tokens[i + 1][:1] if i + 1 < len(tokens) else ""
        apart = _LETTER_COMMAND.fullmatch(token) is not None and (after.isalpha() or after == "*")
        out += token + (" " if apart or token == "\\" else "")
    return out


def split_environment(relation: str) -> tuple[str, list[str] | None]:
    """``begin_array{c|c}`` as the name and the tokens of the column specification (None: it has none)."""
    name, brace, columns = relation.removeprefix("begin_").partition("{")
    return name, split_glued(columns.removesuffix("}")) if brace else None
