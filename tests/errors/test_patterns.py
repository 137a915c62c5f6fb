"""Mistakes are read off a candidate as patterns, and a pattern put to its label makes the candidate."""

from random import Random

import pytest
from hypothesis import given, settings

from hmer_tasks.errors.noise.patterns import apply, find, mistakes, pattern, written
from hmer_tasks.errors.noise.synthesize import synthesize
from hmer_tasks.errors.token_classes import START
from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import to_label
from hmer_tasks.utils.keyed_random import keyed_random
from tests.latex.strategies import grammar_labels


@pytest.mark.parametrize(
    ("label", "candidate", "expected"),
    [
        ("a + b", "a - b", [("+", "-")]),
        ("a + b", "a b", [("+", "")]),
        ("a b", "a + b", [("a", "a +")]),
        ("b", "- b", [("<start>", "<start> -")]),
        ("x _ { 1 } = 2", "x 1 = 2", [("_ { … }", "…")]),
        ("x 1 + y", "x ^ { 1 } + y", [("x …", "x ^ { … }")]),
        (r"\frac { a } { b } c", "a b c", [(r"\frac { … } { … }", "… …")]),
        (r"\frac { a } { b } c", "a / b c", [(r"\frac { … } { … }", "… / …")]),
        ("x _ { 1 2 } y", "x _ { 1 } 2 y", [("2", ""), ("}", "} 2")]),
        ("a ^ { 2 } b", "a _ { 2 } b", [("^", "_")]),
        ("a b c", "a { b c", [("a", "a {")]),  # nothing mends the brace: a mistake of its own
        ("1 + 1", "7 + 7", [("1", "7"), ("1", "7")]),
    ],
)
def test_mistakes_as_patterns(label, candidate, expected):
    read = mistakes(label.split(), candidate.split())
    assert [(written(mistake.pattern.old), written(mistake.pattern.new)) for mistake in read] == expected
    edits = [edit for mistake in read for edit in mistake.edits]
    assert apply([START, *label.split()], edits) == candidate.split()


@given(grammar_labels)
@settings(max_examples=60)
def test_the_mistakes_of_a_candidate_make_it(text):
    try:
        label = to_label(parse(text))
    except LabelError:
        return
    candidate = synthesize(label, keyed_random(0, text))
    edits = [edit for mistake in mistakes(label.split(), candidate.split()) for edit in mistake.edits]
    assert apply([START, *label.split()], edits) == candidate.split()


@pytest.mark.parametrize(
    ("old", "new", "place", "expected"),
    [
        ("_ { … }", "…", 2, r"x 1 2 + \frac { a } { b }"),
        ("x", "x 2", 1, r"x 2 _ { 1 2 } + \frac { a } { b }"),
        ("<start>", "<start> -", 0, r"- x _ { 1 2 } + \frac { a } { b }"),
        (r"\frac { … } { … }", "… / …", 8, "x _ { 1 2 } + a / b"),
        ("+ …", "+ ^ { … }", 7, r"x _ { 1 2 } + ^ { \frac { a } { b } }"),
        ("} …", "… }", 11, None),  # would tear the second argument from \frac
        ("_ { 1 }", "1", 2, None),
    ],
)
def test_a_pattern_at_a_place(old, new, place, expected):
    tokens = [START, *r"x _ { 1 2 } + \frac { a } { b }".split()]
    edits = find(pattern(old, new), tokens, place, (1,), Random(0))
    assert (edits and " ".join(apply(tokens, edits))) == expected
