"""Ink, training, prediction and score, one after the other; the same command goes on where it was stopped.

    python -m examples.reader --corpus CROHME --out build/reader
    python -m examples.reader --corpus CROHME --out build/reader --minutes 50     # one leg
    python -m examples.reader --recipe examples/reader/reader-pen.yaml --corpus CROHME --out build/reader-pen

The test set is read once, when the training is over: the short expressions of CROHME 2014.
"""

import argparse
import os
from collections.abc import Container
from pathlib import Path

import torch

from examples.reader.ink import InkStore, write_source
from examples.reader.recipe import Recipe, read_recipe
from examples.reader.short import copy_short
from examples.reader.train import Training
from hmer_tasks import evaluate
from hmer_tasks.evaluation.published import METRICS
from hmer_tasks.pipeline import BuildOptions, build
from hmer_tasks.predictions import read_predictions
from trainer import faults, predict

RECIPE = Path(__file__).with_name("reader-cpu.yaml")


def parts_of(name: str) -> tuple[str, int, int, int]:
    """Source, longest label, count and seed of a store: of `pen-alone-10-30000-1` or `real-10`."""
    words = name.split("-")
    numbers = [int(word) for word in words if word.isdecimal()]
    longest, count, seed = [*numbers, 0, 0][:3]
    return "-".join(word for word in words if not word.isdecimal()), longest, count, seed


def make_ink(recipe: Recipe, corpus: Path, ink: Path, without: Container[str] = ()) -> None:
    """The stores of a recipe that are not there yet; a store's name says how it is made.

    `without`: ids of expressions whose ink is in none of them.
    """
    for name in dict.fromkeys([*recipe.stores.values(), recipe.held]):
        if not (ink / f"{name}.npz").exists():
            source, longest, count, seed = parts_of(name)
            path = write_source(source, corpus, ink, count=count, longest=longest, seed=seed, without=without)
            print(f"{path}: {len(InkStore(path)):,} samples")


def read_test(recipe: Recipe, corpus: Path, out: Path) -> None:
    """Read CROHME 2014's short expressions, and score what was read."""
    short, shards = out / "short-2014", out / "short-2014-rows"
    answers = out / "2014.jsonl"
    if not short.exists():
        copy_short(corpus, "2014", short, longest=int(recipe.held.rsplit("-", 1)[1]))
    build(BuildOptions("crohme", short, ("2014",), shards, ("recognition",), workers=1))
    asked = f"--model {out / 'run' / 'model'} --data {shards}:2014 --out {answers}"
    predict.predict(
        predict.parser().parse_args([*asked.split(), "--temperature", "0", "--max_new_tokens", "96"])
    )
    pairs = [(prediction.gt, prediction.pred) for prediction in read_predictions(answers)]
    known = {
        label for name in recipe.stores.values() for label in InkStore(out / "ink" / f"{name}.npz").labels
    }
    print(f"{sum(gt in known for gt, _ in pairs):,} of {len(pairs):,} labels occur in training; no ink does")
    values = evaluate(pairs).values
    for name in ("exprate", "within_1", "token_error_rate"):
        value = values[name]
        print(f"{METRICS[name].title}: {value.value:.3g} ({value.low:.3g} to {value.high:.3g})")
    print(f"more: hmer-tasks evaluate {answers}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="examples.reader", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--recipe", type=Path, default=RECIPE)
    parser.add_argument("--corpus", type=Path, required=True, help="CROHME: a folder or archive of its InkML")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--minutes", type=float, default=1e9, help="train for so many; the same command goes on"
    )
    given = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    recipe = read_recipe(given.recipe)
    make_ink(recipe, given.corpus, given.out / "ink")
    training = Training(recipe, given.out / "ink", given.out / "run")
    if training.step < recipe.steps:
        training.train(given.minutes)
    if training.step == recipe.steps:
        read_test(recipe, given.corpus, given.out)


if __name__ == "__main__":
    faults.run("examples.reader", main)
