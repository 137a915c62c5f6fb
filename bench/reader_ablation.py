"""What each task and each source of ink gives a small reader: arms of equal steps and equal tokens, two seeds.

python -m bench.reader_ablation --corpus CROHME --out build/reader-ablation
python -m bench.reader_ablation --corpus CROHME --out build/reader-ablation --arms recognition all-tasks --minutes 20
python -m bench.reader_ablation --corpus CROHME --out build/reader-ablation --arms own-mistakes --mined MINED.jsonl
python -m bench.reader_ablation --out build/reader-ablation --table              # what is there so far

Every arm is the model of examples/reader/reader-cpu.yaml from random weights. A step has a fixed number of tokens
(pictures' and texts' together), so arms of equal steps saw equally many tokens; what differs is how many pictures that
was, which is in the table. An arm that is done stays done; one that was stopped goes on. The 2014 test set is read once an
arm, by `trainer.predict`, greedily; settings were chosen on held-out writers of the training set. Writes OUT/table.md.
The arm `own-mistakes` is `errors` with the candidates of the error-driven loop (examples/reader/fold.py) instead of
synthetic ones.
"""

import argparse
import json
import signal
import time
from dataclasses import replace
from itertools import product
from pathlib import Path

import torch

from examples.reader.__main__ import RECIPE, make_ink, read_test
from examples.reader.recipe import Recipe, Stage, read_recipe
from examples.reader.train import Training
from hmer_tasks import evaluate
from hmer_tasks.predictions import read_predictions

ERRORS = ("error_detection", "error_correction")
SAME = "real+recombined+pen"  # the same run as the arm `recognition`
ALL = {"symbols": 0.3, "real": 2.0, "recombined": 4.0, "pen": 1.0, "alone": 0.5}
REAL = {"symbols": 0.3, "real": 7.5}
TASKS = {
    "recognition": ("recognition",),
    "tree": ("recognition", "tree_cot"),
    "counting": ("recognition", "counting"),
    "errors": ("recognition", *ERRORS),
    "all-tasks": ("recognition", "tree_cot", "counting", *ERRORS),
    "own-mistakes": ("recognition", *ERRORS),
    "real-all-tasks": ("recognition", "tree_cot", "counting", *ERRORS),
}
SOURCES = {
    "real": REAL,
    "real-all-tasks": REAL,  # little ink, each of it seen often
    "pen-alone": {"pen-symbols": 0.3, "alone": 7.5},
    "recombined": {"symbols": 0.3, "recombined": 7.5},
    "real+pen": {"symbols": 0.3, "real": 4.0, "pen": 3.5},
    SAME: ALL,
}
METRICS = ("exprate", "within_1", "token_error_rate")


def recipe_of(arm: str, base: Recipe, dense: int, steps: int, seed: int) -> Recipe:
    """The recipe of an arm: with other tasks, or other sources."""
    sources = SOURCES.get(arm, ALL)
    stores = {**base.stores, "pen-symbols": "pen-symbols-10-6000-0"}
    stages = (Stage(dense, sources, answers=False, dense=1.0), Stage(steps, sources))
    return replace(
        base,
        stages=stages,
        stores={name: stores[name] for name in sources},
        tasks=TASKS.get(arm, ("recognition",)),
        accumulate=1,
        seed=seed,
    )


def table(out: Path) -> str:
    """The runs that are done, as Markdown; an arm's last line is of all its seeds together."""
    lines = [
        "| arm | seed | steps | tokens | pictures | minutes | ExpRate | ≤1 | token error rate |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- | --- | --- |",
    ]
    for arm in {**TASKS, **SOURCES}:
        every: list[tuple[str, str]] = []
        done = 0
        for run in sorted(out.glob(f"{arm}-s*/2014.jsonl")):
            if not (run.parent / "done.json").exists():
                continue
            about = json.loads((run.parent / "done.json").read_text(encoding="utf-8"))
            pairs = [(prediction.gt, prediction.pred) for prediction in read_predictions(run)]
            every += pairs
            done += 1
            lines.append(_line(arm, str(about["seed"]), about, pairs))
        if done > 1:
            lines.append(_line(f"**{arm}**", "both", about, every))
    return "\n".join(lines) + "\n"


def _line(arm: str, seed: str, about: dict[str, float], pairs: list[tuple[str, str]]) -> str:
    values = evaluate(pairs).values
    figures = [
        f"{values[name].value:.3g} ({values[name].low:.3g} to {values[name].high:.3g})" for name in METRICS
    ]
    counts = [f"{about[name]:,.0f}" for name in ("step", "tokens", "samples")]
    return "| " + " | ".join([arm, seed, *counts, f"{about['seconds'] / 60:.1f}", *figures]) + " |"


def run(recipe: Recipe, corpus: Path, folder: Path, ink: Path, minutes: float) -> bool:
    """Train an arm for so long, and read the test set if it is done; returns whether to go on with another."""
    training = Training(recipe, ink, folder / "run")
    signal.signal(signal.SIGTERM, training.stop)
    training.train(minutes)
    if training.step < recipe.steps:
        return False
    (folder / "ink").unlink(missing_ok=True)
    (folder / "ink").symlink_to(ink.resolve())
    read_test(recipe, corpus, folder)
    figures = {name: getattr(training, name) for name in ("step", "tokens", "samples", "seconds")}
    (folder / "done.json").write_text(json.dumps({"seed": recipe.seed, **figures}), encoding="utf-8")
    return not training.stopped


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, help="CROHME: a folder or archive of its InkML")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--ink", type=Path, help="the folder of ink; by default OUT/ink")
    parser.add_argument(
        "--arms",
        nargs="+",
        choices=list(dict.fromkeys([*TASKS, *SOURCES])),
        default=[arm for arm in dict.fromkeys([*TASKS, *SOURCES]) if arm not in ("own-mistakes", SAME)],
    )
    parser.add_argument("--mined", help="of own-mistakes: what `hmer-tasks errors mine` wrote")
    parser.add_argument(
        "--noise", help="of own-mistakes: what `hmer-tasks errors fit` wrote; default: as shipped"
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--dense", type=int, default=300, help="steps without answers")
    parser.add_argument("--steps", type=int, default=900, help="steps with answers")
    parser.add_argument(
        "--minutes", type=float, default=1e9, help="stop after so many; the same command goes on"
    )
    parser.add_argument("--table", action="store_true", help="only write the table of what is there")
    given = parser.parse_args()
    if "own-mistakes" in given.arms and not given.mined:
        parser.error("own-mistakes needs --mined")
    torch.set_num_threads(1)
    given.out.mkdir(parents=True, exist_ok=True)
    base, ink, begun = read_recipe(RECIPE), given.ink or given.out / "ink", time.monotonic()
    for seed, arm in [] if given.table else product(given.seeds, given.arms):
        left = given.minutes - (time.monotonic() - begun) / 60
        if (given.out / f"{arm}-s{seed}" / "done.json").exists():
            continue
        if left <= 0:
            break
        recipe = recipe_of(arm, base, given.dense, given.steps, seed)
        if arm == "own-mistakes":
            recipe = replace(recipe, mined=given.mined, noise=given.noise)
        make_ink(recipe, given.corpus, ink)
        if not run(recipe, given.corpus, given.out / f"{arm}-s{seed}", ink, left):
            break
    (given.out / "table.md").write_text(table(given.out), encoding="utf-8")
    print(table(given.out))


if __name__ == "__main__":
    main()
