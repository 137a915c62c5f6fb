"""MathWriting at full scale, simulated: a tar of 230,000 InkML files, read where it lies.

    nice python -m bench.mathwriting_scale [--files 23000 230000] [--rows 20000] [--folder /tmp] [--no-read]

The ink is CROHME's, repeated; its annotations are MathWriting's (`label`, `normalizedLabel`,
`splitTagOriginal`, `sampleId`, `inkCreationMethod`) and its points have a time. Each step runs in a
process of its own, whose peak memory is read (VmHWM): opening and indexing; reading every label, in
order; and building recognition rows with two workers, projected to all of the split. Everything is
made in a temporary folder and removed.
"""

import argparse
import io
import json
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from xml.sax.saxutils import escape

from bench.corpus import CORPORA
from bench.memory import children, peak
from hmer_tasks.exceptions import PictureError
from hmer_tasks.handwriting.inkml import parse

DISTINCT = 2000  # files of CROHME that are repeated
FULL = 229_864
SYNTHETIC = 396_014

STEP = """
import json, sys, time
from pathlib import Path
from hmer_tasks.corpora import CORPORA, Rejected, open_corpus
mode, root = sys.argv[1], Path(sys.argv[2])
start = time.perf_counter()
with open_corpus(CORPORA["mathwriting"], root) as files:
    reader = CORPORA["mathwriting"].open_split(files, "train")
    indexed = time.perf_counter() - start
    start = time.perf_counter()
    refused = sum(isinstance(reader[i], Rejected) for i in range(len(reader))) if mode == "read" else 0
    read = time.perf_counter() - start
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().split("\\n") if ":" in line)
peak = int(status["VmHWM"].split()[0]) / 1000
print(json.dumps({"files": len(reader), "indexed": indexed, "read": read, "refused": refused, "peak": peak}))
"""


def documents() -> list[str]:
    """InkML in MathWriting's form, with %s where its id goes."""
    lines: list[str] = []
    with tarfile.open(CORPORA / "crohme" / "train_inkml.tar.xz", "r|xz") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.endswith(".inkml") else None
            if file is None:
                continue
            try:
                ink = parse(file.read(), member.name)
            except PictureError:
                continue
            label = escape((ink.truth or "x").strip().strip("$").strip()).replace("%", "%%")
            clock = 0
            traces = []
            for number, stroke in enumerate(ink.strokes):
                points = []
                for x, y in stroke:
                    clock += 11
                    points.append(f"{x:.2f} {y:.2f} {clock}.0")
                traces.append(f'<trace id="{number}">{",".join(points)}</trace>')
            lines.append(
                '<ink xmlns="http://www.w3.org/2003/InkML">'
                f'<annotation type="label">{label}</annotation>'
                '<annotation type="splitTagOriginal">train</annotation>'
                '<annotation type="inkCreationMethod">human</annotation>'
                '<annotation type="sampleId">%s</annotation>'
                f'<annotation type="normalizedLabel">{label}</annotation>\n'
                + "\n".join(traces)
                + "\n</ink>\n"
            )
            if len(lines) == DISTINCT:
                break
    return lines


def write(path: Path, count: int, texts: list[str]) -> int:
    """A tar of `count` files; returns its size in bytes."""
    chance = random.Random(0)
    with tarfile.open(path, "w") as archive:
        for number in range(count):
            name = f"{chance.getrandbits(64):016x}"
            data = (texts[number % len(texts)] % name).encode()
            member = tarfile.TarInfo(f"mathwriting-2024/train/{name}.inkml")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path.stat().st_size


def step(mode: str, path: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", STEP, mode, str(path)], capture_output=True, text=True, check=True
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def build(path: Path, rows: int, out: Path) -> tuple[float, list[float]]:
    """Seconds of a build of recognition rows on two workers, and the peaks of its processes in MB."""
    words = "build --dataset mathwriting --split train --tasks recognition --workers 2 --errors synthetic"
    command = [sys.executable, "-m", "hmer_tasks", *words.split(), "--root", str(path), "--out", str(out)]
    start = time.perf_counter()
    process = subprocess.Popen([*command, "--limit", str(rows)], stdout=subprocess.DEVNULL)
    peaks: dict[int, float] = {}
    while process.poll() is None:
        for number in [process.pid, *children(process.pid)]:
            peaks[number] = max(peaks.get(number, 0.0), peak(number))
        time.sleep(0.2)
    if process.returncode:
        raise SystemExit(f"the build failed with {process.returncode}")
    return time.perf_counter() - start, list(peaks.values())


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--files", type=int, nargs="+", default=[23_000, 230_000])
    arguments.add_argument("--rows", type=int, default=20_000)
    arguments.add_argument("--folder", type=Path)
    arguments.add_argument("--no-read", action="store_true", help="index and build alone")
    given = arguments.parse_args()
    texts = documents()
    mean = sum(map(len, texts)) / len(texts)
    need, free = (
        max(given.files) * (mean + 1500),
        shutil.disk_usage(given.folder or tempfile.gettempdir()).free,
    )
    if need * 1.5 > free:
        raise SystemExit(
            f"{need / 1e9:.1f} GB are needed and {free / 1e9:.1f} are free: give another --folder"
        )
    with tempfile.TemporaryDirectory(dir=given.folder) as scratch:
        for count in given.files:
            path = Path(scratch) / "mathwriting-2024.tar"
            size = write(path, count, texts)
            index = step("index", path)
            print(
                f"{count:>9,} files, {size / 1e9:.2f} GB: indexed {count / index['indexed']:,.0f} a second, "
                f"peak {index['peak']:,.0f} MB",
                flush=True,
            )
            if not given.no_read:
                read = step("read", path)
                print(
                    f"          read and parsed {count / read['read']:,.0f} a second, peak {read['peak']:,.0f} MB, "
                    f"{read['refused']:,.0f} refused",
                    flush=True,
                )
        rows = min(given.rows, max(given.files))
        seconds, peaks = build(path, rows, Path(scratch) / "out")
        opened = index["indexed"]
        seconds_a_row = (seconds - opened) / rows
        print(
            f"{rows:,} recognition rows on 2 workers: {seconds:,.0f} s, {rows / seconds:,.0f} a second; peaks "
            f"{', '.join(f'{mb:,.0f}' for mb in peaks)} MB; all {FULL:,} of train would take "
            f"{(opened + seconds_a_row * FULL) / 60:,.0f} min, {SYNTHETIC:,} of synthetic {seconds_a_row * SYNTHETIC / 60:,.0f} min"
        )


if __name__ == "__main__":
    main()
