"""Token counts: every row is counted before the first step, and batches are made of rows of like length.

Nothing is ever cut off: a completion cut off to nothing trains on nothing, silently (loss 0.0). A row
that is too long is refused (left out, counted, written to refused.jsonl), or its picture is made smaller
until it fits, or the run stops there, as the user says.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
from accelerate import PartialState
from accelerate.utils import gather_object
from numpy.typing import NDArray
from torch.utils.data import Sampler
from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize
from trl.data_utils import apply_chat_template, prepare_multimodal_messages

from trainer.faults import TrainError
from trainer.pictures import BROKEN, size_of

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import ProcessorMixin

Turns = list[dict[str, str]]
AS_IT_IS = (0, 0)
GROUP = 100  # micro-batches sorted together; transformers takes 50, and pads twice as much


@dataclass(frozen=True, slots=True)
class Limits:
    """What a row may cost, and what is done with one that costs more: refuse, downsize or stop."""

    max_tokens: int
    too_long: str
    over_cap: str


@dataclass(frozen=True, slots=True)
class Fit:
    """How a row fits: its tokens, its picture's size if that must change, or why it is refused."""

    tokens: int
    size: tuple[int, int] = AS_IT_IS
    capped: bool = False
    refused: str = ""


class GroupedSampler(Sampler[int]):
    """Rows of like length side by side, in an order that only seed and epoch decide.

    Rows are shuffled, sorted in groups of whole optimiser steps (at least 100 micro-batches), cut into
    micro-batches, and these shuffled within their group. So a step with much accumulation is as fair a
    draw of the rows as without grouping, and any other step still mixes short and long micro-batches;
    sorted groups as they stand would make each step a step of nearly one task. The micro-batch with the
    longest row comes first, so that memory runs out at once if it does.

    Args:
        lengths: Tokens of each row.
        unit: Rows that all processes take at a time (rows a device × processes).
        step: Rows of an optimiser step (unit × accumulation).
        seed: With the epoch, what decides the order.
    """

    def __init__(self, lengths: NDArray[np.int64], unit: int, step: int, seed: int) -> None:
        self.lengths, self.unit, self.seed, self.epoch = lengths, unit, seed, 0
        self.group = step * -(-GROUP * unit // step)

    def __len__(self) -> int:
        return len(self.lengths)

    def set_epoch(self, epoch: int) -> None:
        """The next iteration is this epoch's."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([self.seed, self.epoch])
        rows = rng.permutation(len(self.lengths))
        batches: list[NDArray[np.int64]] = []
        rest = rows[:0]
        for start in range(0, len(rows), self.group):
            part = rows[start : start + self.group]
            part = part[np.argsort(-self.lengths[part], kind="stable")]
            whole = len(part) // self.unit
            rest = part[whole * self.unit :]  # of the last group alone
            batches += [part[at * self.unit : (at + 1) * self.unit] for at in rng.permutation(whole)]
        if batches:
            longest = max(range(len(batches)), key=lambda at: self.lengths[batches[at][0]])
            batches[0], batches[longest] = batches[longest], batches[0]
        return iter(np.concatenate([*batches, rest]).tolist())


def padding_share(lengths: NDArray[np.int64], order: Sequence[int], batch: int) -> float:
    """The share of padding among the tokens of all batches of `batch` rows, taken in this order."""
    taken = lengths[np.asarray(order)]
    cut = [taken[at : at + batch] for at in range(0, len(taken), batch)]
    return 1 - float(taken.sum()) / float(sum(part.max() * len(part) for part in cut))


def with_system(prompt: Turns, system: str) -> Turns:
    """The prompt with a system turn before it, where one is wanted and none is there."""
    if system and prompt[0]["role"] != "system":
        return [{"role": "system", "content": system}, *prompt]
    return prompt


def render(processor: "ProcessorMixin", prompt: Turns, completion: Turns, pictures: int) -> tuple[str, str]:
    """Prompt and completion as texts, exactly as TRL's collator makes them."""
    messages = {
        "prompt": prepare_multimodal_messages(prompt, images=[None] * pictures),
        "completion": prepare_multimodal_messages(completion),
    }
    texts = apply_chat_template(messages, processor)
    return texts["prompt"], texts["completion"]


def measure(data: "Dataset", processor: "ProcessorMixin", system: str) -> NDArray[np.int64]:
    """Counts of each row: tokens of its text, width and height of its picture.

    Every process counts its share with its share of the cores, so that none waits long for another.

    Returns:
        Shape (rows, 3). A size is (0, 0) without a picture, (-1, -1) for one that cannot be read.
    """
    state = PartialState()
    world = state.num_processes

    def batch(rows: dict[str, list[object]]) -> dict[str, list[int]]:
        return _measure(rows, processor, system)

    mine = data.shard(world, state.process_index, contiguous=True) if world > 1 else data
    workers = max(1, (os.cpu_count() or 1) // int(os.environ.get("LOCAL_WORLD_SIZE", world)))
    # Named by what counts, not by a pickle of the processor, so that a resumed run finds its counts.
    name = sha256(processor.tokenizer.backend_tokenizer.to_str().encode())
    name.update(f"{mine._fingerprint}\n{processor.chat_template}\n{system}".encode())
    measured = mine.map(
        batch,
        batched=True,
        batch_size=256,
        num_proc=workers if workers > 1 and len(mine) > 2000 else None,
        remove_columns=mine.column_names,
        desc="Counting tokens",
        new_fingerprint=name.hexdigest()[:32],
    )
    columns = [np.asarray(measured[name], np.int64) for name in ("text", "width", "height")]
    counts = np.stack(columns, axis=1)
    return np.concatenate(gather_object([counts])) if world > 1 else counts


def _measure(rows: dict[str, list[object]], processor: "ProcessorMixin", system: str) -> dict[str, list[int]]:
    texts: list[str] = []
    sizes: list[tuple[int, int]] = []
    for images, prompt, completion in zip(rows["images"], rows["prompt"], rows["completion"], strict=True):
        assert isinstance(images, list) and isinstance(prompt, list) and isinstance(completion, list)
        texts += render(processor, with_system(prompt, system), completion, len(images))
        try:
            sizes.append(size_of(images[0]["bytes"]) if images else (0, 0))
        except BROKEN:
            sizes.append((-1, -1))
    ids = processor.tokenizer(texts, add_special_tokens=False)["input_ids"]
    lengths = [
        len(prompt_ids) + len(completion_ids)
        for prompt_ids, completion_ids in zip(ids[::2], ids[1::2], strict=True)
    ]
    return {"text": lengths, "width": [size[0] for size in sizes], "height": [size[1] for size in sizes]}


def fitter(processor: "ProcessorMixin", limits: Limits) -> Callable[[int, int, int, str], Fit]:
    """A function of (text tokens, width, height, where) that says how a row fits.

    Raises TrainError for a row that does not, where the user said stop.
    """
    pictures = processor.image_processor
    factor = pictures.patch_size * pictures.merge_size
    floor, cap = pictures.size["shortest_edge"], pictures.size["longest_edge"]

    @lru_cache(maxsize=100_000)
    def shown(width: int, height: int, most: int) -> tuple[int, int]:
        tall, wide = smart_resize(height, width, factor, min_pixels=min(floor, most), max_pixels=most)
        return wide, tall

    def fit(text: int, width: int, height: int, where: str) -> Fit:
        if width == 0:
            if text <= limits.max_tokens:
                return Fit(text)
            return _refusal("too_long", text, limits.too_long, where, limits.max_tokens)
        if width < 0:
            return Fit(text, refused="image_unreadable")
        if max(width, height) / min(width, height) > 200:
            return Fit(text, refused="image_too_long")
        capped = width * height > cap
        if capped and limits.over_cap != "downsize":
            return _refusal("over_cap", width * height, limits.over_cap, where, cap)
        room = limits.max_tokens - (text - 1)  # one placeholder stands in the text already
        tokens = text - 1 + _area(shown(width, height, cap)) // factor**2
        if tokens <= limits.max_tokens:
            return Fit(tokens, capped=capped)
        if limits.too_long != "downsize" or room < 1:
            return _refusal("too_long", tokens, limits.too_long, where, limits.max_tokens)
        size = shown(width, height, room * factor**2)
        if _area(size) < floor or _area(size) // factor**2 > room:
            return _refusal("too_long", tokens, limits.too_long, where, limits.max_tokens)
        return Fit(text - 1 + _area(size) // factor**2, size)

    return fit


def _area(size: tuple[int, int]) -> int:
    return size[0] * size[1]


def _refusal(reason: str, amount: int, action: str, where: str, most: int) -> Fit:
    if action == "stop":
        what = {
            "too_long": f"{amount:,} tokens, --max_tokens is {most:,}"
            " (--too_long refuse leaves such rows out, downsize makes their pictures smaller)",
            "over_cap": f"a picture of {amount:,} pixels, over the cap --max_pixels {most:,}"
            " (--over_cap downsize makes such pictures smaller, refuse leaves them out)",
        }[reason]
        raise TrainError(f"{where}: {what}")
    return Fit(amount, refused=reason)
