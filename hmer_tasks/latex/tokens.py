r"""Tokens: a label's white-space words, classified as the terminals of grammar/latex.lark.

A token is a command, one of ``{ } [ ] _ ^ & '``, a single character, or an environment's name in
braces. Words in which several tokens are glued together (``\left(``, ``{}``, ``12``) are split.
The common word is one look-up in a dict; only labels with environments, options or words never
seen, or with arguments that are no ink, take the longer road (`_lex_slowly`).
"""

import re
from typing import Final

from hmer_tasks.exceptions import LabelError, RejectReason
from hmer_tasks.latex.attributes import ATTRIBUTED, read_attributes
from hmer_tasks.latex.tables import Signature, tables
from hmer_tasks.latex.tree import Node
from hmer_tasks.latex.words import is_name, is_token, split_glued, with_names_apart

TERMINALS: Final = (
    "$END", "SYMBOL", "FENCE", "BREAK", "LBRACE", "RBRACE", "SUB", "SUP", "ONE", "TWO", "THREE",
    "OPTIONAL", "OPEN", "CLOSE", "BEGIN", "END", "NAME", "ARRAY", "COLUMNS",
)  # fmt: skip
ID: Final = {name: number for number, name in enumerate(TERMINALS)}
_SYMBOL: Final = ID["SYMBOL"]
_LBRACE: Final = ID["LBRACE"]
_RBRACE: Final = ID["RBRACE"]

_NAME: Final = re.compile(r"\{[A-Za-z]+\*?\}")
_MAX_KNOWN: Final = 50_000  # words remembered; beyond it new ones are classified afresh each time
_STARRED: Final = frozenset(name[:-1] for name in tables().signatures if name.endswith("*"))
_WITH_OPTION: Final = frozenset(name for name, takes in tables().signatures.items() if takes.option)


class Lexed:
    """A label's tokens, the terminal of each (with $END last), and each one's value for the parser.

    `places` gives a token's place in `words` where some terminals span several words, else None.
    """

    __slots__ = ("places", "terminals", "values", "words")

    def __init__(
        self,
        words: list[str],
        terminals: list[int],
        values: list[Node | str],
        places: list[int] | None = None,
    ) -> None:
        self.words: Final = words
        self.terminals: Final = terminals
        self.values: Final = values
        self.places: Final = places


def _terminal(word: str) -> int:
    t = tables()
    if word in ("{", "}", "_", "^"):
        return {"{": _LBRACE, "}": _RBRACE, "_": ID["SUB"], "^": ID["SUP"]}[word]
    if word in t.scripts:
        return ID["SUB" if t.scripts[word] == "_" else "SUP"]
    if word in t.signatures:
        return ID[_kind(word, t.signatures[word])]
    if word in t.fences:
        return ID["FENCE"]
    return ID["BREAK"] if word == "\\\\" else _SYMBOL


def _kind(word: str, takes: Signature) -> str:
    """The terminal of a command with these arguments, its attributes left out."""
    if takes.option:
        return "OPTIONAL"
    if takes.attributes == ("line",):  # it is read as any argument, and then hidden (parser.py)
        return "ONE"
    if not takes.arguments:
        return "SYMBOL" if takes.attributes == ("number",) else "FENCE"  # a colour or a space is no argument
    return ("ONE", "TWO", "THREE")[len(takes.arguments) - 1]


_terminals: Final[dict[str, int]] = {}
_values: Final[dict[str, Node | str]] = {}


def _know(word: str) -> tuple[int, Node | str]:
    """Classify a token and remember it."""
    terminal = _terminal(word)
    value = word if terminal in _PLAIN_WORDS else Node(word)
    if len(_terminals) < _MAX_KNOWN:
        _terminals[word] = terminal
        _values[word] = value
    return terminal, value


_PLAIN_WORDS: Final = frozenset(
    ID[n] for n in ("LBRACE", "RBRACE", "SUB", "SUP", "ONE", "TWO", "THREE", "OPTIONAL")
)
for _word in [*"{}_^&'[]", *tables().scripts, *tables().signatures, *tables().fences, "\\\\",
              *tables().symbols, *map(chr, range(0x21, 0x7F))]:  # fmt: skip
    if _word not in _terminals and _word not in ATTRIBUTED:  # those take the longer road
        _know(_word)


def lex(label: str) -> Lexed:
    """Tell a label's words apart. Raises LabelError (reserved_token, bad_character, and the
    environment and option reasons) with the place of the token at fault."""
    words = label.split()
    try:
        terminals = [_terminals[word] for word in words]
    except KeyError:
        return _lex_slowly(words)
    if (
        "\\begin" in label
        or "\\end" in label
        or ("[" in label and not _WITH_OPTION.isdisjoint(words))
        or ("*" in label and not _STARRED.isdisjoint(words))
    ):
        return _lex_slowly(words)
    terminals.append(0)
    return Lexed(words, terminals, [_values[word] for word in words])


def _as_tokens(words: list[str]) -> list[str]:
    """Split what is glued, join what belongs together, refuse what no label may hold."""
    reserved = tables().reserved
    tokens: list[str] = []
    for word in words:
        if word in _terminals:
            if word == "*" and tokens and tokens[-1] in _STARRED:
                tokens[-1] += "*"
            else:
                tokens.append(word)
        elif word in reserved:
            raise LabelError(
                RejectReason.RESERVED_TOKEN,
                len(tokens),
                f"{word} is a mark of the error tasks",
                (*tokens, word),
            )
        elif _NAME.fullmatch(word) and tokens and tokens[-1] in ("\\begin", "\\end"):
            tokens.append(word)
        else:
            whole = is_token(word) or is_name(tokens, word)
            for piece in [word] if whole else split_glued(word):
                if not (is_token(piece) or _NAME.fullmatch(piece) or is_name(tokens, piece)):
                    detail = f"U+{ord(piece[0]):04X} is not a printable character"
                    raise LabelError(RejectReason.BAD_CHARACTER, len(tokens), detail, (*tokens, ascii(piece)))
                if piece == "*" and tokens and tokens[-1] in _STARRED:
                    tokens[-1] += "*"
                else:
                    tokens.append(piece)
    return tokens


def _lex_slowly(words: list[str]) -> Lexed:
    tokens = _as_tokens(words if ATTRIBUTED.isdisjoint(words) else with_names_apart(words))
    lexed = Lexed([], [], [], [])
    _Scanner(tokens, lexed).scan()
    return lexed


class _Scanner:
    """The longer road: environments' names and column specifications, attributes, options' brackets."""

    def __init__(self, tokens: list[str], out: Lexed) -> None:
        self.tokens = tokens
        self.out = out
        self.options = _match_options(tokens)
        self.begun: list[str] = []

    def emit(self, terminal: int, value: Node | str, word: str) -> None:
        places = self.out.places
        assert places is not None
        places.append(len(self.out.words))
        self.out.words.append(word)
        self.out.terminals.append(terminal)
        self.out.values.append(value)

    def scan(self) -> None:
        i, tokens = 0, self.tokens
        while i < len(tokens):
            word = tokens[i]
            if word in ("\\begin", "\\end"):
                i = self.environment(i)
                continue
            if word in ATTRIBUTED:
                i = self.attributed(i)
                continue
            option = self.options.get(i)
            if option is not None:
                self.emit(ID[option], word, word)
            elif word in _terminals:
                self.emit(_terminals[word], _values[word], word)
            else:
                self.emit(*_know(word), word)
            i += 1
        self.out.terminals.append(0)

    def attributed(self, i: int) -> int:
        """Emit a command with its attributes as one terminal; returns the place after them."""
        word, takes = self.tokens[i], tables().signatures[self.tokens[i]]
        attributes, end = read_attributes(self.tokens, i + 1, takes.attributes)
        symbol = word + attributes
        self.emit(ID[_kind(word, takes)], symbol if takes.arguments else Node(symbol), word)
        self.out.words.extend(self.tokens[i + 1 : end])
        return end

    def environment(self, i: int) -> int:
        """Emit \\begin or \\end, its name (however spelled) and the column specification."""
        begin = self.tokens[i] == "\\begin"
        name, after = self.name(i)
        known = tables().environments | tables().column_environments
        if name not in known:
            raise self.error(RejectReason.UNKNOWN_ENVIRONMENT, i + 1, f"{name!r} is not a known environment")
        if begin:
            self.begun.append(name)
        elif self.begun and self.begun.pop() != name:
            raise self.error(
                RejectReason.UNBALANCED_ENVIRONMENT, i + 1, f"another environment is open, not {name}"
            )
        columns = begin and name in tables().column_environments
        self.emit(ID["BEGIN" if begin else "END"], name, self.tokens[i])
        self.emit(ID["ARRAY" if columns else "NAME"], name, f"{{{name}}}")
        return self.columns(after) if columns else after

    def name(self, i: int) -> tuple[str, int]:
        tokens = self.tokens
        if i + 1 < len(tokens) and _NAME.fullmatch(tokens[i + 1]):
            return tokens[i + 1][1:-1], i + 2
        if i + 1 < len(tokens) and tokens[i + 1] == "{":
            end = i + 2
            while end < len(tokens) and re.fullmatch(r"[A-Za-z*]", tokens[end]):
                end += 1
            if end < len(tokens) and tokens[end] == "}" and end > i + 2:
                return "".join(tokens[i + 2 : end]), end + 1
        raise self.error(
            RejectReason.MISSING_ARGUMENT, i, f"{tokens[i]} needs an environment's name in braces"
        )

    def columns(self, i: int) -> int:
        tokens, depth, end = self.tokens, 0, i
        while end < len(tokens):
            depth += {"{": 1, "}": -1}.get(tokens[end], 0)
            end += 1
            if depth <= 0:
                break
        if i >= len(tokens) or tokens[i] != "{":
            return i  # the grammar says what is missing
        if depth:
            raise self.error(RejectReason.UNBALANCED_BRACE, i, "the column specification is never closed")
        self.emit(ID["COLUMNS"], " ".join(tokens[i + 1 : end - 1]), "{")
        self.out.words.extend(tokens[i + 1 : end])
        return end

    def error(self, reason: RejectReason, position: int, detail: str) -> LabelError:
        return LabelError(reason, position, detail, tuple(self.tokens))


def _match_options(tokens: list[str]) -> dict[int, str]:
    """Places of the brackets that bound options: "[" right after a command that takes an option,
    and its matching "]", brackets counted, outside braces. One pass with a stack."""
    brackets: dict[int, str] = {}
    stack: list[tuple[str, int, bool]] = []
    for i, word in enumerate(tokens):
        if word == "{":
            stack.append((word, i, False))
        elif word == "[":
            stack.append((word, i, i > 0 and tokens[i - 1] in _WITH_OPTION))
        elif word == "]" and stack and stack[-1][0] == "[":
            _, start, is_option = stack.pop()
            if is_option:
                brackets[start], brackets[i] = "OPEN", "CLOSE"
        elif word == "}":
            while stack and stack[-1][0] == "[":
                _refuse_open_option(stack.pop(), tokens)
            if stack:
                stack.pop()
    for entry in stack:
        _refuse_open_option(entry, tokens)
    return brackets


def _refuse_open_option(entry: tuple[str, int, bool], tokens: list[str]) -> None:
    if entry[2]:
        detail = f"the option of {tokens[entry[1] - 1]} is never closed"
        raise LabelError(RejectReason.UNBALANCED_BRACKET, entry[1], detail, tuple(tokens))
