"""Randomness keyed by what it is for, never by worker or order, on which no byte of a build may depend."""

import hashlib
from bisect import bisect
from collections import Counter
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

_Thing = TypeVar("_Thing", str, tuple[str, ...])  # they have an order


def keyed_random(seed: int, *key: str) -> Random:
    """A random source that depends on nothing but its key.

    Args:
        seed: the seed of the run.
        *key: what the numbers are for, such as a source, an id and a task.

    Returns:
        A generator seeded by the first 64 bits of the SHA-256 of seed and key.
    """
    text = "\x1f".join((str(seed), *key))
    return Random(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))


class WeightedChoice(Generic[_Thing]):
    """Things to draw, each as often as its weight says.

    Args:
        weights: The things and their weights, at least one. The order of counting does not matter.
    """

    __slots__ = ("sums", "things")

    def __init__(self, weights: Counter[_Thing]) -> None:
        pairs = sorted(weights.items())
        self.things: list[_Thing] = [thing for thing, _ in pairs]
        self.sums: list[int] = list(accumulate(weight for _, weight in pairs))

    def draw(self, chance: Random) -> _Thing:
        """One of the things."""
        return self.things[bisect(self.sums, chance.random() * self.sums[-1])]
