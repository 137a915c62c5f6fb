"""Fine-tune a vision-language model on shards: all of it by default, with TRL's SFTTrainer.

# The published recipe on one GPU (4 rows x 128 = its 512 rows a step), on your own builds
accelerate launch --config_file trainer/accelerate/single_gpu.yaml -m trainer.sft \
    --config trainer/recipes/uni-mumer-qwen2.5-vl-3b.yaml --gradient_accumulation_steps 128 \
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
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from datasets import disable_progress_bars
from transformers.trainer_callback import PrinterCallback
from transformers.utils import logging
from trl import ModelConfig, get_peft_config

from hmer_tasks.utils.terminal import printable
from trainer import models
from trainer.callbacks import Decoder, Epochs, PlainLines, Stopper
from trainer.card import write_card
from trainer.checkpoints import Identity, begin, last_complete_checkpoint
from trainer.data import Prepared, prepare
from trainer.faults import Stopped, TrainError, UsageError, run
from trainer.model import choose_attention, freeze, limit_pixels, open_model
from trainer.options import DataArguments, TrainConfig, parse_as
from trainer.patches import EndsAtLastStep, Finished, names_of_weights, repair_names, whole_model
from trainer.shards import find_shards, validation_of
from trainer.vision_trainer import SavesFinalWeights, VisionSFTTrainer

if TYPE_CHECKING:
    from transformers import PreTrainedModel, ProcessorMixin, TrainingArguments

# What makes a run this run: with another value of these its checkpoints are another run's.
IDENTITY = (
    "learning_rate", "lr_scheduler_type", "lr_scheduler_kwargs", "warmup_steps", "num_train_epochs",
    "max_steps", "optim", "weight_decay", "adam_beta1", "adam_beta2", "max_grad_norm", "seed", "data_seed",
    "bf16", "fp16", "loss_type", "train_sampling_strategy",
)  # fmt: skip


def parse(arguments: list[str]) -> tuple[DataArguments, TrainConfig, ModelConfig]:
    """Flags and recipe. Raises UsageError for what is misspelt, wrong or missing."""
    return parse_as((DataArguments, TrainConfig), "trainer.sft", __doc__, arguments)


def load_model(
    arguments: DataArguments, training: "TrainingArguments", config: ModelConfig
) -> "tuple[PreTrainedModel, ProcessorMixin]":
    """The model and its processor, the pixel limits set.

    Args:
        arguments: The options about data; `scratch` names a model of random weights.
        training: The options of training; their seed is that of random weights.
        config: The options about the model.

    Returns:
        Model and processor.

    Raises:
        UsageError: No model was named, or two.
        TrainError: It cannot be loaded.
    """
    scratch, name = arguments.scratch, config.model_name_or_path
    if bool(scratch) == bool(name):
        raise UsageError("no model: say --model_name_or_path PATH-OR-NAME or --scratch NAME, one of the two")
    if scratch:
        # On every process, with the same seed: nothing need be handed around, whatever spreads the weights.
        with whole_model():
            if Path(scratch).is_dir():
                model, processor = open_model(scratch, "main", config.dtype, False, training.seed)
            else:
                texts = models.texts_of(find_shards(arguments.data))
                model, processor = models.make(scratch, texts, training.seed, config.dtype)
    else:
        model, processor = open_model(str(name), config.model_revision, config.dtype)
    packing = bool(getattr(training, "packing", False))
    choose_attention(model, config.attn_implementation, arguments.vision_attention, packing)
    limit_pixels(processor, arguments.max_pixels)
    freeze(model, arguments.freeze)
    return model, processor


def prepare_held(arguments: DataArguments, processor: "ProcessorMixin", seed: int) -> Prepared | None:
    """The held-out pictures that are decoded in between.

    Args:
        arguments: The options about data.
        processor: The model's processor.
        seed: Of the choice of pictures.

    Returns:
        Their rows; None where nothing is to be decoded.

    Raises:
        UsageError: Decoding is asked for, and nothing is held out.
    """
    if not arguments.decode_steps:
        return None
    if arguments.decode_task == "error_detection":
        raise UsageError("--decode_task error_detection: its answers hold no label to score")
    for name in ("decode_rows", "decode_batch", "decode_new_tokens"):
        if (number := getattr(arguments, name)) < 1:
            raise UsageError(f"--{name} must be at least 1, not {number}")
    valid = [path for path in map(validation_of, arguments.data) if path is not None]
    held = DataArguments(
        data=arguments.decode_data or valid,
        task_weights=arguments.decode_task,
        max_tokens=1_000_000,
        system_prompt=arguments.system_prompt,
    )
    if arguments.folds and not arguments.decode_data:
        held.data, held.folds, held.fold = arguments.data, arguments.folds, arguments.fold
        held.side = "train" if arguments.side == "held" else "held"
    if not held.data:
        raise UsageError("--decode_steps needs held-out pictures: --decode_data, --folds, or a split valid")
    prepared = prepare(held, processor, seed)
    count = len(prepared.table)
    spread = range(0, count, max(1, count // arguments.decode_rows))  # the same ones every time
    prepared.table = prepared.table.select(spread[: arguments.decode_rows])
    return prepared


@dataclass(slots=True)
class Run:
    """A run before it has a trainer: what every kind of training on shards sets up alike.

    Attributes:
        arguments: Of the data.
        model: The model.
        processor: Its processor.
        prepared: The rows.
        held: Held-out pictures to decode, if that is asked for.
        resume: The checkpoint to go on from.
        identity: What the run is, as it stands in run.json.
        base: The names of the base model's weights.
    """

    arguments: DataArguments
    model: "PreTrainedModel"
    processor: "ProcessorMixin"
    prepared: Prepared
    held: Prepared | None
    resume: str | None
    identity: Identity
    base: set[str]

    def go(self, trainer: SavesFinalWeights, curves: tuple[str, ...]) -> None:
        """Train, save and draw the curves. Raises Stopped, TrainError."""
        stopper = self.attach(trainer)
        try:
            trainer.train(resume_from_checkpoint=self.resume)
        except Finished:
            pass
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            raise TrainError(out_of_memory(trainer.args, trainer.state.global_step)) from None
        if stopper.stopped:
            step = trainer.state.global_step
            raise Stopped(f"stopped: checkpoint-{step} is saved; the same command goes on")
        trainer.save_final(str(trainer.args.output_dir), getattr(torch, self.arguments.save_dtype))
        if PartialState().is_main_process:
            self.report(trainer, curves)

    def attach(self, trainer: SavesFinalWeights) -> Stopper:
        """Hand the trainer what it calls between its steps; returns what ends it after a signal."""
        given, stopper = self.arguments, Stopper()
        for callback in (EndsAtLastStep(), stopper, Epochs(trainer, self.prepared.transform)):
            trainer.add_callback(callback)
        if self.held:
            sizes = given.decode_steps, given.decode_batch, given.decode_new_tokens
            trainer.add_callback(Decoder(trainer, self.held, *sizes))
        if trainer.pop_callback(PrinterCallback) is not None:  # no terminal: plain lines
            trainer.add_callback(PlainLines)
        return stopper

    def report(self, trainer: SavesFinalWeights, curves: tuple[str, ...]) -> None:
        """Write what the run did beside its model: names as the base has them, curves, card, log."""
        out, history = Path(trainer.args.output_dir), trainer.state.log_history
        if line := repair_names(out, self.base):
            _say(line)
        log = pd.DataFrame(history, columns=["step", *curves]).set_index("step").dropna(axis=1, how="all")
        if len(log.columns):
            size = (9, 3 * len(log.columns))
            axes = log.interpolate().plot(subplots=True, grid=True, figsize=size)
            axes[0].figure.savefig(out / "training.png", dpi=100, bbox_inches="tight")
        write_card(out, self.arguments, self.identity, self.prepared, history)
        lines = [json.dumps(line) + "\n" for line in history]
        (out / "log.jsonl").write_text("".join(lines), encoding="utf-8")
        last = ", ".join(f"{name} {log[name].dropna().iloc[-1]:.4f}" for name in log)
        where = f"the model is in {out}" + (f", its curves in {out / 'training.png'}" if last else "")
        _say(f"{trainer.state.global_step:,} steps{': ' if last else ''}{last}; {where}")


def _lora(config: ModelConfig) -> dict[str, object]:
    """What the adapters are."""
    names = (
        "lora_r",
        "lora_alpha",
        "lora_dropout",
        "lora_target_modules",
        "lora_target_parameters",
        "lora_modules_to_save",
        "use_rslora",
        "use_dora",
    )
    return {name: getattr(config, name) for name in names}


def set_up(
    arguments: DataArguments, training: "TrainingArguments", config: ModelConfig, more: Identity | None = None
) -> Run | None:
    """Model, rows and the checkpoint to go on from.

    Args:
        arguments: Of the data.
        training: Of the training.
        config: Of the model.
        more: What else makes the run this run.

    Returns:
        The run; None where it is finished already.

    Raises:
        UsageError: Arguments that cannot be.
        TrainError: Rows or a model that cannot be had, or checkpoints of another run.
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
    if arguments.jitter and training.dataloader_persistent_workers:
        raise UsageError("--jitter needs new workers each epoch: leave --dataloader_persistent_workers out")
    training.remove_unused_columns = False  # the transform hands out what the collator wants
    model, processor = load_model(arguments, training, config)
    prepared = prepare(arguments, processor, training.seed)
    if prepared.without_picture:
        raise TrainError(f"{prepared.without_picture:,} rows have no picture: build them without --no-images")
    held = prepare_held(arguments, processor, training.seed)
    grouped = training.train_sampling_strategy == "group_by_length"
    identity: Identity = {
        "model": arguments.scratch or config.model_name_or_path,
        "rows": prepared.digest(),
        "rows in a step": training.per_device_train_batch_size * training.gradient_accumulation_steps * world,
        "processes": world,  # other ones take the rows in another order
        "rows of a device at a time": training.per_device_train_batch_size if grouped else None,  # likewise
        "freeze": arguments.freeze,
        "max_pixels": arguments.max_pixels,
        "system_prompt": arguments.system_prompt,
        "jitter": arguments.jitter,
        "lora": _lora(config) if config.use_peft else None,
        "packing": bool(getattr(training, "packing", False)),
        **{name: str(getattr(training, name)) for name in IDENTITY},
        **(more or {}),
    }
    decided: list[object] = [None, False]
    if state.is_main_process:
        try:
            decided = _resume(Path(training.output_dir or ""), identity, arguments.restart, prepared)
        except TrainError as error:
            decided = [error, False]  # every process must end, not the first alone
    resume, finished = broadcast_object_list(decided)
    if isinstance(resume, TrainError):
        raise resume
    if finished:
        return None
    base = config.model_name_or_path if state.is_main_process else None
    names = names_of_weights(base, config.model_revision) if base else set()
    return Run(arguments, model, processor, prepared, held, resume, identity, names)


def _resume(out: Path, identity: Identity, restart: bool, prepared: Prepared) -> list[object]:
    """The checkpoint to go on from, and whether the run is finished; run.json and refused.jsonl written."""
    finished = begin(out, identity, restart)
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in prepared.refused]
    (out / "refused.jsonl").write_text("".join(lines), encoding="utf-8")
    checkpoint, passed = last_complete_checkpoint(out, PartialState().num_processes)
    going = [*passed, f"going on from {checkpoint}"] if checkpoint else passed
    if finished:
        going = [f"{out} is finished, nothing is trained; --restart true trains anew"]
    for line in (*prepared.lines(), *going):
        _say(line)
    return [str(checkpoint) if checkpoint else None, finished]


def train(arguments: DataArguments, training: TrainConfig, config: ModelConfig) -> None:
    """The whole run.

    Args:
        arguments: The options about data.
        training: The options of training.
        config: The options about the model.

    Raises:
        UsageError: An option is invalid.
        TrainError: The data or the model cannot be used.
    """
    if this := set_up(arguments, training, config):
        this.go(trainer_of(this, training, config), ("loss", "exprate"))


def trainer_of(this: Run, training: TrainConfig, config: ModelConfig) -> VisionSFTTrainer:
    """The trainer of a run that is set up."""
    return VisionSFTTrainer(
        model=this.model,
        args=training,
        prepared=this.prepared,
        processing_class=this.processor,
        peft_config=get_peft_config(config),
    )


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
        "(the same batch, from the start: --restart true), --max_pixels with a smaller cap; "
        "then a ZeRO-3 or FSDP2 configuration"
    )


def _say(text: str) -> None:
    print(printable(text, lines=True), flush=True)


def main() -> None:
    """The command line."""
    # `gradient_checkpointing` has a new name, which transformers 5.17 does not know yet.
    warnings.filterwarnings("ignore", r".*activation_checkpointing", FutureWarning)
    train(*parse(sys.argv[1:]))


if __name__ == "__main__":
    run("trainer.sft", main)
