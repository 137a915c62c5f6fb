"""The commands end with 0, or in one line with their exit code."""

import subprocess
import sys

import pytest


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "hmer_tasks", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_from_predictions_to_a_picture_and_candidates(tmp_path):
    file = tmp_path / "read.tsv"
    file.write_text(
        "".join(f"{n}\ta + {n % 3} = b\ta + {'7' if n % 3 == 1 else n % 3} = b\n" for n in range(60))
    )
    fitted = run("errors", "fit", file, "-o", tmp_path / "noise.toml")
    assert (fitted.returncode, fitted.stderr) == (0, "")
    shown = run("errors", "show", tmp_path / "noise.toml", "-o", tmp_path / "map.png")
    assert shown.returncode == 0
    assert "7" in shown.stdout
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    mined = run("errors", "mine", file, "-o", tmp_path / "mined.jsonl")
    assert mined.returncode == 0
    assert "left out: 40 right" in mined.stdout
    assert "kept 20 of 60, of 20 pictures" in mined.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("errors", "fit", "gone.tsv", "-o", "x.toml"), 1),
        (("errors", "show", "gone.toml"), 1),
        (("errors", "mine", "gone.tsv", "-o", "x.jsonl"), 1),
        (("errors", "mine", "gone.tsv"), 2),
        (("folds", "--dataset", "sample", "-k", "1", "-o", "x"), 2),
        (("build", "--dataset", "sample", "--clean-share", "2"), 2),
        (("build", "--dataset", "sample", "--noise", "gone.toml"), 2),
    ],
)
def test_what_goes_wrong_is_told_in_one_line(tmp_path, monkeypatch, arguments, code):
    monkeypatch.chdir(tmp_path)
    ended = run(*arguments)
    assert ended.returncode == code
    assert len(ended.stderr.splitlines()) == 1
    assert "Traceback" not in ended.stderr
