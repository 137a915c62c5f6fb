"""The arms of bench/reader_ablation.py as a picture: ExpRate of each with its 95 % interval, all its seeds together.

    python -m bench.reader_intervals build/reader-ablation --out arms.png
    python -m bench.reader_intervals build/reader-ablation build/reader-ablation-long --titles short "any length" --out arms.png

A panel a folder. Hollow points are single seeds. The line is the arm `recognition`, which the others are compared with.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bench.reader_ablation import BASE, SOURCES, Run, done_runs, estimates

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLES = {
    "recognition": "recognition, all sources",
    "tree": "+ Tree-CoT",
    "counting": "+ counting",
    "errors": "+ error tasks",
    "own-mistakes": "+ error tasks, own mistakes",
    "all-tasks": "all five tasks",
    "real": "CROHME's ink alone",
    "real-all-tasks": "CROHME's ink alone, all five tasks",
    "recombined": "recombined ink alone",
    "real+pen": "CROHME's ink and the pen",
    "pen-alone": "the pen alone",
}


def draw(axes: "Axes", runs: dict[str, list[Run]]) -> None:
    """One panel: a line an arm, from the top in the order of TITLES."""
    arms = [arm for arm in TITLES if arm in runs]
    for place, arm in enumerate(arms):
        color = "tab:blue" if arm in SOURCES else "tab:orange"
        value = estimates(runs[arm])["exprate"]
        axes.plot([value.low, value.high], [place, place], "-", color="black" if arm == BASE else color)
        axes.plot([value.value], [place], "o", color="black" if arm == BASE else color)
        for run in runs[arm] if len(runs[arm]) > 1 else ():
            axes.plot(
                [estimates([run])["exprate"].value], [place + 0.25], "o", mfc="none", mec="gray", markersize=4
            )
    if BASE in runs:
        axes.axvline(estimates(runs[BASE])["exprate"].value, color="black", linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(arms)), [TITLES[arm] for arm in arms])
    axes.invert_yaxis()
    axes.set_xlim(0)
    axes.grid(axis="x", alpha=0.3)
    axes.set_xlabel("ExpRate, % of CROHME 2014")


def main() -> None:
    """The command line."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+", help="the --out of bench.reader_ablation")
    parser.add_argument("--titles", nargs="+", default=[], help="of the panels")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    done = [done_runs(folder) for folder in given.runs]
    tallest = max(len(runs) for runs in done)
    figure, panels = pyplot.subplots(
        1, len(done), figsize=(1.5 + 4.8 * len(done), 1 + 0.36 * tallest), squeeze=False
    )
    for number, (runs, axes) in enumerate(zip(done, panels[0], strict=True)):
        draw(axes, runs)
        axes.set_title(given.titles[number] if number < len(given.titles) else "", fontsize=10)
    figure.tight_layout()
    figure.savefig(given.out, dpi=110)


if __name__ == "__main__":
    main()
