r"""Arguments without ink (a colour's name, a length): they belong to the node of their command.

``\textcolor { red } { x }`` is the node ``\textcolor{red}`` with `inside` x, ``\hspace { 1 c m }`` the node
``\hspace{1cm}`` alone, ``\phantom { x }`` the node ``\phantom{x}``. Their tokens are concatenated as those of
a column specification. Which arguments these are, and what each kind means, says grammar/commands.toml.
"""

import re
from functools import lru_cache
from typing import Final

from hmer_tasks.exceptions import LabelError, RejectReason
from hmer_tasks.latex.tables import Signature, tables
from hmer_tasks.latex.words import join_columns, join_name, split_glued

_COMMAND: Final = re.compile(r"\\[A-Za-z]+\*?")
_UNITS: Final = frozenset("pt pc in bp cm mm dd cc sp ex em mu nd nc px".split())
# what cannot be an argument without braces
_NO_ARGUMENT: Final = frozenset(["{", "}", "&", "\\\\", "_", "^", "\\begin", "\\end"])

_SIGNATURES: Final = tables().signatures
ATTRIBUTED: Final = frozenset(
    name for name, takes in _SIGNATURES.items() if takes.attributes not in ((), ("line",))
)
HIDDEN: Final = frozenset(name for name, takes in _SIGNATURES.items() if takes.attributes == ("line",))
_OWNERS: Final = ATTRIBUTED | HIDDEN


@lru_cache(maxsize=8192)
def command_of(symbol: str) -> str:
    r"""The command of a node's symbol: ``\textcolor`` of ``\textcolor{red}``, any other symbol itself."""
    match = _COMMAND.match(symbol)
    return match[0] if match and match.end() < len(symbol) and match[0] in _OWNERS else symbol


def signature(symbol: str) -> Signature | None:
    """What the command of a node takes; None where it takes nothing."""
    return _SIGNATURES.get(command_of(symbol))


@lru_cache(maxsize=8192)
def tokens_of(symbol: str) -> tuple[str, ...]:
    """The tokens of a node's symbol in a label."""
    return (symbol,) if command_of(symbol) == symbol else tuple(split_glued(symbol))


def symbol_end(line: str) -> int:
    """Where the symbol at the start of a line of a tree's text ends: at the first space outside the braces
    and brackets of attributes. -1 where there is none."""
    space = line.find(" ")
    head = line[: max(space, 0)]
    if ("{" not in head and "[" not in head) or command_of(head) == head:
        return space
    braces = brackets = 0
    place = len(command_of(head))
    while place < len(line):
        char = line[place]
        braces += (char == "{") - (char == "}")
        if braces == 0:
            brackets += (char == "[") - (char == "]")
            if char == " " and brackets == 0:
                return place
        place += 1 + (char == "\\")
    return -1


def read_attributes(tokens: list[str], place: int, kinds: tuple[str, ...]) -> tuple[str, int]:
    """Read a command's arguments that leave no ink.

    Args:
        tokens: The label.
        place: Where the first of them stands.
        kinds: What the command takes, in this order.

    Returns:
        The arguments, concatenated, and the place after them.

    Raises:
        LabelError: `missing_argument`, `unbalanced_brace` or `unbalanced_bracket`: one of them is not there.
    """
    text = ""
    for kind in kinds:
        start = place
        if kind == "option":
            if place < len(tokens) and tokens[place] == "[":
                place = _closing(tokens, place, "[") + 1
                text += f"[{join_columns(tokens[start + 1 : place - 1])}]"
        elif place < len(tokens) and tokens[place] == "{":
            place = _closing(tokens, place, "{") + 1
            inner = tokens[start + 1 : place - 1]
            text += f"{{{join_name(inner) if kind == 'name' else join_columns(inner)}}}"
        elif kind == "dimension":
            place = _length_end(tokens, place)
            text += join_columns(tokens[start:place])
        elif kind == "number":
            place = _number_end(tokens, place)
            text += join_columns(tokens[start:place])
        else:
            token = tokens[place] if place < len(tokens) else ""
            taken = token in tables().signatures or token in tables().fences or token in tables().scripts
            if not token or token in _NO_ARGUMENT or taken:
                raise _missing(tokens, place, "an argument")
            place += 1
            text += f"{{{join_columns([token])}}}"
    return text, place


def ink_tokens(tokens: list[str]) -> list[str]:
    """The tokens of a label without its attributes. What does not stand as it must is left as it is."""
    if _OWNERS.isdisjoint(tokens):
        return tokens
    out: list[str] = []
    place = 0
    while place < len(tokens):
        token = tokens[place]
        out.append(token)
        place += 1
        if token not in _OWNERS:
            continue
        kinds = tables().signatures[token].attributes
        try:
            for kind in kinds:
                start = place
                _, place = read_attributes(tokens, place, (kind,))
                if kind == "delimiter":  # ink, though no line of its own
                    out += tokens[start:place]
        except LabelError:
            return out + tokens[place:]
    return out


def _closing(tokens: list[str], place: int, opener: str) -> int:
    """The place of what closes the brace or bracket at `place`; brackets count outside braces alone."""
    braces = brackets = 0
    for end in range(place, len(tokens)):
        token = tokens[end]
        braces += (token == "{") - (token == "}")
        if opener == "[" and braces == 0:
            brackets += (token == "[") - (token == "]")
        if braces < 0:
            break
        if braces == brackets == 0:
            return end
    reason = RejectReason.UNBALANCED_BRACE if opener == "{" else RejectReason.UNBALANCED_BRACKET
    raise LabelError(reason, place, f"what this {opener} opens is never closed", tuple(tokens))


def _length_end(tokens: list[str], place: int) -> int:
    """Where a length without braces ends (TeXbook, chapter 24): ``- . 5 e m``, ``1 e m p l u s 2 p t``, a
    register."""
    end = _one_length_end(tokens, place)
    for word in ("plus", "minus"):
        if "".join(tokens[end : end + len(word)]) == word and tokens[end - 1].isalpha():
            end = _one_length_end(tokens, end + len(word))
    return end


def _one_length_end(tokens: list[str], place: int) -> int:
    end = place
    while end < len(tokens) and tokens[end] in ("+", "-"):
        end += 1
    start = end
    while end < len(tokens) and (tokens[end] in ".," or (tokens[end].isascii() and tokens[end].isdigit())):
        end += 1
    register = tokens[end] if end < len(tokens) else ""
    if register in tables().registers:
        return end + 1
    if any(token.isdigit() for token in tokens[start:end]):
        if "".join(tokens[end : end + 4]) == "true":
            end += 4
        if "".join(tokens[end : end + 3]) == "fil":
            end += 3
            while end < len(tokens) and tokens[end] == "l":
                end += 1
            return end
        if "".join(tokens[end : end + 2]) in _UNITS:
            return end + 2
    raise _missing(tokens, place, "a length, as 1 p t")


def _number_end(tokens: list[str], place: int) -> int:
    r"""Where a number ends: ``6 5``, ``" 4 1``, ``' 1 0 1``, or a sign after a backquote."""
    first = tokens[place] if place < len(tokens) else ""
    if first == "`":
        # in a tree's text these signs say how far the symbol reaches
        if place + 1 == len(tokens) or tokens[place + 1] in ("{", "}", "[", "]", "\\"):
            raise _missing(tokens, place, "a number, or a sign other than a blank, brace or bracket")
        return place + 2
    digits = {'"': "0123456789ABCDEF", "'": "01234567"}.get(first, "0123456789")
    start = end = place + (first in "\"'" and first != "")
    while end < len(tokens) and tokens[end] in digits:
        end += 1
    if end == start:
        raise _missing(tokens, place, "a number")
    return end


def _missing(tokens: list[str], place: int, what: str) -> LabelError:
    actual = tokens[place] if place < len(tokens) else "the end"
    detail = f"{tokens[place - 1]} wants {what}, not {actual}"
    return LabelError(RejectReason.MISSING_ARGUMENT, place, detail, tuple(tokens))
