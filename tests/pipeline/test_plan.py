"""What is settled before a build: which ids stood before, whatever their hashes."""

from hypothesis import given
from hypothesis import strategies as st

from hmer_tasks.pipeline import plan


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
    assert plan.find_repeated_ids(Ids(ids), len(ids)) == naive(ids)


@given(IDS, st.integers(1, 3))
def test_ids_whose_hashes_are_the_same(ids, different):
    """Which are looked at in small parts."""
    before = plan._IDS_AT_ONCE
    plan.hash = lambda id: len(id) % different
    plan._IDS_AT_ONCE = 7
    try:
        assert plan.find_repeated_ids(Ids(ids), len(ids)) == naive(ids)
    finally:
        del plan.hash
        plan._IDS_AT_ONCE = before


def test_a_part_of_the_inputs():
    assert plan.find_repeated_ids(Ids(["a", "b", "a", "b"]), 3) == {2: 0}
