"""The error loop runs whole, and goes on from wherever it was killed; other arguments are refused by name."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from examples import error_driven_learning as error_loop
from examples.error_driven_learning import MARKS, Stages, Step, claimed, figure_lines, launcher
from examples.mined_sheet import chosen
from hmer_tasks.predictions import read_predictions
from hmer_tasks.shards.verifier import verify
from tests.conftest import REPOSITORY
from tests.trainer.conftest import environment
from trainer.checkpoints import last_complete_checkpoint
from trainer.faults import TrainError, UsageError

RECIPE = """\
scratch: tiny-qwen2.5-vl
max_steps: 12
per_device_train_batch_size: 3
learning_rate: 2.0e-3
lr_scheduler_type: constant
max_pixels: 6272
bf16: false
use_cpu: true
gradient_checkpointing: false
logging_steps: 1
save_steps: 3
"""
PICTURES, SAMPLES = 12, 2


def arguments(folder: Path, *more: object) -> list[str]:
    """A loop on twelve pictures. The model reads nothing yet, so no candidate counts as too far."""
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE)
    words = (
        "--dataset", "sample", "--limit", PICTURES, "-k", 2, "--recipe", recipe, "--tasks", "recognition",
        "--samples", SAMPLES, "--max_new_tokens", 12, "--batch", 1, "--farthest", 1, "--longest_edit", 99,
        "--workers", 1, "--out", folder / "out", *more,
    )  # fmt: skip
    return [str(word) for word in words]


def started(folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "examples/error_driven_learning.py", *arguments(folder)]
    return subprocess.Popen(
        command, cwd=REPOSITORY, env=environment(folder), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def killed_when(folder: Path, reached: Callable[[], bool]) -> None:
    """Start the loop and kill it (SIGKILL) as soon as it is there."""
    process = started(folder)
    until = time.monotonic() + 600  # a busy machine takes its time
    while not reached() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    said, _ = process.communicate()
    assert reached(), said


def test_killed_between_stages_in_a_training_and_in_a_prediction_it_goes_on(tmp_path):
    out = tmp_path / "out"
    marks, model, answers = out / MARKS, out / "fold-0" / "model", out / "fold-0" / "predictions.jsonl"
    killed_when(tmp_path, (marks / "base.json").exists)
    folds = (out / "folds.jsonl").read_bytes()
    killed_when(tmp_path, lambda: any(model.glob("checkpoint-*/trainer_state.json")))
    assert not (marks / "train-0.json").exists()
    killed_when(tmp_path, lambda: answers.exists() and answers.stat().st_size > 0)
    assert (marks / "train-1.json").exists() and not (marks / "predict-0.json").exists()
    trained = (model / "model.safetensors").stat().st_mtime_ns

    last = started(tmp_path)
    said, _ = last.communicate(timeout=600)
    assert last.returncode == 0, said
    assert "== base: done before" in said and "== train 1: done before" in said
    assert (out / "folds.jsonl").read_bytes() == folds
    assert (model / "model.safetensors").stat().st_mtime_ns == trained
    assert last_complete_checkpoint(model, 1)[0] == model / "checkpoint-12"
    steps = [json.loads(line).get("step") for line in (model / "log.jsonl").read_text().splitlines()]
    assert sorted(set(steps)) == list(range(1, 13))  # the run that was killed is in it

    whole = json.loads((out / "loop.json").read_text())
    stages = whole["stages"]
    names = ["folds", "base", "train 0", "train 1", "predict 0", "predict 1", "mine", "build"]
    assert list(stages) == names
    assert stages["folds"]["folds"] == [PICTURES // 2, PICTURES // 2]
    assert (
        stages["train 0"]["steps"] == 12 and stages["train 0"]["last loss"] < stages["train 0"]["first loss"]
    )
    fold_of = {line["id"]: line["fold"] for line in map(json.loads, folds.splitlines())}
    for fold in range(2):
        read = list(read_predictions(out / f"fold-{fold}" / "predictions.jsonl"))
        assert (
            len({(prediction.id, prediction.sample) for prediction in read})
            == len(read)
            == PICTURES // 2 * SAMPLES
        )
        assert {fold_of[prediction.id] for prediction in read} == {
            fold
        }  # no model read what it was trained on
    mined = list(read_predictions(out / "mined.jsonl"))
    assert stages["mine"]["kept"] == len(mined) > 0
    assert (
        stages["mine"]["answers"]
        == PICTURES * SAMPLES
        == len(mined) + sum(stages["mine"]["left out"].values())
    )
    rows = stages["build"]["rows"]
    lacking = PICTURES - stages["mine"]["of pictures"]  # they get a synthetic one
    clean = stages["build"]["with a right candidate"]
    assert rows["error_detection"] == rows["error_correction"] == len(mined) + lacking + clean
    assert not verify(out / "build").faults
    with Image.open(out / "mined.png") as sheet:
        assert sheet.height > 100 * len(chosen(out / "mined.jsonl"))

    with pytest.raises(TrainError, match=r"was begun with another samples \(2, now 3\)"):
        error_loop.main(arguments(tmp_path, "--samples", 3))
    before = (out / "loop.json").read_bytes()
    error_loop.main(arguments(tmp_path, "--predictors", 2))  # how it runs may change; all is done
    assert (out / "loop.json").read_bytes() == before


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--recipe", "gone.yaml"), "no recipe gone.yaml"),
        (("-k", 1), "-k must be at least 2"),
        (("--temperature", 0), "--temperature must be above 0"),
        (("--samples", 0), "--samples must be at least 1"),
        (("--tasks", "error_detection"), "is no task about a label"),
        (("--dataset", "nothing"), "nothing"),
        (("-k", 13), "-k 13: the corpus has only 12 different expressions"),
    ],
)
def test_arguments_that_cannot_be(tmp_path, more, says):
    with pytest.raises(UsageError, match=says):
        error_loop.main(arguments(tmp_path, *more))


def test_a_recipe_that_is_no_yaml(tmp_path):
    (tmp_path / "bad.yaml").write_text("a: [1\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"bad\.yaml is no recipe"):
        error_loop.main(arguments(tmp_path, "--recipe", tmp_path / "bad.yaml"))


def test_a_strange_folder_and_a_missing_launcher(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("")
    with pytest.raises(TrainError, match=r"holds other files \(thesis.tex"):
        error_loop.main(arguments(tmp_path))
    with pytest.raises(TrainError, match="--launch: no program acelerate"):
        launcher("acelerate launch")
    assert launcher("") == [sys.executable]


def python(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def test_commands_side_by_side_have_a_gpu_each_and_one_that_fails_ends_the_others(tmp_path, capfd):
    with claimed(tmp_path) as lock:
        stages = Stages(tmp_path, {"k": 2}, lock)
        say = "import os, pathlib; pathlib.Path({!r}).write_text(os.environ['CUDA_VISIBLE_DEVICES'])"
        files = [tmp_path / f"gpu-{number}" for number in range(3)]
        steps = [Step(f"say {file.name}", python(say.format(str(file))), lambda: {"n": 1}) for file in files]
        stages.run_each(steps, at_once=2)
        assert sorted(file.read_text() for file in files[:2]) == ["0", "1"] and files[2].exists()
        assert json.loads((tmp_path / "loop.json").read_text())["stages"]["say gpu-2"]["n"] == 1
        began = time.monotonic()
        bad = [
            Step("sleep", python("import time; time.sleep(60)"), dict),
            Step("fail", python("raise SystemExit(3)"), dict),
        ]
        with pytest.raises(TrainError, match="fail ended with exit code 3"):
            stages.run_each(bad, at_once=2)
        assert time.monotonic() - began < 40
        stages.run_each(steps, at_once=2)  # done before
    assert capfd.readouterr().out.count("done before") == 3


def test_what_an_earlier_loop_left_running_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr("examples.error_driven_learning._WAIT", 0.5)
    with claimed(tmp_path), pytest.raises(TrainError, match="another loop is at work"), claimed(tmp_path):
        pass
    with claimed(tmp_path):
        pass


def test_figures_as_lines():
    figures = {"rows": {"a": 1200, "b": 3}, "folds": [4, 5], "none of it": {}, "share": 0.5}
    assert figure_lines(figures).splitlines() == [
        "   rows: a 1,200, b 3", "   folds: 4, 5", "   none of it: none", "   share: 0.5",
    ]  # fmt: skip
