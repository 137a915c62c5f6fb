"""OUT/repairs.jsonl of a build with --repair: what the labels were that were repaired."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hmer_tasks.storage.store import Store

FILE = "repairs.jsonl"


@dataclass(frozen=True, slots=True)
class Repair:
    """One line of repairs.jsonl: a sample that was written with a repaired label."""

    id: str
    source: str
    kinds: tuple[str, ...]
    original: str
    mended: str


def count(repairs: Iterable[Mapping[str, object]]) -> dict[str, int]:
    """How many labels each kind of repair was made in."""
    kinds = Counter(str(kind) for repair in repairs for kind in _kinds(repair))
    return dict(sorted(kinds.items()))


def _kinds(repair: Mapping[str, object]) -> list[object]:
    kinds = repair["kinds"]
    if not isinstance(kinds, list | tuple):
        raise TypeError("kinds is no list")
    return list(kinds)


def read_repairs(store: Store) -> list[dict[str, object]]:
    """The lines of OUT/repairs.jsonl. Raises OSError, ValueError, KeyError, TypeError where it is damaged."""
    repairs = [json.loads(line) for line in store.read(FILE).split("\n") if line]
    for repair in repairs:
        repair["id"], repair["source"], repair["original"], repair["mended"], _kinds(repair)
    return repairs
