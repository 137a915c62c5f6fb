"""The build as a datatrove step, run by datatrove's own local executor: the bytes of the local build."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hmer_tasks.exceptions import UsageError
from hmer_tasks.pipeline import BuildOptions, build
from hmer_tasks.pipeline.cluster import launch
from hmer_tasks.pipeline.ranks import build_rank
from tests.pipeline.conftest import files_of, one_line, run_command

ROOT = Path(__file__).parent.parent.parent


def options(root, out, **more):
    """Four shards: three of train, one of test."""
    return BuildOptions("hme100k", root=root, out=out, tasks=("recognition",), **more)


@pytest.fixture(scope="module")
def reference(large, tmp_path_factory):
    out = tmp_path_factory.mktemp("reference") / "out"
    build(options(large, out))
    return files_of(out)


def test_on_local(large, reference, tmp_path, monkeypatch):
    """Several tasks, relative paths; OUT holds the build and nothing of the engine's."""
    monkeypatch.chdir(tmp_path)
    words = "build", "--dataset", "hme100k", "--root", large, "--out", "out", "--tasks", "recognition"
    done = run_command(*words, "--on", "local", "--world-size", 3, "--workers", 2)
    assert (done.returncode, done.stderr) == (0, "")
    assert "wrote 4 shards" in done.stdout
    assert files_of(tmp_path / "out") == reference
    assert sorted(path.name for path in (tmp_path / "out.logs/logs").iterdir()) == [
        f"task_{rank:05d}.log" for rank in range(3)
    ]
    stats = json.loads((tmp_path / "out.logs/stats.json").read_text())
    assert stats[0]["stats"]["shards"]["total"] == 4
    assert "is already built with these arguments" in run_command(*words, "--on", "local").stdout


def test_a_second_launch_does_what_is_missing(large, reference, tmp_path):
    """A shard lost, one damaged at its full size, one marker damaged: those three, by one task each."""
    out = tmp_path / "out"
    launch(options(large, out, limit=None), "local", 1)
    shards = sorted((out / "data").iterdir())
    build_json = json.loads((out / "build.json").read_text())
    assert files_of(out) == reference
    # As a build that was killed before its end: markers instead of build.json.
    _unfinish(large, out)
    kept = shards[0].stat().st_mtime_ns
    shards[1].unlink()
    data = bytearray(shards[2].read_bytes())
    data[1000] ^= 4
    shards[2].write_bytes(data)
    marker = out / f".build/{shards[3].stem}.json"
    marker.write_text(marker.read_text().replace('"samples": ', '"samples": 1', 1))
    done = launch(options(large, out), "local", 8)
    assert done.written == 3
    assert done.built.summary == build_json
    assert files_of(out) == reference
    assert shards[0].stat().st_mtime_ns == kept


def _unfinish(root, out):
    """Put OUT back to the moment before its totals were merged."""
    from hmer_tasks.pipeline.markers import write_plan
    from hmer_tasks.pipeline.runner import open_build, run_jobs

    with open_build(options(root, out)) as it:
        for name in ("build.json", "README.md", "rejects.jsonl", "data"):
            it.store.remove(name)
        write_plan(it.store, it.plan)
        it.store.prepare()
        run_jobs(it.work, it.plan.jobs, 1)


def test_a_rank_that_fails(large, tmp_path):
    """The first fault is the command's one line."""
    words = "build", "--dataset", "hme100k", "--root", large, "--out", tmp_path / "out"
    (tmp_path / "out.logs").mkdir()
    (tmp_path / "out.logs/logs").write_text("in the way")
    line = one_line(run_command(*words, "--on", "local", "--world-size", 2))
    assert "out.logs/logs" in line


def test_wrong_usage(large, tmp_path):
    words = "build", "--dataset", "hme100k", "--root", large, "--out", tmp_path / "out"
    assert "partition=NAME" in one_line(run_command(*words, "--on", "slurm"), 2)
    assert "KEY=VALUE" in one_line(run_command(*words, "--on", "slurm", "--slurm", "partition"), 2)
    assert "whole numbers" in one_line(
        run_command(*words, "--on", "slurm", "--slurm", "partition=cpu", "--slurm", "cpus=many"), 2
    )
    assert "--rank" in one_line(run_command(*words, "--on", "local", "--rank", 1, "--world-size", 2), 2)
    assert "at least 1" in one_line(run_command(*words, "--on", "local", "--world-size", 0), 2)
    assert "are for --on" in one_line(run_command(*words, "--slurm", "partition=cpu"), 2)
    with pytest.raises(UsageError, match="no engine"):
        launch(options(large, tmp_path / "out"), "moon")


def test_slurm_that_is_not_here(large, tmp_path):
    words = "build", "--dataset", "hme100k", "--root", large, "--out", tmp_path / "out"
    done = run_command(*words, "--on", "slurm", "--slurm", "partition=cpu", env={"PATH": str(tmp_path)})
    assert "no command 'sbatch'" in one_line(done)


SBATCH = """#!/bin/sh
echo "$@" >> {here}/submitted
echo Submitted batch job 41
"""
SQUEUE = """#!/bin/sh
cat {here}/queue 2>/dev/null || {{ echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1; }}
"""


def test_an_array_that_is_still_queued(large, reference, tmp_path):
    """Slurm's two commands stand in as scripts: what is at work already is not submitted again."""
    out = tmp_path / "out"
    words = "build", "--dataset", "hme100k", "--root", large, "--out", out, "--tasks", "recognition"
    words = *words, "--on", "slurm", "--slurm", "partition=cpu"
    for name, text in (("sbatch", SBATCH), ("squeue", SQUEUE)):
        (tmp_path / name).write_text(text.format(here=tmp_path))
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}

    def submitted():
        return (tmp_path / "submitted").read_text().count("RUN_OFFSET")

    assert "submitted to Slurm: 4 shards" in run_command(*words, env=environment).stdout
    (tmp_path / "queue").write_text("41\n")
    build_rank(options(large, out), 0, 4)
    again = run_command(*words, env=environment)
    assert again.returncode == 0
    assert "Slurm job 41 is still at it, 3 shards are left" in again.stdout
    assert "scancel 41" in one_line(run_command(*words, "--overwrite", env=environment))
    assert submitted() == 1
    (tmp_path / "queue").unlink()
    assert "submitted to Slurm: 3 shards" in run_command(*words, env=environment).stdout
    assert submitted() == 2
    (tmp_path / "queue").write_text("41\n")
    for rank in range(4):
        build_rank(options(large, out), rank, 4)
    assert "is already built with these arguments" in run_command(*words, env=environment).stdout
    assert files_of(out) == reference


def test_a_task_of_an_array_loads_the_plug_ins(tmp_path):
    """What Slurm starts, a process that knows nothing but the pickled step, builds rows of a script's task."""
    script = tmp_path / "boxes.py"
    script.write_bytes((ROOT / "examples/bounding_boxes_task.py").read_bytes())
    words = "build", "--dataset", "synthetic", "--count", 20, "--tasks", "recognition,bounding_boxes"
    words = *words, "--plugin", script
    assert run_command(*words, "--out", tmp_path / "here").returncode == 0
    for name, text in (("sbatch", SBATCH), ("scontrol", "#!/bin/sh\necho node1\n")):
        (tmp_path / name).write_text(text.format(here=tmp_path))
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    out = tmp_path / "out"
    words = *words, "--out", out, "--on", "slurm", "--slurm", "partition=cpu"
    assert "submitted to Slurm: 1 shard to" in run_command(*words, env=environment).stdout
    (pickled,) = (tmp_path / "out.logs").glob("**/*.pik")
    task = [sys.executable, "-m", "datatrove.tools.launch_pickled_pipeline", str(pickled)]
    environment = {**os.environ, **environment, "SLURM_ARRAY_TASK_ID": "0", "SLURM_NODELIST": "node1"}
    done = subprocess.run(task, env=environment, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert files_of(out) == files_of(tmp_path / "here")
