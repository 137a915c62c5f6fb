"""The noise model: which mistakes recognisers make where, as a noise file says (noisefile.py).

A mistake is drawn by where it may begin, then by what is made of it, and taken or not by what stands
around it. A symbol that was measured little or never falls back on its sort: a digit is misread as
digits are.
"""

from bisect import bisect
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Final

from hmer_tasks.errors.noise.context import SHAPE, kind_of, neighbours
from hmer_tasks.errors.noise.noise_file import NoiseFile, check_noise, read_noise
from hmer_tasks.errors.noise.patterns import Pattern, pattern, start_of
from hmer_tasks.errors.noise.weights import (
    StartTable,
    Table,
    TokenTables,
    Weighed,
    Weighted,
    opens_argument,
    weighted,
)
from hmer_tasks.errors.token_classes import SORTS, token_class
from hmer_tasks.utils.grammar_files import read_toml
from hmer_tasks.utils.pickling import reduce_dataclass

# Of the patterns seen once with a symbol, this share stands for those never seen.
_UNSEEN: Final = 0.5
# How many neighbourhoods of one token, and of several, a model remembers the weights of, some megabytes a
# worker: those met first, for what is frequent is met early.
REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """A token between two neighbours: how readily it is misread, and by which tables.

    `lengths`: of the starts of several tokens that it may begin.
    """

    total: float
    tables: Weighed
    lengths: tuple[int, ...]

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return reduce_dataclass(self)


@dataclass(frozen=True, slots=True)
class Places:
    """A label (its first token is START), and how readily it is misread up to each of its places."""

    tokens: list[str]
    cumulative: list[float]
    neighbourhoods: list[Neighbourhood]
    longer: dict[int, Weighed]  # what begins there with more than the one token

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return reduce_dataclass(self)


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """Patterns by what they begin with, those of one token by their kind as well."""

    number: Weighted[int]
    broken: float
    repeated: float
    gaps: tuple[int, ...]
    run_share: float
    runs: Weighted[tuple[int, int]] | None
    by_token: dict[str, TokenTables]
    by_start: dict[tuple[str, ...], StartTable]
    by_sort: dict[str, Table]
    # How long the starts are that begin with these two tokens.
    lengths: dict[tuple[str, str], tuple[int, ...]]
    # How readily a token, or some, are misread between two neighbours; filled as they are met.
    _known: dict[tuple[str, str, str], Neighbourhood] = field(default_factory=dict)
    _known_starts: dict[tuple[str, ...], Weighed] = field(default_factory=dict)

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return reduce_dataclass(self)

    def places(self, tokens: list[str]) -> Places:
        """How readily a label is misread at each of its places."""
        known, known_starts = self._known, self._known_starts
        lefts, rights = neighbours(tokens)
        cumulative: list[float] = []
        neighbourhoods: list[Neighbourhood] = []
        longer: dict[int, Weighed] = {}
        end = len(tokens)
        summed = 0.0
        for place, around_it in enumerate(zip(lefts, tokens, rights, strict=True)):
            here = known.get(around_it)
            if here is None:
                here = self._neighbourhood(*around_it)
                if len(known) < REMEMBERED:
                    known[around_it] = here
            neighbourhoods.append(here)
            total = here.total
            for length in here.lengths:
                stop = place + length
                if stop > end:
                    continue
                start = (lefts[place], rights[stop - 1], *tokens[place:stop])
                weighed = known_starts.get(start)
                if weighed is None:
                    weighed = self._weighed_start(start)
                    if len(known_starts) < REMEMBERED:
                        known_starts[start] = weighed
                if weighed:
                    longer[place] = longer[place] + weighed if place in longer else weighed
                    total += weighed[0][1]
            summed += total
            cumulative.append(summed)
        return Places(tokens, cumulative, neighbourhoods, longer)

    def choose(self, places: Places, random: Random) -> tuple[int, Table]:
        """A place for a mistake, and the table to draw it from."""
        cumulative = places.cumulative
        at = random.random() * cumulative[-1]
        place = bisect(cumulative, at, 0, len(cumulative) - 1)
        at = cumulative[place] - at
        tables = places.neighbourhoods[place].tables
        if place in places.longer:
            tables += places.longer[place]
        for table, weight in tables:
            at -= weight
            if at <= 0:
                return place, table
        return place, tables[-1][0]  # rounding

    def _neighbourhood(self, left: str, token: str, right: str) -> Neighbourhood:
        """How readily a token is misread between its neighbours."""
        lengths = self.lengths.get((token, right.split(" ", maxsplit=1)[0]), ())
        tables = self.by_token.get(token)
        if tables is not None:
            weighed = tables.weighed(left, right)
        elif opens_argument(token, left):
            weighed = ()
        else:
            table = self.by_sort[token_class(token)]
            weighed = ((table, table.total),)
        total = 0.0
        for _, weight in weighed:  # not sum(), which rounds otherwise since Python 3.12
            total += weight
        return Neighbourhood(total, weighed, lengths)

    def _weighed_start(self, start: tuple[str, ...]) -> Weighed:
        """The table of several tokens; their left and their right neighbour stand before them."""
        left, right, *tokens = start
        table = self.by_start.get(tuple(tokens))
        return () if table is None else ((table.table, table.weight(left, right)),)

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
        by_token={
            token: TokenTables(token, {kind: weighted(table) for kind, table in kinds.items()}, noise.context)
            for token, kinds in by_kind.items()
        },
        by_start={
            start: StartTable(start[0], weighted(table), noise.context) for start, table in by_start.items()
        },
        by_sort={sort: _at_rate(of_sort[sort] or every, noise.sorts.get(sort, 0.01)) for sort in SORTS},
        lengths=lengths,
    )


def _at_rate(patterns: list[tuple[Pattern | None, float]], rate: float) -> Table:
    total = sum(count for _, count in patterns)
    return weighted((drawn, rate * count / total) for drawn, count in patterns)
