"""Fine-tune a vision-language model on shards: all of it by default, with TRL's SFTTrainer.

# The published recipe on one GPU, on your own builds
accelerate launch --config_file trainer/accelerate/single_gpu.yaml -m trainer.sft \
    --config trainer/recipes/uni-mumer-qwen2.5-vl-3b.yaml \
    --data build/hme100k build/crohme --output_dir runs/3b

# On eight GPUs (FSDP2; zero2.yaml and zero3.yaml are beside it)
accelerate launch --config_file trainer/accelerate/fsdp2_8gpu.yaml -m trainer.sft \
    --config trainer/recipes/uni-mumer-qwen2.5-vl-7b.yaml --data build/hme100k --output_dir runs/7b

# Corpora and tasks by weight, a tenth of general data, a fold held out, ExpRate every 200 steps
python -m trainer.sft --config RECIPE --data build/hme100k build/crohme --data_weights 1 2 \
    --task_weights recognition=1,tree_cot=0.5 --general_data chat.jsonl --general_share 0.1 \
    --folds folds.jsonl --fold 0 --decode_steps 200 --decode_data build/crohme:2014 --output_dir runs/mix

# LoRA (pip install peft), or only the language model
python -m trainer.sft --config RECIPE --data build/crohme --output_dir runs/lora --use_peft true
python -m trainer.sft --config RECIPE --data build/crohme --output_dir runs/lm --freeze vision,projector

# Several rows in one sequence: no padding (the batches of rows stay as they are)
python -m trainer.sft --config RECIPE --data build/crohme --output_dir runs/packed --packing true

# A tiny model from random weights, on a CPU, in minutes
python -m trainer.sft --config trainer/recipes/tiny-cpu.yaml --data build/sample --output_dir runs/tiny

The same command goes on from the newest whole checkpoint, whatever ended the run (SIGKILL too);
SIGTERM saves one first. Flags override a recipe's keys; a misspelt flag or key is refused. A recipe may
name another one that it changes (`base: base.yaml`).
"""

import json
import os
import re
import subprocess
import sys
import warnings
from argparse import ArgumentDefaultsHelpFormatter, RawDescriptionHelpFormatter
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import torch
import yaml
from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from datasets import disable_progress_bars
from transformers.trainer_callback import PrinterCallback
from transformers.utils import logging
from trl import ModelConfig, TrlParser, get_peft_config

from hmer_tasks.utils.terminal import printable
from trainer import models
from trainer.callbacks import Decoder, Epochs, PlainLines, Stopper
from trainer.card import write_card
from trainer.checkpoints import Identity, begin, last_complete_checkpoint, same_run
from trainer.data import Prepared, prepare
from trainer.faults import Stopped, TrainError, UsageError, run
from trainer.model import (
    choose_attention,
    freeze,
    limit_pixels,
    names_of_weights,
    open_model,
    repair_names,
)
from trainer.options import DataArguments, TrainConfig
from trainer.shards import find_shards, valid_split
from trainer.vision_trainer import SavesFinalWeights, VisionSFTTrainer

if TYPE_CHECKING:
    from transformers import PreTrainedModel, ProcessorMixin, TrainerCallback, TrainingArguments

# What makes a run this run: with another one of these its checkpoints are another run's.
IDENTITY = (
    "learning_rate", "lr_scheduler_type", "warmup_steps", "num_train_epochs", "max_steps", "optim",
    "weight_decay", "adam_beta1", "adam_beta2", "max_grad_norm", "seed", "bf16", "fp16", "loss_type",
    "train_sampling_strategy",
)  # fmt: skip
Given = TypeVar("Given")
Training = TypeVar("Training")
Model = TypeVar("Model")
_UNKNOWN = re.compile(r"--([\w.-]+)")


def parse(arguments: list[str]) -> tuple[DataArguments, TrainConfig, ModelConfig]:
    """Flags and recipe. Raises UsageError for what is misspelt, wrong or missing."""
    return parse_as((DataArguments, TrainConfig, ModelConfig), "trainer.sft", __doc__, arguments)


class _Help(ArgumentDefaultsHelpFormatter, RawDescriptionHelpFormatter):
    """The manual as it stands, then every flag with its default."""


def parse_as(
    kinds: tuple[type[Given], type[Training], type[Model]],
    name: str,
    manual: str | None,
    arguments: list[str],
) -> tuple[Given, Training, Model]:
    """An object of each of the dataclasses, from flags and recipe, for the command `name`."""
    parser = TrlParser(
        kinds,
        prog=name,
        usage=f"python -m {name} --config RECIPE --data BUILD … --output_dir FOLDER [--flag value …]",
        description=manual,
        formatter_class=_Help,
        allow_abbrev=False,
    )
    known = {action.dest for action in parser._actions}

    def refuse(message: str) -> NoReturn:
        near = [
            f"did you mean --{matches[0]}?"
            for name in _UNKNOWN.findall(message)
            if name.replace("-", "_") not in known and (matches := get_close_matches(name, known, 1))
        ]
        raise UsageError(" ".join([message, *near]))

    parser.error = refuse  # argparse's own prints its usage, all four hundred lines of it
    try:
        arguments, recipe = _split_recipe(arguments)
        if unknown := parser.set_defaults_with_config(**recipe):
            refuse(f"Unknown arguments from config file: {unknown}.")
        given, training, model = parser.parse_args_into_dataclasses(arguments)
    except (ValueError, TypeError, yaml.YAMLError) as error:
        text = (
            str(error).replace(" Please remove them, add them to the dataclass, or", "").partition("set `")[0]
        )
        refuse(text)
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
    path, keys = Path(*arguments[at + 1 : at + 2]), dict[str, object]()
    rest = [*arguments[:at], *arguments[at + 2 :]]
    while True:
        recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(recipe, dict):
            raise ValueError(f"{path} is no recipe: it must hold keys and values")
        base = recipe.pop("base", None)
        keys = {**recipe, **keys}
        if base is None:
            return rest, keys
        path = path.parent / str(base)


def load_model(
    arguments: DataArguments, training: "TrainingArguments", config: ModelConfig
) -> "tuple[PreTrainedModel, ProcessorMixin]":
    """The model and its processor, the pixel limits set. Raises TrainError where it is not there."""
    name, weights = config.model_name_or_path, True
    if arguments.scratch:
        if name:
            raise UsageError("--scratch and --model_name_or_path exclude each other")
        weights = not Path(arguments.scratch).is_dir()
        name = _built(arguments, training) if weights else arguments.scratch
    if not name:
        raise UsageError("no model: say --model_name_or_path PATH-OR-NAME, or --scratch NAME")
    model, processor = open_model(name, config.model_revision, config.dtype, weights)
    packing = bool(getattr(training, "packing", False))
    choose_attention(model, config.attn_implementation, arguments.vision_attention, packing)
    limit_pixels(processor, arguments.min_pixels, arguments.max_pixels)
    freeze(model, arguments.freeze)
    return model, processor


def _built(arguments: DataArguments, training: "TrainingArguments") -> str:
    """The folder of the model that --scratch names; the main process builds it."""
    folder, state = Path(training.output_dir or "") / "scratch", PartialState()
    if state.is_main_process and not (folder / "processor_config.json").exists():
        name, seed = str(arguments.scratch), training.seed
        if state.num_processes == 1 or name not in models.SIZES:
            models.build(name, models.texts_of(find_shards(arguments.data)), folder, seed)
        else:  # in a process of its own: ZeRO-3 would have all of them take part, and wait for ever
            command = [sys.executable, "-m", "trainer.models", name, str(folder), "--seed", str(seed)]
            alone = {key: value for key, value in os.environ.items() if not key.startswith("ACCELERATE_")}
            for key in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"):
                alone.pop(key, None)
            subprocess.run([*command, "--data", *arguments.data], env=alone, check=False)
    state.wait_for_everyone()
    return str(folder)


def decoder_of(arguments: DataArguments, processor: "ProcessorMixin", seed: int) -> Decoder | None:
    """The callback that decodes held-out pictures, if it is asked for."""
    if not arguments.decode_steps:
        return None
    held = DataArguments(
        data=arguments.decode_data or [split for path in arguments.data if (split := valid_split(path))],
        task_weights=arguments.decode_task,
        max_tokens=1_000_000,
        system_prompt=arguments.system_prompt,
    )
    if arguments.folds and not arguments.decode_data:
        held.data, held.folds, held.fold, held.side = arguments.data, arguments.folds, arguments.fold, "held"
    if not held.data:
        raise UsageError("--decode_steps needs held-out pictures: --decode_data, --folds, or a split valid")
    prepared = prepare(held, processor, seed)
    count = len(prepared.table)
    spread = range(0, count, max(1, count // arguments.decode_rows))  # the same ones every time
    prepared.table = prepared.table.select(spread[: arguments.decode_rows])
    return Decoder(prepared, arguments.decode_steps, arguments.decode_batch, arguments.decode_new_tokens)


def identity_of(
    arguments: DataArguments,
    training: "TrainingArguments",
    config: ModelConfig,
    prepared: Prepared,
    world: int,
) -> Identity:
    """What the run is, as it stands in run.json."""
    batch = training.per_device_train_batch_size * training.gradient_accumulation_steps * world
    return {
        "model": arguments.scratch or config.model_name_or_path,
        "rows": prepared.digest(),
        "rows in a step": batch,
        "freeze": arguments.freeze,
        "max_pixels": arguments.max_pixels,
        "system_prompt": arguments.system_prompt,
        "jitter": arguments.jitter,
        "lora": [config.lora_r, config.lora_alpha] if config.use_peft else None,
        **{name: str(getattr(training, name)) for name in IDENTITY},
    }


@dataclass(slots=True)
class Run:
    """A run before its trainer is there: what every kind of training on shards sets up alike."""

    arguments: DataArguments
    model: "PreTrainedModel"
    processor: "ProcessorMixin"
    prepared: Prepared
    resume: str | None
    identity: Identity
    base: set[str]
    stopper: Stopper
    decoder: Decoder | None

    def callbacks(self) -> "list[TrainerCallback]":
        """What the trainer calls between its steps."""
        return [self.stopper, Epochs(self.prepared.transform), *([self.decoder] if self.decoder else [])]

    def go(self, trainer: SavesFinalWeights, curves: tuple[str, ...]) -> None:
        """Train, save and draw the curves. Raises Stopped, TrainError."""
        self.attach(trainer)
        _run(trainer, self.resume)
        if self.stopper.stopped:
            step = trainer.state.global_step
            raise Stopped(f"stopped: checkpoint-{step} is saved; the same command goes on")
        self.finish(trainer, curves)

    def attach(self, trainer: SavesFinalWeights) -> None:
        """Let the callbacks know their trainer."""
        for callback in trainer.callback_handler.callbacks:
            if hasattr(callback, "trainer"):
                callback.trainer = trainer
        if trainer.pop_callback(PrinterCallback) is not None:  # no terminal: plain lines
            trainer.add_callback(PlainLines)

    def finish(self, trainer: SavesFinalWeights, drawn: tuple[str, ...]) -> None:
        """Save the model, and draw what the run did."""
        out = Path(trainer.args.output_dir)
        trainer.save_final(str(out), getattr(torch, self.arguments.save_dtype))
        if not PartialState().is_main_process:
            return
        if line := repair_names(out, self.base):
            _say(True, line)
        history = trainer.state.log_history
        lines = [json.dumps(line) + "\n" for line in history]
        (out / "log.jsonl").write_text("".join(lines), encoding="utf-8")
        curves = {name: [(line["step"], line[name]) for line in history if name in line] for name in drawn}
        plot(out / "training.png", curves)
        write_card(out, self.arguments, self.identity, self.prepared, history)
        last = ", ".join(f"{name} {points[-1][1]:.4f}" for name, points in curves.items() if points)
        where = f"the model is in {out}, its curves in {out / 'training.png'}"
        _say(True, f"{trainer.state.global_step:,} steps: {last}; {where}")


def set_up(
    arguments: DataArguments, training: "TrainingArguments", config: ModelConfig, more: Identity | None = None
) -> Run:
    """Model, rows and the checkpoint to go on from; `more` is what else makes the run this run.

    Raises UsageError, TrainError.
    """
    state = PartialState()
    world = state.num_processes
    if not state.is_main_process or not sys.stderr.isatty():
        disable_progress_bars()
        logging.disable_progress_bar()
        training.disable_tqdm = True
    if world == 1 and torch.cuda.device_count() > 1:
        raise UsageError(
            f"{torch.cuda.device_count()} GPUs and one process: say `accelerate launch --config_file"
            " trainer/accelerate/fsdp2_8gpu.yaml -m trainer.sft …`, or set CUDA_VISIBLE_DEVICES=0"
        )
    training.remove_unused_columns = False  # the transform hands out what the collator wants
    model, processor = load_model(arguments, training, config)
    prepared = prepare(arguments, processor, training.seed)
    decoder = decoder_of(arguments, processor, training.seed)
    identity = {**identity_of(arguments, training, config, prepared, world), **(more or {})}
    resume = _resume(Path(training.output_dir or ""), identity, arguments.restart, prepared, state)
    base = names_of_weights(model.name_or_path, config.model_revision) if state.is_main_process else set()
    return Run(arguments, model, processor, prepared, resume, identity, base, Stopper(), decoder)


def train(arguments: DataArguments, training: TrainConfig, config: ModelConfig) -> None:
    """The whole run. Raises UsageError, TrainError."""
    run = set_up(arguments, training, config)
    run.go(trainer_of(run, training, config), ("loss", "exprate"))


def trainer_of(run: Run, training: TrainConfig, config: ModelConfig) -> VisionSFTTrainer:
    """The trainer of a run that is set up."""
    return VisionSFTTrainer(
        model=run.model,
        args=training,
        prepared=run.prepared,
        processing_class=run.processor,
        peft_config=get_peft_config(config),
        callbacks=run.callbacks(),
    )


def _resume(
    out: Path, identity: Identity, restart: bool, prepared: Prepared, state: PartialState
) -> str | None:
    """The checkpoint to go on from, as the main process finds it; run.json and refused.jsonl written."""
    main, world = state.is_main_process, state.num_processes
    result: list[str | None] = [None, ""]
    if main:
        try:
            if not restart:
                same_run(out, identity)
            begin(out, identity, restart)
            lines = [json.dumps(refusal, ensure_ascii=False) + "\n" for refusal in prepared.refused]
            (out / "refused.jsonl").write_text("".join(lines), encoding="utf-8")
            whole, passed = last_complete_checkpoint(out, world)
            for line in (*prepared.lines(), *passed, *([f"going on from {whole}"] if whole else [])):
                _say(main, line)
            result[0] = str(whole) if whole else None
        except TrainError as error:
            result[1] = str(error)  # every process must end, not the first alone
    if world > 1:
        broadcast_object_list(result)
    if result[1]:
        raise TrainError(result[1])
    return result[0]


def _run(trainer: SavesFinalWeights, resume: str | None) -> None:
    """Train. Raises TrainError where memory does not suffice."""
    try:
        trainer.train(resume_from_checkpoint=resume)
    except (torch.OutOfMemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise TrainError(out_of_memory(trainer.args, trainer.state.global_step)) from None


def is_out_of_memory(error: Exception) -> bool:
    """Whether torch had no memory left: on a GPU a class of its own, on a CPU a RuntimeError."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def out_of_memory(training: "TrainingArguments", step: int) -> str:
    """The line for a run that had not enough memory: what helps, in the order of what it costs."""
    rows, times = training.per_device_train_batch_size, training.gradient_accumulation_steps
    fewer = max(1, rows // 2)
    return (
        f"out of memory in step {step + 1}; what helps: --gradient_checkpointing true, "
        f"--per_device_train_batch_size {fewer} --gradient_accumulation_steps {times * rows // fewer} "
        "(the same batch), --max_pixels with a smaller cap; then a ZeRO-3 or FSDP2 configuration"
    )


def plot(path: Path, curves: dict[str, list[tuple[float, float]]]) -> None:
    """One panel a curve that has points, each with its own scale from 0."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        _say(True, "no curves are drawn: pip install matplotlib")
        return
    drawn = {name: points for name, points in curves.items() if points}
    figure = Figure(figsize=(9, 3 * len(drawn)), layout="constrained")
    for number, (name, points) in enumerate(drawn.items(), start=1):
        axes = figure.add_subplot(len(drawn), 1, number)
        axes.plot(*zip(*points, strict=True), marker="o" if len(points) < 60 else "")
        axes.set(
            title=f"{name}: {points[-1][1]:.4g} at step {points[-1][0]:.0f}", ylim=(0, None), xlabel="step"
        )
        axes.grid(alpha=0.4)
    if drawn:
        figure.savefig(path, dpi=100)


def _say(main: bool, text: str) -> None:
    if main:
        print(printable(text, lines=True), flush=True)


def main() -> None:
    """The command line."""
    # `gradient_checkpointing` has a new name, which transformers 5.17 does not know yet.
    warnings.filterwarnings("ignore", r".*activation_checkpointing", FutureWarning)
    data, training, model = parse(sys.argv[1:])
    train(data, training, model)


if __name__ == "__main__":
    run("trainer.sft", main)
