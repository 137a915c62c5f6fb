"""Reinforcement learning on shards with TRL's GRPOTrainer: answers are drawn for each row, the rewards of
hmer_tasks/rewards.py say what each is worth, and what is worth more than its neighbours is made likelier.

# From a model that was fine-tuned first (python -m trainer.sft)
accelerate launch --config_file trainer/accelerate/single_gpu.yaml examples/grpo.py \
    --model_name_or_path runs/3b --dtype bfloat16 --bf16 true --data build/hme100k --max_pixels 262144 \
    --rewards exact=2,tree_agrees,counts_agree,markup_valid,length --output_dir runs/3b-grpo

# The same on a CPU with a tiny model: examples/grpo_on_a_cpu.py

Which rows, which tasks, folds, freezing, the pixel cap, decoding in between: flags of trainer.sft. What a
step costs is TRL's: `--num_generations` answers a row, `--per_device_train_batch_size` answers at a time,
`--max_completion_length` (an answer that is cut off there earns what its last line earns), `--temperature`,
`--use_vllm true`. The same command goes on from the newest whole checkpoint.
"""

import sys
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trainer.patches  # noqa: F401 - before trl: it makes torchvision loadable on a CPU

# isort: split
from trl import GRPOConfig, GRPOTrainer, ModelConfig, get_peft_config

from hmer_tasks.rewards import REWARDS
from trainer.data import Prepared
from trainer.decoding import GREEDY, Question, Sampling, answer
from trainer.faults import UsageError, run
from trainer.loader_workers import SignalSafeLoading
from trainer.options import DataArguments, parse_as
from trainer.patches import LoadsCheckpoints
from trainer.sft import set_up
from trainer.vision_trainer import SavesFinalWeights

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, ProcessorMixin

# What a reward may ask of a row; of these `build` leaves candidate and marked empty but for the error tasks.
COLUMNS = ("id", "source", "task", "label", "gt", "candidate", "marked")
DEFAULT = "exact,edit,tree_valid,tree_agrees,counts_agree,markup_valid,length"


@dataclass
class GrpoArguments(DataArguments):
    """Which rows are asked, and what their answers are worth."""

    rewards: str = field(
        default=DEFAULT, metadata={"help": f"exact=2,length=0.5: of {', '.join(REWARDS)}; no number: 1."}
    )


@dataclass
class GrpoConfig(GRPOConfig):
    """TRL's arguments."""

    output_dir: str | None = field(default=None, metadata={"help": "Where checkpoints and the model go."})
    report_to: list[str] | str = field(
        default_factory=lambda: ["none"], metadata={"help": "tensorboard, trackio, wandb …; none by default."}
    )
    save_total_limit: int | None = field(default=3, metadata={"help": "How many checkpoints are kept."})

    def __post_init__(self) -> None:
        if not self.output_dir:
            raise UsageError("--output_dir is missing: where shall checkpoints and the model go?")
        super().__post_init__()


class Prompts:
    """The transform of rows for GRPOTrainer: prompt, pictures, and the columns that rewards read."""

    def __init__(self, prepared: Prepared) -> None:
        self.decode = prepared.transform

    def __call__(self, rows: dict[str, list[object]]) -> dict[str, list[object]]:
        decoded = self.decode(rows)
        columns = {name: rows[name] for name in COLUMNS}
        return {"prompt": decoded["prompt"], "images": decoded["images"], **columns}


def prompts_of(prepared: Prepared) -> "Dataset":
    """The rows of a training set as GRPOTrainer wants them."""
    return prepared.table.with_transform(Prompts(prepared))


class PictureGRPOTrainer(LoadsCheckpoints, SavesFinalWeights, SignalSafeLoading, GRPOTrainer):
    """GRPOTrainer that really goes on from a checkpoint's weights, and saves as trainer.sft does."""


def read_rewards(text: str) -> tuple[list[Callable[..., object]], list[float]]:
    """`exact=2,length` as functions and their weights. Raises UsageError."""
    weights: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        name, _, number = part.partition("=")
        if name not in REWARDS:
            raise UsageError(f"--rewards: no reward {name!r}; there are {', '.join(REWARDS)}")
        try:
            weights[name] = float(number or 1)
        except ValueError as error:
            raise UsageError(f"--rewards: {part!r} is not REWARD=NUMBER") from error
    if not weights:
        raise UsageError(f"--rewards names none; there are {', '.join(REWARDS)}")
    return [REWARDS[name] for name in weights], list(weights.values())


def earned(
    model: "PreTrainedModel",
    processor: "ProcessorMixin",
    prompts: "Dataset",
    sampling: Sampling = GREEDY,
    batch: int = 32,
) -> dict[str, float]:
    """What a model's answers to the rows earn: the mean of each reward over the rows it speaks of."""
    sums: defaultdict[str, float] = defaultdict(float)
    rows: Counter[str] = Counter()
    for start in range(0, len(prompts), batch):
        rows_now = [prompts[number] for number in range(start, min(start + batch, len(prompts)))]
        questions = [Question(row["images"][0], row["prompt"]) for row in rows_now]
        said = answer(model, processor, questions, sampling)
        asked = [row for row in rows_now for _ in range(sampling.samples)]
        columns = {name: [row[name] for row in asked] for name in COLUMNS}
        answers = [reply.raw for replies in said for reply in replies]
        for name, reward in REWARDS.items():
            worth = [
                value for value in reward(prompts=None, completions=answers, **columns) if value is not None
            ]
            sums[name] += sum(worth)
            rows[name] += len(worth)
    return {name: sums[name] / rows[name] for name in REWARDS if rows[name]}


def parse(arguments: list[str]) -> tuple[GrpoArguments, GrpoConfig, ModelConfig]:
    """Flags and recipe. Raises UsageError for what is misspelt, wrong or missing."""
    return parse_as((GrpoArguments, GrpoConfig), "grpo", __doc__, arguments)


def train(arguments: GrpoArguments, training: GrpoConfig, config: ModelConfig) -> list[dict[str, float]]:
    """The whole run; what was logged, step by step. Raises UsageError, TrainError."""
    functions, training.reward_weights = read_rewards(arguments.rewards)
    more = {"rewards": arguments.rewards, "answers a row": training.num_generations, "beta": training.beta}
    if not (run := set_up(arguments, training, config, more)):
        return []
    # Padded on the right, the prompt's token types would not stand where GRPOTrainer puts the prompt.
    run.processor.tokenizer.padding_side = "left"
    grpo_trainer = PictureGRPOTrainer(
        model=run.model,
        reward_funcs=functions,
        args=training,
        train_dataset=prompts_of(run.prepared),
        processing_class=run.processor,
        peft_config=get_peft_config(config),
    )
    run.go(grpo_trainer, ("reward", "exprate"))
    return grpo_trainer.state.log_history


def main() -> None:
    """The command line."""
    warnings.filterwarnings("ignore", r".*activation_checkpointing", FutureWarning)
    train(*parse(sys.argv[1:]))


if __name__ == "__main__":
    run("grpo", main)
