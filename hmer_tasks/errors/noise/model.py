"""The noise model: which mistakes recognisers make where, as a noise file says (noisefile.py).

A mistake is drawn by where it may begin, then by what is made of it, and taken or not by what stands
around it. A symbol that was measured little or never falls back on its sort: a digit is misread as
digits are.
"""

from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate, pairwise
from math import prod
from pathlib import Path
from random import Random
from typing import Generic, TypeAlias, TypeVar

from hmer_tasks.errors.noise.context import (
    SHAPE,
    features,
    kind_of,
    left_features,
    neighbours,
    right_features,
)
from hmer_tasks.errors.noise.noise_file import NoiseFile, check_noise, read_noise
from hmer_tasks.errors.noise.patterns import Pattern, is_argument, pattern, start_of
from hmer_tasks.errors.token_classes import SORTS, token_class
from hmer_tasks.utils.grammar_files import read_toml

# Of the patterns seen once with a symbol, this share stands for those never seen.
_UNSEEN = 0.5
# What stands around a mistake makes it at most so much likelier than the average.
_MOST = 30.0
# How many neighbourhoods a model remembers the weights of, some ten megabytes a worker: those met first,
# for what is frequent is met early.
REMEMBERED = 20_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Weighted(Generic[T]):
    """Things to draw from, each with a weight."""

    items: Sequence[T]
    cumulative: list[float]
    total: float

    def draw(self, random: Random) -> T:
        """One of them; as often as its weight says."""
        at = random.random() * self.total
        return self.items[bisect(self.cumulative, at, 0, len(self.items) - 1)]


def weighted(items: Iterable[tuple[T, float]]) -> Weighted[T]:
    """A table of weights, at least one of them above zero."""
    pairs = [(item, weight) for item, weight in items if weight > 0]
    cumulative = list(accumulate(weight for _, weight in pairs))
    return Weighted([item for item, _ in pairs], cumulative, cumulative[-1])


Table: TypeAlias = "Weighted[Pattern | None]"  # None: a pattern of the token's sort


@dataclass(frozen=True, slots=True)
class Places:
    """A label (its first token is START), and how readily it is misread up to each of its places."""

    tokens: list[str]
    lefts: list[str]
    rights: list[str]
    cumulative: list[float]
    longer: dict[int, list[tuple[Table, float]]]  # what begins there with more than the one token


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """Patterns by what they begin with, those of one token by their kind as well."""

    number: Weighted[int]
    broken: float
    repeated: float
    gaps: tuple[int, ...]
    run_share: float
    runs: Weighted[tuple[int, int]] | None
    context: dict[str, float]
    by_token: dict[str, dict[str, Table]]
    by_start: dict[tuple[str, ...], Table]
    by_sort: dict[str, Table]
    # How long the starts are that begin with these two tokens.
    lengths: dict[tuple[str, str], tuple[int, ...]]
    # Filled as neighbourhoods are met, up to REMEMBERED each: how readily a token is misread between two
    # neighbours; how readily a longer start is; what either neighbour makes of each kind of mistake.
    _met: dict[tuple[str, str, str], float] = field(default_factory=dict)
    _longer: dict[tuple[str, tuple[str, ...], str], tuple[Table, float]] = field(default_factory=dict)
    _before: dict[tuple[str, str], tuple[float, ...]] = field(default_factory=dict)
    _after: dict[tuple[str, str, bool], tuple[float, ...]] = field(default_factory=dict)

    def places(self, tokens: list[str]) -> Places:
        """How readily a label is misread at each of its places."""
        met, lengths, by_start = self._met, self.lengths, self.by_start
        lefts, rights = neighbours(tokens)
        totals = []
        for around_it in zip(lefts, tokens, rights, strict=True):
            total = met.get(around_it)
            if total is None:
                total = sum([weight for _, weight in self._weighed(*around_it)])
                if len(met) < REMEMBERED:
                    met[around_it] = total
            totals.append(total)
        longer: dict[int, list[tuple[Table, float]]] = {}
        for place, pair in enumerate(pairwise(tokens)):
            if pair in lengths:
                for length in lengths[pair]:
                    start, end = tuple(tokens[place : place + length]), place + length - 1
                    if start in by_start and end < len(tokens):
                        table, weight = self._start(lefts[place], start, rights[end])
                        longer.setdefault(place, []).append((table, weight))
                        totals[place] += weight
        return Places(tokens, lefts, rights, list(accumulate(totals)), longer)

    def choose(self, places: Places, random: Random) -> tuple[int, Table]:
        """A place for a mistake, and the table to draw it from."""
        cumulative, tokens = places.cumulative, places.tokens
        at = random.random() * cumulative[-1]
        place = bisect(cumulative, at, 0, len(cumulative) - 1)
        at = cumulative[place] - at
        weighed = self._weighed(places.lefts[place], tokens[place], places.rights[place])
        tables = [*weighed, *places.longer.get(place, ())]
        for table, weight in tables:
            at -= weight
            if at <= 0:
                return place, table
        return place, tables[-1][0]  # rounding

    def _start(self, left: str, start: tuple[str, ...], right: str) -> tuple[Table, float]:
        """The table of a longer start between its neighbours, and its weight there."""
        met = self._longer.get((left, start, right))
        if met is None:
            table, weight = self.by_start[start], 0.0
            if start[0] != "{" or not is_argument(left.split(" ", maxsplit=1)[0]):
                weight = table.total * min(self._product(features(SHAPE, left, start[0], right)), _MOST)
            met = table, weight
            if len(self._longer) < REMEMBERED:
                self._longer[left, start, right] = met
        return met

    def _weighed(self, left: str, token: str, right: str) -> list[tuple[Table, float]]:
        """The tables of a token between its neighbours, each with its weight there."""
        tables = self.by_token.get(token)
        # The braces of an argument stay: only within them something may be added.
        braced = token == "{" and is_argument(left.split(" ", maxsplit=1)[0])
        if tables is None:
            table = self.by_sort[token_class(token)]
            return [] if braced else [(table, table.total)]
        twin = token in (left, right)
        before, after = self._before.get((left, token)), self._after.get((token, right, twin))
        if before is None:
            before = self._left_factors(tables, left, token)
            if len(self._before) < REMEMBERED:
                self._before[left, token] = before
        if after is None:
            after = self._right_factors(tables, token, right, twin)
            if len(self._after) < REMEMBERED:
                self._after[token, right, twin] = after
        return [
            (table, table.total * min(left_factor * right_factor, _MOST))
            for (kind, table), left_factor, right_factor in zip(tables.items(), before, after, strict=True)
            if not braced or kind == "add"
        ]

    def _left_factors(self, kinds: Iterable[str], left: str, token: str) -> tuple[float, ...]:
        return tuple(
            self._product(
                left_features(kind, token, "") if kind == "add" else left_features(kind, left, token)
            )
            for kind in kinds
        )

    def _right_factors(self, kinds: Iterable[str], token: str, right: str, twin: bool) -> tuple[float, ...]:
        factors = []
        for kind in kinds:
            if kind == "add":
                factors.append(self._product(right_features(kind, token, "", right)))
            else:
                known = right_features(kind, "", token, right)
                factors.append(self._product([*known, f"{kind} twin"] if twin else known))
        return tuple(factors)

    def _product(self, known: list[str]) -> float:
        return prod(self.context.get(feature, 1.0) for feature in known)

    def draw(self, table: Table, token: str, random: Random) -> Pattern:
        """A mistake from a table of a place where this token stands."""
        drawn = table.draw(random)
        if drawn is None:
            drawn = self.by_sort[token_class(token)].draw(random)
            assert drawn is not None
        return drawn if drawn.old[0][0] == token else _carried_over(drawn, token)


def _carried_over(drawn: Pattern, token: str) -> Pattern:
    """A pattern of another symbol of the sort, for this one."""
    new = drawn.new
    if new[0][:1] == drawn.old[0][:1]:
        new = ((token, *new[0][1:]), *new[1:])
    return Pattern(((token,), *drawn.old[1:]), new)


@cache
def shipped_model() -> NoiseModel:
    """The model of grammar/confusables.toml."""
    return model_of(check_noise(read_toml("confusables.toml"), "grammar/confusables.toml"))


def read_model(path: Path) -> NoiseModel:
    """The model of a noise file. Raises NoiseError."""
    return model_of(read_noise(path))


def model_of(noise: NoiseFile) -> NoiseModel:
    """The model that a noise file describes."""
    by_start: dict[tuple[str, ...], list[tuple[Pattern | None, float]]] = {}
    by_kind: dict[str, dict[str, list[tuple[Pattern | None, float]]]] = {}
    of_sort: dict[str, list[tuple[Pattern | None, float]]] = {sort: [] for sort in SORTS}
    for old, entry in noise.patterns.items():
        start = tuple(start_of(old).split())
        lone = (old,) == start
        unseen = _UNSEEN * sum(1 for count in entry.read_as.values() if count == 1) if lone else 0.0
        share = entry.rate / max(1, sum(entry.read_as.values()))
        for new, count in entry.read_as.items():
            misread = pattern(old, new)
            rate = share * (count - _UNSEEN * (lone and count == 1))
            if len(start) == 1:
                kinds = by_kind.setdefault(start[0], {})
                kinds.setdefault(kind_of(misread), []).append((misread, rate))
                of_sort[token_class(start[0])].append((misread, float(count)))
            else:
                by_start.setdefault(start, []).append((misread, rate))
        rate = share * unseen if entry.read_as else entry.rate
        if lone and len(start) == 1 and rate:
            by_kind.setdefault(old, {}).setdefault(SHAPE, []).append((None, rate))
    every = [weighted_pattern for patterns in of_sort.values() for weighted_pattern in patterns]
    lengths: dict[tuple[str, str], tuple[int, ...]] = {}
    for start in by_start:
        known = lengths.get((start[0], start[1]), ())
        if len(start) not in known:
            lengths[start[0], start[1]] = (*known, len(start))
    return NoiseModel(
        number=weighted((n, float(count)) for n, count in enumerate(noise.drawn or noise.number, start=1)),
        broken=noise.broken,
        repeated=noise.repeated,
        gaps=tuple(n for n, count in enumerate(noise.gaps, start=1) for _ in range(count)) or (1,),
        run_share=noise.run_share if noise.runs else 0.0,
        runs=weighted(((old, new), float(count)) for old, new, count in noise.runs) if noise.runs else None,
        context=noise.context,
        by_token={
            token: {kind: weighted(table) for kind, table in kinds.items()}
            for token, kinds in by_kind.items()
        },
        by_start={start: weighted(table) for start, table in by_start.items()},
        by_sort={sort: _at_rate(of_sort[sort] or every, noise.sorts.get(sort, 0.01)) for sort in SORTS},
        lengths=lengths,
    )


def _at_rate(patterns: list[tuple[Pattern | None, float]], rate: float) -> Table:
    total = sum(count for _, count in patterns)
    return weighted((drawn, rate * count / total) for drawn, count in patterns)
