"""TRL's trainers, with the two things mended that keep a run from being the run it should be.

1. Rows weigh alike however a batch is cut up. Qwen2.5-VL and Qwen3-VL say `accepts_loss_kwargs = False`,
   so transformers does not count the tokens of the whole step, and each micro-batch is averaged for
   itself: 8 × 1 and 1 × 8 differ in the third digit. TRL's loss does take that count.
2. A checkpoint is really loaded. transformers saves these models under the released names of their
   weights (`visual.…`) but resumes by the names in memory (`model.visual.…`) and goes on from the
   weights the run began with, with a warning. `from_pretrained` translates the names.

tests/trainer/test_same_losses.py fails without either.
"""

from typing import TYPE_CHECKING

from transformers import AutoModelForImageTextToText, Trainer
from trl import SFTTrainer

if TYPE_CHECKING:
    from torch import nn


class LoadsCheckpoints(Trainer):
    """The second of the two, for any of TRL's trainers: it stands before theirs among the bases."""

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: "nn.Module | None" = None) -> None:
        mine = self.model if model is None else model
        # FSDP and PEFT load by their own names; DeepSpeed does not come here.
        if self.is_fsdp_enabled or hasattr(mine, "peft_config"):
            super()._load_from_checkpoint(resume_from_checkpoint, model)
            return
        saved = AutoModelForImageTextToText.from_pretrained(resume_from_checkpoint, dtype=mine.dtype)
        mine.load_state_dict(saved.state_dict())  # strict: a name that is missing is an error


class ExactTrainer(LoadsCheckpoints, SFTTrainer):
    """SFTTrainer whose losses depend neither on micro-batches nor on interruptions."""

    def __init__(self, **arguments: object) -> None:
        super().__init__(**arguments)
        self.model_accepts_loss_kwargs = True
