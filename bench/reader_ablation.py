"""What each task and each source of ink gives a small reader: arms of equal steps and equal tokens, two seeds.

python -m bench.reader_ablation --corpus CROHME --out build/reader-ablation
python -m bench.reader_ablation --corpus CROHME --out build/reader-ablation --arms recognition all-tasks --minutes 20
python -m bench.reader_ablation --corpus CROHME --out build/reader-ablation --arms own-mistakes --mined MINED.jsonl
python -m bench.reader_ablation --corpus CROHME --out build/reader-ablation-long --recipe examples/reader/reader-long.yaml
python -m bench.reader_ablation --out build/reader-ablation --table              # what is there so far

Every arm is the model of examples/reader/reader-cpu.yaml from random weights, or of another `--recipe`. A step has a
fixed number of tokens (pictures' and texts' together), so arms of equal steps saw equally many tokens; what differs is how
many pictures that was, which is in the table. An arm that is done stays done; one that was stopped goes on. The 2014 test
set is read once an arm, by `trainer.predict`, greedily; settings were chosen on held-out writers of the training set.
Writes OUT/table.md.
The arm `own-mistakes` is `errors` with the candidates of the error-driven loop (examples/reader/fold.py) instead of
synthetic ones.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import torch

from examples.reader.__main__ import RECIPE, make_ink, parts_of, read_test
from examples.reader.recipe import Recipe, Stage, read_recipe
from examples.reader.train import Training
from hmer_tasks import evaluate
from hmer_tasks.evaluation.bootstrap import Estimate, estimate, resampled_sums
from hmer_tasks.evaluation.columns import Table
from hmer_tasks.evaluation.compare import align_by_id
from hmer_tasks.evaluation.metrics import Metrics
from hmer_tasks.evaluation.published import METRICS
from hmer_tasks.predictions import Prediction, read_predictions

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
PEN_STORES = {"alone": "pen-alone-{}-30000-1", "pen-symbols": "pen-symbols-{}-6000-0"}  # {}: tokens at most
SHORT_LATER = 0.25  # the share that short expressions keep beside long ones
SHOWN = ("exprate", "within_1", "token_error_rate")
LENGTHS = ((1, 10), (11, 20), (21, 60))  # tokens of a label, for the table by length
BASE = "recognition"  # what the other arms are compared with
DONE = "done.json"  # written when an arm's test set is read


def recipe_of(arm: str, base: Recipe, dense: int, steps: int, seed: int) -> Recipe:
    """The recipe of an arm.

    Args:
        arm: A key of TASKS or SOURCES.
        base: The recipe whose model, rates and expressions it takes: reader-cpu.yaml or reader-long.yaml.
        dense: Steps without answers.
        steps: Steps with answers. Where `base` has long expressions, the first two fifths of them have short ones.
        seed: Of the weights and of what is drawn.

    Returns:
        The base with the arm's tasks or sources, in steps of one micro-batch.
    """
    sources, longest = SOURCES.get(arm, ALL), parts_of(base.held)[1]
    stores = {**{name: store.format(longest) for name, store in PEN_STORES.items()}, **base.stores}
    stages: tuple[Stage, ...]
    stages = (Stage(dense, sources, answers=False, dense=1.0), Stage(steps, sources))
    short_recipe = read_recipe(RECIPE)
    if base.held != short_recipe.held:
        short = {f"short {name}": weight for name, weight in sources.items()}
        short_stores = {
            **{name: store.format(10) for name, store in PEN_STORES.items()},
            **short_recipe.stores,
        }
        stores |= {f"short {name}": store for name, store in short_stores.items()}
        few = {name: SHORT_LATER * weight for name, weight in short.items()}
        stages = (
            Stage(dense, {**sources, **short}, answers=False, dense=1.0),
            Stage(2 * steps // 5, short),
            Stage(steps - 2 * steps // 5, {**sources, **few}),
        )
    used = {name for stage in stages for name in stage.sources}
    return replace(
        base,
        stages=stages,
        stores={name: store for name, store in stores.items() if name in used},
        tasks=TASKS.get(arm, ("recognition",)),
        accumulate=1,
        seed=seed,
    )


@dataclass(frozen=True)
class Run:
    """An arm's run of one seed that is done: its figures, and its readings of the 2014 test set, scored.

    Attributes:
        about: `seed`, `step`, `tokens`, `samples` (pictures) and `seconds`, as DONE has them.
        metrics: The scores; all runs have the same expressions in the same order.
    """

    about: dict[str, float]
    metrics: Metrics


def done_runs(out: Path) -> dict[str, list[Run]]:
    """The runs that are done, by arm, in the order of their seeds."""
    runs: dict[str, list[Run]] = {}
    order: list[Prediction] = []
    for arm in {**TASKS, **SOURCES}:
        for done in sorted(out.glob(f"{arm}-s*/{DONE}")):
            read = list(read_predictions(done.parent / "2014.jsonl"))
            order = order or read
            metrics = evaluate(align_by_id(order, read))
            runs.setdefault(arm, []).append(Run(json.loads(done.read_text(encoding="utf-8")), metrics))
    return runs


def table(out: Path) -> str:
    """The runs that are done, as Markdown.

    An arm's last line is of all its seeds together: the mean over its runs. What is drawn again for its interval are the
    expressions, each with its answers of all seeds, as two answers to one expression are not independent. So with the
    difference from `recognition`, which is paired: the same expressions, the same seeds.
    """
    runs = done_runs(out)
    base = runs.get(BASE, [])  # another arm may be done first
    lines = [
        "| arm | seed | steps | tokens | pictures | minutes | ExpRate | ≤1 | token error rate | ExpRate against recognition |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- | --- | --- | --- |",
    ]
    for arm, of_arm in runs.items():
        lines += [_line(arm, [run], base) for run in of_arm]
        if len(of_arm) > 1:
            lines.append(_line(f"**{arm}**", of_arm, base))
    return "\n".join(lines) + "\n"


def _line(arm: str, runs: list[Run], base: list[Run]) -> str:
    seeds = [int(run.about["seed"]) for run in runs]
    mean = {
        name: sum(run.about[name] for run in runs) / len(runs)
        for name in ("step", "tokens", "samples", "seconds")
    }
    counts = [f"{mean[name]:,.0f}" for name in ("step", "tokens", "samples")]
    figures = estimates(runs).values()
    same = [run for run in base if run.about["seed"] in seeds]
    against = ""
    if len(same) == len(runs) and arm.strip("*") != BASE:
        against = _figure(difference(_over_seeds(runs), _over_seeds(same), METRICS["exprate"].value))
    return (
        f"| {arm} | {' and '.join(map(str, seeds))} | {' | '.join(counts)} | {mean['seconds'] / 60:.1f} | "
        f"{' | '.join(map(_figure, figures))} | {against} |"
    )


def table_by_length(out: Path) -> str:
    """ExpRate and token error rate of the runs that are done by the length of the label, as Markdown, all seeds of an arm
    together. Few long expressions are read without a mistake early in training; their token errors tell arms apart."""
    titles = [f"{low} to {high} tokens" for low, high in LENGTHS]
    lines = [
        f"| arm | {' | '.join(f'ExpRate, {title}' for title in titles)} | "
        f"{' | '.join(f'token error rate, {title}' for title in titles)} |",
        f"| --- {'| ---: ' * 2 * len(LENGTHS)}|",
    ]
    for arm, of_arm in done_runs(out).items():
        lengths = np.array([len(pair.gt.split()) for pair in of_arm[0].metrics.pairs])
        rows = _over_seeds(of_arm)
        cells: list[str] = []
        for name, digits in (("exprate", 1), ("token_error_rate", 3)):
            for low, high in LENGTHS:
                of_length = rows[(low <= lengths) & (lengths <= high)]
                cells.append(
                    f"{METRICS[name].value(of_length.sum(axis=0)):.{digits}f}" if len(of_length) else ""
                )
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def estimates(runs: list[Run]) -> dict[str, Estimate]:
    """The metrics that are SHOWN, of all these runs of an arm together, with their 95 % intervals."""
    rows = _over_seeds(runs)
    drawn = resampled_sums(rows)
    return {name: estimate(METRICS[name].value, rows.sum(axis=0), drawn) for name in SHOWN}


def _over_seeds(runs: list[Run]) -> Table:
    """One row an expression: the sum of its runs' rows."""
    return np.sum([run.metrics.table for run in runs], axis=0)


def difference(rows: Table, base: Table, value: Callable[[Table], float]) -> Estimate:
    """A metric of `rows` minus that of `base`, with the 95 % interval of a paired bootstrap.

    Args:
        rows: A row for each expression.
        base: Those of the same expressions by another arm.
        value: The metric of a table's column sums.

    Returns:
        The difference and its percentile interval.
    """
    spread = [
        value(ours) - value(theirs)
        for ours, theirs in zip(resampled_sums(rows), resampled_sums(base), strict=True)
    ]
    low, high = np.percentile(spread, [2.5, 97.5])
    return Estimate(value(rows.sum(axis=0)) - value(base.sum(axis=0)), float(low), float(high))


def _figure(estimate: Estimate) -> str:
    return f"{estimate.value:.3g} ({estimate.low:.3g} to {estimate.high:.3g})"


def run(recipe: Recipe, corpus: Path, folder: Path, ink: Path, minutes: float) -> bool:
    """Train an arm for so long, and read the test set if it is done; returns whether to go on with another."""
    training = Training(recipe, ink, folder / "run")
    training.train(minutes)
    if training.step < recipe.steps:
        return False
    (folder / "ink").unlink(missing_ok=True)
    (folder / "ink").symlink_to(ink.resolve())
    read_test(recipe, corpus, folder)
    figures = {name: getattr(training, name) for name in ("step", "tokens", "samples", "seconds")}
    (folder / DONE).write_text(json.dumps({"seed": recipe.seed, **figures}), encoding="utf-8")
    return not training.stopped


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, help="CROHME: a folder or archive of its InkML")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--recipe", type=Path, default=RECIPE, help="default: of short expressions")
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
    base, ink, begun = read_recipe(given.recipe), given.ink or given.out / "ink", time.monotonic()
    for seed, arm in [] if given.table else product(given.seeds, given.arms):
        left = given.minutes - (time.monotonic() - begun) / 60
        if (given.out / f"{arm}-s{seed}" / DONE).exists():
            continue
        if left <= 0:
            break
        recipe = recipe_of(arm, base, given.dense, given.steps, seed)
        if arm == "own-mistakes":
            recipe = replace(recipe, mined=given.mined, noise=given.noise)
        make_ink(recipe, given.corpus, ink)
        if not run(recipe, given.corpus, given.out / f"{arm}-s{seed}", ink, left):
            break
    tables = f"{table(given.out)}\n{table_by_length(given.out)}"
    (given.out / "table.md").write_text(tables, encoding="utf-8")
    print(tables)


if __name__ == "__main__":
    main()
