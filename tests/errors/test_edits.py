"""Edit distances that stay linear: exact wherever one side is not very long, and never below the exact one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from hmer_tasks.errors import edits
from hmer_tasks.errors.align import align
from hmer_tasks.errors.edits import EXACT, edit_distance, edit_script, is_exact
from hmer_tasks.errors.markup import apply_corrections, mark_errors

tokens = st.lists(st.sampled_from("abc{}"), max_size=40)


@pytest.fixture
def small(monkeypatch):
    """The same code with limits that short lists reach."""
    monkeypatch.setattr(edits, "EXACT", 6)
    monkeypatch.setattr(edits, "_BLOCK", 4)


def done(script, a: list[str], b: list[str]) -> list[str]:
    """What the script makes of `a`; it must go through both sides without a gap."""
    out: list[str] = []
    at = to = 0
    for edit in script:
        assert (edit.src_start, edit.dest_start) == (at, to)
        at, to = edit.src_end, edit.dest_end
        if edit.tag == "equal":
            assert a[edit.src_start : at] == b[edit.dest_start : to]
        if edit.tag == "replace":
            assert at - edit.src_start == to - edit.dest_start
        out += b[edit.dest_start : to]
    assert (at, to) == (len(a), len(b))
    return out


def cost(script) -> int:
    return sum(
        max(edit.src_end - edit.src_start, edit.dest_end - edit.dest_start)
        for edit in script
        if edit.tag != "equal"
    )


@given(tokens, tokens)
def test_exact_where_one_side_is_not_very_long(a, b):
    assert edit_distance(a, b) == Levenshtein.distance(a, b)
    assert edit_script(a, b) == list(Levenshtein.opcodes(a, b))
    assert is_exact(a, b)


@settings(max_examples=400)
@given(tokens, tokens)
def test_a_bound_and_a_valid_script_beyond(a, b):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edits, "EXACT", 6)
        patch.setattr(edits, "_BLOCK", 4)
        exact, distance, script = Levenshtein.distance(a, b), edit_distance(a, b), edit_script(a, b)
        assert done(script, a, b) == b
        assert cost(script) == distance
        assert exact <= distance <= max(len(a), len(b))
        if is_exact(a, b):
            assert distance == exact


def test_very_long_pairs_are_bounded_and_marks_still_mend_them():
    label = "x y " * (EXACT + 500)
    candidate = "y " + label.replace("x y x y x y x y", "x z x y x y x y")
    assert not is_exact(label.split(), candidate.split())
    marked, log = mark_errors(candidate, label)
    assert apply_corrections(marked, log) == label.strip()
    assert len(align(candidate.split(), label.split())) > 1


def test_the_work_is_linear():
    """Cells of the blocks: with so many tokens on both sides, so many for each token at most."""
    for length in (EXACT + 1, 10 * EXACT, 300_000):
        for other in (EXACT + 1, length, 3 * length):
            blocks = list(edits._blocks(range(length), range(other)))
            assert sum((k - i) * (m - j) for i, k, j, m in blocks) <= edits._BLOCK * (length + other)
            assert [block[1::2] for block in blocks[:-1]] == [block[::2] for block in blocks[1:]]
