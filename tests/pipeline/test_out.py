"""What stands in OUT decides: a finished build, another one, one that is being written, foreign files."""

import ctypes
import os
import signal
import subprocess
import sys
import time

import pytest

from hmer_tasks.exceptions import BuildError
from hmer_tasks.pipeline import BuildOptions, build
from tests.pipeline.conftest import command, files_of, one_line, run_command, summary_of


def run(root, out, **options):
    return build(BuildOptions("hme100k", root=root, out=out, workers=1, **options))


def refusal(root, out, **options):
    """The one line of a build that must fail."""
    with pytest.raises(BuildError) as caught:
        run(root, out, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture(scope="module")
def pristine(small, tmp_path_factory):
    out = tmp_path_factory.mktemp("pristine") / "out"
    run(small, out)
    return files_of(out)


@pytest.fixture
def out(pristine, tmp_path):
    for name, data in pristine.items():
        path = tmp_path / "out" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "out"


def test_the_command_says_what_it_did_and_then_that_it_is_done(small, tmp_path):
    out = tmp_path / "out"
    words = ("build", "--dataset", "hme100k", "--root", small, "--out", out)
    done = run_command(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert f" kB, to {out}\n" in done.stdout
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    done = run_command(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"{out} is already built with these arguments: nothing to do; pictures are not compared: --overwrite "
        "reads them anew\n"
    )
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    assert "--seed: 0 there, 1 asked for" in one_line(run_command(*words, "--seed", 1))


@pytest.mark.parametrize(
    ("options", "what"),
    (
        ({"seed": 1}, "--seed: 0 there, 1 asked for"),
        ({"tasks": ("counting",)}, "--tasks: "),
        ({"limit": 5}, "--limit: None there, 5 asked for"),
        ({"tree_format": "released"}, "--tree-format: canonical there, released asked for"),
        ({"valid_share": 0.5}, "--valid-share: 0.0 there, 0.5 asked for"),
    ),
)
def test_other_arguments(small, out, pristine, options, what):
    message = refusal(small, out, **options)
    assert what in message
    assert "--overwrite" in message
    assert files_of(out) == pristine
    run(small, out, **options, overwrite=True)
    assert files_of(out) != pristine
    run(small, out, overwrite=True)
    assert files_of(out) == pristine


def test_overwrite_mends_a_damaged_shard(small, out, pristine):
    (out / "data/train-00000-of-00001.parquet").write_bytes(b"")
    assert run(small, out).already
    assert not run(small, out, overwrite=True).already
    assert files_of(out) == pristine


def test_other_labels(small, out, tmp_path):
    other = tmp_path / "other"
    (other / "train").mkdir(parents=True)
    (other / "train/train_images").symlink_to(small / "train/train_images")
    labels = (small / "train/train_labels.txt").read_text()
    (other / "train/train_labels.txt").write_text(labels.replace("x", "y", 1))
    assert "the labels of train are others now" in refusal(other, out)


def test_an_unfinished_build_of_other_arguments(small, out, pristine):
    (out / ".build").mkdir()
    (out / "build.json").rename(out / ".build/plan.json")
    assert "--seed" in refusal(small, out, seed=1)
    run(small, out, overwrite=True)
    assert files_of(out) == pristine


@pytest.mark.parametrize("text", ("{", "[]", "{}", '{"made_by": 3}'))
def test_a_damaged_build_json(small, out, text):
    (out / "build.json").write_text(text)
    assert "--overwrite" in refusal(small, out)
    run(small, out, overwrite=True)
    assert summary_of(out)["splits"]["train"]["rows"] == 300


def test_another_build_is_writing(small, tmp_path):
    """The lock is held by another process, and goes with it."""
    out = tmp_path / "out"
    out.mkdir()
    code = "import fcntl, os, sys; fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX)"
    holder = subprocess.Popen(
        [sys.executable, "-c", f"{code}; print(flush=True); input()", out],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "\n"
    for overwrite in (False, True):
        assert "is being written by another build" in refusal(small, out, overwrite=overwrite)
        assert not list(out.iterdir())
    holder.communicate("\n")
    run(small, out)


def test_two_builds_at_once(large, tmp_path):
    """The second gives way while the first, held up here, is at work."""
    words = (
        "build",
        "--dataset",
        "hme100k",
        "--root",
        large,
        "--out",
        tmp_path / "out",
        "--tasks",
        "recognition",
    )
    first = subprocess.Popen(
        command(*words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not list((tmp_path / "out").glob(".build/*.tmp")):
        assert first.poll() is None
        time.sleep(0.002)
    os.killpg(first.pid, signal.SIGSTOP)
    line = one_line(run_command(*words))
    os.killpg(first.pid, signal.SIGCONT)
    assert "is being written by another build" in line
    first.communicate(timeout=60)
    assert first.returncode == 0


@pytest.mark.parametrize("overwrite", (False, True))
def test_foreign_files(small, tmp_path, overwrite):
    (tmp_path / "out/data").mkdir(parents=True)
    (tmp_path / "out/thesis.tex").write_text("mine")
    assert "choose another --out" in refusal(small, tmp_path / "out", overwrite=overwrite)
    assert (tmp_path / "out/thesis.tex").read_text() == "mine"


def test_overwrite_spares_what_no_build_made(small, out, pristine):
    (out / "notes.txt").write_text("mine")
    assert "notes.txt" in refusal(small, out, seed=1, overwrite=True)
    assert files_of(out) == {**pristine, "notes.txt": b"mine"}


def test_an_out_that_cannot_be(small, tmp_path):
    (tmp_path / "file").write_text("mine")
    assert "File exists" in refusal(small, tmp_path / "file")
    assert "Not a directory" in refusal(small, tmp_path / "file/out")
    assert (tmp_path / "file").read_text() == "mine"
    words = ("build", "--dataset", "hme100k", "--root", small, "--out", "/proc/hmer-tasks/out")
    assert "choose another --out" in one_line(run_command(*words))


def without_root_s_rights():
    """Root writes everywhere but for this: a child starts without the rights to pass over permissions."""
    drop_from_bounding_set = 24  # PR_CAPBSET_DROP of <linux/prctl.h>
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        ctypes.CDLL(None).prctl(drop_from_bounding_set, capability, 0, 0, 0)


def test_an_out_without_the_right_to_write(small, tmp_path):
    (tmp_path / "out").mkdir(mode=0o500)
    words = ("build", "--dataset", "hme100k", "--root", small, "--out", tmp_path / "out")
    assert "Permission denied" in one_line(run_command(*words, preexec_fn=without_root_s_rights))
    assert not list((tmp_path / "out").iterdir())
