"""A model that learns its pictures by heart reads them back, by every prompt, and looks at them to do so.

`make train` does the same with 32 pictures; a falling loss proves none of it.
"""

import json

import pytest
from transformers import AutoModelForImageTextToText, AutoProcessor

from hmer_tasks.pipeline import BuildOptions, build
from tests.trainer.conftest import train
from trainer.decoding import GREEDY, Question, answer
from trainer.inputs import asked, of_shards

PICTURES = 8
STEPS = 360


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """The shards, and a model trained on all five tasks of each of their pictures."""
    folder = tmp_path_factory.mktemp("learned")
    build(BuildOptions("sample", out=folder / "shards", limit=PICTURES, workers=1))
    train(
        folder / "shards", None, folder / "model", "--scratch", "tiny-qwen2.5-vl", "--max_steps", STEPS,
        "--per_device_train_batch_size", 8, "--learning_rate", "2e-3", "--adam_beta2", 0.98,
        "--warmup_steps", 20, "--lr_scheduler_type", "cosine", "--gradient_checkpointing", "false",
        "--save_strategy", "no", "--logging_steps", 20, "--decode_steps", STEPS,
        "--decode_data", folder / "shards", "--decode_rows", PICTURES, "--decode_new_tokens", 200,
    )  # fmt: skip
    model, processor = (
        kind.from_pretrained(folder / "model") for kind in (AutoModelForImageTextToText, AutoProcessor)
    )
    return folder, model.eval(), processor


@pytest.mark.parametrize("task", ["recognition", "tree_cot", "counting"])
def test_it_reads_every_picture_and_only_that_picture(learned, task):
    from hmer_tasks.tasks import all_tasks

    folder, model, processor = learned
    items = list(of_shards([str(folder / "shards")], asked(task, "uni-mumer", "", None)))
    questions = [item.load() for item in items]
    swapped = [
        Question(questions[number - 1].picture, question.prompt) for number, question in enumerate(questions)
    ]
    exact = {}
    for name, asked_of in {"own": questions, "swapped": swapped}.items():
        answers = answer(model, processor, asked_of, GREEDY)
        labels = [all_tasks()[task].read(reply.raw) for (reply,) in answers]
        exact[name] = sum(label == item.gt for label, item in zip(labels, items, strict=True))
        assert name == "swapped" or all(reply.stop == "eos" for (reply,) in answers)
    assert len(items) == PICTURES
    assert exact["own"] >= PICTURES - 1
    assert exact["swapped"] <= 1


def test_the_run_itself_saw_that(learned):
    folder, _, _ = learned
    log = [json.loads(line) for line in (folder / "model" / "log.jsonl").read_text().splitlines()]
    assert [line["exprate"] for line in log if "exprate" in line][-1] >= (PICTURES - 1) / PICTURES
    assert (folder / "model" / "training.png").exists()
