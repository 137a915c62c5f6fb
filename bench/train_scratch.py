"""A small model from random weights on CROHME's ink: ExpRate on 2014, and five tasks against one.

python -m bench.train_scratch --train build/crohme build/synthetic --test build/crohme:2014 --out runs/scratch
python -m bench.train_scratch --train build/sample --test build/sample --out build/try --steps 4 --leg 60 \\
    --flags "--scratch tiny-qwen2.5-vl --use_cpu true --bf16 false --per_device_train_batch_size 4 --limit 8"

Two runs of the recipe small-scratch: `five` (all tasks) and `one` (recognition alone), with the same
number of optimiser steps and rows a step. A leg trains at most --leg seconds, then stops the run with
SIGTERM; the same command goes on, first with `five`, then with `one`, then with the predictions, and
prints the table when all is there: so half an hour of GPU in commands of ten minutes is three calls.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from hmer_tasks import evaluation as evaluate
from hmer_tasks.predictions import read_predictions

RECIPE = Path(__file__).parent.parent / "trainer" / "recipes" / "small-scratch.yaml"
RUNS = {"five": [], "one": ["--task_weights", "recognition"]}


def leg(command: list[str], until: float) -> bool:
    """Run a command, stopped with SIGTERM when the time is over. Whether it came to its end."""
    process = subprocess.Popen(command)
    try:
        code = process.wait(max(1.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait()
        return False
    if code:
        sys.exit(code)
    return True


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--train", nargs="+", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=12_000)
    parser.add_argument("--leg", type=float, default=540, help="seconds")
    parser.add_argument("--only", choices=RUNS, help="one of the two runs")
    parser.add_argument("--flags", default="", help="more flags of trainer.sft")
    given = parser.parse_args()
    until = time.monotonic() + given.leg
    rows = ["run   ExpRate"]
    for name, more in RUNS.items():
        if given.only not in (None, name):
            continue
        model, answers = given.out / name, given.out / f"{name}.jsonl"
        train = [sys.executable, "-m", "trainer.sft", "--config", str(RECIPE), "--output_dir", str(model)]
        train += ["--data", *given.train, "--decode_data", given.test, "--max_steps", str(given.steps)]
        if not (model / "training.png").exists() and not leg([*train, *more, *given.flags.split()], until):
            print(f"{name}: time is over; the same command goes on")
            return
        predict = [sys.executable, "-m", "trainer.predict", "--model", str(model), "--data", given.test]
        predict += ["--out", str(answers), "--temperature", "0", "--max_new_tokens", "256", "--batch", "128"]
        if not leg(predict, until):
            print(f"{name}: time is over while predicting; the same command goes on")
            return
        scored = evaluate([(one.gt, one.pred) for one in read_predictions(answers)])
        rows.append(f"{name:5} {scored['exprate']}")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
