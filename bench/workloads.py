"""One measured piece of work in a process of its own: `bench.table` runs it on this tree and on another commit's.

    python bench/workloads.py NAME FOLDER

Uses only what commands and functions of both commits have. Prints one JSON line: how many units were done, seconds
of processor time (of children too) and of the clock, and a digest of what came out. `NAME` is a name of WORK;
`FOLDER` is what `bench.table` made: labels.txt, HME100K (photographs), CROHME (InkML).
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

TASKS = "recognition,tree_cot,counting,error_detection,error_correction"
Result = tuple[int, str]  # units done, digest


def _labels(folder: Path) -> list[str]:
    return (folder / "labels.txt").read_text(encoding="utf-8").split("\n")


def _part(labels: list[str], count: int) -> list[str]:
    """Evenly spaced ones: the slow references read fewer."""
    return labels[:: max(1, len(labels) // count)]


def parse_and_tree_text(folder: Path) -> Callable[[], Result]:
    """Labels to trees and to their text."""
    from hmer_tasks.exceptions import LabelError
    from hmer_tasks.latex.parser import parse
    from hmer_tasks.latex.tree_text import tree_text

    labels = _labels(folder)

    def work() -> Result:
        digest = hashlib.sha256()
        for label in labels:
            try:
                digest.update(tree_text(parse(label)).encode())
            except LabelError as error:
                digest.update(str(error).encode())
        return len(labels), digest.hexdigest()

    return work


def latex_walker(folder: Path) -> Callable[[], Result]:
    """The reference: pylatexenc's walker."""
    from pylatexenc.latexwalker import LatexWalker

    labels = _part(_labels(folder), 3000)

    def work() -> Result:
        for label in labels:
            LatexWalker(label).get_latex_nodes()
        return len(labels), ""

    return work


def math_core(folder: Path) -> Callable[[], Result]:
    """The reference: math-core, Rust, LaTeX to MathML."""
    from math_core import LatexError, LatexToMathML

    labels = _labels(folder)
    converter = LatexToMathML()

    def work() -> Result:
        for label in labels:
            try:
                converter.convert_with_local_state(label, displaystyle=False)
            except LatexError:
                continue
        return len(labels), ""

    return work


def _build(*arguments: str) -> Result:
    """Rows of a build, and a digest of its shards."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "out"
        command = [sys.executable, "-m", "hmer_tasks", "build", *arguments, "--out", str(out)]
        done = subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        digest, rows = hashlib.sha256(), 0
        for path in sorted((out / "data").glob("*.parquet")):
            rows += pq.read_metadata(path).num_rows
            digest.update(path.read_bytes())
        return rows, digest.hexdigest()


def label_build(folder: Path) -> Callable[[], Result]:
    """All five rows of labels, one process, no pictures."""
    corpus = str(folder / "HME100K-labels")
    return lambda: _build(
        "--dataset", "hme100k", "--root", corpus, "--no-images", "--workers", "1", "--tasks", TASKS
    )


def photograph_build(folder: Path) -> Callable[[], Result]:
    """All five rows of photographs, two workers."""
    return lambda: _build("--dataset", "hme100k", "--root", str(folder / "HME100K"), "--workers", "2")


def inkml_build(folder: Path) -> Callable[[], Result]:
    """CROHME's training ink from InkML, two workers."""
    corpus = str(folder / "CROHME")
    return lambda: _build("--dataset", "crohme", "--root", corpus, "--workers", "2")


def _written(folder: Path, look: str, count: int) -> Callable[[], Result]:
    from hmer_tasks.handwriting.writing import drawable, write, writer

    labels = [label for label in _part(_labels(folder), 3 * count) if drawable(label)][:count]

    def work() -> Result:
        digest = hashlib.sha256()
        for number, label in enumerate(labels):
            digest.update(write(label, writer(number), number, look).data)
        return len(labels), digest.hexdigest()

    return work


def pen_ink(folder: Path) -> Callable[[], Result]:
    """Pictures of the pen's ink."""
    return _written(folder, "ink", 400)


def pen_photographs(folder: Path) -> Callable[[], Result]:
    """Photographs of the pen's ink."""
    return _written(folder, "photo", 200)


def floor(folder: Path) -> Callable[[], Result]:
    """The reference of the photographs' build: one process that reads and decodes each picture and writes the same
    finished rows with the same writer, what no builder can leave out."""
    from bench import build_speed

    if not (folder / "floor").exists():
        build_speed.build(folder / "HME100K", folder / "floor", 2)
    shards = build_speed.finished_rows(folder / "floor")

    def work() -> Result:
        with tempfile.TemporaryDirectory() as scratch:
            build_speed.floor(folder / "HME100K", shards, Path(scratch) / "out")
        return sum(len(sample.rows) for shard in shards for sample in shard), ""

    return work


WORK: dict[str, Callable[[Path], Callable[[], Result]]] = {
    "parse_and_tree_text": parse_and_tree_text,
    "latex_walker": latex_walker,
    "math_core": math_core,
    "label_build": label_build,
    "photograph_build": photograph_build,
    "inkml_build": inkml_build,
    "pen_ink": pen_ink,
    "pen_photographs": pen_photographs,
    "floor": floor,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=list(WORK))
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    work = WORK[given.name](given.folder)
    began, busy = time.perf_counter(), os.times()
    units, digest = work()
    seconds, after = time.perf_counter() - began, os.times()
    worked = sum(after[:4]) - sum(busy[:4])
    print(json.dumps({"units": units, "cpu": worked, "seconds": seconds, "digest": digest}))


if __name__ == "__main__":
    main()
