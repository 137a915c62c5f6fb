"""White-space words and the tokens glued together in them."""

import re
from typing import Final

from hmer_tasks.latex.tables import tables

# commands with a name in braces after them, which stays a word
_NAMED: Final = frozenset(name for name, takes in tables().signatures.items() if "name" in takes.attributes)
_LONGEST_MODEL: Final = 20  # letters of an option before it, a colour model
_NAME: Final = (
    rf"({'|'.join(map(re.escape, sorted(_NAMED, reverse=True)))})"
    rf"\s*(?:(\[(?:\s*[A-Za-z]){{0,{_LONGEST_MODEL}}}\s*\])\s*)?\{{([A-Za-z0-9 ]*)\}}"
)
_NAMING: Final = re.compile(_NAME)
# one token of glued text; a lone backslash is control space
_PIECE: Final = re.compile(
    re.sub(r"\((?!\?)", "(?:", _NAME)
    + r"|\\(?:begin|end)\s*\{[A-Za-z]+\*?\}|\\[A-Za-z]+\*?|\\[^A-Za-z\s]|\\|[^\s\\]"
)
_ENVIRONMENT: Final = re.compile(r"\\(begin|end)\s*(\{[A-Za-z]+\*?\})")
_LETTER_COMMAND: Final = re.compile(r"\\[A-Za-z]+")


def is_token(word: str) -> bool:
    """Whether a word is one token (an environment's name apart), printable as text."""
    if not word or not word.isprintable() or " " in word:
        return False
    if len(word) == 1:
        return True
    if word.endswith("*") and len(word) > 2:
        return word in tables().signatures
    return word[0] == "\\" and (len(word) == 2 or _LETTER_COMMAND.fullmatch(word) is not None)


def is_name(tokens: list[str], word: str) -> bool:
    """Whether a word is a name of several letters, after these tokens: the colour of ``\\color { red }``."""
    if tokens[-1:] != ["{"] or not (word.isascii() and word.isalnum()):
        return False
    place = len(tokens) - 2
    if place > 0 and tokens[place] == "]":
        end = place
        place -= 1
        while (
            place > 0
            and end - place <= _LONGEST_MODEL
            and tokens[place].isascii()
            and tokens[place].isalpha()
        ):
            place -= 1
        place = place - 1 if tokens[place] == "[" else -1
    return place >= 0 and tokens[place] in _NAMED


def with_names_apart(words: list[str]) -> list[str]:
    r"""A label's words with such names as words of their own, ``\\color {red}`` as ``\\color { red }``."""
    return _NAMING.sub(r"\1 \2 { \3 } ", " ".join(words)).split()


def join_name(tokens: list[str]) -> str:
    """The tokens of a name as one word; letters that stand apart stay apart."""
    return (
        " ".join(tokens)
        if all(token.isascii() and token.isalnum() for token in tokens)
        else join_columns(tokens)
    )


def letters_of_names(tokens: list[str]) -> list[str]:
    """The tokens with such names letter by letter."""
    if _NAMED.isdisjoint(tokens):
        return tokens
    out: list[str] = []
    for place, token in enumerate(tokens):
        out += token if is_name(tokens[max(place - _LONGEST_MODEL - 4, 0) : place], token) else [token]
    return out


def split_glued(text: str) -> list[str]:
    r"""Tokens of text in which they may stand glued together: ``\left(x^2`` gives five of them."""
    words: list[str] = []
    for piece in _PIECE.findall(text):
        named = _ENVIRONMENT.fullmatch(piece)
        naming = None if named or piece[-1] != "}" else _NAMING.fullmatch(piece)
        if naming:
            option = [char for char in naming[2] or "" if not char.isspace()]
            words += [naming[1], *option, "{", *naming[3].split(), "}"]
        elif named:
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
