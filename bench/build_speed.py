"""The whole build of HME100K-layout samples with 2 workers, as a ratio to a floor in the same run.

    python bench/build_speed.py [--samples 20000] [--keep FOLDER]

The floor is one process that reads and decodes each picture and writes the very same finished rows
with the same writer: what no builder can leave out. Both run in turns, twice; the best of each counts.
"""

import argparse
import io
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq
from PIL import Image

from bench.corpus import make
from hmer_tasks.images import gate
from hmer_tasks.shards.records import SampleRows
from hmer_tasks.shards.writer import ShardWriter
from hmer_tasks.tasks import Row

TURNS = 2


def finished_rows(out: Path) -> list[list[SampleRows]]:
    """The samples of each shard, without their pictures."""
    shards = []
    for path in sorted((out / "data").glob("*.parquet")):
        samples: dict[str, tuple[str, str, list[Row]]] = {}
        columns = ["id", "source", "task", "prompt", "completion", "label", "gt", "candidate", "marked"]
        for r in pq.read_table(path, columns=columns).to_pylist():
            row = Row(
                r["task"],
                r["label"],
                r["prompt"][0]["content"],
                r["completion"][0]["content"],
                r["candidate"],
                r["marked"],
            )
            samples.setdefault(r["id"], (r["source"], r["gt"], []))[2].append(row)
        shards.append([SampleRows(i, s, gt, b"", i, tuple(rows)) for i, (s, gt, rows) in samples.items()])
    return shards


def floor(root: Path, shards: list[list[SampleRows]], out: Path) -> float:
    start = time.perf_counter()
    out.mkdir()
    for number, samples in enumerate(shards):
        with ShardWriter(out / f"{number}.parquet") as writer:
            for sample in samples:
                data = (root / "train" / "train_images" / sample.id).read_bytes()
                with Image.open(io.BytesIO(data)) as picture:
                    picture.load()
                writer.add(SampleRows(sample.id, sample.source, sample.gt, data, sample.id, sample.rows))
    return time.perf_counter() - start


def build(root: Path, out: Path, workers: int) -> float:
    start = time.perf_counter()
    command = [sys.executable, "-m", "hmer_tasks", "build", "--dataset", "hme100k", "--root", str(root)]
    subprocess.run(
        [*command, "--out", str(out), "--workers", str(workers)], check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - start


def gate_share(root: Path, whole: float) -> float:
    """The time that the picture gate alone takes, as a share of a whole build by one worker."""
    seconds = 0.0
    for path in (root / "train" / "train_images").iterdir():
        data = path.read_bytes()
        start = time.perf_counter()
        gate(data, path.name)
        seconds += time.perf_counter() - start
    return seconds / whole


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--samples", type=int, default=20_000)
    arguments.add_argument("--keep", type=Path, help="make the corpus here and keep it")
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        base = chosen.keep or Path(scratch)
        root = base / "HME100K"
        if not root.exists():
            make(base, chosen.samples)
        work = Path(scratch)
        ours, floors, singles = [], [], []
        shards: list[list[SampleRows]] = []
        for turn in range(TURNS):
            ours.append(build(root, work / f"ours{turn}", 2))
            shards = shards or finished_rows(work / f"ours{turn}")
            floors.append(floor(root, shards, work / f"floor{turn}"))
            if turn == 0:
                singles.append(build(root, work / "single", 1))
            shutil.rmtree(work / f"floor{turn}")
        pictures = sum(path.stat().st_size for path in (root / "train" / "train_images").iterdir())
        written = sum(path.stat().st_size for path in (work / "ours0" / "data").iterdir())
        gated = gate_share(root, min(singles))
    n = sum(map(len, shards))
    print(
        f"samples: {n:,}, pictures of {pictures / n / 1000:.1f} KB, shards {written / pictures:.3f} x the pictures"
    )
    print(f"floor, one process     {min(floors):>7.1f} s  {n / min(floors):>7,.0f} samples/s   1.00")
    print(
        f"build, 1 worker        {min(singles):>7.1f} s  {n / min(singles):>7,.0f} samples/s  {min(singles) / min(floors):>5.2f}"
    )
    print(
        f"build, 2 workers       {min(ours):>7.1f} s  {n / min(ours):>7,.0f} samples/s  {min(ours) / min(floors):>5.2f}   (bar 0.8, aim 0.65)"
    )
    print(f"of a build by 1 worker the picture gate takes {gated:.0%}")


if __name__ == "__main__":
    main()
