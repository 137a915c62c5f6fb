"""Packing (`--packing`): the rows of a batch side by side in one sequence, so that nothing is padding.

Each row keeps its own rotary positions (mRoPE: `get_rope_index` of the model, row by row) and sees only
itself: text positions that restart tell the attention where a row begins, as transformers has it for
Qwen's vision models. Layers with a recurrent state (Qwen3.5's gated delta net) have the rows handed over as
a batch, since their plain implementation would carry the state from one row into the next.

TRL refuses packing for vision (`Packing is not supported for vision datasets`, sft_trainer.py); its pull
request for it refuses mRoPE. Once it packs these models itself, this module can go.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from trainer.attention import row_starts
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


def keep_rows_apart(model: "PreTrainedModel") -> None:
    """Have the recurrent layers of a model see each row of a packed sequence for itself."""
    layers = [module for module in model.modules() if type(module).__name__.endswith("GatedDeltaNet")]
    if not layers:
        return
    lengths: list[int] = []

    def note(module: nn.Module, arguments: tuple[object, ...], named: dict[str, object]) -> None:
        positions = named.get("position_ids")
        lengths.clear()
        if isinstance(positions, Tensor) and positions.shape[:2] == (4, 1):
            lengths.extend(row_starts(positions[0]).diff().tolist())

    model.base_model.language_model.register_forward_pre_hook(note, with_kwargs=True)
    for layer in layers:
        layer.forward = _row_by_row(layer.forward, lengths)


def _row_by_row(forward: Callable[..., Tensor], lengths: list[int]) -> Callable[..., Tensor]:
    def apart(hidden_states: Tensor, *arguments: object, **named: object) -> Tensor:
        if len(lengths) < 2 or hidden_states.shape[1] != sum(lengths):
            return forward(hidden_states, *arguments, **named)
        rows = pad_sequence(list(hidden_states[0].split(lengths)), batch_first=True)
        out = forward(rows, *arguments, **named)  # padding is behind a row, and nothing looks ahead
        return torch.cat([row[:length] for row, length in zip(out, lengths, strict=True)])[None]

    return apart
