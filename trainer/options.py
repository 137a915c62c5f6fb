"""The trainer's arguments, as flags and as keys of a recipe: ours, and TRL's with the defaults we need."""

import re
from argparse import ArgumentDefaultsHelpFormatter, RawDescriptionHelpFormatter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, TypeVar

import yaml
from trl import SFTConfig, TrlParser

from hmer_tasks.exceptions import did_you_mean
from trainer.faults import TrainError, UsageError

ACTIONS = ("refuse", "downsize", "stop")
DTYPES = ("bfloat16", "float32")
Given = TypeVar("Given")
Training = TypeVar("Training")
Model = TypeVar("Model")


@dataclass
class DataArguments:
    """Which rows are trained on, what they may cost, and what is decoded to see how it goes."""

    data: list[str] = field(
        default_factory=list, metadata={"help": "Builds, BUILD:SPLIT, folders or files of shards."}
    )
    data_weights: list[float] = field(
        default_factory=list, metadata={"help": "A weight for each of --data: copies an epoch (0.5: half)."}
    )
    sample_weights: str | None = field(
        default=None,
        metadata={"help": "Copies of each sample: what `hmer-tasks audit --weights` writes."},
    )
    task_weights: str = field(
        default="", metadata={"help": "recognition=1,tree_cot=0.5: those tasks alone; empty: all, once."}
    )
    folds: str | None = field(default=None, metadata={"help": "JSON lines {source, id, fold}."})
    fold: int = field(default=0, metadata={"help": "The fold that is held out."})
    side: str = field(
        default="train",
        metadata={"help": "Train on all but that fold, or on it.", "choices": ["train", "held"]},
    )
    general_data: list[str] = field(
        default_factory=list,
        metadata={"help": "Text-only SFT data (.jsonl, .parquet), to keep general skill."},
    )
    general_share: float = field(default=0.0, metadata={"help": "Their share of all rows, 0.1 for a tenth."})
    limit: int | None = field(
        default=None, metadata={"help": "Only the first so many pictures of each corpus, for a trial."}
    )
    max_pixels: int | None = field(
        default=None, metadata={"help": "Pictures larger than this are made smaller. Published: 262144."}
    )
    min_pixels: int | None = field(default=None, metadata={"help": "Smaller ones are made larger."})
    over_cap: str = field(
        default="downsize", metadata={"help": "A picture over the cap.", "choices": list(ACTIONS)}
    )
    max_tokens: int = field(default=2048, metadata={"help": "The most tokens a row may have."})
    too_long: str = field(
        default="refuse", metadata={"help": "A row with more tokens.", "choices": list(ACTIONS)}
    )
    system_prompt: str = field(default="", metadata={"help": "A system turn before every prompt."})
    jitter: bool = field(
        default=False, metadata={"help": "Turn, slant and stretch each picture anew in every epoch."}
    )
    scratch: str | None = field(
        default=None,
        metadata={"help": "Start from random weights: a name of trainer.models, or a folder with a config."},
    )
    vision_attention: str = field(
        default="auto",
        metadata={"help": "Attention of the vision tower: flash_varlen (auto), sdpa, flash_attention_2 …"},
    )
    save_dtype: str = field(
        default="bfloat16",
        metadata={"help": "Precision of the model that is saved at the end.", "choices": list(DTYPES)},
    )
    freeze: str = field(
        default="", metadata={"help": "Parts left as they are: vision,projector,language. Default: none."}
    )
    decode_data: list[str] = field(
        default_factory=list, metadata={"help": "Shards to decode; default: the split valid of --data."}
    )
    decode_steps: int = field(default=0, metadata={"help": "Decode every so many steps; 0: never."})
    decode_rows: int = field(default=128, metadata={"help": "How many pictures."})
    decode_batch: int = field(default=16, metadata={"help": "How many at a time."})
    decode_task: str = field(default="recognition", metadata={"help": "By which task's prompt."})
    decode_new_tokens: int = field(default=512, metadata={"help": "The longest answer."})
    restart: bool = field(
        default=False, metadata={"help": "Delete the checkpoints in --output_dir and begin anew."}
    )


@dataclass
class TrainConfig(SFTConfig):
    """TRL's arguments. `max_length` must stay None: cut-off completions train on nothing."""

    output_dir: str | None = field(default=None, metadata={"help": "Where checkpoints and the model go."})
    max_length: int | None = field(default=None, metadata={"help": "Leave it: see --max_tokens."})
    report_to: list[str] | str = field(
        default_factory=lambda: ["none"], metadata={"help": "tensorboard, trackio, wandb …; none by default."}
    )
    save_total_limit: int | None = field(default=3, metadata={"help": "How many checkpoints are kept."})
    train_sampling_strategy: str = field(
        default="",
        metadata={
            "help": "Which rows form a batch; by default group_by_length, with --packing random.",
            "choices": ["random", "sequential", "group_by_length", "batch_rebalance"],
        },
    )
    packing: bool = field(default=False, metadata={"help": "Rows of a batch in one sequence: no padding."})

    def __post_init__(self) -> None:
        if self.max_length is not None:
            raise UsageError("--max_length cuts completions off; leave it, and say --max_tokens")
        if not self.output_dir:
            raise UsageError("--output_dir is missing: where shall checkpoints and the model go?")
        if not self.train_sampling_strategy:
            self.train_sampling_strategy = "random" if self.packing else "group_by_length"
        super().__post_init__()


class _Help(ArgumentDefaultsHelpFormatter, RawDescriptionHelpFormatter):
    """The manual as it stands, then every flag with its default."""


def parse_as(
    kinds: tuple[type[Given], type[Training], type[Model]],
    name: str,
    manual: str | None,
    arguments: list[str],
) -> tuple[Given, Training, Model]:
    """An object of each of the dataclasses, from flags and recipe, for the command `name`.

    Raises:
        UsageError: A flag or key that is misspelt, wrong or missing.
    """
    usage = f"python -m {name} --config RECIPE --data BUILD … --output_dir FOLDER [--flag value …]"
    parser = TrlParser(
        kinds, prog=name, usage=usage, description=manual, formatter_class=_Help, allow_abbrev=False
    )
    known = [f"--{action.dest}" for action in parser._actions]

    def refuse(message: str) -> NoReturn:
        flags = [f"--{flag.replace('-', '_')}" for flag in re.findall(r"--([\w.-]+)", message)]
        flags = [flag for flag in flags if flag not in known]
        raise UsageError(" ".join([message, *(did_you_mean(flag, known) for flag in flags)]).rstrip())

    parser.error = refuse  # argparse's own prints its usage, all four hundred lines of it
    try:
        arguments, recipe = _split_recipe(arguments)
        if unknown := parser.set_defaults_with_config(**recipe):
            refuse(f"Unknown arguments from config file: {unknown}.")
        given, training, model = parser.parse_args_into_dataclasses(arguments)
    except (ValueError, TypeError, yaml.YAMLError) as error:
        text = str(error).replace(" Please remove them, add them to the dataclass, or", "")
        refuse(text.partition("set `")[0])
    except FileNotFoundError as error:
        raise UsageError(f"no recipe {error.filename}: they are in trainer/recipes/") from error
    except ImportError as error:
        raise TrainError(f"{error} (is what --report_to names installed?)") from error
    return given, training, model


def _split_recipe(arguments: list[str]) -> tuple[list[str], dict[str, object]]:
    """The flags without --config, and the keys of its recipe over those of its `base`, if it names one."""
    if "--config" not in arguments:
        return arguments, {}
    at = arguments.index("--config")
    path: Path | None = Path(*arguments[at + 1 : at + 2])
    keys: dict[str, object] = {}
    while path is not None:
        recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(recipe, dict):
            raise ValueError(f"{path} is no recipe: it must hold keys and values")
        base = recipe.pop("base", None)
        keys = {**recipe, **keys}
        path = path.parent / str(base) if base else None
    return [*arguments[:at], *arguments[at + 2 :]], keys
