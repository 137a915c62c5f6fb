r"""The text form as the published tool writes it, leaks included (Uni-MuMER's released trees).

The tool reads tokens one after another. It knows ``_`` then ``^`` after an ordinary token or a big
operator, the commands below, and environments; whatever else it meets, ``{ } _ ^`` too, becomes a
node. Kept byte for byte, so that rows can be compared and mixed with the authors' own.
"""

from typing import Final

from hmer_tasks.exceptions import LabelError, RejectReason
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tables import tables
from hmer_tasks.latex.tokens import lex
from hmer_tasks.latex.tree import BREAK
from hmer_tasks.latex.words import letters_of_names

# The tool's own tables: part of the format, so they stand here and not in grammar/.
TWO_ARGUMENTS: Final = frozenset(r"\frac \cfrac \dfrac \tfrac \binom \dbinom \tbinom".split())
ACCENTS: Final = frozenset(
    r"""\dot \ddot \hat \check \grave \acute \tilde \breve \bar \vec \widehat \overbrace \widetilde
    \overleftarrow \overrightarrow \overline \underline \underbrace \choose""".split()
)
OPTIONAL: Final = frozenset(r"\sqrt \xrightarrow \xleftarrow".split())


def released_tree_text(label: str) -> str:
    r"""The text form that the published Uni-MuMER tool writes for a label, its quirks included.

    Args:
        label: A label that parses.

    Returns:
        The text form, released dialect. Unlike the canonical one it need not determine the label.

    Raises:
        LabelError: The label does not parse, or `released_unbuildable`: the published tool itself stops at it
            (a script, or one of its commands, without a brace).

    Examples:
        >>> released_tree_text("x ^ { 2 }")
        'x\n\t2 (sup)'
    """
    parse(label)
    writer = _Writer(letters_of_names(lex(label).words))
    writer.line(0, len(writer.tokens), 0, "")
    return "\n".join(writer.out)


class _Writer:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.out: list[str] = []
        self.closing = _matching_braces(tokens)

    def line(self, i: int, end: int, depth: int, relation: str) -> None:
        """Write tokens[i:end] from `depth` on; each row break goes one deeper."""
        while i < end:
            symbol = self.tokens[i]
            self.out.append("\t" * depth + symbol + (f" ({relation})" if relation else ""))
            i = self.children(symbol, i + 1, end, depth + 1)
            relation = "right"
            if i < end and self.tokens[i] == BREAK:
                i, depth, relation = i + 1, depth + 1, "nextline"

    def children(self, symbol: str, i: int, end: int, depth: int) -> int:
        """Write what the tool takes for the symbol's children; returns where it goes on."""
        if symbol == "\\begin":
            return self.environment(i, end, depth)
        if symbol in ACCENTS:
            return self.group(i, end, depth, "above", symbol)
        if symbol in OPTIONAL:
            if i < end and self.tokens[i] == "[":
                i = self.option(i, end, depth)
            return self.group(i, end, depth, "above", symbol)
        if symbol in TWO_ARGUMENTS:
            i = self.group(i, end, depth, "above", symbol)
            return self.group(i, end, depth, "below", symbol)
        operator = symbol in tables().operators
        for mark, relation in (("_", "below" if operator else "sub"), ("^", "above" if operator else "sup")):
            if i < end and self.tokens[i] == mark:
                i = self.group(i + 1, end, depth, relation, mark)
        return i

    def group(self, i: int, end: int, depth: int, relation: str, owner: str) -> int:
        close = self.closing.get(i, end)
        if i >= end or close >= end:
            raise self.unbuildable(min(i, end), f"{owner} without a brace after it")
        self.line(i + 1, close, depth, relation)
        return close + 1

    def option(self, i: int, end: int, depth: int) -> int:
        brackets = 0
        for close in range(i, end):
            brackets += {"[": 1, "]": -1}.get(self.tokens[close], 0)
            if brackets == 0:
                self.line(i + 1, close, depth, "below")
                return close + 1
        raise self.unbuildable(i, "this bracket is never closed")

    def environment(self, i: int, end: int, depth: int) -> int:
        name = self.tokens[i]
        opened, close = 1, i + 1
        while close + 1 < end:
            if self.tokens[close + 1] == name:
                opened += {"\\begin": 1, "\\end": -1}.get(self.tokens[close], 0)
                if opened == 0:
                    break
            close += 1
        if opened:
            raise self.unbuildable(i, f"{name} is never ended here")
        self.line(i + 1, close, depth, f"begin_{name.strip('{}')}")
        self.out.append("\t" * depth + f"\\end (end_{name.strip('{}')})")
        return close + 2

    def unbuildable(self, place: int, detail: str) -> LabelError:
        return LabelError(RejectReason.RELEASED_UNBUILDABLE, place, detail, tuple(self.tokens))


def _matching_braces(tokens: list[str]) -> dict[int, int]:
    stack: list[int] = []
    closing: dict[int, int] = {}
    for i, token in enumerate(tokens):
        if token == "{":
            stack.append(i)
        elif token == "}" and stack:
            closing[stack.pop()] = i
    return closing
