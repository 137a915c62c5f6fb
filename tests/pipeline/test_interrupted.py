"""A build that is killed, stopped, or runs out of disk goes on where it was, to the same bytes."""

import os
import random
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.pipeline.conftest import command, files_of, one_line, run_command, without_progress

DEADLINE = 180  # seconds
SMALL = "train-00001-of-00002"  # 500 of the 2,500 inputs


def arguments(root, out):
    """A build of two train shards, one valid, one test."""
    words = f"build --dataset hme100k --root {root} --out {out} --workers 2 --valid-share 0.1"
    return *words.split(), "--tasks", "recognition,error_detection", "--limit", 2_500


@pytest.fixture(scope="module")
def reference(large, tmp_path_factory):
    """An undisturbed build and how long it took."""
    out = tmp_path_factory.mktemp("reference") / "out"
    start = time.monotonic()
    assert run_command(*arguments(large, out)).returncode == 0
    return files_of(out), time.monotonic() - start


def started(root, out, **options):
    """A build in a process group of its own."""
    return subprocess.Popen(
        command(*arguments(root, out)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def children_of(parent: int) -> list[int]:
    """The processes whose parent it is, zombies left out."""
    seen = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == parent and fields[0] != "Z":
                seen.append(int(entry.name))
    return seen


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition, what: str):
    end = time.monotonic() + DEADLINE
    while not (seen := condition()):
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.005)
    return seen


def workers_of(process) -> list[int]:
    def both() -> list[int]:
        assert process.poll() is None, process.communicate()
        seen = children_of(process.pid)
        return seen if len(seen) == 2 else []

    return wait_until(both, "two workers")


def wait_for_work(process, out):
    """Until a shard is half written."""

    def writing():
        assert process.poll() is None, process.communicate()
        return list((out / ".build").glob("*.parquet.tmp"))

    wait_until(writing, "a shard in the making")


def kill_after_a_shard(process, out, number):
    """Send a signal once a small shard is whole, while the large one is still being written."""
    stats = out / ".build" / f"{SMALL}.json"
    wait_until(lambda: stats.exists() or process.poll() is not None, "a whole shard")
    os.killpg(process.pid, number)
    process.communicate(timeout=DEADLINE)
    assert stats.exists()
    return out / "data" / f"{SMALL}.parquet"


def finish(root, out, reference):
    done = run_command(*arguments(root, out))
    assert done.returncode == 0, done.stderr
    assert files_of(out) == reference[0]
    return done


def test_killed_again_and_again(large, reference, tmp_path):
    """SIGKILL to the parent at random moments; its workers end by themselves."""
    out, chance = tmp_path / "out", random.Random(2)
    for _ in range(5):
        process = started(large, out)
        time.sleep(chance.uniform(0.15, 1.1) * reference[1])
        workers = children_of(process.pid)
        process.kill()
        process.communicate()
        wait_until(lambda gone=workers: not any(map(alive, gone)), "the workers' end")
        if (out / "build.json").exists():
            break
        for path in (out / "data").glob("*"):  # whatever has a shard's name is whole
            assert path.read_bytes() == reference[0][f"data/{path.name}"]
    finish(large, out, reference)


def test_killed_with_its_workers(large, reference, tmp_path):
    out = tmp_path / "out"
    process = started(large, out)
    wait_for_work(process, out)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert list((out / ".build").glob("*.tmp"))
    finish(large, out, reference)


def test_what_is_finished_is_kept(large, reference, tmp_path):
    out = tmp_path / "out"
    shard = kill_after_a_shard(started(large, out), out, signal.SIGKILL)
    written = shard.stat().st_mtime_ns
    done = finish(large, out, reference)
    assert "finished shards are kept" in done.stderr
    assert shard.stat().st_mtime_ns == written


def test_a_killed_worker(large, reference, tmp_path):
    out = tmp_path / "out"
    process = started(large, out)
    workers = workers_of(process)
    wait_for_work(process, out)
    os.kill(workers[0], signal.SIGKILL)
    _, stderr = process.communicate(timeout=DEADLINE)
    assert process.returncode == 1
    assert without_progress(stderr).count("\n") == 1
    assert "a worker was killed" in stderr
    assert not alive(workers[1])
    finish(large, out, reference)


@pytest.mark.parametrize(
    ("number", "to_all"),
    ((signal.SIGINT, True), (signal.SIGINT, False), (signal.SIGTERM, True), (signal.SIGTERM, False)),
)
def test_signals(large, reference, tmp_path, number, to_all):
    """One line, 128 + the signal's number; Ctrl-C reaches the whole group, `kill` the parent alone."""
    out = tmp_path / "out"
    process = started(large, out)
    wait_for_work(process, out)
    workers = children_of(process.pid)
    (os.killpg if to_all else os.kill)(process.pid, number)
    _, stderr = process.communicate(timeout=DEADLINE)
    assert process.returncode == 128 + number, stderr
    assert (
        without_progress(stderr)
        == "hmer-tasks: stopped; what is finished is kept: run the same command to go on\n"
    )
    assert not any(map(alive, workers))
    if to_all:
        finish(large, out, reference)


def test_signals_at_any_moment(large, tmp_path):
    """From the command's first line of work to its last: never a traceback, never another exit code."""
    chance = random.Random(5)
    for turn in range(6):
        out = tmp_path / f"{turn}"
        process = started(large, out)
        wait_until(out.exists, "OUT")
        time.sleep(chance.uniform(0, 0.3))
        os.killpg(process.pid, signal.SIGINT)
        _, stderr = process.communicate(timeout=DEADLINE)
        assert (process.returncode, without_progress(stderr).count("\n")) == (130, 1), stderr


def test_stopped_with_overwrite_it_goes_on_too(large, reference, tmp_path):
    out = tmp_path / "out"
    kill_after_a_shard(started(large, out), out, signal.SIGTERM)
    done = run_command(*arguments(large, out), "--overwrite")
    assert "finished shards are kept" in done.stderr
    assert files_of(out) == reference[0]


def test_a_shard_of_another_size_is_written_again(large, reference, tmp_path):
    out = tmp_path / "out"
    shard = kill_after_a_shard(started(large, out), out, signal.SIGKILL)
    shard.write_bytes(shard.read_bytes()[:1000])
    (valid,) = (name for name in reference[0] if name.startswith("data/valid-"))
    (out / ".build" / f"{Path(valid).stem}.json").write_text("")
    finish(large, out, reference)


def test_leftovers_of_the_very_end(large, reference, tmp_path):
    """Killed while build.json was written, or right after it had its name."""
    out = tmp_path / "out"
    out.mkdir()
    for name, data in reference[0].items():
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_bytes(data)
    (out / ".build").mkdir()
    (out / ".build/plan.json").write_text("{}")
    done = run_command(*arguments(large, out))
    assert "is already built with these arguments" in done.stdout
    assert files_of(out) == reference[0]
    (out / ".build.json.tmp").write_text("half")
    assert run_command(*arguments(large, out), "--overwrite").returncode == 0
    assert files_of(out) == reference[0]


def test_no_room_for_a_file(large, reference, tmp_path):
    """A limit on file sizes stands in for a full disk: the write fails in the middle of a shard."""
    out = tmp_path / "out"

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))

    line = one_line(run_command(*arguments(large, out), preexec_fn=limit))
    assert "run the same command to go on" in line
    assert not list((out / "data").iterdir())
    finish(large, out, reference)


def test_a_full_disk(large, reference, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=1500k", "none", disk], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("no right to mount a small file system")
    try:
        line = one_line(run_command(*arguments(large, disk / "out")))
        assert "No space left on device" in line
        assert "run the same command to go on" in line
        subprocess.run([mount, "-o", "remount,size=100m", disk], check=True)
        finish(large, disk / "out", reference)
    finally:
        subprocess.run(["umount", disk], check=True)


def test_out_removed_while_it_is_built(large, reference, tmp_path):
    """It is not said that anything is kept; the same command builds all of it."""
    out = tmp_path / "out"
    process = started(large, out)
    wait_for_work(process, out)
    # moved aside in one step: a removal file by file races with the workers, who write meanwhile
    out.rename(tmp_path / "removed")
    _, stderr = process.communicate(timeout=DEADLINE)
    line = without_progress(stderr)
    assert (process.returncode, line.count("\n")) == (1, 1)
    assert f"{out} was removed while it was being built" in line
    assert "kept" not in line
    assert "build it again from the start" in line
    assert not out.exists()
    finish(large, out, reference)


def test_a_shard_removed_while_it_is_built(large, reference, tmp_path):
    """Its marker says that it is done; without it the build is not finished."""
    out = tmp_path / "out"
    process = started(large, out)
    stats = out / ".build" / f"{SMALL}.json"
    wait_until(lambda: stats.exists() or process.poll() is not None, "a whole shard")
    (out / "data" / f"{SMALL}.parquet").unlink()
    _, stderr = process.communicate(timeout=DEADLINE)
    line = without_progress(stderr)
    assert (process.returncode, line.count("\n")) == (1, 1), line
    assert f"{SMALL}.parquet was removed while the build ran: what was removed is lost" in line
    assert not (out / "build.json").exists()
    finish(large, out, reference)
