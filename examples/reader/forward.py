"""The network of transformers' Qwen2.5-VL as one function of a batch of pictures of one size.

transformers takes pictures of any sizes in one batch: it cuts them apart for attention, picture by picture,
and works out positions token by token. With all pictures of a batch of one size none of that is needed. The
weights are those of the transformers model, and so is every figure that comes out (tests/reader/test_reader.py).
Matrix products are in bfloat16, where this processor is 2.6 times as fast; sums and norms are not.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from examples.reader.model import RANGE, Size

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Weights = dict[str, Tensor]
VISION, TEXT = "model.visual.", "model.language_model."


@dataclass(frozen=True, slots=True)
class Positions:
    """Cosines and sines of the rotary positions of both towers for pictures of one size."""

    vision: tuple[Tensor, Tensor]
    text: tuple[Tensor, Tensor]


def cast(model: "PreTrainedModel", dtype: torch.dtype) -> Weights:
    """The weights in this precision, through which gradients flow back to the model's own."""
    return {name: parameter.to(dtype) for name, parameter in model.named_parameters()}


class Network:
    """The network of a model of this size. `model` holds the weights."""

    def __init__(self, model: "PreTrainedModel", size: Size) -> None:
        self.model, self.size = model, size
        self.positions = lru_cache(maxsize=512)(self._positions)

    def see(self, weights: Weights, ink: Tensor) -> Tensor:
        """Picture tokens (pictures, tokens, width) of ink (pictures, height, width), 255 for full ink."""
        size, dtype = self.size, weights[TEXT + "embed_tokens.weight"].dtype
        count, tall, wide = ink.shape
        side, merge = size.patch, size.merge
        rows, columns = tall // (side * merge), wide // (side * merge)
        patches = ink.reshape(count, rows, merge, side, columns, merge, side)
        patches = patches.permute(0, 1, 4, 2, 5, 3, 6).reshape(count, -1, side * side)
        patches = patches.to(dtype) * (-1.0 / (255.0 * RANGE))
        # A grey picture has one value three times, and a still one twice: their weights add up.
        kernel = self.model.model.visual.patch_embed.proj.weight.sum(dim=(1, 2)).flatten(1).to(dtype)
        x = F.linear(patches, kernel)
        cos, sin = self.positions(rows, columns, 0, dtype).vision
        for layer in range(size.vision_layers):
            name = f"{VISION}blocks.{layer}."
            h = _norm(x, weights[name + "norm1.weight"])
            mixed = F.linear(h, weights[name + "attn.qkv.weight"], weights[name + "attn.qkv.bias"])
            q, k, v = mixed.view(
                count, -1, 3, size.vision_heads, size.vision_width // size.vision_heads
            ).unbind(2)
            out = _attend(_turned(q, cos, sin), _turned(k, cos, sin), v, causal=False)
            x = x + F.linear(out, weights[name + "attn.proj.weight"], weights[name + "attn.proj.bias"])
            h = _norm(x, weights[name + "norm2.weight"])
            gate = F.linear(h, weights[name + "mlp.gate_proj.weight"], weights[name + "mlp.gate_proj.bias"])
            up = F.linear(h, weights[name + "mlp.up_proj.weight"], weights[name + "mlp.up_proj.bias"])
            down = weights[name + "mlp.down_proj.weight"], weights[name + "mlp.down_proj.bias"]
            x = x + F.linear(F.silu(gate) * up, *down)
        name = f"{VISION}merger."
        h = _norm(x, weights[name + "ln_q.weight"]).reshape(count, rows * columns, -1)
        h = F.gelu(F.linear(h, weights[name + "mlp.0.weight"], weights[name + "mlp.0.bias"]))
        return F.linear(h, weights[name + "mlp.2.weight"], weights[name + "mlp.2.bias"])

    def read(self, weights: Weights, seen: Tensor, grid: tuple[int, int], ids: Tensor, last: int) -> Tensor:
        """Logits at the last `last` places of each row.

        Args:
            weights: As `cast` gives them.
            seen: Picture tokens, as `see` gives them.
            grid: Rows and columns of picture tokens.
            ids: Shape (pictures, places): one token, the picture's place, and all that follows it. The picture's
                own tokens are not in it.
            last: How many places are asked for.

        Returns:
            Shape (pictures, last, vocabulary).
        """
        size = self.size
        table = weights[TEXT + "embed_tokens.weight"]
        words = F.embedding(ids, table)
        x = torch.cat([words[:, :1], seen, words[:, 1:]], dim=1)
        cos, sin = self.positions(*grid, ids.shape[1] - 1, x.dtype).text
        count, places, head = len(x), x.shape[1], size.width // size.heads
        for layer in range(size.layers):
            name = f"{TEXT}layers.{layer}."
            h = _norm(x, weights[name + "input_layernorm.weight"])
            q, k, v = (
                F.linear(
                    h,
                    weights[f"{name}self_attn.{letter}_proj.weight"],
                    weights[f"{name}self_attn.{letter}_proj.bias"],
                ).view(count, places, size.heads, head)
                for letter in "qkv"
            )
            out = _attend(_turned(q, cos, sin), _turned(k, cos, sin), v, causal=True)
            if layer == size.layers - 1:
                x, out = x[:, -last:], out[:, -last:]
            x = x + F.linear(out, weights[name + "self_attn.o_proj.weight"])
            h = _norm(x, weights[name + "post_attention_layernorm.weight"])
            gate = F.linear(h, weights[name + "mlp.gate_proj.weight"])
            up = F.linear(h, weights[name + "mlp.up_proj.weight"])
            x = x + F.linear(F.silu(gate) * up, weights[name + "mlp.down_proj.weight"])
        return F.linear(_norm(x, weights[TEXT + "norm.weight"]), table)

    def _positions(self, rows: int, columns: int, words: int, dtype: torch.dtype) -> Positions:
        inner, merge = self.model.model, self.size.merge
        down, across = torch.meshgrid(
            torch.arange(rows * merge), torch.arange(columns * merge), indexing="ij"
        )
        places = torch.stack([
            axis.reshape(rows, merge, columns, merge).transpose(1, 2).flatten() for axis in (down, across)
        ], dim=1)  # fmt: skip
        anything = torch.zeros(1, dtype=torch.float32)
        cos, sin = inner.visual.rotary_pos_emb(anything, places)
        grid = torch.meshgrid(torch.zeros(1).long(), torch.arange(rows), torch.arange(columns), indexing="ij")
        after = torch.arange(words) + 1 + max(rows, columns)
        every = torch.cat(
            [
                torch.zeros(3, 1).long(),
                torch.stack([axis.flatten() for axis in grid]) + 1,
                after.expand(3, -1),
            ],
            dim=1,
        )
        text_cos, text_sin = inner.language_model.rotary_emb(anything, every[:, None])
        return Positions(
            (cos[:, None].to(dtype), sin[:, None].to(dtype)),
            (text_cos[0][:, None].to(dtype), text_sin[0][:, None].to(dtype)),
        )


def _norm(x: Tensor, weight: Tensor) -> Tensor:
    return F.rms_norm(x, x.shape[-1:], weight, 1e-6)


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin


def _attend(q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tensor:
    """Attention over (pictures, places, heads, head width)."""
    scores = (q * q.shape[-1] ** -0.5).transpose(1, 2) @ k.permute(0, 2, 3, 1)
    if causal:
        scores = scores + _future(scores.shape[-1], scores.dtype)
    # torch's fused attention takes 2.7 times as long here, most of it in its backward pass.
    return (scores.softmax(dim=-1) @ v.transpose(1, 2)).transpose(1, 2).flatten(2)


@lru_cache(maxsize=256)
def _future(places: int, dtype: torch.dtype) -> Tensor:
    return torch.full((places, places), float("-inf"), dtype=dtype).triu(1)
