"""Whether a tree is one that some label has: what `parse_tree_text` demands of a text form.

The parser's trees are such by construction; a model's answer, or a person's, need not be.
"""

import re
from functools import cache
from typing import Final

from hmer_tasks.exceptions import LabelError, RejectReason
from hmer_tasks.latex.attributes import ATTRIBUTED, HIDDEN, command_of, signature
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tables import tables
from hmer_tasks.latex.tree import BREAK, GROUP, NONE, ExprTree, Line, Node, to_label
from hmer_tasks.latex.words import is_token, join_columns, split_environment

_NAMED: Final = re.compile(r"\{[A-Za-z]+\*?\}")
_ENVIRONMENT: Final = re.compile(r"begin_[A-Za-z]+\*?(\{.*\})?", re.DOTALL)


def check_tree(tree: ExprTree) -> None:
    """Raises LabelError (`bad_tree_text`) where no label has this tree. The place is the number of
    the node in reading order, which is its line in the text form."""
    checker = _Checker()
    checker.line(tree.line, "")
    if tree.line == (Node(NONE),):
        raise LabelError(RejectReason.EMPTY_LABEL, 0, "a tree without ink")
    if (
        checker.attributed is not None
    ):  # their arguments stand in the symbol, where only the parser reads them
        checker.number = checker.attributed
        try:
            checker.require(parse(to_label(tree)) == tree, "a command's arguments without ink are not right")
        except LabelError as error:
            reason = error.reason if error.reason is RejectReason.TOO_DEEP else RejectReason.BAD_TREE_TEXT
            raise LabelError(reason, checker.number, error.detail) from None


@cache
def _leaves() -> frozenset[str]:
    """Known symbols that stand anywhere in a line and need no child: most nodes of most trees."""
    t = tables()
    letters = {chr(i) for i in range(0x21, 0x7F)} - set("{}_^")
    return (t.symbols | t.operators | letters).difference(t.signatures, t.scripts, [BREAK])


@cache
def _no_symbols() -> frozenset[str]:
    """Tokens that cannot be a node."""
    return tables().reserved.union(tables().scripts, ["{", "}", "_", "^", "\\end"])


@cache
def _known_symbols() -> frozenset[str]:
    """Symbols that can be a node, without arguments that are part of it: no need to look at their letters."""
    commands = {name for name in tables().signatures if is_token(name)}
    return _leaves().union(commands).difference(ATTRIBUTED, HIDDEN, _no_symbols()) | {NONE, GROUP}


class _Checker:
    def __init__(self) -> None:
        self.number = -1
        self.attributed: int | None = None  # the first node of a command with arguments without ink

    def require(self, holds: bool, detail: str) -> None:
        if not holds:
            raise self.bad(detail)

    def bad(self, detail: str) -> LabelError:
        return LabelError(RejectReason.BAD_TREE_TEXT, self.number, detail)

    def line(self, line: Line, relation: str) -> None:
        leaves, end = _leaves(), len(line) - 1
        for i, node in enumerate(line):
            self.number += 1
            if not node.children and node.symbol in leaves:
                continue
            self.symbol(node.symbol)
            if node.symbol == NONE:
                bare = not node.children and i == end and i == 0 and relation != "nextline"
                scripted = i == 0 and bool(node.children) and node.children[0][0] in ("sub", "sup")
                self.require(
                    bare or scripted,
                    f"{NONE} is only the base of a script that starts a line, or an empty line",
                )
            if node.symbol == BREAK and i > 0:
                self.require(i == end and not node.children, "a \\\\ between nodes is a relation, not a node")
            if i != end and node.child("nextline") is not None:
                raise self.bad(f"only the last node of a line has a nextline, not {node.symbol}")
            self.children(node)

    def symbol(self, symbol: str) -> None:
        if symbol in _known_symbols():
            return
        command = command_of(symbol)
        if command in ATTRIBUTED or command in HIDDEN:
            self.attributed = self.number if self.attributed is None else self.attributed
        elif not is_token(symbol) or symbol in _no_symbols():
            raise self.bad(f"{symbol!r} cannot be a node")

    def children(self, node: Node) -> None:
        relations = [name for name, _ in node.children]
        if relations and relations[-1] == "nextline":
            relations.pop()
        fixed = self.fixed(node, relations)
        scripts = relations[fixed:]
        if scripts:
            allowed = {"below", "above"} if node.symbol in tables().operators else {"sub", "sup"}
            if len(set(scripts)) != len(scripts) or not allowed.issuperset(scripts):
                raise self.bad(f"{node.symbol} cannot have {', '.join(scripts)}")
        for index, (name, line) in enumerate(node.children):
            if node.symbol == "\\begin" and index == 1:
                self.number += 1
                self.require(line == (Node("\\end"),), "an environment ends with \\end and nothing else")
            else:
                self.line(line, name)
            if index == 0 and fixed > 1 and name == self.option(node.symbol):
                self.require(_closes_well(line), "an option's brackets do not match")

    def option(self, symbol: str) -> str | None:
        takes = signature(symbol)
        return None if takes is None else takes.option

    def fixed(self, node: Node, relations: list[str]) -> int:
        """How many children the node's own arguments are; what follows are scripts."""
        takes = signature(node.symbol)
        if takes is not None:
            expected = list(takes.arguments)
            if takes.option and relations[:1] == [takes.option]:
                expected.insert(0, takes.option)
            if relations[: len(expected)] != expected:
                raise self.bad(f"{node.symbol} needs {', '.join(expected)}")
            return len(expected)
        if node.symbol == "\\begin":
            self.environment(relations)
            return 2
        if node.symbol == GROUP and relations[:1] == ["inside"]:
            self.require(node.children[0][1] != (Node(NONE),), "an empty group is {} alone")
            return 1
        return 0

    def environment(self, relations: list[str]) -> None:
        begin = relations[0] if relations else ""
        self.require(_ENVIRONMENT.fullmatch(begin) is not None, "\\begin needs a body and its \\end")
        name, columns = split_environment(begin)
        known = tables().column_environments if columns is not None else tables().environments
        self.require(name in known, f"{name} is not a known environment, or lacks its column specification")
        self.require(relations[1:2] == [f"end_{name}"], f"\\begin of {name} needs end_{name}")
        depth = 0
        for token in columns or ():
            depth += {"{": 1, "}": -1}.get(token, 0)
            sound = is_token(token) or _NAMED.fullmatch(token) is not None  # a stray \begin parses there
            self.require(depth >= 0 and sound, "the column specification is broken")
        written = columns is None or begin == f"begin_{name}{{{join_columns(columns)}}}"
        self.require(depth == 0 and written, "the column specification is broken")


def _closes_well(line: Line) -> bool:
    """Brackets outside braces match: the option that holds this line would close where it should."""
    braces = brackets = 0
    for token in to_label(ExprTree(line)).split():
        braces += {"{": 1, "}": -1}.get(token, 0)
        if braces == 0:
            brackets += {"[": 1, "]": -1}.get(token, 0)
        if brackets < 0:
            return False
    return brackets == 0
