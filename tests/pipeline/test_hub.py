"""Roots and outputs at hf://, against a small Hub on this machine: the bytes of the local build."""

import os

import pytest

from tests.exporting import hub as hubs
from tests.pipeline.conftest import files_of, make_hme100k, one_line, run_command

pytest.importorskip("huggingface_hub")

WORDS = "build", "--dataset", "hme100k", "--tasks", "recognition,error_detection", "--valid-share", 0.3


@pytest.fixture
def hub():
    with hubs.running() as running:
        yield running


def run(hub, *words):
    """Run `hmer-tasks` with this hub for the Hub; its warnings are not ours."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    environment |= {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_right", "HF_HUB_DISABLE_XET": "1"}
    return run_command(*words, env=environment | {"HF_HOME": "/nonexistent", "HF_HUB_VERBOSITY": "error"})


def test_from_the_hub_to_the_hub(hub, tmp_path):
    """Two ranks, each with a process of its own; then everything is read again."""
    root = make_hme100k(tmp_path / "HME100K", 30)
    assert run_command(*WORDS, "--root", root, "--out", tmp_path / "out").returncode == 0
    hub.files = {f"raw/{name}": data for name, data in files_of(root).items()}
    words = *WORDS, "--root", "hf://datasets/me/rows/raw", "--out", "hf://datasets/me/rows/built"
    first = run(hub, *words, "--rank", 0, "--world-size", 2)
    assert "1 are left to other ranks" in first.stdout, first.stderr
    second = run(hub, *words, "--rank", 1, "--world-size", 2)
    assert "wrote 2 shards" in second.stdout, second.stderr
    built = {
        name.removeprefix("built/"): data for name, data in hub.files.items() if name.startswith("built/")
    }
    assert built == files_of(tmp_path / "out")
    verified = run(hub, "verify", "hf://datasets/me/rows/built")
    assert "every row is proven" in verified.stdout, verified.stderr
    assert "is already built with these arguments" in run(hub, *words).stdout


def test_a_repository_that_is_not_there(hub, tmp_path):
    root = make_hme100k(tmp_path / "HME100K", 3)
    line = one_line(run(hub, *WORDS, "--root", root, "--out", "hf://datasets/me/other/built"))
    assert "hf://datasets/me/other" in line
