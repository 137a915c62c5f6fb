"""Time and memory of comparing the ids of a large corpus, by one and by two processes.

    python -m bench.repeated_ids [--ids 10000000 50000000] [--workers 1 2]

The ids are made up as they are asked for; every millionth one repeats an earlier one. Each case runs in a process
of its own. Peak resident sizes (VmHWM) count what is shared, the table of four bytes an id, in each process.
"""

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass

from bench.memory import children, peak
from hmer_tasks.pipeline.repeated_ids import find_repeated_ids

REPEATED = 1_000_000


@dataclass(frozen=True, slots=True)
class MadeUp:
    """Ids without a file."""

    count: int

    def id(self, index: int) -> str:
        """The id of an input."""
        return f"train_{index - 1 if index and index % REPEATED == 0 else index}.jpg"


def case(count: int, workers: int) -> None:
    """Run one case in this process."""
    start = time.perf_counter()
    repeated = find_repeated_ids(MadeUp(count), count, workers)
    assert repeated == {at: at - 1 for at in range(REPEATED, count, REPEATED)}
    used = os.times()
    print(f"{time.perf_counter() - start:.1f} {sum(used[:2]):.1f} {sum(used[2:4]):.1f}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    arguments.add_argument("--ids", type=int, nargs="+", default=[10_000_000, 50_000_000])
    arguments.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    chosen = arguments.parse_args()
    for count in chosen.ids:
        for workers in chosen.workers:
            code = f"from bench.repeated_ids import case; case({count}, {workers})"
            process = subprocess.Popen(
                [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            peaks: dict[int, float] = {}
            while process.poll() is None:
                for pid in (process.pid, *children(process.pid)):
                    peaks[pid] = max(peaks.get(pid, 0.0), peak(pid))
                time.sleep(0.1)
            assert process.stdout is not None
            seconds, alone, shared_out = process.stdout.read().split()
            sizes = ", ".join(f"{size:,.0f}" for size in peaks.values())
            print(
                f"{count:>11,} ids, workers {workers}: {seconds} s; of the processor {alone} s in the parent, "
                f"{shared_out} s in the workers; peak MB of each process {sizes}",
                flush=True,
            )


if __name__ == "__main__":
    main()
