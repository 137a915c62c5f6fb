"""Real expressions put together anew along the expression tree, with the label to match.

A plan starts from a real expression and exchanges parts of it: what stands in a fraction, a root or a
script for a sub-expression of the same kind, a term of the main line for another term, a symbol for
another of its class, by the same person where they wrote one. A plan is labels only, and cheap;
its ink is put together in compose.py. The idea is that of Le and Nakagawa (2017): CROHME 2014 39.76 to
48.78 % with ink made so.

    recombiner = Recombiner(expressions)
    plan = recombiner.plan(keyed("sample", seed, index))
    plan.label, plan.ink(chance)
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from random import Random

from hmer_tasks.handwriting.boxes import Cell
from hmer_tasks.handwriting.lines import matches
from hmer_tasks.handwriting.parts import FRACTION_BARS, Expression
from hmer_tasks.latex.tree import ExprTree, Node, to_label
from hmer_tasks.utils.keyed_random import WeightedChoice

Shape = tuple[int, int, int]  # of a label: tokens, depth, braces
RELATIONS = frozenset("= < > \\leq \\geq \\neq \\rightarrow \\in \\equiv \\approx".split())
CLASSES = tuple(
    frozenset(symbols.split())
    for symbols in (
        "0 1 2 3 4 5 6 7 8 9",
        "a c e m n r s u v w x z \\alpha \\sigma \\omega \\pi",
        "b d h k t",
        "g p q y \\mu \\gamma",
        "A B C D E F G H I K L M N P R S T V X Y",
        "\\beta \\theta \\lambda \\phi \\Delta",
        "+ \\times \\div \\pm",
        "\\leq \\geq < >",
        "\\sin \\cos \\tan",
    )
)
CLASS_OF = {token: number for number, tokens in enumerate(CLASSES) for token in tokens}
EXCHANGED = 0.45  # share of child lines that are exchanged
TERMS = 0.35  # share of terms of the main line that are exchanged
RENAMED = 0.25  # share of symbols that become another of their class
RECOPIED = 0.25  # share of symbols that become another copy of the same
LOYAL = 0.9  # share of exchanges that stay with the person, where they wrote such a part
CANDIDATES = 16  # plans of which the one nearest to the wished length and depth is taken
DEEPEST = 4  # levels down to which exchanged parts are exchanged in themselves


@dataclass(slots=True)
class Glyph:
    """A symbol of a real expression."""

    source: Expression
    number: int

    @property
    def token(self) -> str:
        return self.source.cells[self.number].symbol


@dataclass(slots=True)
class Part:
    """A node as planned: `cell` says where it stood, `glyph` what stands there now."""

    cell: Cell
    glyph: Glyph
    children: "list[tuple[str, Slot]]"
    number: int = -1  # in the new tree


@dataclass(slots=True)
class Slot:
    """A line as planned, in the ink of one expression; `cells` are those that stood there.

    Its parts are nodes of `cells`, or whole terms of other expressions in place of `count` of them.
    """

    source: Expression
    cells: list[Cell]
    parts: "list[Part | Term]" = field(default_factory=list)


@dataclass(slots=True)
class Term:
    """Nodes of another expression in place of `replaced`."""

    slot: Slot
    replaced: list[Cell]


@dataclass(frozen=True, slots=True)
class Fragment:
    """A line, or a part of one, that may stand in for another of its kind."""

    source: Expression
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be put together: the main line, and the label it reads as."""

    slot: Slot
    tree: ExprTree
    label: str


class Recombiner:
    """Real expressions, indexed by what may stand in for what."""

    def __init__(self, expressions: Sequence[Expression], shapes: Sequence[Shape] = ()) -> None:
        self.expressions = [expression for expression in expressions if _usable(expression)]
        self.shapes = shapes
        self.fragments: dict[str, list[Fragment]] = defaultdict(list)
        self.of_writer: dict[tuple[str, str], list[Fragment]] = defaultdict(list)
        self.glyphs: dict[str, list[Glyph]] = defaultdict(list)
        self.glyphs_of_writer: dict[tuple[str, str], list[Glyph]] = defaultdict(list)
        counts: list[Counter[str]] = [Counter() for _ in CLASSES]
        for expression in self.expressions:
            self._index(expression, counts)
        self.choices = [WeightedChoice(count) if count else None for count in counts]

    def shaped_like(self, shapes: Sequence[Shape]) -> "Recombiner":
        """The same parts, put together to the lengths and depths of a label file."""
        other = copy(self)
        other.shapes = shapes
        return other

    def _index(self, expression: Expression, counts: list[Counter[str]]) -> None:
        for cell in expression.cells:
            if cell.symbol in CLASS_OF and cell.number in expression.strokes:
                glyph = Glyph(expression, cell.number)
                self.glyphs[cell.symbol].append(glyph)
                self.glyphs_of_writer[expression.writer, cell.symbol].append(glyph)
                counts[CLASS_OF[cell.symbol]][cell.symbol] += 1
            for relation, line in cell.children:
                kind = line_kind(cell, relation)
                if kind and has_ink(expression, line):
                    self._add(kind, Fragment(expression, line))
        for start, stop in terms(expression.line):
            if stop - start < len(expression.line):
                self._add("term", Fragment(expression, expression.line[start:stop]))

    def _add(self, kind: str, fragment: Fragment) -> None:
        self.fragments[kind].append(fragment)
        self.of_writer[fragment.source.writer, kind].append(fragment)

    def plan(self, chance: Random) -> Plan:
        """A new expression; with `shapes`, about as long and as deep as one of that file's labels."""
        if not self.shapes:
            return self._plan(chance)
        length, depth, braces = self.shapes[chance.randrange(len(self.shapes))]
        best, missed = None, 10**9
        for attempt in range(CANDIDATES):
            plan = self._plan(chance)
            miss = abs(len(plan.label.split()) - length) + 3 * abs(plan.tree.depth() - depth)
            miss += abs(plan.label.count("{") - braces)
            if best is None or miss < missed:
                best, missed = plan, miss
            if missed <= attempt:
                break
        assert best is not None
        return best

    def _plan(self, chance: Random) -> Plan:
        base = self.expressions[chance.randrange(len(self.expressions))]
        slot = self._slot(base, base.line, base.writer, chance, 0)
        self._exchange_terms(slot, chance)
        tree = ExprTree(_numbered(slot, [0]))
        return Plan(slot, tree, to_label(tree))

    def _slot(self, source: Expression, cells: list[Cell], writer: str, chance: Random, level: int) -> Slot:
        slot = Slot(source, cells)
        for cell in cells:
            children = []
            for relation, line in cell.children:
                kind = line_kind(cell, relation)
                fragment = None
                if kind and level < DEEPEST and chance.random() < EXCHANGED and has_ink(source, line):
                    fragment = self._fragment(kind, writer, chance)
                origin, cells_of_origin = (
                    (source, line) if fragment is None else (fragment.source, fragment.cells)
                )
                children.append((relation, self._slot(origin, cells_of_origin, writer, chance, level + 1)))
            slot.parts.append(Part(cell, self._glyph(source, cell, writer, chance), children))
        return slot

    def _fragment(self, kind: str, writer: str, chance: Random) -> Fragment:
        own = self.of_writer.get((writer, kind))
        pool = own if own and len(own) > 3 and chance.random() < LOYAL else self.fragments[kind]
        return pool[chance.randrange(len(pool))]

    def _glyph(self, source: Expression, cell: Cell, writer: str, chance: Random) -> Glyph:
        token = cell.symbol
        here = Glyph(source, cell.number)
        if token not in CLASS_OF or cell.number not in source.strokes:
            return here
        drawn = chance.random()
        if drawn < RENAMED:
            choice = self.choices[CLASS_OF[token]]
            token = choice.draw(chance) if choice is not None else token
        elif drawn > RENAMED + RECOPIED and source.writer == writer:
            return here
        own = self.glyphs_of_writer.get((writer, token))
        if own is None and source.writer == writer:
            return here  # this person never wrote it: what stands there stays
        pool = own or self.glyphs[token]
        return pool[chance.randrange(len(pool))]

    def _exchange_terms(self, slot: Slot, chance: Random) -> None:
        """Whole terms of the main line for terms of other expressions."""
        parts: list[Part | Term] = []
        done = 0
        for start, stop in terms(slot.cells):
            parts += slot.parts[done:start]
            done = stop
            if stop - start == len(slot.cells) or chance.random() >= TERMS:
                parts += slot.parts[start:stop]
                continue
            fragment = self._fragment("term", slot.source.writer, chance)
            inner = self._slot(fragment.source, fragment.cells, slot.source.writer, chance, 1)
            parts.append(Term(inner, slot.cells[start:stop]))
        slot.parts = parts + slot.parts[done:]


def line_kind(cell: Cell, relation: str) -> str:
    """What kind of line stands there; empty for one that is never exchanged."""
    if cell.symbol in FRACTION_BARS and relation in ("above", "below"):
        return "fraction"
    if cell.symbol == "\\sqrt" and relation == "above":
        return "root"
    if cell.symbol in ("\\sum", "\\prod", "\\int", "\\lim"):
        return f"{cell.symbol} {relation}" if relation in ("sub", "sup", "above", "below") else ""
    if relation in ("sub", "sup"):
        return relation
    return ""


def terms(cells: list[Cell]) -> list[tuple[int, int]]:
    """Where the terms between the relations of a main line start and stop, brackets closed in each."""
    if any(name == "nextline" for cell in cells for name, _ in cell.children):
        return []
    pairs = matches(cells)
    closed = {at for start, stop in pairs.items() for at in range(start, stop + 1)}
    spans, start = [], 0
    for at, cell in enumerate([*cells, None]):
        if cell is None or (cell.symbol in RELATIONS and at not in closed):
            if at > start:
                spans.append((start, at))
            start = at + 1
    return spans


def has_ink(expression: Expression, cells: Sequence[Cell]) -> bool:
    """Whether anything of those nodes, or beneath them, is written."""
    return any(
        cell.number in expression.strokes or any(has_ink(expression, line) for _, line in cell.children)
        for cell in cells
    )


def _usable(expression: Expression) -> bool:
    """Matrices and the like, whose rows the layout of one line says nothing of, are left out."""
    return not any(cell.symbol in ("\\begin", "\\\\", "&") for cell in expression.cells)


def _numbered(slot: Slot, count: list[int]) -> tuple[Node, ...]:
    """The line as nodes of the tree; each part learns its number on the way, in reading order."""
    nodes: list[Node] = []
    for part in slot.parts:
        if isinstance(part, Term):
            nodes += _numbered(part.slot, count)
            continue
        part.number = count[0]
        count[0] += 1
        children = tuple((relation, _numbered(child, count)) for relation, child in part.children)
        nodes.append(Node(part.glyph.token, children))
    return tuple(nodes)
