"""Every example runs as its docstring says."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PLUG_IN = "bounding_boxes_task"  # no script: tests/test_plugins.py runs the commands of its docstring
EXAMPLES = [path for path in sorted((REPOSITORY / "examples").glob("*.py")) if path.stem != PLUG_IN]


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("examples") / "sample"
    command = [sys.executable, "-m", "hmer_tasks", "build", "--dataset", "sample", "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    return out


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path, sample):
    arguments = {
        "read_a_build": [str(sample)],
        "picture_and_tree": [str(sample.parent / "picture_and_tree.png")],
        # two pictures and a step; its docstring says what it learns in minutes
        "grpo_on_a_cpu": ["--data", str(sample), *"--pictures 2 --sft_steps 1 --steps 1".split()],
        # whole runs of these are in tests/trainer
        "grpo": ["--help"],
        "error_driven_learning": ["--help"],
        "mined_sheet": ["--help"],
    }
    command = [sys.executable, str(path), *arguments.get(path.stem, [])]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout
