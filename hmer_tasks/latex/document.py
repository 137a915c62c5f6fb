r"""Raw LaTeX as people write it into label files: the formula out of its document.

Delimiters, displays, comments and numbering go; what is left that is no mathematics on paper (a reference, a
picture, a definition, a lone ``$`` or ``%``) is refused. The word lists stand in grammar/spellings.toml.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from hmer_tasks.exceptions import LabelError, RejectReason
from hmer_tasks.latex.tree import BREAK
from hmer_tasks.latex.unicode import to_commands
from hmer_tasks.utils.grammar_files import read_toml

_PERCENT: Final = re.compile(r"(?<!\\)(?:\\\\)*%")
_PAIRS: Final = {"\\(": "\\)", "\\[": "\\]"}
_LENGTH: Final = re.compile(r"[-+]*[0-9.,]+(?:pt|pc|in|bp|cm|mm|dd|cc|sp|ex|em|mu)")
# combining characters, and the accents they are
_ACCENTS: Final = {
    "\u0300": "\\grave", "\u0301": "\\acute", "\u0302": "\\hat", "\u0303": "\\tilde", "\u0304": "\\bar",
    "\u0305": "\\overline", "\u0306": "\\breve", "\u0307": "\\dot", "\u0308": "\\ddot",
    "\u030a": "\\mathring", "\u030c": "\\check", "\u0332": "\\underline", "\u20d7": "\\vec",
}  # fmt: skip
_STOPS: Final = frozenset(".,;")
_NO_BASE: Final = frozenset(["{", "}", "_", "^", "&", BREAK])
_LONE: Final = {
    "$": "a lone $: math delimiters come in pairs, and a dollar is \\$",
    "%": "a lone %: a per cent sign is \\%",
    "#": "a lone #: the sign is \\#",
}


@cache
def _words(name: str) -> frozenset[str]:
    words = read_toml("spellings.toml")["words"]
    assert isinstance(words, dict)
    return frozenset(str(words[name]).split())


def without_comments(text: str) -> str:
    """The text without TeX's comments.

    On the last line, and so in every label of one line, a ``%`` after a digit, or with nothing after it, is
    rather a per cent sign without its backslash: it stays, and is refused with what it would have hidden.
    """
    *lines, last = text.strip().split("\n")
    kept = [line[: match.end() - 1] if (match := _PERCENT.search(line)) else line for line in lines]
    match = _PERCENT.search(last)
    if match is not None and last[match.end() :].strip():
        before = last[: match.end() - 1]
        last = last if before.rstrip()[-1:].isdigit() else before
    return "\n".join([*kept, last])


def with_scripts(tokens: list[str]) -> list[str]:
    r"""Tokens with raised and lowered characters as scripts (``x ²`` as ``x ^ { 2 }``), ``½`` as a fraction,
    and combining characters as the accent of what they follow."""
    out: list[str] = []
    run: list[str] = []
    mark = ""
    for token in tokens:
        kind, plain = _plain(token)
        if run and kind != mark:
            out += [mark, "{", *run, "}"]
            run = []
        mark = kind
        if token in _ACCENTS and out and out[-1] not in _NO_BASE:
            out[-1:] = [_ACCENTS[token], "{", out[-1], "}"]
        elif kind:
            run += plain
        else:
            out += plain
    return [*out, mark, "{", *run, "}"] if run else out


@lru_cache(maxsize=4096)
def _plain(token: str) -> tuple[str, tuple[str, ...]]:
    """``_`` or ``^`` for a lowered or raised character, and the tokens it stands for."""
    if token.isascii() or len(token) > 1:
        return "", (token,)
    if token == "°":
        return "^", ("\\circ",)
    cut = unicodedata.decomposition(token).partition(" ")[0]
    plain = unicodedata.normalize("NFKC", token)
    if cut in ("<super>", "<sub>"):
        return "^" if cut == "<super>" else "_", tuple(new for char in plain for new in to_commands(char))
    above, _, below = plain.partition("\u2044")
    if cut == "<fraction>" and above and below:
        return "", ("\\frac", "{", *above, "}", "{", *below, "}")
    return "", (token,)


def formula(tokens: list[str]) -> list[str]:
    """The formula's tokens. Raises LabelError: not_mathematics, unbalanced_environment."""
    if _needs_no_look(tokens):
        return tokens
    return _without_displays(_without_numbering(_named(tokens)))


def _needs_no_look(tokens: list[str]) -> bool:
    return _touched().isdisjoint(tokens)


@cache
def _touched() -> frozenset[str]:
    """Tokens without which tokens are a formula as they stand."""
    lists = (_words(name) for name in ("numbers", "numberless", "not_mathematics"))
    return frozenset({*_PAIRS, *_PAIRS.values(), *_LONE, BREAK, "\\begin", "\\end"}).union(*lists)


def _named(tokens: list[str]) -> list[str]:
    r"""Names of environments as one token, however they are spelled: ``\begin { a l i g n }``."""
    out: list[str] = []
    place = 0
    while place < len(tokens):
        out.append(tokens[place])
        place += 1
        if out[-1] not in ("\\begin", "\\end") or tokens[place : place + 1] != ["{"]:
            continue
        end = place + 1
        while end < len(tokens) and re.fullmatch(r"[A-Za-z*]", tokens[end]):
            end += 1
        if tokens[end : end + 1] == ["}"]:
            out.append(f"{{{''.join(tokens[place + 1 : end])}}}")
            place = end + 1
    return out


def _without_numbering(tokens: list[str]) -> list[str]:
    r"""Tokens without ``\label``, ``\tag`` and the like, and without the length of a row break."""
    out: list[str] = []
    place = 0
    while place < len(tokens):
        token = tokens[place]
        place += 1
        if token in _words("numbers"):
            place = _argument_end(tokens, place)
        elif token == BREAK:
            out.append(token)
            place = _length_end(tokens, place)
        elif token not in _words("numberless"):
            if out[-1:] == [BREAK] and _length_end(tokens, place - 1) != place - 1:
                # Printed, as in `\\[2pt][2pt]`: without a group it would be taken for a length.
                out += ["{", "}"]
            out.append(token)
    return out


def _argument_end(tokens: list[str], place: int) -> int:
    """The place after the argument at `place`; `place` itself where none is whole."""
    if tokens[place : place + 1] in ([], ["}"]):
        return place
    depth = 0
    for end in range(place, len(tokens)):
        depth += (tokens[end] == "{") - (tokens[end] == "}")
        if depth == 0:
            return end + 1
    detail = f"the argument of {tokens[place - 1]} is never closed"
    raise LabelError(RejectReason.UNBALANCED_BRACE, place, detail, tuple(tokens))


def _length_end(tokens: list[str], place: int) -> int:
    r"""The place after ``[ 2 p t ]`` or ``* [ 2 p t ]``, an option of ``\\``; else `place` itself."""
    start = place + (tokens[place : place + 1] == ["*"])
    if tokens[start : start + 1] != ["["]:
        return place
    end = start + 1
    while end < len(tokens) and end < start + 20 and tokens[end] != "]":
        end += 1
    length = "".join(tokens[start + 1 : end])
    return end + 1 if tokens[end : end + 1] == ["]"] and _LENGTH.fullmatch(length) else place


@dataclass(slots=True)
class _Environment:
    """An environment that is open: where its name stands in the output, -1 for a display that goes."""

    name: str
    place: int
    rows: bool = False


def _without_displays(tokens: list[str]) -> list[str]:
    """Tokens without math delimiters and displays; those of several rows are their inner form (`aligned`).
    Two displays one after the other are two rows."""
    if tokens.count("$") % 2:
        raise _refused(tokens, len(tokens) - 1 - tokens[::-1].index("$"), _LONE["$"])
    out: list[str] = []
    open_: list[_Environment] = []
    closer = ""  # of \( or \[
    ended = False  # a display has just ended
    place = 0
    while place < len(tokens):
        token, name = tokens[place], tokens[place + 1].strip("{}*") if place + 1 < len(tokens) else ""
        begins = token == "\\begin" and (name in _words("displays") or name in _inner())
        if (token == "\\[" or (begins and not open_)) and out and out[-1] != BREAK:
            ended = True
        place += 1
        if token == "$":
            continue
        if token in _PAIRS or token in _PAIRS.values():
            if token != closer and (closer or token not in _PAIRS):
                raise _refused(tokens, place - 1, f"a lone {token}: math delimiters come in pairs")
            ended = ended or token == "\\]"
            closer = _PAIRS.get(token, "")
            continue
        if token == "\\end" and open_ and open_[-1].name == name:
            place += 1
            ended = _end(open_, out, tokens[place - 1]) or ended
            continue
        if token in _LONE or token in _words("not_mathematics"):
            raise _refused(tokens, place - 1, _LONE.get(token, f"{token} is no mathematics on paper"))
        if ended and out and token not in _STOPS and token != BREAK:
            out.append(BREAK)
        ended = False
        if begins:
            place = _begin(open_, out, tokens, place, name)
            continue
        if open_ and token in (BREAK, "&"):
            open_[-1].rows = True
        out.append(token)
        if token == "\\begin" and name:
            open_.append(_Environment(name, len(out)))
            out.append(tokens[place])
            place += 1
    unclosed = next(
        (environment for environment in open_ if environment.place < 0 or environment.name in _inner()), None
    )
    if unclosed is not None or closer:
        what = unclosed.name if unclosed is not None else closer
        detail = f"{what} is never closed"
        raise LabelError(RejectReason.UNBALANCED_ENVIRONMENT, len(tokens), detail, tuple(tokens))
    return [token for token in out if token]


def _begin(open_: list[_Environment], out: list[str], tokens: list[str], place: int, name: str) -> int:
    """Open a display whose name stands at `place`; returns the place after it and its argument."""
    if name in _words("displays"):
        open_.append(_Environment(name, -1))
        return place + 1
    inner = _inner()[name]
    open_.append(_Environment(name, len(out) + 1))
    out += ["\\begin", f"{{{inner}}}" if inner else tokens[place]]
    return _argument_end(tokens, place + 1) if name.endswith("at") else place + 1


def _end(open_: list[_Environment], out: list[str], name: str) -> bool:
    """Close an environment; whether it was a display of the outermost level that is gone or renamed."""
    closed = open_.pop()
    if closed.place < 0:
        return not open_
    if closed.name in _inner() and not closed.rows:
        out[closed.place - 1] = out[closed.place] = ""  # one row and one column: the delimiters alone
    else:
        out += ["\\end", out[closed.place] if closed.name in _inner() else name]
    return closed.name in _inner() and not open_


@cache
def _inner() -> dict[str, str]:
    """Displays that may have rows, without their star: the environment of the same rows inside a formula;
    empty for itself."""
    names = {"align": "aligned", "flalign": "aligned", "alignat": "aligned", "gather": "gathered"}
    return names | dict.fromkeys(("eqnarray", "multline"), "")


def _refused(tokens: list[str], place: int, detail: str) -> LabelError:
    return LabelError(RejectReason.NOT_MATHEMATICS, place, detail, tuple(tokens))
