"""The noise model: which mistakes recognisers make where, as a noise file says (noise_file.py).

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

from hmer_tasks.errors.noise.context import SHAPE, mistake_kind, neighbours
from hmer_tasks.errors.noise.noise_file import NoiseFile, check_noise, read_noise
from hmer_tasks.errors.noise.patterns import Pattern, pattern, start_of
from hmer_tasks.errors.noise.weights import (
    StartTable,
    Table,
    TokenTables,
    Weighted,
    opens_argument,
    weighted,
)
from hmer_tasks.errors.token_classes import SORTS, token_class
from hmer_tasks.exceptions import NoiseError
from hmer_tasks.utils.grammar_files import read_toml
from hmer_tasks.utils.pickling import reduce_dataclass

# Of the patterns seen once with a symbol, this share stands for those never seen.
_UNSEEN: Final = 0.5
# How many neighbourhoods a model remembers the weights of, some megabytes a worker: those met first, for
# what is frequent is met early.
REMEMBERED = 20_000


class Places:
    """A label (its first token is START), and how readily it is misread up to each of its places."""

    __slots__ = ("cumulative", "lefts", "longer", "rights", "tokens")

    def __init__(
        self,
        tokens: list[str],
        lefts: list[str],
        rights: list[str],
        cumulative: list[float],
        longer: dict[int, list[tuple[Table, float]]],  # what begins there with more than the one token
    ) -> None:
        self.tokens: Final = tokens
        self.lefts: Final = lefts
        self.rights: Final = rights
        self.cumulative: Final = cumulative
        self.longer: Final = longer


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
    # How readily a token is misread between two neighbours, and how long the starts may be that begin there;
    # filled as they are met, up to REMEMBERED.
    _met: dict[tuple[str, str, str], tuple[float, tuple[int, ...]]] = field(default_factory=dict)

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return reduce_dataclass(self)

    def places(self, tokens: list[str]) -> Places:
        """How readily a label is misread at each of its places."""
        met, by_start = self._met, self.by_start
        lefts, rights = neighbours(tokens)
        cumulative: list[float] = []
        longer: dict[int, list[tuple[Table, float]]] = {}
        so_far = 0.0
        for place, around_it in enumerate(zip(lefts, tokens, rights, strict=True)):
            known = met.get(around_it)
            if known is None:
                left, token, right = around_it
                following = right.partition(" ")[0]  # a brace is named together with what stands beyond it
                known = self._total(left, token, right), self.lengths.get((token, following), ())
                if len(met) < REMEMBERED:
                    met[around_it] = known
            total, lengths = known
            for length in lengths:
                end = place + length
                start = by_start.get(tuple(tokens[place:end]))
                if start is not None and end <= len(tokens):
                    weight = start.weight(lefts[place], rights[end - 1])
                    longer.setdefault(place, []).append((start.table, weight))
                    total += weight
            so_far += total
            cumulative.append(so_far)
        return Places(tokens, lefts, rights, cumulative, longer)

    def choose(self, places: Places, random: Random) -> tuple[int, Table]:
        """A place for a mistake, and the table to draw it from."""
        cumulative, tokens = places.cumulative, places.tokens
        at = random.random() * cumulative[-1]
        place = bisect(cumulative, at, 0, len(cumulative) - 1)
        at = cumulative[place] - at
        token, left = tokens[place], places.lefts[place]
        table: Table | None = None
        known = self.by_token.get(token)
        if known is not None:
            table, at = known.choose(left, places.rights[place], at)
        elif not opens_argument(token, left):
            table = self.by_sort[token_class(token)]
            at -= table.total
        if at > 0 or table is None:
            for longer, weight in places.longer.get(place, ()):
                table = longer
                at -= weight
                if at <= 0:
                    break
        assert table is not None, "a place that weighs nothing is not chosen"
        return place, table  # the last one where rounding left something over

    def _total(self, left: str, token: str, right: str) -> float:
        """How readily a token is misread between its neighbours."""
        tables = self.by_token.get(token)
        if tables is not None:
            return tables.total(left, right)
        return 0.0 if opens_argument(token, left) else self.by_sort[token_class(token)].total

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
    """The model that a noise file describes. Raises NoiseError where it has no mistake of one symbol."""
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
                kinds.setdefault(mistake_kind(misread), []).append((misread, rate))
                of_sort[token_class(start[0])].append((misread, float(count)))
            else:
                by_start.setdefault(start, []).append((misread, rate))
        rate = share * unseen if entry.read_as else entry.rate
        if lone and len(start) == 1 and rate:
            by_kind.setdefault(old, {}).setdefault(SHAPE, []).append((None, rate))
    every = [weighted_pattern for patterns in of_sort.values() for weighted_pattern in patterns]
    if not every:
        raise NoiseError("there is no mistake that begins with one symbol: too few for a noise model")
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
