"""Each task's row is what docs/formats.md says, proves itself, and a changed row does not."""

from dataclasses import replace

import pytest
from hypothesis import given

from hmer_tasks.exceptions import LabelError, PromptError, ProofError
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import to_label
from hmer_tasks.tasks import TASK_NAMES, all_tasks, labelled
from hmer_tasks.tasks.prompts import fill, prompt_set
from tests.latex.strategies import grammar_labels

LABEL = r"\sqrt { a ^ { 2 } } + 1"
CANDIDATE = r"\sqrt { d ^ { 2 } } 1"
PROMPTS = prompt_set("uni-mumer")
LABELLED = labelled(LABEL, parse(LABEL), CANDIDATE)

TARGETS = {
    "recognition": LABEL,
    "tree_cot": "\\sqrt\n\ta (above)\n\t\t2 (sup)\n+ (right)\n1 (right)\n" + LABEL,
    "counting": "\\sqrt: 1, a: 1, ^: 1, 2: 1, +: 1, 1: 1\n" + LABEL,
    "error_detection": r"\sqrt { <error_start> d <error_end> ^ { 2 } } <deleted> 1",
    "error_correction": "REPLACE:d -> a\nINSERT:+ after }\n" + LABEL,
}


@pytest.mark.parametrize("name", TASK_NAMES)
def test_the_target(name):
    task = all_tasks()[name]
    row = task.row(LABELLED, PROMPTS)
    assert row.target == TARGETS[name]
    task.check(row)
    assert task.read(row.target) == (None if name == "error_detection" else LABEL)


def test_prompts_of_the_error_tasks_hold_what_they_are_about():
    detection = all_tasks()["error_detection"].row(LABELLED, PROMPTS)
    correction = all_tasks()["error_correction"].row(LABELLED, PROMPTS)
    assert detection.prompt.endswith(f".\n\nerroneous formula: {CANDIDATE}\nMarked formula: ")
    assert correction.prompt.endswith(f".\n\nMarked formula: {TARGETS['error_detection']}\nCorrection log: ")
    assert all_tasks()["error_detection"].row(labelled(LABEL, parse(LABEL), None), PROMPTS) is None


@pytest.mark.parametrize("dialect", ["canonical", "released"])
@given(grammar_labels)
def test_rows_of_any_label_prove_themselves(dialect, text):
    try:
        label = to_label(parse(text))
    except LabelError:
        return
    sample = labelled(label, parse(label), label + " 1")
    for task in all_tasks(dialect).values():
        try:
            row = task.row(sample, PROMPTS)
        except LabelError as error:
            assert (dialect, error.reason) == ("released", "released_unbuildable")
            continue
        task.check(row)
        assert task.read(row.target) in (label, None)


@pytest.mark.parametrize("name", TASK_NAMES)
@pytest.mark.parametrize(("old", "new"), [("a", "b"), ("2", "3"), ("\\sqrt", "\\frac")])
def test_a_changed_row_does_not_prove_itself(name, old, new):
    task = all_tasks()[name]
    row = task.row(LABELLED, PROMPTS)
    if name != "error_detection":  # its answer holds no label: another label may have the same marks
        with pytest.raises(ProofError):
            task.check(replace(row, label=row.label.replace(old, new)))
    if name.startswith("error_"):
        with pytest.raises(ProofError, match="the prompt does not show"):
            task.check(replace(row, prompt="nothing"))
    if old in row.target:
        with pytest.raises(ProofError):
            task.check(replace(row, target=row.target.replace(old, new, 1)))


def test_slots_are_filled_in_one_pass():
    assert (
        fill("{candidate} {marked} {x}", candidate="{marked}", marked="{candidate}")
        == "{marked} {candidate} {x}"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('recognition = "x"', "missing: tree_cot"),
        ("= 1", "not TOML"),
        ("{all}\nextra = 'x'", "unknown: extra"),
        ("{all}".replace("{all}", "{noslot}"), "lacks its slot"),
        ("{leak}", "cannot have the slot"),
        ("{empty}", "must be a text"),
    ],
)
def test_a_broken_prompt_file_is_refused_in_one_line(tmp_path, text, says):
    good = dict.fromkeys(TASK_NAMES, "x") | {
        "error_detection": "{candidate}",
        "error_correction": "{marked}",
    }
    variants = {
        "{all}": good,
        "{noslot}": good | {"error_detection": "x"},
        "{leak}": good | {"recognition": "{marked}"},
        "{empty}": good | {"counting": " "},
    }
    for key, values in variants.items():
        text = text.replace(key, "\n".join(f"{name} = '{value}'" for name, value in values.items()))
    path = tmp_path / "prompts.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PromptError) as caught:
        prompt_set(str(path))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_prompt_sets_and_files():
    with pytest.raises(PromptError, match="did you mean uni-mumer"):
        prompt_set("uni-mummer")
    with pytest.raises(PromptError, match="cannot read"):
        prompt_set("nowhere/prompts.toml")
