"""Train a reader on all folds of CROHME's short expressions but one, for the error-driven loop.

    python -m examples.reader.short --corpus CROHME --split train --out build/short-train
    python examples/error_driven_learning.py --dataset crohme --root build/short-train -k 2 \\
        --recipe examples/reader/reader-fold.yaml --trainer examples.reader.fold --train_args "--corpus CROHME" \\
        --out build/error-corpus/reader

The loop runs this once a fold, with the flags that it gives to `trainer.sft`. The ink of the fold held out is in none
of the sources: the model that reads it has not seen it. All other ink of CROHME's training set is, but
for the one writer in nine that every reader holds out; long expressions' symbols too. The pictures that are trained on are drawn from ink, so the rows of `--data` are not read.
"""

import argparse
import json
import os
import shutil
from pathlib import Path

import torch

from examples.reader.__main__ import make_ink
from examples.reader.recipe import read_recipe
from examples.reader.train import Training
from hmer_tasks.exceptions import UsageError
from trainer import faults


def held_out(folds: Path, fold: int) -> frozenset[str]:
    """The ids of a fold. Raises UsageError where there are none."""
    lines = [json.loads(line) for line in folds.read_text(encoding="utf-8").splitlines()]
    ids = frozenset(line["id"] for line in lines if line["fold"] == fold)
    if not ids:
        raise UsageError(f"{folds} has no fold {fold}")
    return ids


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="examples.reader.fold", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--config", type=Path, required=True, help="a recipe of examples/reader")
    parser.add_argument("--corpus", type=Path, required=True, help="CROHME: a folder or archive of its InkML")
    parser.add_argument("--data", nargs="+", help="the build that the folds are of; its rows are not read")
    parser.add_argument("--folds", type=Path, required=True, help="JSON lines {source, id, fold}")
    parser.add_argument("--fold", type=int, required=True, help="the fold that is held out")
    parser.add_argument("--side", choices=["train"], default="train")
    parser.add_argument("--output_dir", type=Path, required=True, help="where the model goes")
    given = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    recipe, place = read_recipe(given.config), given.output_dir.parent
    make_ink(recipe, given.corpus, place / "ink", held_out(given.folds, given.fold))
    training = Training(recipe, place / "ink", place / "run")
    if training.step < recipe.steps:
        training.train(float("inf"))
    if training.step < recipe.steps:
        raise SystemExit(1)  # stopped
    shutil.copytree(place / "run" / "model", given.output_dir, dirs_exist_ok=True)
    notes = [
        json.loads(line) for line in (place / "run" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    answers = [{"step": note["step"], "loss": note["loss"][0]} for note in notes if "loss" in note]
    (given.output_dir / "log.jsonl").write_text(
        "".join(json.dumps(note) + "\n" for note in answers if note["loss"]), encoding="utf-8"
    )


if __name__ == "__main__":
    faults.run("examples.reader.fold", main)
