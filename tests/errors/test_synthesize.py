"""Wrong candidates are wrong on paper, parse, and depend on nothing but (seed, id)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_tasks.errors.synthesize import keyed_random, synthesize
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.spelling import same_on_paper
from hmer_tasks.latex.tree import to_label
from hmer_tasks.reasons import LabelError
from tests.conftest import read_labels
from tests.latex.strategies import grammar_labels


def is_a_wrong_reading(candidate: str, label: str) -> None:
    assert candidate != label
    assert not same_on_paper(candidate, label)
    assert to_label(parse(candidate)) == candidate


@given(grammar_labels, st.integers(0, 2**32))
def test_any_label_gets_a_wrong_reading(text, seed):
    try:
        label = to_label(parse(text))
    except LabelError:
        return
    candidate = synthesize(label, keyed_random(seed, "x"))
    is_a_wrong_reading(candidate, label)
    assert candidate == synthesize(label, keyed_random(seed, "x"))


@pytest.mark.parametrize(
    "label", ["1", "x", r"\leq", r"a \leq b", r"x ^ { 2 } _ { 1 }", "{ }", r"\left ( \right )", r"\,", "&"]
)
def test_small_labels(label):
    for seed in range(200):
        is_a_wrong_reading(synthesize(label, keyed_random(seed, "x")), label)


def test_another_seed_or_id_makes_another_mistake():
    label = "a + b - c = 1 2 3 x y z"
    assert len({synthesize(label, keyed_random(seed, "x")) for seed in range(20)}) > 15
    assert len({synthesize(label, keyed_random(0, str(id))) for id in range(20)}) > 15


@pytest.mark.corpora
@pytest.mark.parametrize("name", ["crohme/captions_2014.tsv", "mne/N1.tsv", "mathwriting/test_half_a.tsv"])
def test_real_labels_get_wrong_readings(corpora, name):
    for number, text in enumerate(read_labels(corpora / name)):
        try:
            label = to_label(parse(text))
        except LabelError:
            continue
        is_a_wrong_reading(synthesize(label, keyed_random(0, str(number))), label)
