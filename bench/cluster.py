"""A build on a cluster against the local build: the same bytes, and how long each took.

    python -m bench.cluster ray [--samples 12000] [--keep]     head and two worker nodes here; one is killed
    python -m bench.cluster slurm [--partition cpu]            a Slurm that runs here (sinfo must answer)

Ray: ray.cluster_utils.Cluster starts the nodes as processes of this machine. Once a shard is done the
node that is at work is killed with its processes. Slurm: once a shard is done the same command is given
again (nothing may be submitted), then the array is cancelled and the command given a third time, which
makes only what is missing; at last a third of the shards is removed, and it makes those.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from bench.corpus import make

DISTINCT = 50  # photographs drawn; the others repeat them


def files_of(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def command(root: Path, out: Path, *more: str) -> list[str]:
    words = [sys.executable, "-m", "hmer_tasks", "build", "--dataset", "hme100k", "--root", str(root)]
    return [*words, "--out", str(out), "--tasks", "recognition,error_detection", *more]


def timed(words: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def markers(out: Path) -> list[Path]:
    return list((out / ".build").glob("*-of-*.json"))


def kill_when(done: Callable[[], bool], node: object, cluster: object, lines: list[str]) -> None:
    """Kill a Ray node, with all its processes, as soon as `done`."""
    while not done():
        time.sleep(0.02)
    cluster.remove_node(node, allow_graceful=False)  # type: ignore[attr-defined]
    lines.append("a worker node was killed")


def on_ray(root: Path, out: Path) -> float:
    """A head without a core, two nodes of one core each: the second is killed after the first shard."""
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "300")  # of a machine that is busy otherwise
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    second = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    lines: list[str] = []
    watch = threading.Thread(
        target=kill_when, args=(lambda: bool(markers(out)), second, cluster, lines), daemon=True
    )
    watch.start()
    os.environ["RAY_ADDRESS"] = cluster.address
    seconds = timed(command(root, out, "--on", "ray", "--world-size", "6"))
    print(
        f"ray: {lines[0] if lines else 'NO NODE WAS KILLED'}; nodes at the end: {len(cluster.list_all_nodes())}"
    )
    cluster.shutdown()
    return seconds


def on_slurm(root: Path, out: Path, partition: str) -> float:
    """An array job that is asked for twice, cancelled in mid-build and gone on with; then shards are lost."""
    words = command(root, out, "--on", "slurm", "--world-size", "4", "--slurm", f"partition={partition}")
    words += ["--slurm", "time=01:00:00", "--slurm", "mem=1"]
    start = time.perf_counter()
    subprocess.run(words, check=True)
    while not markers(out):
        time.sleep(0.2)
    before = queue()
    again = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    assert "is still at it" in again and set(queue()) <= set(before), (again, before)
    subprocess.run(["scancel", "--name", "hmer-tasks"], check=True)
    while queue():
        time.sleep(0.5)
    kept = {path.name: path.stat().st_mtime_ns for path in markers(out)}
    print(f"slurm: cancelled with {len(kept)} shards done; {again.strip()}")
    subprocess.run(words, check=True)
    shards = {path: path.stat().st_mtime_ns for path in (out / "data").iterdir()}
    wait_for(out / "build.json")
    seconds = time.perf_counter() - start
    for path, moment in shards.items():
        assert f"{path.stem}.json" not in kept or path.stat().st_mtime_ns == moment, f"{path} was made twice"
    while queue():
        time.sleep(0.5)
    whole = json.loads((out / "build.json").read_text())
    lost = sorted((out / "data").iterdir())[::3]
    for path in lost:
        path.unlink()
    subprocess.run([*words, "--workers", "1"], check=True)
    assert json.loads((out / "build.json").read_text()) == whole
    print(f"slurm: {len(lost)} shards were removed and made again by the same command")
    return seconds


def queue() -> list[str]:
    """The tasks that Slurm has of us."""
    words = ["squeue", "--noheader", "--name", "hmer-tasks", "--array", "--format", "%i"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()


def wait_for(path: Path) -> None:
    while not path.exists():
        queue = subprocess.run(["squeue", "-h"], capture_output=True, text=True, check=True).stdout.strip()
        if not queue and not path.exists():
            time.sleep(3)
            if not path.exists():
                raise SystemExit(f"the queue is empty and {path} is not there")
        time.sleep(1)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("engine", choices=("ray", "slurm"))
    arguments.add_argument("--samples", type=int, default=12_000)
    arguments.add_argument("--partition", default="cpu")
    arguments.add_argument("--keep", action="store_true", help="leave the files")
    chosen = arguments.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="hmer-cluster-"))
    root = make(scratch, chosen.samples, DISTINCT)
    local = timed(command(root, scratch / "local", "--workers", "2"))
    out = scratch / chosen.engine
    seconds = on_ray(root, out) if chosen.engine == "ray" else on_slurm(root, out, chosen.partition)
    same = files_of(out) == files_of(scratch / "local")
    shards = len(list((out / "data").iterdir()))
    print(f"{chosen.engine}: {shards} shards in {seconds:.1f} s, the local build in {local:.1f} s")
    print(f"{chosen.engine}: {'the same bytes' if same else 'OTHER BYTES'} as the local build")
    if not chosen.keep:
        shutil.rmtree(scratch)
    if not same:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
