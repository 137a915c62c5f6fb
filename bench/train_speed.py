"""Rows a second of a training step on one CPU core: batches drawn at random, grouped by length, packed.

python -m bench.train_speed --data build/crohme

The trainer itself trains (its loader, loss head, optimiser) on all five tasks of the same pictures, one epoch a turn,
in CPU time of this process, so that other work on the machine does not count. `random` is the trainer as it was at
first: rows drawn at random, `sdpa` in the vision tower; `grouped` is what it does by default, `packed` is --packing
true, both with flash_varlen there. The settings alternate; printed are medians of the turns, and the ratio to `random`.
"""

import argparse
import contextlib
import io
import tempfile
import time
from statistics import median

import torch

from trainer import sft

# isort: split
from transformers import TrainerCallback

# model: pictures an epoch, rows a batch, the most pixels of a picture
MODELS = {"tiny-qwen2.5-vl": (40, 8, 18_816), "small-qwen2.5-vl": (3, 5, 32_768)}
SETTINGS = {
    "random": ["--train_sampling_strategy", "random", "--vision_attention", "sdpa"],
    "grouped": ["--train_sampling_strategy", "group_by_length"],
    "packed": ["--packing", "true"],
}


class Clock(TrainerCallback):
    """CPU seconds between the first step's beginning and the last one's end."""

    def on_train_begin(self, args: object, state: object, control: object, **kwargs: object) -> None:
        """The clock starts; batches are loaded after this."""
        self.seconds = -time.process_time()

    def on_train_end(self, args: object, state: object, control: object, **kwargs: object) -> None:
        """The clock stops."""
        self.seconds += time.process_time()


def epoch(model: str, setting: str, data: list[str], pictures: int) -> tuple[float, float]:
    """Rows a second, and the share of padding, of one epoch."""
    _, rows, pixels = MODELS[model]
    with tempfile.TemporaryDirectory() as out:
        arguments = [
            "--scratch", model, "--data", *data, "--limit", str(pictures), "--output_dir", out,
            "--per_device_train_batch_size", str(rows), "--num_train_epochs", "1", "--max_pixels", str(pixels),
            "--use_cpu", "true", "--bf16", "false", "--gradient_checkpointing", "false",
            "--save_strategy", "no", "--logging_steps", "1", "--learning_rate", "1e-4", *SETTINGS[setting],
        ]  # fmt: skip
        given, clock = sft.parse(arguments), Clock()
        with contextlib.redirect_stdout(io.StringIO()):
            run = sft.set_up(*given)
            assert run is not None
            trainer = sft.trainer_of(run, given[1], given[2])
            run.attach(trainer)
            trainer.add_callback(clock)
            trainer.train()
    logged = [line["padding"] for line in trainer.state.log_history if "padding" in line]
    return len(run.prepared.table) / clock.seconds, sum(logged) / len(logged)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", required=True)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    for model in given.models:
        pictures, rows, _ = MODELS[model]
        epoch(model, "random", given.data, 1)  # warms caches
        rates: dict[str, list[float]] = {name: [] for name in SETTINGS}
        padding: dict[str, float] = {}
        for _ in range(given.turns):
            for name, own in rates.items():
                rate, padding[name] = epoch(model, name, given.data, pictures)
                own.append(rate)
        print(f"{model}, {pictures} pictures, {rows} rows a batch, {given.turns} turns")
        for name, own in rates.items():
            ratio = median(own) / median(rates["random"])
            spread = f"{min(own):.2f} to {max(own):.2f}"
            print(
                f"  {name:8} {median(own):7.2f} rows/s ({spread}), padding {padding[name]:6.1%}, × {ratio:.2f}"
            )


if __name__ == "__main__":
    main()
