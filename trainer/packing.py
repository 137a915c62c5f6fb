"""Packing (`--packing`): the rows of a batch side by side in one sequence, so that nothing is padding.

Each row keeps its own rotary positions (mRoPE: `get_rope_index` of the model, row by row) and sees only
itself: text positions that restart tell the attention where a row begins, as transformers has it for
Qwen's vision models. Layers with a recurrent state need more (`keep_rows_apart` in patches.py).

TRL refuses packing for vision (`Packing is not supported for vision datasets`, sft_trainer.py); its pull
request for it refuses mRoPE. Once it packs these models itself, this module can go.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from trainer.faults import UsageError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Batch = dict[str, Tensor]


class PackingCollator:
    """TRL's vision collator, its rows then laid side by side."""

    def __init__(self, collate: Callable[[list[object]], Batch], model: "PreTrainedModel") -> None:
        kind: Any = type(model.base_model)
        if not hasattr(kind, "get_rope_index"):
            raise UsageError(f"--packing: {type(model).__name__} has no mRoPE positions; leave it out")
        self.collate = collate
        # The positions depend on the configuration alone; workers need not have the weights.
        self.rope = kind.__new__(kind)
        self.rope.__dict__["config"] = model.config

    def __call__(self, examples: list[object]) -> Batch:
        batch = self.collate(examples)
        mask = batch.pop("attention_mask").bool()
        kinds = batch.pop("mm_token_type_ids", None)
        text = torch.arange(mask.shape[1]).expand_as(mask)
        positions = text.expand(3, *mask.shape)
        if "image_grid_thw" in batch and kinds is not None:
            positions, _ = self.rope.get_rope_index(
                input_ids=batch["input_ids"],
                mm_token_type_ids=kinds,
                image_grid_thw=batch["image_grid_thw"],
                attention_mask=mask.long(),
            )
        batch["labels"][:, 0] = -100  # else the row before would be asked for it
        batch["input_ids"], batch["labels"] = batch["input_ids"][mask][None], batch["labels"][mask][None]
        batch["position_ids"] = torch.cat([text[None], positions])[:, mask][:, None]
        return batch
