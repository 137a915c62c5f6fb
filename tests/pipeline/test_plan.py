"""What is settled before a build: which ids stood before, whatever their hashes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_tasks.pipeline import repeated_ids
from hmer_tasks.pipeline.repeated_ids import find_repeated_ids


class Ids:
    """As much of a reader as is asked for its ids."""

    def __init__(self, ids):
        self.ids = ids

    def id(self, index):
        return self.ids[index]


def naive(ids):
    last, earlier = {}, {}
    for index, id in enumerate(ids):
        if id and id in last:
            earlier[index] = last[id]
        last[id] = index
    return earlier


IDS = st.lists(st.sampled_from(("", *(f"{number}.jpg" for number in range(40)))), max_size=60)


@given(IDS)
def test_ids_that_stood_before(ids):
    assert find_repeated_ids(Ids(ids), len(ids)) == naive(ids)


@given(IDS, st.integers(1, 3))
def test_ids_whose_hashes_are_the_same(ids, different):
    """Which are looked at in small parts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeated_ids, "hash", lambda id: len(id) % different * 0x7FFFFFFF, raising=False)
        patch.setattr(repeated_ids, "_IDS_AT_ONCE", 7)
        patch.setattr(repeated_ids, "_HASHES_AT_ONCE", 5)
        assert find_repeated_ids(Ids(ids), len(ids)) == naive(ids)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_ids_compared_by_several_processes(workers, monkeypatch):
    ids = [f"{number * number % 2003}.jpg" for number in range(5000)] + ["", ""]
    monkeypatch.setattr(repeated_ids, "_MANY", 100)
    monkeypatch.setattr(repeated_ids, "_IDS_AT_ONCE", 300)
    monkeypatch.setattr(repeated_ids, "_HASHES_AT_ONCE", 700)
    earlier = find_repeated_ids(Ids(ids), len(ids), workers)
    assert earlier == naive(ids)
    assert list(earlier) == sorted(earlier)


def test_a_part_of_the_inputs():
    assert find_repeated_ids(Ids(["a", "b", "a", "b"]), 3) == {2: 0}
