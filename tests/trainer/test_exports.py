"""An export holds what the build holds: TRL comes to the same losses on both."""

import json

import pytest
from datasets import Dataset, Image, List
from transformers import AutoModelForImageTextToText, AutoProcessor
from trl import SFTConfig, SFTTrainer

from hmer_tasks import load
from hmer_tasks.exporting import ms_swift
from hmer_tasks.exporting.folder import export


def reimported(folder):
    """The rows of an export to ms-swift, as TRL takes them."""
    rows = []
    for path in sorted(folder.glob("*_train*.jsonl")):
        for row in map(json.loads, path.read_text(encoding="utf-8").removesuffix("\n").split("\n")):
            user, assistant = row["messages"]
            assert user["content"].startswith("<image>")
            rows.append(
                {
                    "images": [str(folder / name) for name in row["images"]],
                    "prompt": [user | {"content": user["content"].removeprefix("<image>")}],
                    "completion": [assistant],
                }
            )
    return Dataset.from_list(rows).cast_column("images", List(Image()))


def losses_on(rows, tiny, out):
    arguments = SFTConfig(
        output_dir=str(out),
        max_steps=3,
        per_device_train_batch_size=4,
        learning_rate=1e-3,
        max_length=None,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        bf16=False,
        seed=0,
    )
    trainer = SFTTrainer(
        AutoModelForImageTextToText.from_pretrained(tiny),
        arguments,
        train_dataset=rows,
        processing_class=AutoProcessor.from_pretrained(tiny),
    )
    trainer.train()
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def test_losses_on_the_build_and_on_its_export_agree(shards, tiny, tmp_path):
    key = lambda row: (row["prompt"][0]["content"], row["completion"][0]["content"])  # noqa: E731
    built = load(shards).select_columns(["images", "prompt", "completion"])
    again = reimported(export(shards, tmp_path / "x", ms_swift.layout()).target)
    assert len(built) == len(again) == 60
    orders = [sorted(range(60), key=lambda i, rows=rows: key(rows[i])) for rows in (built, again)]
    runs = [
        losses_on(rows.select(order), tiny, tmp_path / str(number))
        for number, (rows, order) in enumerate(zip((built, again), orders, strict=True))
    ]
    assert len(runs[0]) == 3
    assert runs[1] == pytest.approx(runs[0], rel=1e-6)
