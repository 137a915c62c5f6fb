"""Attention over rows of different lengths that stand side by side, for either tower.

A vision tower sees the patches of all pictures as one sequence cut into pictures, or into windows of
8 × 8 patches; transformers' `sdpa` walks through these in Python, thousands of calls a forward for a batch
of formulas. `flash_varlen` takes the cuts at once: `torch.nn.attention.varlen` (flash attention) on a GPU in
half precision, and elsewhere one call of `sdpa` for all pieces of the same length. It also serves the
language model where rows are packed (trainer/packing.py); anything else it hands to `sdpa`.
"""

import inspect
from collections import defaultdict
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

try:  # torch 2.10 and later
    from torch.nn.attention.varlen import varlen_attn
except ImportError:
    varlen_attn = None  # type: ignore[assignment]

NAME = "flash_varlen"  # transformers hands the cuts to what has "flash" in its name


def row_starts(positions: Tensor) -> Tensor:
    """Where each row of a packed sequence begins, and its end.

    Args:
        positions: Text positions, shape (1, tokens), that restart at 0 with each row.

    Returns:
        int32 of shape (rows + 1,).
    """
    starts = (positions[0] == 0).nonzero().flatten()
    return torch.cat([starts, starts.new_tensor([positions.shape[1]])]).to(torch.int32)


def flash_varlen(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    is_causal: bool | None = None,
    cu_seq_lens_q: Tensor | None = None,
    position_ids: Tensor | None = None,
    **arguments: object,
) -> tuple[Tensor, None]:
    """Attention as transformers calls it: heads before tokens in, tokens before heads out.

    Args:
        module: The layer that asks.
        query: Shape (batch, heads, tokens, width); batch is 1 where rows are packed.
        key: The same, with as many heads or fewer.
        value: As the key.
        attention_mask: None where rows are packed.
        scaling: Of the scores; None is 1 / √width.
        is_causal: Whether a token sees only those before it; None is what the layer says.
        cu_seq_lens_q: The cuts, from the vision tower.
        position_ids: Text positions, from the language model, whose restarts are the cuts.
        **arguments: What else transformers passes, for sdpa alone.

    Returns:
        The output, and None for the weights, which are not computed.
    """
    causal = bool(module.is_causal if is_causal is None else is_causal)
    cuts = cu_seq_lens_q
    packed = len(query) == 1 and attention_mask is None and query.shape[2] == key.shape[2]
    if cuts is None and packed and causal and position_ids is not None:
        cuts = row_starts(position_ids)
    if cuts is None:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, is_causal=is_causal, **arguments
        )
    groups = query.shape[1] // key.shape[1]  # heads of the query that share one of the keys
    key, value = (states.repeat_interleave(groups, 1) if groups > 1 else states for states in (key, value))
    if varlen_attn is not None and query.is_cuda and query.dtype in (torch.bfloat16, torch.float16):
        out = _on_gpu(query, key, value, cuts, causal, scaling)
    else:
        out = _by_length(query, key, value, cuts, causal, scaling)
    return out, None


def _on_gpu(q: Tensor, k: Tensor, v: Tensor, cuts: Tensor, causal: bool, scale: float | None) -> Tensor:
    known = inspect.signature(varlen_attn).parameters
    more: dict[str, Any] = {"scale": scale} if "scale" in known else {}  # 2.10: 1 / √width alone
    if causal:
        more |= {"window_size": (-1, 0)} if "window_size" in known else {"is_causal": True}
    longest = int((cuts[1:] - cuts[:-1]).max())
    q, k, v = (states[0].transpose(0, 1).contiguous() for states in (q, k, v))
    out = varlen_attn(q, k, v, cuts, cuts, longest, longest, **more)
    assert isinstance(out, Tensor)  # more than it comes only where more is asked for
    return out[None]


def _by_length(q: Tensor, k: Tensor, v: Tensor, cuts: Tensor, causal: bool, scale: float | None) -> Tensor:
    pieces: defaultdict[int, list[int]] = defaultdict(list)
    for start, end in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
        pieces[end - start].append(start)
    outs, places = [], []
    for length, starts in pieces.items():
        at = (torch.tensor(starts)[:, None] + torch.arange(length)).flatten().to(q.device)
        queries, keys, values = (
            states[0][:, at].unflatten(1, (-1, length)).transpose(0, 1) for states in (q, k, v)
        )
        out = scaled_dot_product_attention(queries, keys, values, is_causal=causal, scale=scale)
        outs.append(out.permute(0, 2, 1, 3).flatten(0, 1))  # (pieces × length, heads, width)
        places.append(at)
    return torch.cat(outs)[torch.cat(places).argsort()][None]


def _mask(*arguments: object, attention_mask: Tensor | None = None, **more: object) -> Tensor | None:
    """No mask where rows are packed: the cuts say it all."""
    return None if attention_mask is None else sdpa_mask(*arguments, attention_mask=attention_mask, **more)


AttentionInterface.register(NAME, flash_varlen)
AttentionMaskInterface.register(NAME, _mask)
