"""A build with 3 workers, killed at random moments and resumed: the same bytes every time?

    python -m bench.kills [--times 50] [--samples 1500]

SIGKILL to the whole process group, up to two shards' time after a number of shards that is drawn anew each
time, from none to all (so that a busy machine does not shift the moments to one end); then the same command to the
end. Shards are cut at 100 inputs instead of 2,000, so that a small corpus makes as many as a large one.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from bench.corpus import make

DISTINCT = 50  # photographs drawn; the others repeat them
SMALL_SHARDS = "from hmer_tasks.pipeline import plan; plan.SAMPLES_PER_SHARD = 100; from hmer_tasks.cli.app import main; main()"


def command(root: Path, out: Path) -> list[str]:
    words = ["build", "--dataset", "hme100k", "--root", str(root), "--out", str(out), "--workers", "3"]
    return [sys.executable, "-c", SMALL_SHARDS, *words]


def files_of(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def state_of(out: Path) -> str:
    """How far a build had come when it was killed."""
    if (out / "build.json").exists():
        return "it was finished"
    if not (out / ".build/plan.json").exists():
        return "nothing was written"
    done = len(list((out / ".build").glob("*-of-*.json")))
    return "no shard was done" if not done else "some shards were done"


def killed(root: Path, out: Path, shards: int, after: float) -> str:
    build = subprocess.Popen(
        command(root, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    while build.poll() is None and len(list((out / ".build").glob("*-of-*.json"))) < shards:
        time.sleep(0.02)
    time.sleep(after)
    with suppress(ProcessLookupError):
        os.killpg(build.pid, signal.SIGKILL)
    build.wait()
    return state_of(out)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--times", type=int, default=50)
    arguments.add_argument("--samples", type=int, default=1_500)
    arguments.add_argument("--seed", type=int, default=1)
    chosen = arguments.parse_args()
    chance, states, other = random.Random(chosen.seed), Counter[str](), 0
    with tempfile.TemporaryDirectory() as scratch:
        root = make(Path(scratch), chosen.samples, DISTINCT)
        start = time.perf_counter()
        subprocess.run(command(root, Path(scratch) / "whole"), check=True, capture_output=True)
        whole, seconds = files_of(Path(scratch) / "whole"), time.perf_counter() - start
        shards = sum(name.endswith(".parquet") for name in whole)
        print(f"undisturbed: {seconds:.1f} s, {shards} shards", flush=True)
        for number in range(1, chosen.times + 1):
            out = Path(scratch) / f"out{number}"
            after = chance.uniform(0, 2 * seconds / shards)
            states[killed(root, out, chance.randint(0, shards), after)] += 1
            subprocess.run(command(root, out), check=True, capture_output=True)
            other += files_of(out) != whole
            if number % 10 == 0 or number == chosen.times:
                print(f"{number} kills: {number - other} times the same bytes; {dict(states)}", flush=True)
    if other:
        raise SystemExit(f"{other} builds ended in other bytes")


if __name__ == "__main__":
    main()
