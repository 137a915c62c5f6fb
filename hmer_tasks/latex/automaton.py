"""Lark's LALR tables, and the loop that walks them.

Lark reads the grammar, checks it for conflicts and makes the tables; `run` walks them and calls one
function a rule, with no parse tree in between. Two things every LALR automaton does that build
nothing are resolved when the tables are loaded and not once a token: a chain of inlined one-child
rules, and a reduction that only appends to a left-recursive list (`_Compiler.step`).
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from lark import Lark
from lark.grammar import Rule
from lark.lexer import Lexer

from hmer_tasks.latex.diagnose import explain
from hmer_tasks.latex.tokens import ID, TERMINALS, Lexed
from hmer_tasks.utils.grammar_files import grammar_path

# What builds a rule's value from its parts'. The stack that holds them is untyped by nature (words,
# nodes, lines, scripts, lists of nodes); the grammar says what stands where, the functions say it again.
Build: TypeAlias = "Callable[..., object]"
# By a rule's alias, or its name: what builds its value, or which of its parts the value is.
Builds: TypeAlias = "dict[str, Build | int]"
Actions: TypeAlias = "dict[str, tuple[object, int | Rule]]"

# Entries of a step table; a reduction is _REDUCE - rule.
_ERROR: Final = -1
_ACCEPT: Final = -2
_APPEND: Final = -3
_REDUCE: Final = -4


class Automaton:
    """`steps[state][terminal * T + next terminal]`: the state to shift to, or a code below zero.

    `rules`: how many parts a rule has, what they make, which of the parts its value is (-1: it is built), and
    what builds it.
    """

    __slots__ = ("gotos", "rules", "steps")

    def __init__(
        self, steps: list[list[int]], gotos: list[dict[str, int]], rules: list[tuple[int, str, int, Build]]
    ) -> None:
        self.steps: Final = steps
        self.gotos: Final = gotos
        self.rules: Final = rules


def run(automaton: Automaton, lexed: Lexed) -> object:
    """What the start rule builds of these tokens; LabelError where the grammar does not take one.

    One pass, no recursion: linear in the tokens however deep they nest.
    """
    steps, gotos, rules = automaton.steps, automaton.gotos, automaton.rules
    terminals, inputs = lexed.terminals, lexed.values
    width, end = len(TERMINALS), len(terminals) - 1
    states: list[int] = [0]
    values: list[Any] = []  # the grammar says what stands where
    state, i = 0, 0
    terminal = terminals[0]
    key = terminal * width + (terminals[1] if end else 0)
    while True:
        step = steps[state][key]
        if step == _APPEND:
            items: list[object] = values[-1]
            items.append(inputs[i])
        elif step >= 0:
            values.append(inputs[i])
            states.append(step)
            state = step
        elif step <= _REDUCE:
            length, origin, part, build = rules[_REDUCE - step]
            if length == 1:  # most rules: one value takes the place of another
                if part < 0:
                    values[-1] = build(values[-1])
                states.pop()
            elif length:
                if part >= 0:
                    value = values[part - length]
                elif length == 2:
                    value = build(values[-2], values[-1])
                elif length == 3:
                    value = build(values[-3], values[-2], values[-1])
                else:
                    value = build(*values[-length:])
                del values[-length:], states[-length:]
                values.append(value)
            else:
                values.append(build())
            state = gotos[states[-1]][origin]
            states.append(state)
            continue
        elif step == _ACCEPT:
            return values[0]
        else:
            raise explain(lexed, i, _owner(values) if "argument" in gotos[state] else "")
        i += 1
        terminal = terminals[i]
        key = terminal * width + (terminals[i + 1] if i < end else 0)


def _owner(values: list[object]) -> str:
    """The command or script mark whose argument is being read."""
    for value in reversed(values):
        if isinstance(value, str) and value not in "[]":
            return value
    return ""


def _is_a_part(*parts: object) -> object:
    raise AssertionError("the value of this rule is one of its parts: nothing is built")


class _NoLexer(Lexer):
    """Lark wants a lexer named; tokens come from `lex` instead."""

    def __init__(self, conf: object) -> None:
        del conf

    def lex(self, lexer_state: object, parser_state: object) -> "object":  # type: ignore[override]
        raise AssertionError("the automaton reads tokens itself")


def load(builds: Builds) -> Automaton:
    """Lark's LALR tables of grammar/latex.lark as step tables (some milliseconds, once a process)."""
    text = grammar_path("latex.lark").read_text(encoding="utf-8")
    table = Lark(text, parser="lalr", lexer=_NoLexer, start="start").parser.parser._parse_table
    start = table.start_states["start"]
    order = [start, *(state for state in table.states if state != start)]
    return _Compiler(table.states, order, builds).compile(table.end_states["start"])


class _Compiler:
    """Folds what builds nothing into the step tables, once."""

    def __init__(self, states: "dict[int, Actions]", order: list[int], builds: Builds) -> None:
        self.states = states
        self.number = {state: i for i, state in enumerate(order)}  # the start state is 0
        self.builds = builds
        self.rules: dict[Rule, int] = {}

    def compile(self, end: int) -> Automaton:
        width = len(TERMINALS)
        steps = [[_ERROR] * (width * width) for _ in self.number]
        gotos: list[dict[str, int]] = [{} for _ in self.number]
        for state in self.number:
            actions = self.states[state]
            row = steps[self.number[state]]
            for symbol, (_, target) in actions.items():
                if symbol not in ID:
                    gotos[self.number[state]][str(symbol)] = self.number[self.goto(state, symbol)]
                    continue
                for following in range(width):
                    row[ID[symbol] * width + following] = self.step(state, target, TERMINALS[following])
        steps[self.number[end]][:width] = [_ACCEPT] * width  # on $END, terminal 0
        rules: list[tuple[int, str, int, Build]] = []
        for rule in self.rules:
            build = self.builds[rule.alias or rule.origin.name]
            # a plain string: Lark's compare themselves in Python
            length, origin = len(rule.expansion), str(rule.origin.name)
            if isinstance(build, int):
                rules.append((length, origin, build, _is_a_part))
            else:
                rules.append((length, origin, -1, build))
        return Automaton(steps, gotos, rules)

    def step(self, state: int, target: "int | Rule", following: str) -> int:
        if isinstance(target, Rule):
            return _REDUCE - self.rules.setdefault(target, len(self.rules))
        # Shift; then follow the inlined one-child rules that `following` would reduce by.
        while (rule := self.reduction(target, following)) is not None and _is_inlined(rule):
            target = self.goto(state, rule.origin.name)
        # A list that grows by what was just read leaves the automaton where it stood.
        return _APPEND if rule is not None and rule.alias == "next_item" else self.number[target]

    def goto(self, state: int, rule: str) -> int:
        target = self.states[state][rule][1]
        assert isinstance(target, int)
        return target

    def reduction(self, state: int, terminal: str) -> Rule | None:
        _, target = self.states[state].get(terminal, (None, None))
        return target if isinstance(target, Rule) else None


def _is_inlined(rule: Rule) -> bool:
    return len(rule.expansion) == 1 and rule.options.expand1 and rule.alias is None
