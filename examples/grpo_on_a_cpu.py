"""Reinforcement learning with rewards that can be computed: GRPO on a tiny model, on a CPU, in minutes.

python examples/grpo_on_a_cpu.py                    # builds, fine-tunes, stops early, then GRPO
python examples/grpo_on_a_cpu.py --model build/runs/tiny --data build/sample  # from a model of yours

Fine-tuning is stopped early on purpose: a model that has all right, or all wrong, earns the same with every
answer and learns nothing. A tiny model and a few pictures prove that the rewards reach the weights, and
nothing about reading. The same with a real model: `examples/grpo.py` (its docstring says how).
"""

import argparse
import tempfile
from pathlib import Path

import grpo
import torch

from hmer_tasks.pipeline import BuildOptions, build
from trainer import sft
from trainer.data import prepare
from trainer.decoding import GREEDY, Sampling
from trainer.model import open_model
from trainer.options import DataArguments

RECIPE = Path(__file__).parent.parent / "trainer" / "recipes" / "tiny-cpu.yaml"
DRAWN = Sampling(temperature=1.0, top_p=1.0, top_k=0, max_new_tokens=250, samples=2)
CONSTANT = "--lr_scheduler_type constant_with_warmup --lr_scheduler_kwargs {}"
FLAGS = (
    "--use_cpu true --bf16 false --gradient_checkpointing false --save_strategy no --logging_steps 10 "
    "--per_device_train_batch_size 64 --num_generations 8 --max_completion_length 250"
).split()


def look(model: str, data: str, pictures: int) -> list[dict[str, float]]:
    """The mean of each reward: over answers to all rows, drawn as GRPO draws them; and over greedy answers
    to the recognition prompt."""
    reader, processor = open_model(model)
    torch.manual_seed(0)
    means = []
    for tasks, sampling in (("", DRAWN), ("recognition", GREEDY)):
        asked = DataArguments(data=[data], limit=pictures, task_weights=tasks)
        prompts = grpo.prompts_of(prepare(asked, processor, 0))
        means.append(grpo.earned(reader, processor, prompts, sampling))
    return means


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--model", help="a fine-tuned model; without one, a tiny one is made")
parser.add_argument("--data", help="shards; without any, the embedded sample is built")
parser.add_argument("--pictures", type=int, default=32)
parser.add_argument("--sft_steps", type=int, default=400)
parser.add_argument("--steps", type=int, default=40)
parser.add_argument("--learning_rate", type=float, default=2e-4)
given = parser.parse_args()

with tempfile.TemporaryDirectory() as scratch:
    data, model, tuned = given.data or f"{scratch}/shards", given.model or f"{scratch}/sft", f"{scratch}/grpo"
    rows = ["--data", data, "--limit", str(given.pictures)]
    if not given.data:
        build(BuildOptions("sample", out=Path(data)))
    if not given.model:
        steps = ["--max_steps", str(given.sft_steps), *CONSTANT.split()]
        sft.train(*sft.parse(["--config", str(RECIPE), *rows, "--output_dir", model, *steps]))
    before, read_before = look(model, data, given.pictures)
    steps = ["--max_steps", str(given.steps), "--learning_rate", str(given.learning_rate)]
    grpo.train(*grpo.parse(["--model_name_or_path", model, *rows, "--output_dir", tuned, *steps, *FLAGS]))
    after, read_after = look(tuned, data, given.pictures)

print("reward        before  after   (answers drawn at temperature 1; the mean over the rows it speaks of)")
for name in before:
    print(f"{name:13} {before[name]:6.3f} {after[name]:6.3f}")
print(f"{'all':13} {sum(before.values()):6.3f} {sum(after.values()):6.3f}")
read = [f"{greedy['exact'] * given.pictures:.0f}" for greedy in (read_before, read_after)]
print(f"pictures of {given.pictures} read exactly, greedily: {read[0]} before, {read[1]} after")
