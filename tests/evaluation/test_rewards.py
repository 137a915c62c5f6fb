"""Rewards: pure, from 0 to 1, 1 on every target that the builder proves, below on a spoilt one, None where
they do not apply."""

from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmer_tasks.evaluation.rewards import (
    REWARDS,
    box_f1_reward,
    counts_agree_reward,
    edit_reward,
    exact_reward,
    image_match_reward,
    length_reward,
    markup_valid_reward,
    same_on_paper_reward,
    tree_agrees_reward,
    tree_valid_reward,
)
from hmer_tasks.latex.parser import parse
from hmer_tasks.tasks import all_tasks, labelled
from hmer_tasks.tasks.prompts import prompt_set
from hmer_tasks.typeset.layout import layout
from tests.latex.expressions import LABELS, SOUP, explicit_form

LABEL, CANDIDATE = r"\frac { a _ { 1 } } { 2 } + x ^ { 2 }", r"\frac { a _ { 1 } } { 2 } + v ^ { 2 } ^"
# what each task's own target earns
EARNS = {
    "recognition": {"exact", "same_on_paper", "edit", "length", "box_f1", "image_match"},
    "tree_cot": {
        "exact",
        "same_on_paper",
        "edit",
        "length",
        "box_f1",
        "image_match",
        "tree_valid",
        "tree_agrees",
    },
    "counting": {"exact", "same_on_paper", "edit", "length", "box_f1", "image_match", "counts_agree"},
    "error_detection": {"markup_valid"},
    "error_correction": {"exact", "same_on_paper", "edit", "length", "box_f1", "image_match", "markup_valid"},
}


# the tasks each reward speaks of
HOLD_LABEL = ("recognition", "tree_cot", "counting", "error_correction")
SPEAKS_OF = {
    **dict.fromkeys(("exact", "same_on_paper", "edit", "length", "box_f1", "image_match"), HOLD_LABEL),
    **dict.fromkeys(("tree_valid", "tree_agrees"), ("tree_cot",)),
    "counts_agree": ("counting",),
    "markup_valid": ("error_detection", "error_correction"),
}


def due(name, task):
    """What a proven target of the task earns of the reward."""
    assert (name in EARNS[task]) == (task in SPEAKS_OF[name])
    return 1.0 if task in SPEAKS_OF[name] else None


def rows(label, candidate, dialect="canonical"):
    prompts = prompt_set("uni-mumer")
    some_rows = [
        task.row(labelled(label, parse(label), candidate), prompts) for task in all_tasks(dialect).values()
    ]
    return [row for row in some_rows if row is not None]


def columns(some_rows):
    names = ("task", "label", "candidate", "marked")
    return {name: [getattr(row, name) for row in some_rows] for name in names}


@pytest.mark.parametrize("as_messages", [False, True])
def test_every_target_earns_what_it_should(as_messages):
    some_rows = rows(LABEL, CANDIDATE)
    assert len(some_rows) == 5
    completions = [
        [{"role": "assistant", "content": row.target}] if as_messages else row.target for row in some_rows
    ]
    for name, reward in REWARDS.items():
        earned = reward(
            prompts=[row.prompt for row in some_rows], completions=completions, **columns(some_rows)
        )
        assert earned == [due(name, row.task) for row in some_rows], name


@settings(max_examples=60)
@given(LABELS)
def test_proven_targets_earn_all(label):
    form = explicit_form(label)
    if form is None:
        return
    some_rows = rows(form, synthesize_or_none(form))
    for name, reward in REWARDS.items():
        earned = reward(
            [row.prompt for row in some_rows], [row.target for row in some_rows], **columns(some_rows)
        )
        owed = [due(name, row.task) for row in some_rows]
        if name == "box_f1" and layout(form) is None:  # nothing to be said of a label that cannot be drawn
            owed = [None if number is None else value for number, value in zip(owed, earned, strict=True)]
        assert earned == owed, name


def synthesize_or_none(label):
    return f"{label} 7" if "7" not in label else None


@settings(max_examples=100)
@given(st.lists(st.one_of(SOUP, st.text(max_size=40)), max_size=5), st.sampled_from(sorted(EARNS)))
def test_anything_earns_between_0_and_1(completions, task):
    n = len(completions)
    held = {"task": [task] * n, "label": [LABEL] * n, "candidate": [CANDIDATE] * n, "marked": [CANDIDATE] * n}
    for name, reward in REWARDS.items():
        earned = reward([""] * n, completions, **held)
        if task in SPEAKS_OF[name]:
            assert len(earned) == n and all(
                isinstance(number, float) and 0 <= number <= 1 for number in earned
            )
        else:
            assert earned == [None] * n


# An answer drawn at a high temperature may be anything, and endless.
HOSTILE = {
    "endless": "0 & " * 5000,
    "deep": "x ^ { " * 5000,
    "deep and closed": "x ^ { " * 5000 + "} " * 5000,
    "a staircase": "\n".join("\t" * depth + "a (sup)" for depth in range(1000)),
    "lines": "\n" * 20_000,
    "a long line of nodes": "a" + "\nb (right)" * 5000,
    "counts": ", ".join(f"a: {number}" for number in range(5000)) + "\na",
    "marks": "<error_start> a <error_end> " * 3000,
    "a log": "REPLACE:a -> b\n" * 3000 + "a",
    "one long token": "x" * 20_000,
    "not characters": "\0\ud800" * 1000,
    "begins": r"\begin { a r r a y } " * 2000,
}


@pytest.mark.parametrize("completion", HOSTILE.values(), ids=HOSTILE)
def test_hostile_and_endless_answers(completion):
    """They are worth something between 0 and 1, soon, and never all."""
    for task in EARNS:
        held = {"task": [task], "label": [LABEL], "candidate": [CANDIDATE], "marked": [CANDIDATE]}
        begun = process_time()
        earned = {name: reward([""], [completion], **held)[0] for name, reward in REWARDS.items()}
        assert process_time() - begun < 5
        worth = {name: number for name, number in earned.items() if number is not None}
        assert all(0 <= number <= 1 for number in worth.values()) and min(worth.values()) < 0.2


def test_saying_nothing_of_nothing_does_not_pay():
    """Braces alone have no counts; only where they are a label is the empty count text right."""
    assert with_one(counts_agree_reward, "{ { {", "counting") == 0
    assert with_one(counts_agree_reward, "\n{ }", "counting") == 1
    assert with_one(counts_agree_reward, "", "counting") == 0
    assert with_one(tree_agrees_reward, "", "tree_cot") == with_one(tree_valid_reward, "", "tree_cot") == 0


def with_one(reward, completion, task, **more):
    held = {"task": [task], "label": [LABEL], **{name: [value] for name, value in more.items()}}
    return reward([""], [completion], **held)[0]


def test_as_trl_calls_it():
    """TRL 1.16 hands over keywords only, and more of them than a reward needs."""
    for reward in REWARDS.values():
        earned = reward(
            prompts=[[{"role": "user", "content": "?"}]],
            completions=[[{"role": "assistant", "content": [{"type": "text", "text": LABEL}]}]],
            completion_ids=[[1, 2]],
            trainer_state=None,
            task=["recognition"], label=[LABEL], candidate=[None], marked=[None],
        )  # fmt: skip
        assert earned == [due(reward.__name__.removesuffix("_reward"), "recognition")]


def test_a_recognition_is_its_whole_answer():
    """As ExpRate counts it: what stands before the last line is a part of it."""
    answer = f"y y y\n{LABEL}"
    assert with_one(exact_reward, answer, "recognition") == 0
    assert with_one(exact_reward, f"\n{LABEL}\n", "recognition") == 1
    assert with_one(exact_reward, answer, "counting") == 1


def test_exactness_by_degrees():
    near = LABEL.replace("x", "v")
    assert with_one(exact_reward, near, "recognition") == 0
    assert 0.9 < with_one(edit_reward, near, "recognition") < 1
    assert with_one(length_reward, near, "recognition") == 1
    assert with_one(length_reward, f"{LABEL} {LABEL}", "recognition") == 0.5
    assert with_one(same_on_paper_reward, LABEL.replace(r"\frac", r"\dfrac"), "recognition") == 1


def test_pictures_by_degrees():
    """The more is wrong the less it earns; what looks the same earns all; what is not TeX nothing."""
    for reward in (box_f1_reward, image_match_reward):
        same, near, other, none = (
            with_one(reward, answer, "recognition")
            for answer in (
                LABEL.replace(r"\frac", r"\dfrac"), LABEL.replace("x", "v"), r"\alpha - \beta", r"\frac { a",
            )
        )  # fmt: skip
        assert same == 1 and 0.5 < near < 1 and other < 0.3 < near and none == 0
        assert reward([""], ["x"], task=["recognition"], label=["x ^ {"]) == [None]


def test_a_tree_may_be_valid_and_yet_not_the_answers():
    other = "a\n+ (right)\nb (right)\na - b"
    assert with_one(tree_valid_reward, other, "tree_cot") == 1
    assert with_one(tree_agrees_reward, other, "tree_cot") == 0
    assert with_one(tree_valid_reward, "a\n+ (nowhere)\na", "tree_cot") == 0
    released = next(row for row in rows(LABEL, None, "released") if row.task == "tree_cot")
    assert with_one(tree_agrees_reward, released.target, "tree_cot") == 1


def test_counts_are_those_of_the_answer():
    assert with_one(counts_agree_reward, "a: 2, b: 1\na b a", "counting") == 1
    assert with_one(counts_agree_reward, "b: 1, a: 2\na b a", "counting") == 1
    assert with_one(counts_agree_reward, "a: 1, b: 1\na b a", "counting") == 0
    assert with_one(counts_agree_reward, "a b a", "counting") == 0


@pytest.mark.parametrize(
    ("marked", "valid"),
    [
        ("a <error_start> b <error_end> c", 1), ("a <deleted> b c", 1), ("a b c", 1),
        ("a <error_start> b c", 0), ("a b <error_end> c", 0), ("a <error_start> <error_end> b c", 0),
        ("a <error_start> b <deleted> <error_end> c", 0), ("a <error_start> b <error_end>", 0),
    ],
)  # fmt: skip
def test_marks(marked, valid):
    assert with_one(markup_valid_reward, marked, "error_detection", candidate="a b c", marked="") == valid


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="'label'"):
        exact_reward([""], ["x"], task=["recognition"])
    with pytest.raises(ValueError, match="one entry a completion"):
        exact_reward([""], ["x"], task=["recognition"], label=["x", "y"])
