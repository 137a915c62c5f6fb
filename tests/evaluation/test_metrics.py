"""The token metrics: properties, NLTK as the judge of BLEU, and the published digits."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.translate.bleu_score import SmoothingFunction, corpus_bleu

import hmer_tasks
from hmer_tasks.evaluation.columns import INDEX, token_row
from hmer_tasks.evaluation.metrics import evaluate, part
from hmer_tasks.evaluation.trees import Outcome
from hmer_tasks.predictions import read_predictions
from tests.latex.expressions import LABELS, SOUP

PAIRS = st.lists(st.tuples(st.one_of(LABELS, SOUP), st.one_of(LABELS, SOUP)), max_size=5)


def plain(pairs, **options):
    return evaluate(pairs, resamples=0, **options)


@settings(max_examples=30)
@given(PAIRS)
def test_rates_nest_and_stay_in_range(pairs):
    m = plain(pairs)
    assert 0 <= m["exprate"] <= m["within_1"] <= m["within_2"] <= m["within_3"] <= 100
    assert m["exprate"] <= m["same_on_paper"] <= 100
    assert 0 <= m["edit_score"] <= 100 and 0 <= m["bleu_4"] <= 100 + 1e-9
    for name in ("symbol_recall", "symbol_precision", "relation_recall", "relation_precision"):
        assert 0 <= m[name] <= 100
    assert sum(m.outcomes.values()) == m.n == len(pairs)
    assert sum(group.n for group in m.groups["length"].values()) == m.n


@settings(max_examples=30)
@given(PAIRS)
def test_bleu_is_nltks(pairs):
    labels, read = [[gt.split()] for gt, _ in pairs], [pred.split() for _, pred in pairs]
    expected = 100 * corpus_bleu(labels, read, smoothing_function=SmoothingFunction().method4) if pairs else 0
    assert plain(pairs)["bleu_4"] == pytest.approx(expected, abs=1e-9)


@settings(max_examples=30)
@given(st.lists(LABELS, min_size=1, max_size=5))
def test_a_copy_is_perfect(labels):
    m = plain([(label, label) for label in labels])
    assert m["exprate"] == m["edit_score"] == 100 and m["character_error_rate"] == 0
    assert m.outcomes[Outcome.EXACT] == len(labels)
    assert not m.confusions.symbols


@settings(max_examples=30)
@given(PAIRS.filter(len))
def test_a_part_is_scored_as_if_alone(pairs):
    places = list(range(0, len(pairs), 2))
    alone, cut = plain([pairs[i] for i in places]), part(plain(pairs), places, resamples=0)
    assert cut.as_json() == alone.as_json()


def test_each_number_by_hand():
    m = plain([("a + b", "a - b"), ("x ^ { 2 }", "x ^ { 2 }"), ("c", ""), ("d e f", "d  e  f g h")])
    assert (m["exprate"], m["within_1"], m["within_2"], m["within_3"]) == (25, 75, 100, 100)
    assert m["edit_score"] == pytest.approx(100 * (2 / 3 + 1 + 0 + 3 / 5) / 4)
    characters = len("a + b") + len("x ^ { 2 }") + len("c") + len("d e f")
    assert m["published_cer"] == pytest.approx(4 / characters)
    assert m["token_error_rate"] == pytest.approx(4 / (3 + 5 + 1 + 3))
    assert m["character_error_rate"] == pytest.approx((1 + 0 + 1 + 4) / characters)


def test_labels_that_are_not_tex_stay_in_n_and_are_told():
    m = plain([("x ^ { 2", "x ^ { 2 }"), ("x ^ { 2", "x ^ { 2"), ("a", "a")])
    assert m.n == 3 and m["exprate"] == pytest.approx(200 / 3)
    assert (m.labels_not_tex, m.labels_not_tex_met) == (2, 1)
    assert m.outcomes[Outcome.LABEL_NOT_TEX] == 1


def test_nothing_to_score_is_no_error():
    m = plain([])
    assert m.n == 0 and m["exprate"] == 0 and m["bleu_4"] == 0
    assert json.dumps(m.as_json())


def test_hostile_and_endless_predictions_are_scored():
    hostile = [
        "\x00",
        "}" * 500,
        "{ " * 3000,
        "x ^ " * 1000,
        "3 " * 1027,
        "<error_start>",
        "\\begin {",
        "\u202e",
        "\\\\ " * 400,
    ]
    m = plain([("x ^ { 2 }", text) for text in hostile] + [(text, "x") for text in hostile], boxes=True)
    assert m.n == 2 * len(hostile) and m["exprate"] == 0
    assert m.groups["characters"]["beyond ASCII"].n == 1


def test_intervals_hold_the_value_and_shrink_with_n():
    pairs = [("a b", "a b"), ("a b", "a c"), ("a b", "a b"), ("a b", "b")] * 20
    few, many = evaluate(pairs), evaluate(pairs * 10)
    for m in (few, many):
        for metric in m.values.values():
            assert metric.low <= metric.value <= metric.high
    width = [m.values["exprate"].high - m.values["exprate"].low for m in (few, many)]
    assert width[1] < width[0] / 2.5  # n is ten times as large: √10 times narrower
    assert few.values == evaluate(pairs).values


def test_the_function_of_the_package():
    """Importing the package of the scores does not hide the function of that name."""
    assert hmer_tasks.evaluate([("a", "a")])["exprate"] == 100
    assert isinstance(hmer_tasks.evaluate([]), hmer_tasks.Metrics)


PUBLISHED = {
    "exprate": 82.6572, "within_1": 90.3651, "within_2": 93.7120, "within_3": 96.4503,
    "edit_score": 96.5522, "bleu_4": 89.1164,
}  # fmt: skip


@pytest.mark.corpora
def test_the_published_digits(corpora: Path):
    m = plain(read_predictions(corpora / "predictions" / "crohme_2014.recogniser_3b.tsv"))
    assert m.n == 986
    assert {name: round(m[name], 4) for name in PUBLISHED} == PUBLISHED
    assert round(m["published_cer"], 4) == 0.0396


@pytest.mark.corpora
def test_the_recognisers_as_measured(corpora: Path):
    pairs = list(read_predictions(corpora / "predictions" / "hme100k_test_half_a.recogniser_a.tsv"))
    exact = sum(token_row(pair.gt, pair.pred)[INDEX["exact"]] for pair in pairs)
    assert (len(pairs), round(100 * exact / len(pairs), 2)) == (12304, 69.60)
    b = plain(read_predictions(corpora / "predictions" / "mathwriting_test_half_a.recogniser_b.tsv"))
    assert (b.n, round(b["exprate"], 2)) == (3822, 50.76)
    assert b["same_on_paper"] - b["exprate"] > 5
