"""`build --repair`: labels mended before they are read, and OUT/repairs.jsonl, which keeps what they were."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from hmer_tasks.build.store import Store
from hmer_tasks.corpora import Sample
from hmer_tasks.latex.normalize import normalize
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.repair import Mended, mend
from hmer_tasks.reasons import LabelError

FILE = "repairs.jsonl"


@dataclass(frozen=True, slots=True)
class Repair:
    """One line of repairs.jsonl: a sample that was written with a mended label."""

    id: str
    source: str
    kinds: tuple[str, ...]
    original: str
    mended: str


def repair_of(sample: Sample, profile: str | None) -> Mended | None:
    """The mend of a sample's label, if it needs one and has one.

    Raises LabelError (`lost_text`) where the label lacks what no mend can bring back.
    """
    return _mended(sample.label, profile, sample.source.partition("/")[0])


@lru_cache(maxsize=8192)
def _mended(label: str, profile: str | None, corpus: str) -> Mended | None:
    def parses(text: str) -> bool:
        try:
            parse(text if profile is None else normalize(text, profile))
        except LabelError:
            return False
        return True

    return mend(label, parses, corpus)


def count(repairs: Iterable[Mapping[str, object]]) -> dict[str, int]:
    """How many labels each kind of mend was made in."""
    kinds = Counter(str(kind) for each in repairs for kind in _kinds(each))
    return dict(sorted(kinds.items()))


def _kinds(repair: Mapping[str, object]) -> list[object]:
    kinds = repair["kinds"]
    if not isinstance(kinds, list | tuple):
        raise TypeError("kinds is no list")
    return list(kinds)


def read_repairs(store: Store) -> list[dict[str, object]]:
    """The lines of OUT/repairs.jsonl. Raises OSError, ValueError, KeyError, TypeError where it is damaged."""
    repairs = [json.loads(line) for line in store.read(FILE).split("\n") if line]
    for each in repairs:
        each["id"], each["source"], each["original"], each["mended"], _kinds(each)
    return repairs
