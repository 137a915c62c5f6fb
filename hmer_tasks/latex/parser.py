"""From a label to its expression tree: `parse`, and what each rule of grammar/latex.lark builds."""

from functools import cache
from typing import Final

from hmer_tasks.exceptions import LabelError, RejectReason
from hmer_tasks.latex.attributes import HIDDEN, ink_tokens, signature
from hmer_tasks.latex.automaton import Automaton, Builds, load, run
from hmer_tasks.latex.nodes import MAX_DEPTH
from hmer_tasks.latex.tables import tables
from hmer_tasks.latex.tokens import ID, Lexed, lex
from hmer_tasks.latex.tree import BREAK, GROUP, NONE, Child, ExprTree, Line, Node, to_label
from hmer_tasks.latex.words import join_columns
from hmer_tasks.utils.check_types import require_type

EMPTY: Final[Line] = (Node(NONE),)

_OPERATORS: Final = tables().operators
_SIGNATURES: Final = tables().signatures
_OPERATOR_RELATION: Final = {"sub": "below", "sup": "above"}


def parse(label: str) -> ExprTree:
    r"""The expression tree of a label, in time linear in its length.

    Args:
        label: Tokens separated by white space; tokens that are glued together are split.

    Returns:
        The tree.

    Raises:
        LabelError: The label is not in the language. `reason` and `position` name the fault and its token.
        TypeError: The label is no string.

    Examples:
        >>> tree = parse(r"\frac { a } { b } + 1")
        >>> print(tree)
        \frac
          a (above)
          b (below)
        + (right)
        1 (right)
    """
    require_type(label, str, "a label")
    lexed = lex(label)
    if len(lexed.terminals) == 1:
        raise LabelError(RejectReason.EMPTY_LABEL, 0, "there is no token")
    tree = ExprTree(_read(lexed))
    # A level needs a brace, a row or an unbraced argument: only then is it worth measuring.
    if len(lexed.terminals) > MAX_DEPTH and tree.depth() > MAX_DEPTH:
        raise LabelError(
            RejectReason.TOO_DEEP, _deep_place(lexed), f"nesting is over {MAX_DEPTH} deep", tuple(lexed.words)
        )
    if lexed.places is not None and ID["OPEN"] in lexed.terminals:
        _check_options(tree, lexed)
    return tree if HIDDEN.isdisjoint(lexed.words) else ExprTree(_hidden(tree.line))


def _hidden(line: Line) -> Line:
    r"""The line with what leaves no ink made part of its node: ``\phantom { x }`` as ``\phantom{x}``."""
    return tuple(_hidden_node(node) for node in line)


def _hidden_node(node: Node) -> Node:
    symbol, children = node.symbol, node.children
    if symbol in HIDDEN:
        tokens = to_label(ExprTree(children[0][1])).split()
        symbol, children = f"{symbol}{{{join_columns(tokens)}}}", children[1:]
    return Node(symbol, tuple((name, _hidden(line)) for name, line in children))


def _check_options(tree: ExprTree, lexed: Lexed) -> None:
    """Refuse the one thing that explicit form would change: a bracket inside an option that is an
    unbraced argument counts towards the option's end, and in braces it no longer would."""
    written = to_label(tree)
    if written.split() == lexed.words:
        return
    try:
        same = _read(lex(written)) == tree.line
    except LabelError:
        same = False
    if not same:
        place = lexed.terminals.index(ID["OPEN"])
        place = place if lexed.places is None else lexed.places[place]
        detail = "a bracket in this option is an argument without braces"
        raise LabelError(RejectReason.UNBALANCED_BRACKET, place, detail, tuple(lexed.words))


@cache
def _automaton() -> Automaton:
    return load(_BUILD)


def _read(lexed: Lexed) -> Line:
    line = run(_automaton(), lexed)
    assert isinstance(line, tuple)
    return line


def unknown_commands(label: str) -> list[str]:
    """Commands of a label in explicit form that stand in no table: ordinary nodes, worth a warning."""
    known = tables().known
    words = label.split()
    unknown = {word for word in words if word[0] == "\\"}.difference(known, ("\\",))
    if not unknown:
        return []
    return [word for word in dict.fromkeys(ink_tokens(words)) if word in unknown]


def _deep_place(lexed: Lexed) -> int:
    depth = 0
    for place, word in enumerate(lexed.words):
        depth += {"{": 1, "}": -1}.get(word, 0)
        if depth > MAX_DEPTH:
            return place
    return len(lexed.words) - 1  # nested by rows or unbraced arguments


# ---------------------------------------------------------------- what each rule of the grammar builds


def _line(items: list[Node]) -> Line:
    """A line's nodes; each row break hangs what follows on the node before it, as `nextline`."""
    for node in items:
        if node.symbol == BREAK:
            return _rows(items)
    return tuple(items)


def _rows(items: list[Node]) -> Line:
    rows: list[list[Node]] = [[]]
    for i, node in enumerate(items):
        ends = i + 1 == len(items) and not node.children
        if node.symbol != BREAK or not rows[-1] or ends:
            rows[-1].append(node)
        else:
            rows.append([Node(NONE, node.children)] if node.children else [])
    line: Line = ()
    for row in reversed(rows):
        if line:
            last = row[-1]
            row[-1] = Node(last.symbol, (*last.children, ("nextline", line)))
        line = tuple(row)
    return line


def _scripted(node: Node, scripts: tuple[Child, ...]) -> Node:
    if node.symbol in _OPERATORS:
        scripts = tuple((_OPERATOR_RELATION[relation], line) for relation, line in scripts)
    return Node(node.symbol, node.children + scripts)


def _append(items: list[Node], item: Node) -> list[Node]:
    items.append(item)
    return items


def _scripts_first(scripts: tuple[Child, ...], items: list[Node]) -> Line:
    return _line([Node(NONE, scripts), *items])


def _group(_open: str, line: Line, _close: str) -> Node:
    return Node(GROUP, () if line is EMPTY else (("inside", line),))


def _one_argument(command: str, line: Line) -> Node:
    relations = _relations(command)
    return Node(command, ((relations[0] if relations else "inside", line),))


def _two_arguments(command: str, first: Line, second: Line) -> Node:
    first_name, second_name = _relations(command)
    return Node(command, ((first_name, first), (second_name, second)))


def _three_arguments(command: str, first: Line, second: Line, third: Line) -> Node:
    first_name, second_name, third_name = _relations(command)
    return Node(command, ((first_name, first), (second_name, second), (third_name, third)))


def _relations(command: str) -> tuple[str, ...]:
    takes = _SIGNATURES.get(command) or signature(command)
    assert takes is not None, command
    return takes.arguments


def _option_and_argument(command: str, _open: str, option: Line, _close: str, line: Line) -> Node:
    takes = _SIGNATURES[command]
    return Node(command, ((str(takes.option), option), (takes.arguments[0], line)))


def _environment(relation: str, name: str, body: Line) -> Node:
    return Node("\\begin", ((relation, body), (f"end_{name}", (Node("\\end"),))))


def _plain_environment(_begin: str, name: str, body: Line, _end: str, _name: str) -> Node:
    return _environment(f"begin_{name}", name, body)


def _array_environment(_begin: str, name: str, columns: str, body: Line, _end: str, _name: str) -> Node:
    return _environment(f"begin_{name}{{{join_columns(columns.split())}}}", name, body)


_BUILD: Final[Builds] = {
    "start": 0,
    "item": 0,
    "atom": 0,
    "empty_line": lambda: EMPTY,
    "whole_line": _line,
    "only_scripts": lambda scripts: (Node(NONE, scripts),),
    "scripts_first": _scripts_first,
    "first_item": lambda item: [item],
    "next_item": _append,
    "scripted": _scripted,
    "group": _group,
    "one_script": lambda script: (script,),
    "two_scripts": lambda first, second: (first, second),
    "sub": lambda _mark, line: ("sub", line),
    "sup": lambda _mark, line: ("sup", line),
    "one_argument": _one_argument,
    "two_arguments": _two_arguments,
    "three_arguments": _three_arguments,
    "option_and_argument": _option_and_argument,
    "braced": 1,
    "unbraced": lambda node: (node,),
    "plain_environment": _plain_environment,
    "array_environment": _array_environment,
}
