"""One table of how fast the parts are, each a ratio to a named reference in the same run: `make bench`.

    python -m bench.table                            # against pylatexenc, math-core and the floor of a build
    python -m bench.table --against main             # against another commit, by the same work; the digests tell
                                                     # whether it makes the same bytes
    python -m bench.table --against main --only label_build pen_ink --turns 3

Every piece of work is a process of its own (bench/workloads.py), in turns with its reference, and the median of the
ratios counts. Against a reference the ratio is of units a second (more is better), for a build of seconds
(less is better); against a commit it is of the processor's seconds, or the clock's where two workers share the work (less
is better). A quiet machine, please. Corpora are found by HMER_CORPORA.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.corpus import CORPORA, ROOT, labels, make
from hmer_tasks.utils.progress import progress_over

WORKLOADS = Path(__file__).with_name("workloads.py")
TURNS = 5
# Work, its reference, and what is compared: units a second of one processor, or the clock's seconds.
AGAINST_REFERENCES = (
    ("parse_and_tree_text", "latex_walker", "rate"),
    ("parse_and_tree_text", "math_core", "rate"),
    ("photograph_build", "floor", "seconds"),
)
# Work that another commit can be asked for too, and which seconds count.
AGAINST_COMMIT = {
    "parse_and_tree_text": "cpu",
    "label_build": "cpu",
    "photograph_build": "seconds",
    "inkml_build": "seconds",
    "pen_ink": "cpu",
    "pen_photographs": "cpu",
}
# Its code is not here, so this is no row of the table: one core, before the second wave.
TAMER = "for scale, measured once: TAMER's hand-written tree builder 13,200 labels/s, ours beside it 31,900"


@dataclass(frozen=True, slots=True)
class Done:
    """What a piece of work took."""

    units: int
    cpu: float
    seconds: float
    digest: str

    @property
    def rate(self) -> float:
        """Units a second of one processor."""
        return self.units / self.cpu


def run(name: str, folder: Path, tree: Path) -> Done:
    """A piece of work of the hmer_tasks in `tree`. Raises SystemExit with what it said where it fails."""
    environment = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(WORKLOADS), name, str(folder)]
    done = subprocess.run(command, env=environment, cwd=tree, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} of {tree} failed:\n{done.stderr}")
    return Done(**json.loads(done.stdout.splitlines()[-1]))


def corpora(folder: Path, photographs: int) -> None:
    """What the work is done on: real labels, drawn photographs, CROHME's training ink."""
    (folder / "labels.txt").write_text("\n".join(labels(20_000)), encoding="utf-8")
    make(folder / "photographs", photographs)
    (folder / "photographs" / "HME100K").rename(folder / "HME100K")
    make(folder / "labels", 20_000, pictures=False)
    (folder / "labels" / "HME100K").rename(folder / "HME100K-labels")
    ink = CORPORA / "crohme" / "train_inkml.tar.xz"
    if ink.is_file():
        with tarfile.open(ink) as archive:
            archive.extractall(folder / "CROHME", filter="data")


def commit_tree(commit: str, folder: Path) -> Path:
    """The files of a commit, below `folder`. Raises SystemExit where there is no such commit."""
    tree = folder / "commit"
    tree.mkdir()
    packed = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        raise SystemExit(packed.stderr.decode().strip())
    subprocess.run(["tar", "x", "-C", str(tree)], input=packed.stdout, check=True)
    return tree


def middle(ratios: list[float]) -> str:
    """The median, and in brackets the least and the greatest."""
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def against_references(folder: Path, turns: int, table: Table) -> None:
    """A row for each piece of work that has a reference."""
    for name, reference, kind in AGAINST_REFERENCES:
        pairs = [
            (run(name, folder, ROOT), run(reference, folder, ROOT))
            for _ in progress_over(range(turns), f"{name} / {reference}")
        ]
        ours = statistics.median(mine.rate if kind == "rate" else mine.seconds for mine, _ in pairs)
        theirs = statistics.median(other.rate if kind == "rate" else other.seconds for _, other in pairs)
        ratios = [
            mine.rate / other.rate if kind == "rate" else mine.seconds / other.seconds
            for mine, other in pairs
        ]
        unit = "labels/s" if kind == "rate" else "s"
        table.add_row(name, reference, f"{ours:,.0f} {unit}", f"{theirs:,.0f} {unit}", middle(ratios), "")


def against_commit(commit: str, folder: Path, turns: int, only: list[str], table: Table) -> None:
    """A row for each piece of work, against the same of another commit."""
    tree = commit_tree(commit, folder)
    for name in only:
        if name == "inkml_build" and not (folder / "CROHME").exists():
            continue
        kind = AGAINST_COMMIT[name]
        pairs = [
            (run(name, folder, ROOT), run(name, folder, tree))
            for _ in progress_over(range(turns), f"{name} / {commit}")
        ]
        ours = [getattr(mine, kind) for mine, _ in pairs]
        theirs = [getattr(other, kind) for _, other in pairs]
        same = all(mine.digest == other.digest for mine, other in pairs)
        ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
        figures = [f"{statistics.median(seconds):.2f} s" for seconds in (ours, theirs)]
        table.add_row(name, commit, *figures, middle(ratios), "the same" if same else "OTHER BYTES")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--against", metavar="COMMIT", help="a commit to compare with, instead of the references"
    )
    parser.add_argument("--only", nargs="+", choices=list(AGAINST_COMMIT), default=list(AGAINST_COMMIT))
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--photographs", type=int, default=20_000)
    given = parser.parse_args()
    table = Table(
        "work", "reference", "this tree", "reference's", "ratio, median (least to greatest)", "bytes"
    )
    with tempfile.TemporaryDirectory() as scratch:
        corpora(Path(scratch), given.photographs)
        if given.against:
            against_commit(given.against, Path(scratch), given.turns, given.only, table)
        else:
            against_references(Path(scratch), given.turns, table)
    Console(width=None if sys.stdout.isatty() else 140).print(table)
    if not given.against:
        print(TAMER)


if __name__ == "__main__":
    main()
