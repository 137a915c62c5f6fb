"""A build shared among ranks ends in the bytes of the local build, in whatever order and however often they run."""

import os
import signal
import subprocess
import time

import pytest

from hmer_tasks.exceptions import BuildError, UsageError
from hmer_tasks.pipeline import BuildOptions, build
from hmer_tasks.pipeline.markers import plan_digest, read_marker
from hmer_tasks.pipeline.ranks import build_rank
from hmer_tasks.storage.store import LocalStore
from tests.pipeline.conftest import command, files_of, make_hme100k, one_line, run_command


def options(root, out, **more):
    """Four shards: three of train, one of test."""
    return BuildOptions("hme100k", root=root, out=out, tasks=("recognition",), workers=1, **more)


def words(root, out):
    return (
        "build",
        "--dataset",
        "hme100k",
        "--root",
        root,
        "--out",
        out,
        "--tasks",
        "recognition",
        "--workers",
        1,
    )


@pytest.fixture(scope="module")
def reference(large, tmp_path_factory):
    out = tmp_path_factory.mktemp("reference") / "out"
    build(options(large, out))
    return files_of(out)


@pytest.mark.parametrize("order", ((0, 1, 2), (2, 0, 1)))
def test_ranks_one_after_another(large, reference, tmp_path, order):
    """Each makes every third job; the last to run ends the build."""
    out = tmp_path / "out"
    done = [build_rank(options(large, out), rank, 3) for rank in order]
    assert [rank_done.written for rank_done in done] == [2 if rank == 0 else 1 for rank in order]
    assert [rank_done.built is None for rank_done in done] == [True, True, False]
    assert files_of(out) == reference
    again = build_rank(options(large, out), 0, 3)
    assert again.built.already
    assert files_of(out) == reference


def test_more_ranks_than_jobs(large, reference, tmp_path):
    out = tmp_path / "out"
    done = [build_rank(options(large, out), rank, 6) for rank in range(6)]
    assert [rank_done.written for rank_done in done] == [1, 1, 1, 1, 0, 0]
    assert all(rank_done.built for rank_done in done[3:])
    assert files_of(out) == reference


def test_ranks_at_once(large, reference, tmp_path):
    """Several on one folder: nobody is refused, one ends the build, all exit with 0."""
    out = tmp_path / "out"
    ranks = [
        subprocess.Popen(
            command(*words(large, out), "--rank", rank, "--world-size", 4),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(4)
    ]
    outputs = [rank.communicate(timeout=120) for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0] * 4, outputs
    assert any("wrote 4 shards" in stdout for stdout, _ in outputs)
    assert files_of(out) == reference


def test_a_rank_that_was_killed(large, reference, tmp_path):
    """It is run again, or the build without a rank: either makes what is missing and ends the build."""
    for again in (("--rank", 0, "--world-size", 2), ()):
        out = tmp_path / f"out{len(again)}"
        rank = subprocess.Popen(
            command(*words(large, out), "--rank", 0, "--world-size", 2), start_new_session=True
        )
        while not list((out / ".build").glob("*.tmp")):
            assert rank.poll() is None
            time.sleep(0.002)
        os.killpg(rank.pid, signal.SIGKILL)
        rank.wait()
        assert "2 are left" in run_command(*words(large, out), "--rank", 1, "--world-size", 2).stdout
        assert run_command(*words(large, out), *again).returncode == 0
        assert files_of(out) == reference


def test_a_build_of_its_own_gives_way_to_ranks(large, tmp_path):
    out = tmp_path / "out"
    with LocalStore(out).claim(shared=True):
        with pytest.raises(BuildError, match="is being written by another build"):
            build(options(large, out))
        build_rank(options(large, out), 1, 4)
    with LocalStore(out).claim(), pytest.raises(BuildError, match="is being written by another build"):
        build_rank(options(large, out), 1, 4)


def test_ranks_of_other_arguments(large, tmp_path):
    out = tmp_path / "out"
    build_rank(options(large, out), 0, 4)
    with pytest.raises(BuildError, match=r"--seed: 0 there, 1 asked for"):
        build_rank(options(large, out, seed=1), 1, 4)


def test_a_marker_of_another_plan_does_not_count(large, reference, tmp_path):
    """Two builds that began in the same moment may both have written plan.json."""
    out = tmp_path / "out"
    build_rank(options(large, out, seed=1), 0, 4)
    (out / ".build/plan.json").unlink()
    (out / ".build/plan.json").write_text(_plan_of(large, tmp_path))
    build(options(large, out))
    assert files_of(out) == reference


def _plan_of(root, tmp_path) -> str:
    build_rank(options(root, tmp_path / "other"), 0, 4)
    return (tmp_path / "other/.build/plan.json").read_text()


def test_wrong_usage(large, tmp_path):
    out = tmp_path / "out"
    for rank, world_size in ((-1, 2), (2, 2)):
        with pytest.raises(UsageError, match="--rank must be"):
            build_rank(options(large, out), rank, world_size)
    with pytest.raises(UsageError, match="--world-size must be at least 1, not 0"):
        build_rank(options(large, out), 0, 0)
    with pytest.raises(UsageError, match="--overwrite"):
        build_rank(options(large, out, overwrite=True), 0, 2)
    assert "go together" in one_line(run_command(*words(large, out), "--rank", 0), 2)
    assert "go together" in one_line(run_command(*words(large, out), "--world-size", 2), 2)
    assert not out.exists()


def test_what_a_marker_says(large, tmp_path):
    """The stats of its shard, of its plan alone, and nothing once it is not whole."""
    from hmer_tasks.pipeline.runner import open_build

    out = tmp_path / "out"
    build_rank(options(large, out), 3, 4)
    with open_build(options(large, out)) as it:
        job, digest = it.plan.jobs[3], plan_digest(it.plan.fingerprint)
        assert read_marker(it.store, job, digest)["samples"] == 300
        assert read_marker(it.store, job, "another") is None
        marker = out / f".build/{job.name}.json"
        text = marker.read_text()
        for damaged in (text.replace("300", "301", 1), text[:-5], text[: len(text) // 2], "", "\n\n"):
            marker.write_text(damaged)
            assert read_marker(it.store, job, digest) is None


def test_ids_are_compared_once_for_all_ranks(tmp_path, monkeypatch):
    """What the first rank finds stands in OUT; damaged there, it is found again."""
    root = make_hme100k(tmp_path / "HME100K", 30)
    labels = root / "train/train_labels.txt"
    labels.write_text(labels.read_text() + "train_3.jpg\tx\ntrain_3.jpg\ty\n")
    monkeypatch.setattr("hmer_tasks.pipeline.plan.SAMPLES_PER_SHARD", 10)
    build(options(root, tmp_path / "whole"))
    out = tmp_path / "out"
    build_rank(options(root, out), 0, 3)
    with monkeypatch.context() as patch:
        patch.setattr("hmer_tasks.pipeline.plan.find_repeated_ids", None)  # called, it fails
        build_rank(options(root, out), 1, 3)
    earlier = out / ".build/earlier.json"
    earlier.write_text(earlier.read_text().replace("[30, 3]", "[30, 4]"))
    assert build_rank(options(root, out), 2, 3).built.summary["rejected"] == {"duplicate_id": 2}
    assert files_of(out) == files_of(tmp_path / "whole")
