"""What the tests of the trainer share: a small build, a tiny model, runs in this process and in others."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="training needs the extra [train]")

import torch

from hmer_tasks.pipeline import BuildOptions, build
from tests.conftest import REPOSITORY
from trainer import models, sft
from trainer.shards import find_shards

torch.set_num_threads(1)

CPU = ["--use_cpu", "true", "--bf16", "false", "--logging_steps", "1", "--lr_scheduler_type", "constant"]


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    """The Arrow copies of `datasets` go to a folder of the tests; nothing asks a network."""
    import datasets

    before = datasets.config.HF_DATASETS_CACHE
    datasets.config.HF_DATASETS_CACHE = tmp_path_factory.mktemp("cache")
    yield
    datasets.config.HF_DATASETS_CACHE = before


@pytest.fixture(scope="session")
def shards(tmp_path_factory) -> Path:
    """Twelve samples, five rows each; never written to."""
    out = tmp_path_factory.mktemp("shards") / "sample"
    build(BuildOptions("sample", out=out, limit=12, workers=1))
    return out


@pytest.fixture(scope="session")
def tiny(shards, tmp_path_factory) -> Path:
    """A tiny Qwen2.5-VL with random weights; never written to."""
    out = tmp_path_factory.mktemp("tiny")
    models.build("tiny-qwen2.5-vl", models.texts_of(find_shards([str(shards)])), out)
    return out


def words(data: Path, model: Path | None, out: Path, *more: object) -> list[str]:
    """The arguments of a run."""
    named = ["--model_name_or_path", str(model)] if model else []
    return ["--data", str(data), *named, "--output_dir", str(out), *CPU, *map(str, more)]


def train(*arguments: object) -> None:
    """A run in this process."""
    sft.train(*sft.parse(words(*arguments)))


def environment(tmp: Path) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "HF_HOME": str(tmp / "hf"), "HF_HUB_OFFLINE": "1"}


def start(arguments: list[str], tmp: Path, *before: str, group: bool = False) -> "subprocess.Popen[str]":
    """A run in a process of its own; `group`: and in a group of its own."""
    command = [sys.executable, *(before or ("-m", "trainer.sft")), *arguments]
    return subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env=environment(tmp),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=group,
    )


def losses(out: Path) -> list[float]:
    """The loss of every step, in order."""
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [line["loss"] for line in lines if "loss" in line]
