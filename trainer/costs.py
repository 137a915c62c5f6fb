"""What a training step costs: operations from the configuration and real token counts, share of the peak.

A step of fine-tuning is 6 operations a weight and token (2 forward, 4 backward) and attention's
12 × width × tokens seen, a causal row seeing half of itself. Recomputation by gradient checkpointing is no
work of the model, so it counts neither here nor in a utilisation (MFU, as in PaLM, arXiv 2204.02311, B).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from trainer.attention import row_starts

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# Dense bf16 operations a second, as the makers say.
PEAKS = {"B200": 2250e12, "H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12, "4090": 165e12}
COUNTS = ("tokens", "slots", "seen", "patches", "patches_seen", "scored", "rows")


@dataclass(frozen=True, slots=True)
class ModelCosts:
    """Weights and widths that a model's operations depend on."""

    language: int  # weights of the language model, the embedding left out
    head: int  # weights of the output head, for tokens that are scored
    vision: float  # weights of the vision tower, for patches
    attention: int  # full attention layers × heads × width of a head
    vision_width: int
    whole_layers: int  # of the vision tower, that see a whole picture
    window_layers: int  # that see a window
    window: int  # patches in one

    def operations(self, counts: dict[str, float]) -> float:
        """Operations of training on what `count` counted."""
        whole, window = self.whole_layers, self.window_layers
        vision_seen = whole * counts["patches_seen"] + window * self.window * counts["patches"]
        weights = (
            self.language * counts["tokens"] + self.head * counts["scored"] + self.vision * counts["patches"]
        )
        return 6 * weights + 6 * self.attention * counts["seen"] + 12 * self.vision_width * vision_seen


def costs_of(model: "PreTrainedModel") -> ModelCosts:
    """The costs of a Qwen vision model; its weights may be on the device `meta`."""
    text, vision = model.config.get_text_config(), model.config.vision_config
    embedding = text.vocab_size * text.hidden_size
    # ZeRO-3 leaves each process an empty weight, and its size beside it
    sizes = {name: getattr(weight, "ds_numel", weight.numel()) for name, weight in model.named_parameters()}
    visual = {name: size for name, size in sizes.items() if ".visual." in name}
    merger = sum(size for name, size in visual.items() if "merger" in name)
    language = sum(size for name, size in sizes.items() if "language_model" in name) - embedding
    kinds = getattr(text, "layer_types", None) or ["full_attention"] * text.num_hidden_layers
    width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    whole = len(getattr(vision, "fullatt_block_indexes", range(vision.depth)))
    side = getattr(vision, "window_size", vision.patch_size) // vision.patch_size
    return ModelCosts(
        language=language,
        head=embedding,
        vision=sum(visual.values()) - merger * (1 - 1 / vision.spatial_merge_size**2),
        attention=sum("linear" not in kind for kind in kinds) * text.num_attention_heads * width,
        vision_width=vision.hidden_size,
        whole_layers=whole,
        window_layers=vision.depth - whole,
        window=side**2,
    )


def count(batch: dict[str, Tensor]) -> Tensor:
    """What a batch holds, in the order of COUNTS; stays on its device, so that nothing waits for it."""
    labels = batch["labels"]
    if "attention_mask" in batch:
        lengths = batch["attention_mask"].sum(1).double()
    else:
        lengths = row_starts(batch["position_ids"][0]).diff().double()
    grids = batch.get("image_grid_thw")
    patches = lengths.new_zeros(1) if grids is None else grids.prod(1).double()
    slots = lengths.new_tensor(labels.numel())
    scored, rows = (labels != -100).sum().double(), lengths.new_tensor(len(lengths))
    squares = (lengths**2).sum(), (patches**2).sum()
    return torch.stack([lengths.sum(), slots, squares[0], patches.sum(), squares[1], scored, rows])


def peak_of_device() -> float | None:
    """The peak of this GPU in bf16, where it is known."""
    if not torch.cuda.is_available():
        return None
    name = torch.cuda.get_device_name()
    return next((peak for key, peak in PEAKS.items() if key in name), None)
