"""Labels that are nearly the same: a token or two apart, found without comparing every pair.

Two labels at most d tokens apart share a subsequence that is left when at most d tokens are taken
from each (the neighbourhoods of SymSpell and FastSS). So every label's shortened forms are hashed, those
that meet are compared, and nothing near is missed. Polynomial hashes modulo 2 ** 64 make the shortened
forms of all labels of one length a few array operations.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Levenshtein

LARGEST = 2  # tokens apart
PER_TOKEN = 10  # so many tokens a label must have for each that differs: `1` and `2` are no pair

_Hashes = npt.NDArray[np.uint64]
_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse
_CELLS = 4_000_000  # hashes made at once


def near_pairs(left: Sequence[str], right: Sequence[str] | None, distance: int) -> list[tuple[int, int]]:
    """Pairs of differing labels that are few token edits apart.

    Both labels have at least `PER_TOKEN` tokens for each edit.

    Args:
        left: Distinct labels.
        right: Distinct labels of the other side. None: pairs within `left`.
        distance: How many edits apart at most: 1 or 2.

    Returns:
        Pairs (i, j) of places in `left` and `right`, sorted; i < j within one side.
    """
    words = [label.split() for label in left]
    others = words if right is None else [label.split() for label in right]
    sides = [words] if right is None else [words, others]
    met: set[tuple[int, int]] = set()
    for hashes, owners in _by_length(sides, distance):
        for group in _meeting(hashes, owners):
            met.update(_across(group, len(words), within=right is None))
    return sorted(pair for pair in met if _near(words[pair[0]], others[pair[1]], distance))


def _near(a: list[str], b: list[str], distance: int) -> bool:
    edits = Levenshtein.distance(a, b, score_cutoff=distance)
    return 0 < edits <= distance and edits * PER_TOKEN <= min(len(a), len(b))


def _across(group: list[int], offset: int, within: bool) -> Iterator[tuple[int, int]]:
    """Pairs of a group of owners; those of the second side are numbered from `offset`."""
    if within:
        yield from ((a, b) for i, a in enumerate(group) for b in group[i + 1 :])
        return
    firsts = [owner for owner in group if owner < offset]
    seconds = [owner - offset for owner in group if owner >= offset]
    yield from ((a, b) for a in firsts for b in seconds)


def _meeting(hashes: _Hashes, owners: npt.NDArray[np.int64]) -> Iterator[list[int]]:
    """The owners of each hash that several have, sorted."""
    order = np.argsort(hashes, kind="stable")
    hashes, owners = hashes[order], owners[order]
    starts = np.flatnonzero(np.r_[True, hashes[1:] != hashes[:-1]])
    ends = np.r_[starts[1:], len(hashes)]
    several = ends - starts > 1
    for start, end in zip(starts[several].tolist(), ends[several].tolist(), strict=True):
        group = sorted(set(owners[start:end].tolist()))
        if len(group) > 1:
            yield group


def _by_length(
    sides: Sequence[Sequence[list[str]]], distance: int
) -> Iterator[tuple[_Hashes, npt.NDArray[np.int64]]]:
    """Hashes of all shortened forms of one length, with the number of the label each is of."""
    values: dict[str, int] = {}
    of_length: dict[int, list[int]] = defaultdict(list)
    every = [words for side in sides for words in side]
    for number, words in enumerate(every):
        if len(words) >= PER_TOKEN:
            of_length[len(words)].append(number)
            for word in words:
                if word not in values:
                    values[word] = int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "big")
    for length in sorted({n - taken for n in of_length for taken in range(distance + 1)}):
        hashes, owners = [], []
        for taken in range(distance + 1):
            numbers = of_length.get(length + taken, [])
            if not numbers or length + taken < PER_TOKEN * taken:
                continue
            for rows, hash_rows in _shortened([every[number] for number in numbers], values, taken):
                hashes.append(hash_rows.ravel())
                owners.append(np.repeat(np.array(numbers[rows], np.int64), hash_rows.shape[1]))
        if hashes:
            yield np.concatenate(hashes), np.concatenate(owners)


def _shortened(
    labels: list[list[str]], values: dict[str, int], taken: int
) -> Iterator[tuple[slice, _Hashes]]:
    """For labels of one length, the hashes of all forms with `taken` tokens taken out, some at a time."""
    length = len(labels[0])
    first, second = np.triu_indices(length, 1)
    forms = {0: 1, 1: length, 2: len(first)}[taken]
    powers = np.array([pow(_BASE, i, 1 << 64) for i in range(length)], np.uint64)
    shift, twice = (np.uint64(pow(_BASE, -n, 1 << 64)) for n in (1, 2))
    step = max(1, _CELLS // forms)
    for start in range(0, len(labels), step):
        rows = slice(start, start + step)
        tokens = np.array([[values[word] for word in words] for words in labels[rows]], np.uint64)
        terms = tokens * powers
        upto = np.cumsum(terms, axis=1, dtype=np.uint64)
        before, after = upto - terms, upto[:, -1:] - upto
        if taken == 0:
            yield rows, upto[:, -1:]
        elif taken == 1:
            yield rows, before + after * shift
        else:
            between = before[:, second] - upto[:, first]
            yield rows, before[:, first] + between * shift + after[:, second] * twice
