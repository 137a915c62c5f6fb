"""How the arms of bench/reader_ablation.py learn: ExpRate on held-out writers over what they saw.

    python -m bench.reader_curves build/reader-ablation --arms recognition tree counting all-tasks --out curves.png

Two axes tell two things. Over tokens, what a reader learns in a given time: answers of other tasks take the place of
pictures. Over pictures with the answer of recognition, what it learns from a label: the other tasks say more of it.
"""

import argparse
import json
from pathlib import Path

from bench.reader_ablation import SOURCES, TASKS, recipe_of
from examples.reader.__main__ import RECIPE
from examples.reader.recipe import Recipe, read_recipe

AXES = {
    "tokens": (1e6, "million tokens seen"),
    "answers": (1e3, "thousand pictures seen with the answer of recognition (about)"),
}


def points(log: Path, recipe: Recipe) -> list[dict[str, float]]:
    """Where the run was measured: `tokens`, `answers` (of recognition, about), `exprate`, `at most 1`.

    An expression is asked for one of the recipe's tasks each time, a symbol alone only to be recognised.
    """
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    dense = sum(stage.steps for stage in recipe.stages if not stage.answers)
    before = max((line for line in lines if line["step"] <= dense), key=lambda line: line["step"])
    after = min((line for line in lines if line["step"] > dense), key=lambda line: line["step"])
    rate = (after["samples"] - before["samples"]) / (after["step"] - before["step"])
    begun = before["samples"] + (dense - before["step"]) * rate
    weights = recipe.stages[-1].sources
    symbols = sum(weight for name, weight in weights.items() if "symbols" in name) / sum(weights.values())
    share = symbols + (1 - symbols) / len(recipe.tasks)
    return [
        {**line, "answers": share * (line["samples"] - begun)}
        for line in lines
        if line.get("exprate") is not None
    ]


def main() -> None:
    """The command line."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, help="the --out of bench.reader_ablation")
    parser.add_argument("--arms", nargs="+", choices=list(dict.fromkeys([*TASKS, *SOURCES])), required=True)
    parser.add_argument("--recipe", type=Path, default=RECIPE, help="as of the runs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dense", type=int, default=300, help="as of the runs")
    parser.add_argument("--steps", type=int, default=900, help="as of the runs")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    figure, panels = pyplot.subplots(1, 2, figsize=(9.6, 3.8), sharey=True)
    for arm in given.arms:
        recipe = recipe_of(arm, read_recipe(given.recipe), given.dense, given.steps, given.seed)
        measured = points(given.runs / f"{arm}-s{given.seed}" / "run" / "log.jsonl", recipe)
        for panel, (axis, (unit, _)) in zip(panels, AXES.items(), strict=True):
            panel.plot(
                [point[axis] / unit for point in measured],
                [point["exprate"] for point in measured],
                "o-",
                markersize=3,
                label=arm,
            )
    for panel, (_, title) in zip(panels, AXES.values(), strict=True):
        panel.set_xlabel(title)
        panel.set_ylim(0)
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("ExpRate, % of held-out expressions")
    panels[0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(given.out, dpi=110)


if __name__ == "__main__":
    main()
