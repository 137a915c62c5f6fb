"""Prompt sets of users: paraphrases drawn by key, templates for some tasks alone, any language."""

import json

import pytest

from hmer_tasks.exceptions import PromptError
from hmer_tasks.pipeline import BuildOptions, build
from hmer_tasks.shards.verifier import verify
from hmer_tasks.tasks.prompts import NAMES, draw, prompt_set, prompts_digest, read_prompts, shipped_sets
from tests.pipeline.conftest import make_hme100k, rows_of, run_command

MINE = """
recognition = ["Lies die Formel.", "请写出图中的公式。", "Write the formula as LaTeX."]
error_detection = ["Marque {candidate}.", "Mark {candidate}!"]
"""


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "sprachen.toml"
    path.write_text(MINE, encoding="utf-8")
    return str(path)


def test_the_published_set_is_what_it_was():
    assert tuple(prompt_set("uni-mumer")) == NAMES
    assert prompts_digest(read_prompts("uni-mumer")) == prompts_digest(shipped_sets()["uni-mumer"])


def test_a_draw_depends_on_its_key_alone(mine):
    templates = read_prompts(mine, ("recognition",))
    drawn = [draw(templates, 0, "hme100k/train", f"{number}.jpg") for number in range(300)]
    counts = [sum(prompts["recognition"] == text for prompts in drawn) for text in templates["recognition"]]
    assert sum(counts) == 300
    assert min(counts) > 60
    assert drawn[7] == draw(templates, 0, "hme100k/train", "7.jpg")
    assert drawn[7] == draw(templates, 0, "hme100k/train", "hme100k/train/7.jpg")  # in a mixture
    assert drawn != [draw(templates, 1, "hme100k/train", f"{number}.jpg") for number in range(300)]


def test_a_build_with_paraphrases_is_proven(mine, tmp_path):
    root = make_hme100k(tmp_path / "HME100K", 30)
    out = tmp_path / "out"
    tasks = ("recognition", "error_detection")
    result = build(BuildOptions("hme100k", root, out=out, tasks=tasks, prompts=mine, workers=1))
    assert result.summary["prompt_set"] == "sprachen"
    prompts = {row["prompt"][0]["content"] for row in rows_of(out) if row["task"] == "recognition"}
    assert prompts == set(read_prompts(mine, ())["recognition"])
    assert not verify(out).faults
    summary = json.loads((out / "build.json").read_text())
    summary["made_by"]["arguments"]["seed"] = 1  # another draw
    (out / "build.json").write_text(json.dumps(summary))
    assert any("the prompt is not that of the set" in fault for fault in verify(out).faults)
    assert "Prompts: the set `sprachen`" in (out / "README.md").read_text()
    assert "prompts: sprachen" in run_command("show", out).stdout


def test_a_task_without_a_template_is_refused(mine, tmp_path):
    root = make_hme100k(tmp_path / "HME100K", 3)
    with pytest.raises(PromptError, match="missing: counting"):
        build(BuildOptions("hme100k", root, out=tmp_path / "out", tasks=("counting",), prompts=mine))


@pytest.mark.parametrize(
    ("text", "message"),
    (
        ("recognition = []", "a list of different texts"),
        ("recognition = ['x', 'x']", "a list of different texts"),
        ("recognition = ['x', 3]", "must be a text that is not empty"),
        ("error_detection = ['{candidate}', 'x']", "lacks its slot"),
        ("recognise = 'x'", "unknown: recognise"),
    ),
)
def test_sets_that_are_none(tmp_path, text, message):
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(PromptError, match=message):
        read_prompts(str(path), ())


def test_one_paraphrase_is_a_template(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text("recognition = ['x']")
    assert read_prompts(str(path), ()) == {"recognition": "x"}
