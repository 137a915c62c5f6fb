"""Randomness keyed by what it is for, never by worker or order, on which no byte of a build may depend."""

import hashlib
from random import Random


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
