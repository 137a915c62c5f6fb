"""Peak memory of each process of a build, and time a sample, as a corpus grows (bar: 600 MB, and flat).

    python -m bench.memory [--samples 10000 100000]
    python -m bench.memory --no-images --samples 10000 100000 1000000

Peak resident size (VmHWM of /proc), read while the build runs. Pages that forked workers share with
their parent count in each, so the sum is an upper bound. Time is told whole, and without what a build of one
sample takes. Workers take whole shards of 2,000: of 10,000 samples one of two workers makes 6,000.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.corpus import make

DISTINCT = 400  # photographs drawn; the others repeat them


def peak(process: int) -> float:
    """VmHWM in MB; 0 where the process is gone."""
    try:
        for line in Path(f"/proc/{process}/status").read_text().split("\n"):
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1000
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0.0


def children(process: int) -> list[int]:
    try:
        return [int(pid) for pid in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except FileNotFoundError:
        return []


def watch(root: Path, out: Path, *more: str) -> tuple[dict[int, float], int, float]:
    """Peaks by process id, the parent's id, and the seconds it took."""
    command = [
        sys.executable,
        "-m",
        "hmer_tasks",
        "build",
        "--dataset",
        "hme100k",
        "--root",
        str(root),
        *more,
    ]
    start = time.perf_counter()
    build = subprocess.Popen([*command, "--out", str(out), "--workers", "2"], stdout=subprocess.DEVNULL)
    peaks: dict[int, float] = {}
    while build.poll() is None:
        for process in [build.pid, *children(build.pid)]:
            peaks[process] = max(peaks.get(process, 0.0), peak(process))
        time.sleep(0.2)
    if build.returncode:
        raise SystemExit(f"the build failed with {build.returncode}")
    return peaks, build.pid, time.perf_counter() - start


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--samples", type=int, nargs="+", default=[10_000, 100_000])
    arguments.add_argument(
        "--no-images", action="store_true", help="labels alone: no picture is made or read"
    )
    chosen = arguments.parse_args()
    for count in chosen.samples:
        with tempfile.TemporaryDirectory() as scratch:
            root = make(Path(scratch), count, DISTINCT, not chosen.no_images)
            more = ["--no-images"] if chosen.no_images else []
            fixed = watch(root, Path(scratch) / "one", "--limit", "1", *more)[2]
            peaks, parent, seconds = watch(root, Path(scratch) / "out", *more)
        workers = ", ".join(f"{mb:,.0f}" for process, mb in peaks.items() if process != parent)
        print(
            f"{count:>9,} samples  parent {peaks[parent]:,.0f} MB  workers {workers} MB  {1000 * seconds / count:.3f} ms/sample, "
            f"{1000 * (seconds - fixed) / count:.3f} without the {fixed:.1f} s of a build of one"
        )


if __name__ == "__main__":
    main()
