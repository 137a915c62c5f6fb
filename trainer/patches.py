"""What is mended in torchvision, transformers and TRL, with the issue it has, or the text of one, at each.

The package imports this module before any other, so that torchvision can be imported at all; a script that
imports transformers for itself imports `trainer` first. tests/trainer/ fails without each of them.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import torch

# 1. torchvision beside a CPU build of torch. The processors of Qwen's vision models do not load without
#    torchvision. Its wheel on PyPI is compiled for CUDA: beside a CPU torch its operators are not registered,
#    and `import torchvision` dies, and with it `from transformers import AutoProcessor`.
#    Issue (pytorch/vision): "`import torchvision` fails beside torch+cpu: RuntimeError: operator
#    torchvision::nms does not exist. Its registrations should be skipped where the library is not loaded."
#    Declaring the two schemas is enough: they are never called here.
_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def _declare() -> torch.library.Library | None:
    """The library that holds the schemas; it must stay alive, or they go with it."""
    if torch.version.cuda is not None or torch.version.hip is not None:
        return None
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in _SCHEMAS:
        if not hasattr(torch.ops.torchvision, schema.partition("(")[0]):  # a CPU wheel brings its own
            library.define(schema)
    return library


KEPT = _declare()

from transformers import AutoModelForImageTextToText, Trainer  # noqa: E402

if TYPE_CHECKING:
    from torch import nn


class LoadsCheckpoints(Trainer):
    """2. A checkpoint is really loaded. Stands before TRL's trainer among the bases.

    Issue (huggingface/transformers): "Trainer resumes Qwen2.5-VL from its initial weights.
    `save_pretrained` writes the released names (`visual.…`), `_load_from_checkpoint` loads them by the names
    in memory (`model.visual.…`) with strict=False and warns: training goes on from the weights the run
    began with." `from_pretrained` translates the names.
    """

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: "nn.Module | None" = None) -> None:
        mine = self.model if model is None else model
        # FSDP and PEFT load by their own names; DeepSpeed does not come here.
        if self.is_fsdp_enabled or hasattr(mine, "peft_config"):
            super()._load_from_checkpoint(resume_from_checkpoint, model)
            return
        saved = AutoModelForImageTextToText.from_pretrained(resume_from_checkpoint, dtype=mine.dtype)
        mine.load_state_dict(saved.state_dict())  # strict: a name that is missing is an error


def count_tokens_of_steps(trainer: Trainer) -> None:
    """3. Rows weigh alike however a step is cut up.

    Issue (huggingface/trl): "SFTTrainer averages each micro-batch of Qwen2.5-VL, Qwen3-VL and Qwen3.5 for
    itself. The models say `accepts_loss_kwargs = False`, so transformers does not count the tokens of the
    whole step, though TRL's own loss takes the count: 8 × 1 and 1 × 8 rows differ in the third digit."
    """
    trainer.model_accepts_loss_kwargs = True


def say_dtype(saved: Path, dtype: torch.dtype) -> None:
    """4. The configuration that is saved says the precision of the weights beside it.

    Issue (huggingface/transformers): "`save_pretrained(state_dict=…)` writes the model's dtype into
    config.json, not the dtype of the state dict, so that `dtype='auto'` loads bf16 weights as fp32."
    """
    path = saved / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    for part in (config, *(value for value in config.values() if isinstance(value, dict))):
        if "dtype" in part:
            part["dtype"] = str(dtype).removeprefix("torch.")
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
