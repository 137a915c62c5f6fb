"""The trainer's arguments, as flags and as keys of a recipe: ours, and TRL's with the defaults we need."""

import re
from argparse import ArgumentDefaultsHelpFormatter, RawDescriptionHelpFormatter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, TypeVar, cast

import yaml
from trl import ModelConfig, SFTConfig, TrlParser

from hmer_tasks.exceptions import did_you_mean
from trainer.faults import TrainError, UsageError

Value = TypeVar("Value")
Given = TypeVar("Given")
Training = TypeVar("Training")


def flag(default: Value, text: str, choices: Sequence[str] | None = None) -> Value:
    """A field of the arguments: its default, its help, and what it may be."""
    metadata = {"help": text, **({"choices": list(choices)} if choices else {})}
    if isinstance(default, list):
        return cast("Value", field(default_factory=default.copy, metadata=metadata))
    return field(default=default, metadata=metadata)


@dataclass
class DataArguments:
    """Which rows are trained on, what they may cost, and what is decoded to see how it goes."""

    data: list[str] = flag([], "Builds, BUILD:SPLIT, folders or files of shards.")
    data_weights: list[float] = flag([], "A weight for each of --data: copies an epoch (0.5: half).")
    sample_weights: str | None = flag(
        None, "Copies of each sample: what `hmer-tasks audit --weights` writes."
    )
    plugin: list[str] = flag([], "Python files with tasks of your own (docs/extending.md).")
    task_weights: str = flag("", "recognition=1,tree_cot=0.5: those tasks alone; empty: all, once.")
    folds: str | None = flag(None, "JSON lines {source, id, fold}.")
    fold: int = flag(0, "The fold that is held out.")
    side: str = flag("train", "Train on all but that fold, or on it.", choices=["train", "held"])
    general_data: list[str] = flag([], "Text-only SFT data (.jsonl, .parquet), to keep general skill.")
    general_share: float = flag(0.0, "Their share of all rows, 0.1 for a tenth.")
    limit: int | None = flag(None, "Only the first so many pictures of each corpus, for a trial.")
    max_pixels: int | None = flag(None, "Pictures larger than this are made smaller. Published: 262144.")
    max_tokens: int = flag(2048, "The most tokens a row may have.")
    too_long: str = flag("refuse", "A row with more tokens.", choices=["refuse", "downsize"])
    system_prompt: str = flag("", "A system turn before every prompt.")
    jitter: bool = flag(False, "Turn, slant and stretch each picture anew in every epoch.")
    scratch: str | None = flag(
        None, "Start from random weights: a name of trainer.models, or a folder with a config."
    )
    vision_attention: str = flag(
        "auto", "Attention of the vision tower: flash_varlen (auto), sdpa, flash_attention_2 …"
    )
    save_dtype: str = flag(
        "bfloat16", "Precision of the model that is saved at the end.", choices=["bfloat16", "float32"]
    )
    freeze: str = flag("", "Parts left as they are: vision,projector,language. Default: none.")
    decode_data: list[str] = flag([], "Shards to decode; default: the fold held out, or the split valid.")
    decode_steps: int = flag(0, "Decode every so many steps; 0: never.")
    decode_rows: int = flag(128, "How many pictures.")
    decode_batch: int = flag(16, "How many at a time.")
    decode_task: str = flag("recognition", "By which task's prompt.")
    decode_new_tokens: int = flag(512, "The longest answer.")
    restart: bool = flag(False, "Delete the checkpoints in --output_dir and begin anew.")


@dataclass
class TrainConfig(SFTConfig):
    """TRL's arguments. `max_length` must stay None: cut-off completions train on nothing."""

    output_dir: str | None = flag(None, "Where checkpoints and the model go.")
    max_length: int | None = flag(None, "Leave it: see --max_tokens.")
    report_to: list[str] | str = flag(["none"], "tensorboard, trackio, wandb …; none by default.")
    save_total_limit: int | None = flag(3, "How many checkpoints are kept.")
    train_sampling_strategy: str = flag(
        "",
        "Which rows form a batch; by default group_by_length, with --packing random.",
        choices=["random", "sequential", "group_by_length", "batch_rebalance"],
    )
    packing: bool = flag(False, "Rows of a batch in one sequence: no padding.")

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
    kinds: tuple[type[Given], type[Training]], name: str, manual: str | None, arguments: list[str]
) -> tuple[Given, Training, ModelConfig]:
    """An object of each of the dataclasses, and TRL's of the model, from flags and recipe.

    Args:
        kinds: The dataclasses of the data and of the training.
        name: The command, for messages.
        manual: Its help.
        arguments: The command line.

    Returns:
        The objects, in order.

    Raises:
        UsageError: A flag or key that is misspelt, wrong or missing.
    """
    usage = f"python -m {name} --config RECIPE --data BUILD … --output_dir FOLDER [--flag value …]"
    how = {"prog": name, "usage": usage, "description": manual, "formatter_class": _Help}
    parser = TrlParser((*kinds, ModelConfig), **how, allow_abbrev=False)
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
    except (ValueError, TypeError) as error:
        text = str(error).replace(" Please remove them, add them to the dataclass, or", "")
        text = text.replace("Some specified arguments are not used by the HfArgumentParser", "not known")
        refuse(text.partition("set `")[0])
    except ImportError as error:
        raise TrainError(f"{error} (is what --report_to or --deepspeed needs installed?)") from error
    return given, training, model


def _split_recipe(arguments: list[str]) -> tuple[list[str], dict[str, object]]:
    """The flags without --config, and the keys of its recipe over those of its `base`, if it names one."""
    if "--config" not in arguments:
        return arguments, {}
    at = arguments.index("--config")
    if at + 1 == len(arguments):
        raise UsageError("--config: name a recipe; they are in trainer/recipes/")
    return [*arguments[:at], *arguments[at + 2 :]], recipe_keys(Path(arguments[at + 1]))


def recipe_keys(path: Path | None) -> dict[str, object]:
    """The keys of a recipe over those of its `base`, if it names one, and so on.

    Args:
        path: The recipe.

    Returns:
        Its keys.

    Raises:
        UsageError: A file is not there or no recipe, or a base leads back to a recipe that was read.
    """
    keys: dict[str, object] = {}
    read: list[Path] = []
    while path is not None:
        if path.resolve() in read:
            raise UsageError(f"{path}: its bases lead back to it")
        read.append(path.resolve())
        try:
            recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"no recipe {path}: they are in trainer/recipes/") from error
        except (ValueError, yaml.YAMLError) as error:
            raise UsageError(f"{path} is no recipe: {' '.join(str(error).split())}") from error
        if not isinstance(recipe, dict):
            raise UsageError(f"{path} is no recipe: it must hold keys and values")
        base = recipe.pop("base", None)
        keys = {**recipe, **keys}
        path = path.parent / str(base) if base else None
    return keys
