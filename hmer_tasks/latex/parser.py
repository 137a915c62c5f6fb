"""From a label to its expression tree, by the LALR tables that Lark makes of grammar/latex.lark.

Lark reads the grammar, checks it for conflicts and makes the tables; the loop in `_run` walks them
and builds the tree through one function a rule, with no parse tree in between. Two steps of every
LALR automaton that build nothing are taken when the tables are loaded and not once a token: a chain
of inlined one-child rules, and a reduction that appends to a left-recursive list (`_Automaton`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from lark import Lark
from lark.grammar import Rule
from lark.lexer import Lexer
from lark.parsers.lalr_analysis import Shift

from hmer_tasks.grammar_files import grammar_path
from hmer_tasks.latex.explain import explain
from hmer_tasks.latex.tables import tables
from hmer_tasks.latex.tokens import ID, TERMINALS, Lexed, lex
from hmer_tasks.latex.tree import BREAK, NONE, Child, ExprTree, Line, Node
from hmer_tasks.latex.words import join_columns
from hmer_tasks.reasons import LabelError, Reason

MAX_DEPTH = 100  # real labels reach 12; the text form grows with depth × length
EMPTY: Line = (Node(NONE),)

# What the parser's stack holds: tokens' words, nodes, lines, scripts, lists of nodes.
Value: TypeAlias = "str | Node | Line | tuple[Child, ...] | list[Node]"
Build: TypeAlias = "Callable[[list[Value]], Value]"

_OPERATORS = tables().operators
_SIGNATURES = tables().signatures
_OPERATOR_RELATION = {"sub": "below", "sup": "above"}


def parse(label: str) -> ExprTree:
    """The expression tree of a label (white-space-separated tokens; glued ones are split).

    Raises LabelError with the reason and the place of the token at fault. Linear in the label.
    """
    lexed = lex(label)
    if len(lexed.terminals) == 1:
        raise LabelError(Reason.EMPTY_LABEL, 0, "there is no token")
    tree = ExprTree(_run(_automaton(), lexed))
    # A level needs a brace, a row or an unbraced argument: only then is it worth measuring.
    if len(lexed.terminals) > MAX_DEPTH and tree.depth() > MAX_DEPTH:
        raise LabelError(
            Reason.TOO_DEEP, _deep_place(lexed), f"nesting is over {MAX_DEPTH} deep", tuple(lexed.words)
        )
    return tree


def unknown_commands(label: str) -> list[str]:
    """Commands of a label that stand in no table: ordinary nodes, worth a warning."""
    t = tables()
    known = t.symbols | t.operators | t.fences | t.signatures.keys() | t.scripts.keys()
    seen = dict.fromkeys(word for word in lex(label).words if word[0] == "\\" and len(word) > 1)
    return [word for word in seen if word not in known and word not in (BREAK, "\\begin", "\\end")]


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
    if not any(node.symbol == BREAK for node in items):
        return tuple(items)
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


def _append(values: list[Value]) -> list[Node]:
    items, item = values
    items.append(item)  # type: ignore[union-attr, arg-type]
    return items  # type: ignore[return-value]


def _one_argument(values: list[Value]) -> Node:
    command, line = values
    return Node(command, ((_SIGNATURES[command].arguments[0], line),))  # type: ignore[arg-type, index]


def _two_arguments(values: list[Value]) -> Node:
    command, first, second = values
    one, two = _SIGNATURES[command].arguments  # type: ignore[index]
    return Node(command, ((one, first), (two, second)))  # type: ignore[arg-type]


def _option_and_argument(values: list[Value]) -> Node:
    command, _, option, _, line = values
    takes = _SIGNATURES[command]  # type: ignore[index]
    return Node(command, ((takes.option, option), (takes.arguments[0], line)))  # type: ignore[arg-type]


def _environment(name: str, columns: str | None, body: Line) -> Node:
    relation = f"begin_{name}" if columns is None else f"begin_{name}{{{join_columns(columns.split())}}}"
    return Node("\\begin", ((relation, body), (f"end_{name}", (Node("\\end"),))))


# Keyed by a rule's alias, or its name. The value stack is untyped by nature (as any LALR stack), so
# this is the one place that trusts the grammar for what stands where.
_BUILD: dict[str, Build] = {
    "empty_line": lambda v: EMPTY,
    "whole_line": lambda v: _line(v[0]),  # type: ignore[arg-type]
    "only_scripts": lambda v: (Node(NONE, v[0]),),  # type: ignore[arg-type]
    "scripts_first": lambda v: _line([Node(NONE, v[0]), *v[1]]),  # type: ignore[arg-type, list-item]
    "first_item": lambda v: [v[0]],  # type: ignore[list-item]
    "next_item": _append,
    "scripted": lambda v: _scripted(v[0], v[1]),  # type: ignore[arg-type]
    "group": lambda v: Node("{}", () if v[1] is EMPTY else (("inside", v[1]),)),  # type: ignore[arg-type]
    "one_script": lambda v: (v[0],),  # type: ignore[return-value]
    "two_scripts": lambda v: (v[0], v[1]),  # type: ignore[return-value]
    "sub": lambda v: ("sub", v[1]),  # type: ignore[return-value]
    "sup": lambda v: ("sup", v[1]),  # type: ignore[return-value]
    "one_argument": _one_argument,
    "two_arguments": _two_arguments,
    "option_and_argument": _option_and_argument,
    "braced": lambda v: v[1],
    "unbraced": lambda v: (v[0],),  # type: ignore[return-value]
    "plain_environment": lambda v: _environment(v[0], None, v[2]),  # type: ignore[arg-type]
    "array_environment": lambda v: _environment(v[0], v[2], v[3]),  # type: ignore[arg-type]
}


# ---------------------------------------------------------------- Lark's tables, and the loop over them

_ERROR, _ACCEPT, _APPEND = -1, -2, -3  # entries of a step table; a reduction is _REDUCE - rule
_REDUCE = -4


@dataclass(frozen=True, slots=True)
class _Automaton:
    """`steps[state][terminal * T + next terminal]`: the state to shift to, or a code below zero."""

    steps: list[list[int]]
    gotos: list[dict[str, int]]
    rules: list[tuple[int, str, Build]]


def _run(automaton: _Automaton, lexed: Lexed) -> Line:
    steps, gotos, rules = automaton.steps, automaton.gotos, automaton.rules
    terminals, inputs = lexed.terminals, lexed.values
    width, end = len(TERMINALS), len(terminals) - 1
    states: list[int] = [0]
    values: list[Value] = []
    state, i = 0, 0
    terminal = terminals[0]
    key = terminal * width + (terminals[1] if end else 0)
    while True:
        step = steps[state][key]
        if step == _APPEND:
            values[-1].append(inputs[i])  # type: ignore[union-attr, arg-type]
        elif step >= 0:
            values.append(inputs[i])
            states.append(step)
            state = step
        elif step <= _REDUCE:
            length, origin, build = rules[_REDUCE - step]
            if length:
                value = build(values[-length:])
                del values[-length:], states[-length:]
            else:
                value = build([])
            values.append(value)
            state = gotos[states[-1]][origin]
            states.append(state)
            continue
        elif step == _ACCEPT:
            return values[0]  # type: ignore[return-value]
        else:
            owner = next((v for v in reversed(values) if isinstance(v, str) and v not in "[]"), "")
            raise explain(lexed, i, owner if "argument" in gotos[state] else "")
        i += 1
        terminal = terminals[i]
        key = terminal * width + (terminals[i + 1] if i < end else 0)


class _NoLexer(Lexer):
    """Lark wants a lexer named; tokens come from `lex` instead."""

    def __init__(self, conf: object) -> None:
        del conf

    def lex(self, lexer_state: object, parser_state: object) -> "object":  # type: ignore[override]
        raise AssertionError("the automaton reads tokens itself")


@cache
def _automaton() -> _Automaton:
    """Lark's LALR tables of grammar/latex.lark as step tables (a few milliseconds, once)."""
    text = grammar_path("latex.lark").read_text(encoding="utf-8")
    lark = Lark(text, parser="lalr", lexer=_NoLexer, strict=False, start="start")
    table = lark.parser.parser._parse_table
    number = {state: i for i, state in enumerate(sorted(table.states, key=str))}
    start = table.start_states["start"]
    first = min(number, key=number.__getitem__)
    number[start], number[first] = 0, number[start]  # the start state is number 0
    return _Compiler(table.states, number, table.end_states["start"]).compile()


class _Compiler:
    """Folds what builds nothing into the step tables, once."""

    def __init__(self, states: dict, number: dict, end: object) -> None:  # type: ignore[type-arg]
        self.states, self.number, self.end = states, number, end
        self.rules: list[Rule] = []

    def compile(self) -> _Automaton:
        width = len(TERMINALS)
        steps = [[_ERROR] * (width * width) for _ in self.number]
        gotos: list[dict[str, int]] = [{} for _ in self.number]
        for state, actions in self.states.items():
            row = steps[self.number[state]]
            for symbol, (kind, target) in actions.items():
                if symbol not in ID:
                    gotos[self.number[state]][symbol] = self.number[target]
                    continue
                for following in range(width):
                    row[ID[symbol] * width + following] = self.step(state, kind, target, TERMINALS[following])
        steps[self.number[self.end]][:width] = [_ACCEPT] * width  # on $END, terminal 0
        rules = [
            (len(r.expansion), r.origin.name, _BUILD.get(r.alias or r.origin.name, _pass_on))
            for r in self.rules
        ]
        return _Automaton(steps, gotos, rules)

    def step(self, state: object, kind: object, target: object, following: str) -> int:
        if kind is not Shift:
            assert isinstance(target, Rule)
            if target not in self.rules:
                self.rules.append(target)
            return _REDUCE - self.rules.index(target)
        # Shift; then follow the inlined one-child rules that `following` would reduce by.
        while (rule := self.reduction(target, following)) is not None and _is_inlined(rule):
            target = self.states[state][rule.origin.name][1]
        # A list that grows by what was just read leaves the automaton where it stood.
        return _APPEND if rule is not None and rule.alias == "next_item" else self.number[target]

    def reduction(self, state: object, terminal: str) -> Rule | None:
        kind, target = self.states[state].get(terminal, (Shift, None))
        return None if kind is Shift else target


def _is_inlined(rule: Rule) -> bool:
    return len(rule.expansion) == 1 and rule.options.expand1 and rule.alias is None


def _pass_on(values: list[Value]) -> Value:
    return values[0]
