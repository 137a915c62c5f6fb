"""LgEval's naming of symbols by path: worked out by hand, and its own figures on CROHME 2014."""

from pathlib import Path

import pytest
from hypothesis import given, settings

from hmer_tasks.evaluation.metrics import evaluate
from hmer_tasks.evaluation.paths import LONGEST, PathScore, path_row, path_score
from hmer_tasks.evaluation.trees import graph_of
from hmer_tasks.predictions import read_predictions
from tests.latex.expressions import LABELS


def score(gt, pred):
    return path_score(graph_of(gt), graph_of(pred))


def test_by_hand():
    assert score("x ^ { 2 } + y", "x ^ { 2 } + y") == PathScore(4, 4, 4, structure=True)
    assert score("x ^ { 2 } + y", "x ^ { 3 } + y") == PathScore(4, 4, 3, structure=True)
    # the 2 stands on another path; the rest of the line does not
    assert score("x ^ { 2 } + y", "x _ { 2 } + y") == PathScore(4, 4, 3, structure=False)
    # a symbol more at the front: all that follow stand one place on, and none is met
    assert score("a + b", "7 a + b") == PathScore(3, 4, 0, structure=False)
    assert score("a + a", "a + a + a").matched == 3
    assert score("x", "x ^ {") == PathScore(1, 0, 0, structure=False)


def test_what_is_left_out():
    assert score("3 . 3", " ".join(["3"] * (LONGEST + 1))) is None
    assert path_row("3 . 3", " ".join(["3"] * (LONGEST + 1))) == [0] * 5
    assert path_row("x ^ {", "x") == [0] * 5
    assert path_row("x", "x") == [1, 1, 1, 1, 1]


@settings(max_examples=60)
@given(LABELS, LABELS)
def test_the_longhand_definition(a, b):
    """Against paths written out as texts."""
    left, right = graph_of(a), graph_of(b)
    if left is None or right is None:
        return

    def named(graph):
        paths = [""] * len(graph.symbols)
        for parent, child, relation in graph.relations:
            paths[child] = f"{paths[parent]}/{relation}"
        return dict(zip(paths, graph.symbols, strict=True))

    ours, theirs = named(left), named(right)
    assert len(ours) == len(left.symbols)  # a path names one node
    matched = sum(theirs.get(path) == symbol for path, symbol in ours.items())
    assert path_score(left, right) == PathScore(len(ours), len(theirs), matched, ours.keys() == theirs.keys())


@pytest.mark.corpora
def test_lgevals_own_figures(corpora: Path):
    """Measured with LgEval itself on 985 of the 986 predictions of the 3B checkpoint for CROHME 2014."""
    m = evaluate(read_predictions(corpora / "predictions" / "crohme_2014.recogniser_3b.tsv"), resamples=0)
    figures = [
        round(m[name], 2) for name in ("lgeval_symbol_recall", "lgeval_symbol_precision", "structure_rate")
    ]
    assert figures == [95.47, 95.83, 93.20]
    # one endless prediction moves the micro precision by nine points, and not the macro one
    assert m["symbol_precision"] < 89
    assert m["macro_symbol_precision"] > 96
