"""Tables of mistakes to draw from, and how much each of them weighs between two neighbours.

What stands around a mistake weighs by its features (context.py). Each side decides its own features, so what
a token's neighbours weigh is remembered by side: they are few, the pairs of them many.
"""

from bisect import bisect
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import prod
from random import Random
from typing import Final, Generic, TypeAlias, TypeVar

from hmer_tasks.errors.noise.context import SHAPE, left_features, right_features
from hmer_tasks.errors.noise.patterns import Pattern, is_argument

# What stands around a mistake makes it at most so much likelier than the average.
_MOST: Final = 30.0
# How many neighbours a token remembers on either side; HME100K has at most 212 of one token.
_REMEMBERED: Final = 300
_STAYS: Final = -1.0  # in the place of a factor: here is no such mistake

T = TypeVar("T")


class Weighted(Generic[T]):
    """Things to draw from, each with a weight."""

    __slots__ = ("cumulative", "items", "total")

    def __init__(self, items: Sequence[T], cumulative: list[float], total: float) -> None:
        self.items: Final = items
        self.cumulative: Final = cumulative
        self.total: Final = total

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return Weighted, (self.items, self.cumulative, self.total)

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


def opens_argument(token: str, left: str) -> bool:
    """Whether a token with this left neighbour is the brace of an argument. Such braces stay: only within
    them something may be added."""
    return token == "{" and is_argument(left.split(" ", maxsplit=1)[0])


class TokenTables:
    """The tables of one token by the kind of the mistake."""

    def __init__(self, token: str, tables: dict[str, Table], context: dict[str, float]) -> None:
        self.token = token
        self.tables = tables
        self.context = context
        # A factor for each table, by neighbour.
        self._lefts: dict[str, tuple[float, ...]] = {}
        self._rights: dict[str, tuple[float, ...]] = {}
        self._rights_of_twin: dict[str, tuple[float, ...]] = {}  # the left neighbour is the token itself

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return TokenTables, (self.token, self.tables, self.context)

    def choose(self, left: str, right: str, at: float) -> "tuple[Table | None, float]":
        """The table within which a number lies when their weights between two neighbours are laid end to end.

        Args:
            left: The left neighbour.
            right: The right neighbour.
            at: The number, from 0.

        Returns:
            The table, or the last one (None where there is none) if the number lies beyond all of them; and
            what is left of the number, which is positive only then.
        """
        chosen: Table | None = None
        before, after = self.before(left), self.after(left, right)
        for table, left_factor, right_factor in zip(self.tables.values(), before, after, strict=True):
            if left_factor != _STAYS:
                factor = left_factor * right_factor
                chosen = table
                at -= table.total * (factor if factor < _MOST else _MOST)
                if at <= 0:
                    break
        return chosen, at

    def total(self, left: str, right: str) -> float:
        """The sum of these weights, without a table of them: it is asked for every place of a label."""
        before = self._lefts.get(left)
        if before is None:
            before = self.before(left)
        after = (self._rights_of_twin if left == self.token else self._rights).get(right)
        if after is None:
            after = self.after(left, right)
        total = 0.0
        for table, left_factor, right_factor in zip(self.tables.values(), before, after, strict=True):
            if left_factor != _STAYS:
                factor = left_factor * right_factor
                total += table.total * (factor if factor < _MOST else _MOST)
        return total

    def before(self, left: str) -> tuple[float, ...]:
        """What the left neighbour weighs."""
        factors = self._lefts.get(left)
        if factors is None:
            factors = self.left_factors(left)
            if len(self._lefts) < _REMEMBERED:
                self._lefts[left] = factors
        return factors

    def after(self, left: str, right: str) -> tuple[float, ...]:
        """What the right neighbour weighs, and that one of the two is the same token."""
        is_twin = left == self.token
        rights = self._rights_of_twin if is_twin else self._rights
        factors = rights.get(right)
        if factors is None:
            factors = self.right_factors(right, is_twin or right == self.token)
            if len(rights) < _REMEMBERED:
                rights[right] = factors
        return factors

    def left_factors(self, left: str) -> tuple[float, ...]:
        """A factor for each table."""
        stays = opens_argument(self.token, left)
        return tuple(
            _STAYS if stays and kind != "add" else prod(self.left_weights(kind, left)) for kind in self.tables
        )

    def right_factors(self, right: str, is_twin: bool) -> tuple[float, ...]:
        """A factor for each table."""
        return tuple(prod(self.right_weights(kind, right, is_twin)) for kind in self.tables)

    def left_weights(self, kind: str, left: str) -> list[float]:
        """The weights of the features that the left neighbour decides, for one kind of mistake."""
        known = (
            left_features(kind, self.token, "") if kind == "add" else left_features(kind, left, self.token)
        )
        return [self.context.get(feature, 1.0) for feature in known]

    def right_weights(self, kind: str, right: str, is_twin: bool) -> list[float]:
        """The weights of the features that the right neighbour decides."""
        known = (
            right_features(kind, self.token, "", right)
            if kind == "add"
            else right_features(kind, "", self.token, right)
        )
        if is_twin and kind != "add":
            known.append(f"{kind} twin")
        return [self.context.get(feature, 1.0) for feature in known]


class StartTable(TokenTables):
    """The one table of a start of several tokens."""

    def __init__(self, token: str, table: Table, context: dict[str, float]) -> None:
        super().__init__(token, {SHAPE: table}, context)
        self.table = table

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return StartTable, (self.token, self.table, self.context)

    def weight(self, left: str, right: str) -> float:
        """The weight of the table between two neighbours; zero where its first brace stays."""
        before = self._lefts.get(left)
        if before is None:
            before = self.before(left)
        after = (self._rights_of_twin if left == self.token else self._rights).get(right)
        if after is None:
            after = self.after(left, right)
        factor = 1.0
        for weight in before:
            if weight == _STAYS:
                return 0.0
            factor *= weight
        for weight in after:  # in this order: it was always rounded so
            factor *= weight
        return self.table.total * (factor if factor < _MOST else _MOST)

    def left_factors(self, left: str) -> tuple[float, ...]:
        """The product of the weights alone: `weight` goes on multiplying from there."""
        return (_STAYS if opens_argument(self.token, left) else prod(self.left_weights(SHAPE, left)),)

    def right_factors(self, right: str, is_twin: bool) -> tuple[float, ...]:
        """The single weights, those left out that change nothing."""
        return tuple(weight for weight in self.right_weights(SHAPE, right, is_twin) if weight != 1.0)
