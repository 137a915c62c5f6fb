"""What happens between steps: decoding held-out pictures, stopping on SIGTERM, epochs, log lines."""

import signal
import time
from datetime import timedelta
from types import FrameType
from typing import TYPE_CHECKING

from accelerate.utils import DistributedType, gather_object
from transformers import TrainerCallback, TrainerControl, TrainerState

from hmer_tasks.tasks import all_tasks
from trainer.data import Decode, Prepared
from trainer.decoding import Question, Sampling, answer

if TYPE_CHECKING:
    from transformers import Trainer


class Decoder(TrainerCallback):
    """Decodes held-out pictures every `every` steps and at the end; logs how many are exact.

    A falling loss proves nothing: a model that ignores the picture has one too.
    """

    def __init__(self, trainer: "Trainer", held: Prepared, every: int, batch: int, new_tokens: int) -> None:
        self.trainer, self.rows, self.every, self.batch = trainer, held.rows, every, batch
        self.asked = list(zip(held.table["task"], held.table["label"], strict=True))
        self.sampling = Sampling(temperature=0, max_new_tokens=new_tokens)

    def on_step_end(self, args: object, state: TrainerState, control: object, **kwargs: object) -> None:
        """Decode at every so many steps, and after the last."""
        if state.global_step % self.every and state.global_step != state.max_steps:
            return
        model = self.trainer.accelerator.unwrap_model(self.trainer.model)
        training = model.training
        model.eval()
        verdicts = self._verdicts()
        rate, stuck = (sum(column) / len(verdicts) for column in zip(*verdicts, strict=True))
        self.trainer.log({"exprate": rate, "stuck": stuck})  # before: TRL would add its training metrics
        model.train(training)

    def _verdicts(self) -> list[tuple[bool, bool]]:
        """Whether each answer is exact, and whether it is stuck. Every process decodes its part."""
        accelerator, tasks = self.trainer.accelerator, all_tasks()
        model, processor = self.trainer.model, self.trainer.processing_class
        # None: transformers knows by itself, but of the FSDP2 that accelerate sets up.
        synced = accelerator.distributed_type == DistributedType.FSDP or None
        verdicts: dict[int, tuple[bool, bool]] = {}
        # As many for each process, or the others would wait for ever (FSDP, ZeRO-3).
        with accelerator.split_between_processes(list(range(len(self.rows))), apply_padding=True) as mine:
            for start in range(0, len(mine), self.batch):
                part = mine[start : start + self.batch]
                rows = self.rows[part]
                pictures = [images[0] for images in rows["images"]]
                questions = list(map(Question, pictures, rows["prompt"]))
                answers = answer(model, processor, questions, self.sampling, synced)
                for number, (said,) in zip(part, answers, strict=True):
                    task, label = self.asked[number]
                    exact = (tasks[task].read(said.raw) or "").split() == label.split()
                    verdicts[number] = exact, said.stop == "repetition"
        return list(dict(gather_object(list(verdicts.items()))).values())


class Stopper(TrainerCallback):
    """SIGTERM ends the run after the step in hand, with a checkpoint, on every process at the same step.

    (Transformers' own `enable_jit_checkpoint` asks no other process, and waits three seconds first.)
    """

    def __init__(self) -> None:
        self.asked = self.stopped = False
        signal.signal(signal.SIGTERM, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True

    def on_step_end(self, args: object, state: object, control: TrainerControl, **kwargs: object) -> None:
        """Ask all processes whether one of them was asked to stop."""
        if any(gather_object([self.asked])):
            self.stopped = control.should_save = control.should_training_stop = True


class Epochs(TrainerCallback):
    """Tells transform and sampler which epoch it is: pictures are re-drawn, rows shuffled anew."""

    def __init__(self, trainer: "Trainer", transform: Decode) -> None:
        self.trainer, self.transform = trainer, transform

    def on_epoch_begin(self, args: object, state: TrainerState, control: object, **kwargs: object) -> None:
        """Order and workers of this epoch are made after this."""
        self.transform.epoch = int(state.epoch or 0)
        # Accelerate hands the epoch on, but not to a sampler beneath skipped batches of several processes.
        if sampler := getattr(self.trainer, "epoch_sampler", None):
            sampler.set_epoch(self.transform.epoch)


class PlainLines(TrainerCallback):
    """Log lines where there is no terminal: what transformers prints, and the time that is left."""

    def on_train_begin(self, args: object, state: TrainerState, control: object, **kwargs: object) -> None:
        """The clock starts."""
        self.begun, self.first = time.monotonic(), state.global_step

    def on_log(self, args: object, state: TrainerState, control: object, **kwargs: object) -> None:
        """One line."""
        if not state.is_local_process_zero:
            return
        logs = {
            key: value for key, value in state.log_history[-1].items() if key not in ("total_flos", "step")
        }
        line = str(
            {key: f"{value:.4g}" if isinstance(value, float) else value for key, value in logs.items()}
        )
        if (done := state.global_step - self.first) and "loss" in logs:
            left = (time.monotonic() - self.begun) / done * max(0, state.max_steps - state.global_step)
            line += (
                f" step {state.global_step:,} of {state.max_steps:,}, {timedelta(seconds=round(left))} left"
            )
        print(line, flush=True)
