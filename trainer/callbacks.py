"""What happens between steps: decoding held-out pictures, stopping on SIGTERM, epochs, log lines."""

import signal
import time
from datetime import timedelta
from types import FrameType
from typing import TYPE_CHECKING

import torch
from accelerate.utils import DistributedType, gather_object
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from hmer_tasks.tasks import all_tasks
from trainer.data import Decode, Prepared
from trainer.decoding import GREEDY, Question, Sampling, answer

if TYPE_CHECKING:
    from transformers import ProcessorMixin
    from trl import SFTTrainer


class Decoder(TrainerCallback):
    """Decodes held-out pictures every `every` steps and at the end; logs how many are exact.

    A falling loss proves nothing: a model that ignores the picture has one too.
    """

    def __init__(self, prepared: Prepared, every: int, batch: int, new_tokens: int) -> None:
        self.table, self.rows = prepared.table, prepared.rows
        self.every = every
        self.batch = batch
        self.sampling = Sampling(temperature=GREEDY.temperature, max_new_tokens=new_tokens)
        self.trainer: SFTTrainer | None = None  # set once the trainer is there

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Decode at every so many steps, and after the last."""
        if state.global_step % self.every == 0 or state.global_step == state.max_steps:
            self.decode()

    def decode(self) -> float:
        """The share of exact answers, over all processes."""
        assert self.trainer is not None
        model = self.trainer.accelerator.unwrap_model(self.trainer.model)
        training = model.training
        model.eval()
        verdicts = self._verdicts()
        rate = sum(exact for exact, _ in verdicts) / len(verdicts)
        stuck = sum(stop == "repetition" for _, stop in verdicts) / len(verdicts)
        self.trainer.log({"exprate": rate, "stuck": stuck})  # before: TRL would add its training metrics
        model.train(training)
        return rate

    def _verdicts(self) -> list[tuple[bool, str]]:
        """Whether each answer is exact, and how it ended. Every process decodes its part."""
        assert self.trainer is not None
        accelerator, tasks = self.trainer.accelerator, all_tasks()
        processor: ProcessorMixin = self.trainer.processing_class
        world, rank = accelerator.num_processes, accelerator.process_index
        spread = accelerator.distributed_type == DistributedType.FSDP or _is_zero3(self.trainer)
        part = max(1, -(-len(self.rows) // world))  # as many for each, or the others would wait forever
        mine = [(rank * part + at) % len(self.rows) for at in range(part)]
        verdicts: list[tuple[int, bool, str]] = []
        for start in range(0, part, self.batch):
            numbers = mine[start : start + self.batch]
            examples = [self.rows[number] for number in numbers]
            questions = [Question(example["images"][0], example["prompt"]) for example in examples]
            model = self.trainer.model
            answers = answer(model, processor, questions, self.sampling, synced=spread and world > 1)
            for number, (said,) in zip(numbers, answers, strict=True):
                row = self.table[number]
                label = tasks[row["task"]].read(said.raw)
                exact = label is not None and label.split() == row["label"].split()
                verdicts.append((number, exact, said.stop))
        gathered = gather_object(verdicts) if world > 1 else verdicts
        return [(exact, stop) for _, exact, stop in {verdict[0]: verdict for verdict in gathered}.values()]


def _is_zero3(trainer: "SFTTrainer") -> bool:
    plugin = getattr(trainer.accelerator.state, "deepspeed_plugin", None)
    return plugin is not None and plugin.zero_stage == 3


class Stopper(TrainerCallback):
    """SIGTERM ends the run after the step in hand, with a checkpoint, on every process at the same step.

    (Transformers' own `enable_jit_checkpoint` asks no other process, and waits three seconds first.)
    """

    def __init__(self) -> None:
        self.asked = self.stopped = False
        self.trainer: SFTTrainer | None = None
        signal.signal(signal.SIGTERM, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Ask all processes whether one of them was told to stop."""
        assert self.trainer is not None
        asked = self.asked
        accelerator = self.trainer.accelerator
        if accelerator.num_processes > 1:
            flag = torch.tensor([int(asked)], device=accelerator.device)
            asked = bool(accelerator.reduce(flag, "sum").item())
        if asked:
            self.stopped = True
            control.should_save = control.should_training_stop = True


class Epochs(TrainerCallback):
    """Tells transform and sampler which epoch it is: pictures are re-drawn, rows shuffled anew."""

    def __init__(self, transform: Decode) -> None:
        self.transform = transform
        self.trainer: SFTTrainer | None = None

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Order and workers of this epoch are made after this."""
        self.transform.epoch = int(state.epoch or 0)
        sampler = getattr(self.trainer, "epoch_sampler", None)
        if sampler is not None:
            sampler.set_epoch(self.transform.epoch)


class PlainLines(TrainerCallback):
    """Log lines where there is no terminal: what transformers prints, and the time that is left."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """The clock starts."""
        self.begun, self.first = time.monotonic(), state.global_step

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """One line."""
        logs = dict(state.log_history[-1])
        if not state.is_local_process_zero:
            return
        shown = {name: f"{value:.4g}" if isinstance(value, float) else value for name, value in logs.items()}
        shown.pop("total_flos", None), shown.pop("step", None)
        line, done = str(shown), state.global_step - self.first
        if done and "loss" in logs:
            left = (time.monotonic() - self.begun) / done * max(0, state.max_steps - state.global_step)
            line += f" step {state.global_step:,} of {state.max_steps:,}"
            line += f", {timedelta(seconds=round(left))} left"
        print(line, flush=True)
