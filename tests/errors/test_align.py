"""The script chosen among the shortest is a shortest one, and reads well."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from hmer_tasks.errors.align import align
from hmer_tasks.errors.markup import mark_errors

TOKENS = ["a", "b", "{", "}", "^", "_", r"\frac", r"\sqrt"]
tokens = st.lists(st.sampled_from(TOKENS), max_size=14)


@given(tokens, tokens)
@settings(max_examples=600)
def test_a_shortest_script(wrong, right):
    spans = align(wrong, right)
    edits = sum(
        Levenshtein.distance(wrong[s.start : s.stop], right[s.right_start : s.right_stop]) for s in spans
    )
    assert edits == Levenshtein.distance(wrong, right)
    assert spans == align(wrong, right)
    place = right_place = 0
    for number, span in enumerate(spans):
        assert wrong[place : span.start] == right[right_place : span.right_start]
        assert number == 0 or span.start > place  # a common token between two spans
        assert span.start < span.stop or span.right_start < span.right_stop
        place, right_place = span.stop, span.right_stop
    assert wrong[place:] == right[right_place:]


@pytest.mark.parametrize(
    ("candidate", "label", "marked"),
    [
        # a lost script is lost whole, whatever stands before or after it
        (r"a ^ { 2 } + b", r"a ^ { 2 } ^ { 2 } + b", r"a ^ { 2 } <deleted> + b"),
        (r"\frac { C B } { D }", r"\frac { C B ^ { \prime } } { D }", r"\frac { C B <deleted> } { D }"),
        # a script too much
        (
            r"\frac { m ^ { \prime } } { V }",
            r"\frac { m } { V }",
            r"\frac { m <error_start> ^ { \prime } <error_end> } { V }",
        ),
        # a fraction lost next to one like it
        (r"= \frac { 1 } { 2 }", r"= \frac { 3 } { 2 } \frac { 1 } { 2 }", r"= <deleted> \frac { 1 } { 2 }"),
        # what left the radicand is marked, and not the brace
        (
            r"\sqrt { x } \sqrt { y } = \sqrt { x y }",
            r"\sqrt { x } \sqrt { y } = \sqrt { x } y",
            r"\sqrt { x } \sqrt { y } = \sqrt { x <error_start> y <error_end> } <deleted>",
        ),
        # a digit too much is the last of its like
        ("1 0 0 0 + x", "1 0 0 + x", "1 0 0 <error_start> 0 <error_end> + x"),
        ("x _ { L }", "x _ { L L }", "x _ { L <deleted> }"),
        # a common symbol stays one
        (
            r"y _ { 1 } = 0",
            r"\vert y 1 = 0",
            r"<deleted> y <error_start> _ { <error_end> 1 <error_start> } <error_end> = 0",
        ),
    ],
)
def test_structures_stay_whole(candidate, label, marked):
    assert mark_errors(candidate, label)[0] == marked


def test_a_collapsed_prediction_takes_no_time():
    wrong, right = ["1"] * 1027, r"\frac { a } { b } + c".split()
    assert [(span.start, span.stop) for span in align(wrong, right)] == [(0, 1027)]
