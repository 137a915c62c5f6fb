"""UniMERNet's edit distance and BLEU: pieces by hand, the whole against NLTK."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.translate.bleu_score import corpus_bleu

from hmer_tasks.evaluation.metrics import evaluate
from hmer_tasks.evaluation.unimernet import compact, mteval_tokens, without_spaces
from tests.latex.expressions import LABELS


@pytest.mark.parametrize(
    ("text", "shorter"),
    [
        (r"\frac { a } { b }", r"\frac{a}{b}"),
        ("a b", "a b"),  # letters stay apart
        (r"\alpha x + 1 2", r"\alpha x+12"),
        ("x ^ { 2 } _ { i j }", "x^{2}_{i j}"),
        (r"\mathrm { l o g } x", r"\mathrm{log}x"),
        (r"\operatorname { s i n } ( x )", r"\operatorname{sin}(x)"),
        ("", ""),
    ],
)
def test_spaces(text, shorter):
    assert without_spaces(text) == shorter


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        (r"\frac{a}{b}", ["\\", "frac", "{", "a", "}", "{", "b", "}"]),
        ("1,234.5 - 3-4", ["1,234.5", "-", "3", "-", "4"]),
        ("a.b", ["a", ".", "b"]),
        ("x+1=2", ["x", "+", "1", "=", "2"]),
    ],
)
def test_tokens(text, tokens):
    assert mteval_tokens(text) == tokens


def test_the_edit_distance_by_hand():
    m = evaluate([("a + b", "a - b"), ("x ^ { 2 }", "x ^ { 2 }"), ("c d", "")], resamples=0)
    assert m["unimernet_edit"] == pytest.approx((1 / 3 + 0 + 1) / 3)


@settings(max_examples=40)
@given(st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=4), st.lists(LABELS, min_size=1, max_size=3))
def test_bleu_is_nltks_without_smoothing(pairs, copies):
    pairs = [*pairs, *((label, label) for label in copies)]
    labels, read = ([compact(pair[side])[1] for pair in pairs] for side in (0, 1))
    ours = evaluate(pairs, resamples=0)["unimernet_bleu"]
    if any(len(words) < 4 for words in read):  # there NLTK counts an n-gram that is not there
        assert 0 <= ours <= 100 + 1e-9
    else:
        assert ours == pytest.approx(100 * corpus_bleu([[words] for words in labels], read), abs=1e-9)
