"""How fast labels become trees and text, as a ratio to pylatexenc's LatexWalker in the same run.

    python bench/parse_speed.py [LABELS.tsv]

Distinct labels of HME100K, nothing cached: parse and tree text. The two are timed in turns on the
same labels, five turns, the best of each counts. Beside it: the whole file with its repeats, each
distinct label parsed once.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from pylatexenc.latexwalker import LatexWalker

from bench.corpus import CORPORA
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree_text import tree_text

TURNS, WALKED = 5, 4000  # the walker is slow: it reads a part of the labels


def rate(read: Callable[[str], object], labels: list[str]) -> float:
    start = time.perf_counter()
    for label in labels:
        read(label)
    return len(labels) / (time.perf_counter() - start)


def read_once(labels: list[str]) -> None:
    known: dict[str, str] = {}
    for label in labels:
        if label not in known:
            known[label] = tree_text(parse(label))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument(
        "labels", nargs="?", type=Path, default=CORPORA / "hme100k" / "train_labels_59452.tsv"
    )
    path = arguments.parse_args().labels
    if not path.is_file():
        raise SystemExit(f"{path} is not there: name a tsv of id and label, or set HMER_CORPORA")
    lines = path.read_text(encoding="utf-8").split("\n")
    everything = [line.split("\t")[1] for line in lines if "\t" in line]
    distinct = list(dict.fromkeys(everything))
    part = distinct[:: max(1, len(distinct) // WALKED)]
    ours: list[float] = []
    walker: list[float] = []
    parsed: list[float] = []
    for _ in range(TURNS):
        walker.append(rate(lambda label: LatexWalker(label).get_latex_nodes(), part))
        ours.append(rate(lambda label: tree_text(parse(label)), part))
        parsed.append(rate(parse, part))
    start = time.perf_counter()
    read_once(everything)
    once = len(everything) / (time.perf_counter() - start)
    print(f"labels: {len(everything):,}, distinct {len(distinct):,}; compared on {len(part):,} of these")
    print(f"LatexWalker            {max(walker):>9,.0f} labels/s   1.00")
    print(f"parse                  {max(parsed):>9,.0f} labels/s  {max(parsed) / max(walker):>5.2f}")
    print(
        f"parse + tree text      {max(ours):>9,.0f} labels/s  {max(ours) / max(walker):>5.2f}   (bar 3, aim 6)"
    )
    print(f"whole file, repeats once {once:>7,.0f} labels/s  {once / max(walker):>5.2f}")


if __name__ == "__main__":
    main()
