"""Memory and hours of the recipes, computed from the configurations, real token counts and padding.

python -m bench.train_costs
python -m bench.train_costs --rows 44175 --padding 0.51 --utilisation 0.4      # drawn at random, 16 rows a batch

Token counts are those of CROHME's five tasks with Qwen2.5's tokenizer at the published cap (bench.train_padding):
239 tokens a row, 117 of them of the picture (four patches each), some 70 with a loss. Operations: trainer/costs.py,
a third more with gradient checkpointing, the language model's divided by (1 − padding). Computed, not measured.
"""

import argparse

import torch

from bench import qwen
from trainer.costs import PEAKS, costs_of

# isort: split
from transformers import AutoModelForImageTextToText

ROW = {"tokens": 239.0, "seen": 76_000.0, "patches": 468.0, "patches_seen": 420_000.0, "scored": 70.0}


def state_bytes(parameters: int, full_precision: bool, gpus: int = 1) -> float:
    """Bytes of weights, gradients and Adam's two moments on each GPU, spread over all of them.

    fp32 weights under bf16 autocast: 4 + 4 + 8, and 2 for autocast's copies; bf16 throughout: 2 + 2 + 4.
    """
    return parameters * (18 if full_precision else 8) / gpus


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_600_000)
    parser.add_argument("--padding", type=float, default=0.013, help="grouped, 16 rows a batch; 0 packed")
    parser.add_argument("--utilisation", type=float, default=0.4)
    parser.add_argument("--gpu", choices=PEAKS, default="H100")
    given = parser.parse_args()
    print(
        "model           parameters      states, 1 GPU  of 8   GFLOP/row  rows/s, 1 GPU   hours, 1 GPU   on 8"
    )
    for name in qwen.MODELS:
        with torch.device("meta"):
            model = AutoModelForImageTextToText.from_config(qwen.config_of(name))
        costs = costs_of(model)
        useful = costs.operations(ROW)
        language = costs.operations({**ROW, "patches": 0.0, "patches_seen": 0.0})
        spent = (useful + language * given.padding / (1 - given.padding)) * 4 / 3
        rate = PEAKS[given.gpu] * given.utilisation / spent
        states = [state_bytes(model.num_parameters(), True, gpus) / 1e9 for gpus in (1, 8)]
        hours = given.rows / rate / 3600
        print(
            f"{name:14} {model.num_parameters():>13,} {states[0]:>12.1f} GB {states[1]:5.1f} {useful / 1e9:>10,.0f}"
            f" {rate:>14.1f} {hours:>14.1f} {hours / 8:>6.1f}"
        )


if __name__ == "__main__":
    main()
