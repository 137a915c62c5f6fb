"""Near labels: the shortened forms find exactly the pairs that comparing everything finds."""

from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from hmer_tasks.audit.near import PER_TOKEN, near_pairs

tokens = st.sampled_from(["x", "2", "{", "}"])
label = st.lists(tokens, min_size=8, max_size=24).map(" ".join)


def edited(words, edits):
    """The words with a few tokens taken out, put in or replaced."""
    words = list(words)
    for kind, place, token in edits:
        at = place % (len(words) + 1)
        words[at : at + (kind != "put")] = [] if kind == "take" else [token]
    return words


edits = st.lists(
    st.tuples(st.sampled_from(["take", "put", "change"]), st.integers(0, 30), tokens), max_size=3
)


@st.composite
def families(draw):
    """Labels that are mostly close relatives of each other."""
    base = draw(st.lists(tokens, min_size=9, max_size=24))
    return [" ".join(edited(base, draw(edits))) for _ in range(draw(st.integers(1, 8)))]


def compared(left, right, distance):
    """Every pair, the slow way."""
    pairs = []
    for i, a in enumerate(left):
        for j, b in enumerate(right if right is not None else left):
            if right is None and j <= i:
                continue
            measured = Levenshtein.distance(a.split(), b.split())
            shorter = min(len(a.split()), len(b.split()))
            if 0 < measured <= distance and measured * PER_TOKEN <= shorter:
                pairs.append((i, j))
    return pairs


@settings(max_examples=80)
@given(families(), families(), st.sampled_from([1, 2]))
def test_across(left, right, distance):
    left, right = list(dict.fromkeys(left)), list(dict.fromkeys(left[:2] + right))
    assert near_pairs(left, right, distance) == compared(left, right, distance)


@settings(max_examples=80)
@given(families(), st.lists(label, max_size=4), st.sampled_from([1, 2]))
def test_within(family, others, distance):
    labels = list(dict.fromkeys(family + others))
    assert near_pairs(labels, None, distance) == compared(labels, None, distance)


def test_short_labels_are_never_near():
    """A digit apart is all there is between `1` and `2`."""
    assert near_pairs(["1 2 3 4 5 6 7 8 9"], ["1 2 3 4 5 6 7 8 0"], 1) == []
    assert near_pairs(["1 2 3 4 5 6 7 8 9 0"], ["1 2 3 4 5 6 7 8 0"], 1) == []
    assert near_pairs(["1 2 3 4 5 6 7 8 9 0"], ["1 2 3 4 5 6 7 8 9 1"], 1) == [(0, 0)]
    assert near_pairs([], ["1 2 3 4 5 6 7 8 9 0"], 2) == []
