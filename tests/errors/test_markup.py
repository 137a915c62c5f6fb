"""Marks and corrections are exact inverses, whatever the tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_tasks.errors.markup import apply_corrections, mark_errors, strip_marks
from hmer_tasks.exceptions import LabelError, RejectReason
from tests.conftest import read_labels

TOKENS = [
    "a",
    "b",
    "{",
    "}",
    "^",
    "->",
    "after",
    "REPLACE:",
    "REPLACE:a",
    "INSERT:",
    "DELETE:a",
    r"\frac",
    "<",
    ">",
]
token_lists = st.lists(st.sampled_from(TOKENS), max_size=12).map(" ".join)


@given(token_lists, token_lists)
def test_corrections_undo_what_was_marked(candidate, label):
    marked, log = mark_errors(candidate, label)
    assert apply_corrections(marked, log) == label
    assert strip_marks(marked) == candidate
    assert (log == "") == (candidate == label)


@pytest.mark.parametrize(
    ("candidate", "label", "marked", "log"),
    [
        ("d ^ { 2 }", "a ^ { 2 }", "<error_start> d <error_end> ^ { 2 }", "REPLACE:d -> a"),
        ("a b", "a x b", "a <deleted> b", "INSERT:x after a"),
        ("b", "a b", "<deleted> b", "INSERT:a after <start>"),
        ("a b c", "a c", "a <error_start> b <error_end> c", "DELETE:b"),
        ("", "a b", "<deleted>", "INSERT:a b after <start>"),
        ("a b", "", "<error_start> a b <error_end>", "DELETE:a b"),
        ("x y z", "p q z", "<error_start> x y <error_end> z", "REPLACE:x y -> p q"),
        (
            "a - 1",
            "b - 2",
            "<error_start> a <error_end> - <error_start> 1 <error_end>",
            "REPLACE:a -> b\nREPLACE:1 -> 2",
        ),
        ("a", "a", "a", ""),
    ],
)
def test_the_markup(candidate, label, marked, log):
    assert mark_errors(candidate, label) == (marked, log)
    assert apply_corrections(marked, log) == label


@pytest.mark.parametrize(
    ("marked", "log"),
    [
        ("a <deleted>", ""),
        ("a", "DELETE:a"),
        ("<error_start> a <error_end>", "REPLACE:b -> c"),
        ("<error_start> a <error_end>", "INSERT:c after a"),
        ("<error_start> a <error_end>", "REPLACE:a -> "),
        ("a <deleted> b", "INSERT:x after b"),
        ("a <deleted> b", "INSERT: after a"),
        ("<error_start> a", "DELETE:a"),
        ("<error_start> <error_end>", "DELETE:"),
        ("a <error_end>", "DELETE:a"),
        ("<error_start> a <deleted> <error_end>", "DELETE:a"),
    ],
)
def test_markup_that_is_not_well_formed_is_refused(marked, log):
    with pytest.raises(LabelError) as caught:
        apply_corrections(marked, log)
    assert caught.value.reason is RejectReason.BAD_MARKUP


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_markup_or_refused_by_name(marked, log):
    try:
        apply_corrections(marked, log)
    except LabelError as error:
        assert error.reason is RejectReason.BAD_MARKUP


@pytest.mark.parametrize(("candidate", "label"), [("a <deleted>", "a"), ("a", "<start> a")])
def test_marks_as_tokens_are_refused(candidate, label):
    with pytest.raises(LabelError) as caught:
        mark_errors(candidate, label)
    assert caught.value.reason is RejectReason.RESERVED_TOKEN


@pytest.mark.corpora
def test_real_mistakes_are_undone(corpora):
    pairs = 0
    for path in sorted((corpora / "predictions").glob("*.tsv")):
        for line in path.read_text(encoding="utf-8").split("\n"):
            fields = line.removesuffix("\r").split("\t")
            if len(fields) == 3:
                pairs += 1
                label, candidate = " ".join(fields[1].split()), " ".join(fields[2].split())
                marked, log = mark_errors(candidate, label)
                assert apply_corrections(marked, log) == label
                assert strip_marks(marked) == candidate
    assert pairs == 18_098


def test_read_labels_is_not_fooled(tmp_path):
    path = tmp_path / "x.tsv"
    path.write_text("1\ta b\n\n2\tc\r\n", encoding="utf-8", newline="")
    assert read_labels(path) == ["a b", "c"]
