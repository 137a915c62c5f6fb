"""Which entries of the standard spelling a label is rewritten by, and which join two labels."""

from collections import Counter

import pytest

from hmer_tasks.audit.style import Style, entries, join, only_in, style_of
from hmer_tasks.latex.canonical import canonicalize
from tests.conftest import read_labels

JOINED = {
    "\\le → \\leq": ("a \\le b", "a \\leq b"),
    "\\dfrac → \\frac": ("\\dfrac { a } { b }", "\\frac { a } { b }"),
    "primes": ("f '", "f ^ { \\prime }"),
    "limits": ("\\sum \\limits _ { i } i", "\\sum _ { i } i"),
    "scripts": ("x ^ { 2 } _ { 1 }", "x _ { 1 } ^ { 2 }"),
    "groups": ("{ x } + 1", "x + 1"),
    "empty_scripts": ("x _ { }", "x"),
    "delimiter_sizes": ("\\left ( x \\right )", "( x )"),
    "drop: spaces": ("a \\, b", "a b"),
    "drop: sizes": ("\\displaystyle a", "a"),
    "unwrap: fonts": ("\\mathrm { d } x", "d x"),
}


@pytest.mark.parametrize("name", JOINED)
def test_each_entry_is_named_alone(name):
    for a, b in (JOINED[name], JOINED[name][::-1]):
        style = Style()
        join({a: canonicalize(a)}, {b: canonicalize(b)}, style)
        assert (style.joined, style.needed) == (1, Counter({name: 1}))
    rewritten, _ = style_of(Counter({JOINED[name][0]: 3}), {JOINED[name][0]: "another"})
    assert rewritten == Counter({name: 3})


def test_every_entry_has_a_name_of_its_own():
    names = [entry.name for entry in entries()]
    assert len(set(names)) == len(names)
    assert set(JOINED) <= set(names)


def test_two_entries_are_both_needed():
    a, b = "a \\le b \\, c", "a \\leq b c"
    style = Style()
    join({a: canonicalize(a)}, {b: canonicalize(b)}, style)
    assert style.needed == Counter({"\\le → \\leq": 1, "drop: spaces": 1})


def test_labels_that_coincide_already_are_not_joined():
    style = Style()
    join({"x": "x", "y": "y"}, {"x": "x", "z": "z"}, style)
    assert (style.joined, style.looked_into) == (0, 0)


def test_tokens_of_one_side():
    tokens, samples = only_in(["a b", "a c c", "b b"], ["b"])
    assert (tokens, samples) == (Counter({"a": 2, "c": 1}), 2)


def test_no_entry_touches_a_label_in_standard_spelling(corpora):
    """The audit asks only about labels that the whole spelling changes: nothing is missed by that."""
    for label in read_labels(corpora / "hme100k/test_half_a.tsv")[:600]:
        try:
            spelled = canonicalize(label)
        except ValueError:
            continue
        assert not [entry.name for entry in entries() if entry.rewrites(spelled)], spelled
