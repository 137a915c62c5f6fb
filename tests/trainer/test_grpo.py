"""GRPO on the shards: the rewards get the rows' columns, pictures reach the model, weights move."""

import pytest
import torch
from transformers import AutoModelForImageTextToText

from examples import grpo
from tests.trainer.conftest import words
from trainer import faults
from trainer.data import prepare
from trainer.faults import UsageError
from trainer.model import open_model
from trainer.options import DataArguments

FEW = (
    "--limit", 2, "--max_steps", 2, "--per_device_train_batch_size", 8, "--num_generations", 2,
    "--max_completion_length", 12, "--learning_rate", "1e-3", "--gradient_checkpointing", "false",
)  # fmt: skip


@pytest.fixture(scope="module")
def prompts(shards, tiny):
    _, processor = open_model(str(tiny))
    return prepare(DataArguments(data=[str(shards)], limit=6), processor, 0)


def test_what_the_builder_proves_earns_all(prompts):
    """The columns are those that the rewards read, each row's own."""
    rows = grpo.prompts_of(prompts)
    columns = {name: [row[name] for row in rows] for name in grpo.COLUMNS}
    targets = prompts.table["completion"]
    assert set(columns["task"]) == {
        "recognition", "tree_cot", "counting", "error_detection", "error_correction"
    }  # fmt: skip
    for name, reward in grpo.REWARDS.items():
        earned = reward(prompts=None, completions=targets, **columns)
        assert {number for number in earned if number is not None} == {1.0}, name
        spoilt = reward(prompts=None, completions=["}"] * len(targets), **columns)
        assert max(number for number in spoilt if number is not None) < 0.3, name


def test_a_few_steps(shards, tiny, tmp_path, monkeypatch, capsys):
    seen = []

    def spy(prompts, completions, **columns):
        seen.append((prompts, completions, columns))
        return [float(len(completion[0]["content"]) % 7) for completion in completions]

    monkeypatch.setitem(grpo.REWARDS, "spy", spy)
    arguments = words(shards, tiny, tmp_path / "out", *FEW, "--save_steps", 1, "--rewards", "spy,length=0.5")
    log = grpo.train(*grpo.parse(arguments))

    # A step draws 8 answers to 4 rows; prompts of different lengths stand side by side in it.
    assert len(seen) == 2
    for asked, completions, columns in seen:
        assert len(asked) == len(completions) == 8
        assert all(len(columns[name]) == 8 for name in (*grpo.COLUMNS, "images"))
        for prompt, picture, label in zip(asked, columns["images"], columns["label"], strict=True):
            assert prompt[-1]["content"][0] == {"type": "image", "image": picture[0]} and label
    assert len({len(str(prompt)) for prompt in seen[0][0]}) > 1
    steps = [line for line in log if "reward" in line]
    assert len(steps) == 2 and all(0 <= line["rewards/length_reward/mean"] <= 1 for line in steps)

    before, after, halfway = (
        dict(AutoModelForImageTextToText.from_pretrained(path).named_parameters())
        for path in (tiny, tmp_path / "out", tmp_path / "out" / "checkpoint-1")
    )
    still = [name for name in before if torch.equal(before[name], after[name])]
    assert not still, still  # the vision tower's too: the picture is in the loss

    # The same command goes on from the newest whole checkpoint, with its weights.
    for name in ("log.jsonl", "checkpoint-2/trainer_state.json"):
        (tmp_path / "out" / name).unlink()
    capsys.readouterr()
    monkeypatch.setattr(grpo.PictureGRPOTrainer, "training_step", weights_now(halfway))
    with pytest.raises(LookedAt):
        grpo.train(*grpo.parse(arguments))
    said = capsys.readouterr().out
    assert "checkpoint-2 is passed over: no trainer_state.json" in said and "going on from" in said


class LookedAt(Exception):  # noqa: N818
    """The step that was to be looked at has come."""


def weights_now(wanted):
    """A training step that compares the weights with those wanted, and ends there."""

    def step(self, model, *_):
        for name, weight in self.accelerator.unwrap_model(model).named_parameters():
            assert torch.equal(weight, wanted[name]), name
        raise LookedAt

    return step


def test_what_is_earned_is_measured_by_decoding(prompts, tiny):
    model, processor = open_model(str(tiny))
    means = grpo.earned(
        model.eval(), processor, grpo.prompts_of(prompts), grpo.Sampling(0, max_new_tokens=8), batch=16
    )
    assert set(means) == set(grpo.REWARDS) and all(0 <= mean <= 1 for mean in means.values())
    assert means["exact"] == 0


@pytest.mark.parametrize(
    ("rewards", "warned"),
    [
        ("exakt", "no reward 'exakt'; there are exact"),
        ("exact=much", "not REWARD=NUMBER"),
        ("", "names none"),
    ],
)
def test_rewards_that_are_none(rewards, warned):
    with pytest.raises(UsageError, match=warned):
        grpo.read_rewards(rewards)


def test_a_misspelt_flag_is_one_line(capsys, shards, tiny, tmp_path):
    arguments = words(shards, tiny, tmp_path, "--num_generation", 4)
    with pytest.raises(SystemExit) as ended:
        faults.run("trainer.grpo", lambda: grpo.train(*grpo.parse(arguments)))
    warned = capsys.readouterr().err
    assert ended.value.code == 2 and "did you mean --num_generations?" in warned and "Traceback" not in warned
