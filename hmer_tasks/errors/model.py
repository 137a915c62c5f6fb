"""The noise model: which mistakes recognisers make where, as a noise file says (noisefile.py).

A mistake is drawn by where it may begin, then by what is made of it, and taken or not by what stands
around it. A symbol that was measured little or never falls back on its sort: a digit is misread as
digits are.
"""

from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Generic, TypeAlias, TypeVar

from hmer_tasks.errors.context import SHAPE, around, features, kind_of
from hmer_tasks.errors.noisefile import NoiseFile, check_noise, read_noise
from hmer_tasks.errors.patterns import Pattern, pattern, start_of
from hmer_tasks.errors.sorts import SORTS, sort_of
from hmer_tasks.grammar_files import read_toml

# Of the patterns seen once with a symbol, this share stands for those never seen.
_UNSEEN = 0.5
# What stands around a mistake makes it at most so much likelier than the average.
_MOST = 30.0
# How many neighbourhoods a model remembers the weights of: some tens of megabytes.
_REMEMBERED = 100_000

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
class Drawable:
    """Tables of patterns, each with its weight, and all of it together."""

    tables: list[tuple[Table, float]]
    total: float

    def choose(self, at: float) -> Table:
        """The table where `at`, from 0 to the total, falls."""
        for table, weight in self.tables:
            at -= weight
            if at <= 0:
                return table
        return self.tables[-1][0]  # rounding


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
    # What may be drawn for a token, or a longer start, between its neighbours; filled as they are met.
    _met: dict[tuple[str, str, str], "Drawable"] = field(default_factory=dict)
    _longer: dict[tuple[str, tuple[str, ...], str], tuple[Table, float]] = field(default_factory=dict)

    def drawable(self, tokens: list[str]) -> list["Drawable"]:
        """For each place of a label, what may be drawn for a mistake that begins there."""
        out = []
        met, lengths = self._met, self.lengths
        for memory in (self._met, self._longer):
            if len(memory) > _REMEMBERED:
                memory.clear()
        following = tokens[1:]
        following.append("")
        for place, pair in enumerate(zip(tokens, following, strict=True)):
            around_it = around(tokens, place, place + 1)
            tables = met.get(around_it)
            if tables is None:
                tables = met[around_it] = self._weigh(*around_it)
            if pair in lengths:
                longer = [self._start(tokens, place, length) for length in lengths[pair]]
                found = [each for each in longer if each is not None]
                tables = Drawable([*tables.tables, *found], tables.total + sum(weight for _, weight in found))
            out.append(tables)
        return out

    def _start(self, tokens: list[str], place: int, length: int) -> tuple[Table, float] | None:
        start = tuple(tokens[place : place + length])
        if start not in self.by_start:
            return None
        left, changed, right = around(tokens, place, place + length)
        met = self._longer.get((left, start, right))
        if met is None:
            table = self.by_start[start]
            met = table, table.total * self._weight(features(SHAPE, left, changed, right))
            self._longer[left, start, right] = met
        return met

    def _weigh(self, left: str, token: str, right: str) -> "Drawable":
        tables = self.by_token.get(token)
        if tables is None:
            table = self.by_sort[sort_of(token)]
            return Drawable([(table, table.total)], table.total)
        weighed = []
        for kind, table in tables.items():
            known = features(kind, token, "", right) if kind == "add" else features(kind, left, token, right)
            weighed.append((table, table.total * self._weight(known)))
        return Drawable(weighed, sum(weight for _, weight in weighed))

    def _weight(self, around_it: list[str]) -> float:
        weight, context = 1.0, self.context
        for feature in around_it:
            if feature in context:
                weight *= context[feature]
        return min(weight, _MOST)

    def draw(self, table: Table, token: str, random: Random) -> Pattern:
        """A mistake from a table of a place where this token stands."""
        found = table.draw(random)
        if found is None:
            found = self.by_sort[sort_of(token)].draw(random)
            assert found is not None
        return found if found.old[0][0] == token else _carried_over(found, token)


def _carried_over(found: Pattern, token: str) -> Pattern:
    """A pattern of another symbol of the sort, for this one."""
    new = found.new
    if new[0][:1] == found.old[0][:1]:
        new = ((token, *new[0][1:]), *new[1:])
    return Pattern(((token,), *found.old[1:]), new)


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
            found = pattern(old, new)
            rate = share * (count - _UNSEEN * (lone and count == 1))
            if len(start) == 1:
                kinds = by_kind.setdefault(start[0], {})
                kinds.setdefault(kind_of(found), []).append((found, rate))
                of_sort[sort_of(start[0])].append((found, float(count)))
            else:
                by_start.setdefault(start, []).append((found, rate))
        rate = share * unseen if entry.read_as else entry.rate
        if lone and len(start) == 1 and rate:
            by_kind.setdefault(old, {}).setdefault(SHAPE, []).append((None, rate))
    every = [each for patterns in of_sort.values() for each in patterns]
    lengths: dict[tuple[str, str], tuple[int, ...]] = {}
    for start in by_start:
        known = lengths.get((start[0], start[1]), ())
        if len(start) not in known:
            lengths[start[0], start[1]] = (*known, len(start))
    return NoiseModel(
        number=weighted((n, float(count)) for n, count in enumerate(noise.number, start=1)),
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
    return weighted((found, rate * count / total) for found, count in patterns)
