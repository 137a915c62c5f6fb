"""Reinforcement learning on shards with TRL's GRPOTrainer: answers are drawn for each row, the rewards of
hmer_tasks/rewards.py say what each is worth, and what is worth more than its neighbours is made likelier.

# From a model that was fine-tuned first (python -m trainer.sft)
accelerate launch --config_file trainer/accelerate/single_gpu.yaml -m trainer.grpo \
    --model_name_or_path runs/3b --dtype bfloat16 --bf16 true --data build/hme100k --max_pixels 262144 \
    --rewards exact=2,tree_agrees,counts_agree,markup_valid,length --output_dir runs/3b-grpo

# The same on a CPU with a tiny model: examples/grpo.py

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

from trl import GRPOConfig, GRPOTrainer, ModelConfig, get_peft_config

from hmer_tasks.rewards import REWARDS
from trainer.data import Rows
from trainer.decoding import GREEDY, Question, Sampling, answer
from trainer.exact import LoadsCheckpoints
from trainer.faults import UsageError, run
from trainer.options import DataArguments
from trainer.sft import parse_as, set_up

if TYPE_CHECKING:
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
    """Rows by number as GRPOTrainer wants them: prompt, pictures, and the columns that rewards read."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> dict[str, object]:
        example = self.rows[number]
        return {"prompt": example["prompt"], "images": example["images"], **self.columns(number)}

    def question(self, number: int) -> Question:
        """The row as the predictor asks it."""
        example = self.rows[number]
        return Question(example["images"][0], example["prompt"])

    def columns(self, number: int) -> dict[str, str | None]:
        """What rewards may ask of the row."""
        row = self.rows.table[int(self.rows.order[number])]
        return {name: row[name] for name in COLUMNS}


class PictureGRPOTrainer(LoadsCheckpoints, GRPOTrainer):
    """GRPOTrainer that really goes on from a checkpoint's weights."""


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
    prompts: Prompts,
    sampling: Sampling = GREEDY,
    batch: int = 32,
) -> dict[str, float]:
    """What a model's answers to the rows earn: the mean of each reward over the rows it speaks of."""
    sums: defaultdict[str, float] = defaultdict(float)
    rows: Counter[str] = Counter()
    for start in range(0, len(prompts), batch):
        numbers = range(start, min(start + batch, len(prompts)))
        said = answer(model, processor, [prompts.question(number) for number in numbers], sampling)
        asked = [prompts.columns(number) for number in numbers for _ in range(sampling.samples)]
        columns = {name: [one[name] for one in asked] for name in COLUMNS}
        answers = [one.raw for each in said for one in each]
        for name, reward in REWARDS.items():
            worth = [one for one in reward(prompts=None, completions=answers, **columns) if one is not None]
            sums[name] += sum(worth)
            rows[name] += len(worth)
    return {name: sums[name] / rows[name] for name in REWARDS if rows[name]}


def parse(arguments: list[str]) -> tuple[GrpoArguments, GrpoConfig, ModelConfig]:
    """Flags and recipe. Raises UsageError for what is misspelt, wrong or missing."""
    return parse_as((GrpoArguments, GrpoConfig, ModelConfig), "trainer.grpo", __doc__, arguments)


def train(arguments: GrpoArguments, training: GrpoConfig, config: ModelConfig) -> list[dict[str, float]]:
    """The whole run; what was logged, step by step. Raises UsageError, TrainError."""
    functions, training.reward_weights = read_rewards(arguments.rewards)
    more = {"rewards": arguments.rewards, "answers a row": training.num_generations, "beta": training.beta}
    made = set_up(arguments, training, config, more)
    # Padded on the right, the prompt's token types would not stand where GRPOTrainer puts the prompt.
    made.processor.tokenizer.padding_side = "left"
    trainer = PictureGRPOTrainer(
        model=made.model,
        reward_funcs=functions,
        args=training,
        train_dataset=made.rows.table,  # it takes a datasets.Dataset alone, so first this,
        processing_class=made.processor,
        peft_config=get_peft_config(config),
        callbacks=made.callbacks(),
    )
    trainer.train_dataset = Prompts(made.rows)  # then the rows chosen of it, whose pictures are decoded late
    made.go(trainer, ("reward", "exprate"))
    return trainer.state.log_history


def main() -> None:
    """The command line."""
    warnings.filterwarnings("ignore", r".*activation_checkpointing", FutureWarning)
    train(*parse(sys.argv[1:]))


if __name__ == "__main__":
    run("trainer.grpo", main)
