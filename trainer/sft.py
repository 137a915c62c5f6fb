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

# A tiny model from random weights, on a CPU, in minutes
python -m trainer.sft --config trainer/recipes/tiny-cpu.yaml --data build/sample --output_dir runs/tiny

The same command goes on from the newest whole checkpoint, whatever ended the run (SIGKILL too);
SIGTERM saves one first. Flags override a recipe's keys; a misspelt flag or key is refused.
"""

import json
import os
import re
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
from transformers import AutoModelForImageTextToText, AutoProcessor
from transformers.utils import logging
from trl import ModelConfig, TrlParser, get_peft_config

from trainer import models
from trainer.callbacks import Decoder, Epochs, Stopper
from trainer.checkpoints import Identity, begin, newest_whole, same_run
from trainer.data import Prepared, Rows, prepare
from trainer.exact import ExactTrainer
from trainer.faults import Stopped, TrainError, UsageError, run
from trainer.options import DataArguments, TrainConfig
from trainer.plot import plot
from trainer.shards import find_shards, valid_split

if TYPE_CHECKING:
    from transformers import (
        PreTrainedModel,
        ProcessorMixin,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

# Parts of a model by the names of its parameters. The projector lies within the vision tower.
PARTS = {
    "projector": re.compile(r"\bvisual\.(merger|deepstack_merger_list)\b"),
    "vision": re.compile(r"\bvisual\.(?!merger|deepstack_merger_list)"),
    "language": re.compile(r"\b(language_model|lm_head)\b"),
}
# What makes a run this run: with another one of these its checkpoints are another run's.
IDENTITY = (
    "learning_rate", "lr_scheduler_type", "warmup_steps", "num_train_epochs", "max_steps", "optim",
    "weight_decay", "adam_beta1", "adam_beta2", "max_grad_norm", "seed", "bf16", "fp16", "loss_type",
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
            f"did you mean --{found[0]}?"
            for name in _UNKNOWN.findall(message)
            if name.replace("-", "_") not in known and (found := get_close_matches(name, known, 1))
        ]
        raise UsageError(" ".join([message, *near]))

    parser.error = refuse  # argparse's own prints its usage, all four hundred lines of it
    try:
        given, training, model = parser.parse_args_and_config(arguments)
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


def load_model(
    arguments: DataArguments, training: "TrainingArguments", config: ModelConfig
) -> "tuple[PreTrainedModel, ProcessorMixin]":
    """The model and its processor, the pixel limits set. Raises TrainError where it is not there."""
    name = config.model_name_or_path
    if arguments.scratch:
        if name:
            raise UsageError("--scratch and --model_name_or_path exclude each other")
        folder = Path(training.output_dir or "") / "scratch"
        if PartialState().is_main_process and not (folder / "processor_config.json").exists():
            models.build(
                arguments.scratch, models.texts_of(find_shards(arguments.data)), folder, training.seed
            )
        PartialState().wait_for_everyone()
        name = str(folder)
    if not name:
        raise UsageError("no model: say --model_name_or_path PATH-OR-NAME, or --scratch NAME")
    model, processor = open_model(name, config.model_revision, config.dtype, config.attn_implementation)
    limit_pixels(processor, arguments.min_pixels, arguments.max_pixels)
    freeze(model, arguments.freeze)
    return model, processor


def open_model(
    name: str, revision: str = "main", dtype: str = "auto", attention: str | None = None
) -> "tuple[PreTrainedModel, ProcessorMixin]":
    """A model and its processor by path or by name on the Hub. Raises TrainError where it is not there."""
    check_model_path(name)
    try:
        processor = AutoProcessor.from_pretrained(name, revision=revision)
        model = AutoModelForImageTextToText.from_pretrained(
            name, revision=revision, dtype=dtype, attn_implementation=attention
        )
    except (OSError, ValueError) as error:
        where = "" if Path(name).is_dir() else " (no folder here, so it was sought on the Hub)"
        raise TrainError(f"cannot load the model {name}{where}: {str(error).splitlines()[0]}") from error
    return model, processor


def check_model_path(name: str) -> None:
    """Raise TrainError where a name that can only be a path leads nowhere, or to no model."""
    path = Path(name)
    if path.is_dir():
        if not any((path / one).is_file() for one in ("config.json", "adapter_config.json")):
            raise TrainError(f"no model: {name} holds no config.json")
    elif path.exists() or name.startswith((".", "/", "~")) or name.count("/") != 1 or path.parent.is_dir():
        raise TrainError(f"no model: {name} is not there")


def limit_pixels(processor: "ProcessorMixin", least: int | None, most: int | None) -> None:
    """Set the pixel limits of a processor; it saves them with the model, so prediction has them too."""
    size = processor.image_processor.size
    least, most = least or size["shortest_edge"], most or size["longest_edge"]
    if least > most:
        raise UsageError(f"--min_pixels {least:,} is over --max_pixels {most:,}")
    processor.image_processor.size = {"shortest_edge": least, "longest_edge": most}


def freeze(model: "PreTrainedModel", parts: str) -> None:
    """Leave the named parts of a model as they are. Raises UsageError."""
    for part in filter(None, parts.split(",")):
        if part not in PARTS:
            raise UsageError(f"--freeze: no part {part!r}; there are {', '.join(PARTS)}")
        for name, parameter in model.named_parameters():
            if PARTS[part].search(name):
                parameter.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise UsageError(f"--freeze {parts} leaves nothing to train")


def decoder_of(arguments: DataArguments, processor: "ProcessorMixin", seed: int) -> Decoder | None:
    """The callback that decodes held-out pictures, if it is asked for."""
    if not arguments.decode_steps:
        return None
    held = DataArguments(
        data=arguments.decode_data or [found for path in arguments.data if (found := valid_split(path))],
        task_weights=arguments.decode_task,
        max_tokens=1_000_000,
        system_prompt=arguments.system_prompt,
    )
    if arguments.folds and not arguments.decode_data:
        held.data, held.folds, held.fold, held.side = arguments.data, arguments.folds, arguments.fold, "held"
    if not held.data:
        raise UsageError("--decode_steps needs held-out pictures: --decode_data, --folds, or a split valid")
    rows = prepare(held, processor, seed, 1).rows
    step = max(1, len(rows) // arguments.decode_rows)  # spread over all of them, the same ones every time
    rows.order = rows.order[::step][: arguments.decode_rows]
    return Decoder(rows, arguments.decode_steps, arguments.decode_batch, arguments.decode_new_tokens)


def identity_of(
    arguments: DataArguments, training: "TrainingArguments", config: ModelConfig, rows: Rows, world: int
) -> Identity:
    """What the run is, as it stands in run.json."""
    batch = training.per_device_train_batch_size * training.gradient_accumulation_steps * world
    return {
        "model": arguments.scratch or config.model_name_or_path,
        "rows": rows.digest(),
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

    model: "PreTrainedModel"
    processor: "ProcessorMixin"
    rows: Rows
    resume: str | None
    stopper: Stopper
    decoder: Decoder | None

    def callbacks(self) -> "list[TrainerCallback]":
        """What the trainer calls between its steps."""
        return [self.stopper, Epochs(self.rows), *([self.decoder] if self.decoder else [])]

    def go(self, trainer: "Trainer", curves: tuple[str, ...]) -> None:
        """Train, save and draw the curves. Raises Stopped, TrainError."""
        self.stopper.trainer = trainer
        if self.decoder:
            self.decoder.trainer = trainer
        _run(trainer, self.resume)
        if self.stopper.stopped:
            step = trainer.state.global_step
            raise Stopped(f"stopped: checkpoint-{step} is saved; the same command goes on")
        _finish(trainer, Path(trainer.args.output_dir), PartialState().is_main_process, curves)


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
    training.remove_unused_columns = False  # Rows hands out what the collator wants, and nothing else
    model, processor = load_model(arguments, training, config)
    with state.main_process_first():  # the others find what the first one has measured
        workers = max(1, (os.cpu_count() or 1) // world)
        prepared = prepare(arguments, processor, training.seed, workers)
        decoder = decoder_of(arguments, processor, training.seed)
    identity = {**identity_of(arguments, training, config, prepared.rows, world), **(more or {})}
    resume = _resume(Path(training.output_dir or ""), identity, arguments.restart, prepared, state)
    return Run(model, processor, prepared.rows, resume, Stopper(), decoder)


def train(arguments: DataArguments, training: TrainConfig, config: ModelConfig) -> None:
    """The whole run. Raises UsageError, TrainError."""
    made = set_up(arguments, training, config)
    trainer = ExactTrainer(
        model=made.model,
        args=training,
        train_dataset=made.rows.table,  # SFTTrainer takes a datasets.Dataset alone, so first this,
        processing_class=made.processor,
        peft_config=get_peft_config(config),
        callbacks=made.callbacks(),
    )
    trainer.train_dataset = made.rows  # then the rows chosen of it, whose pictures are decoded late
    made.go(trainer, ("loss", "exprate"))


def _resume(
    out: Path, identity: Identity, restart: bool, prepared: Prepared, state: PartialState
) -> str | None:
    """The checkpoint to go on from, as the main process finds it; run.json and refused.jsonl written."""
    main, world = state.is_main_process, state.num_processes
    found: list[str | None] = [None, ""]
    if main:
        try:
            if not restart:
                same_run(out, identity)
            begin(out, identity, restart)
            lines = [json.dumps(refusal, ensure_ascii=False) + "\n" for refusal in prepared.refused]
            (out / "refused.jsonl").write_text("".join(lines), encoding="utf-8")
            whole, passed = newest_whole(out, world)
            for line in (*prepared.lines(), *passed, *([f"going on from {whole}"] if whole else [])):
                _say(main, line)
            found[0] = str(whole) if whole else None
        except TrainError as error:
            found[1] = str(error)  # every process must end, not the first alone
    if world > 1:
        broadcast_object_list(found)
    if found[1]:
        raise TrainError(found[1])
    return found[0]


def _run(trainer: "Trainer", resume: str | None) -> None:
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


def _finish(trainer: "Trainer", out: Path, main: bool, drawn: tuple[str, ...]) -> None:
    """Save the model, and draw what the run did."""
    if trainer.is_fsdp_enabled:
        trainer.accelerator.state.fsdp_plugin.set_state_dict_type("FULL_STATE_DICT")
    trainer.save_model(str(out))
    if not main:
        return
    history = trainer.state.log_history
    (out / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in history), encoding="utf-8")
    curves = {name: [(line["step"], line[name]) for line in history if name in line] for name in drawn}
    plot(out / "training.png", curves)
    last = ", ".join(f"{name} {points[-1][1]:.4f}" for name, points in curves.items() if points)
    where = f"the model is in {out}, its curves in {out / 'training.png'}"
    _say(main, f"{trainer.state.global_step:,} steps: {last}; {where}")


def _say(main: bool, text: str) -> None:
    if main:
        print(text, flush=True)


def main() -> None:
    """The command line."""
    # `gradient_checkpointing` has a new name, which transformers 5.17 does not know yet.
    warnings.filterwarnings("ignore", r".*activation_checkpointing", FutureWarning)
    data, training, model = parse(sys.argv[1:])
    train(data, training, model)


if __name__ == "__main__":
    run("trainer.sft", main)
