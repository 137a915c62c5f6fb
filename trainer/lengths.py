"""Token counts: every row is counted before the first step, and batches are made of rows of like length.

Nothing is ever cut off: a completion cut off to nothing trains on nothing, silently (loss 0.0). A row
that is too long is refused (left out, counted, written to refused.jsonl), or its picture is made smaller
until it fits, as the user says.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
from accelerate import PartialState
from accelerate.utils import gather_object
from numpy.typing import NDArray
from torch.utils.data import Sampler
from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize
from trl.data_utils import apply_chat_template, prepare_multimodal_messages

from hmer_tasks.exceptions import PictureError
from hmer_tasks.images import MAX_ASPECT, size_of

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import ProcessorMixin

Turns = list[dict[str, str]]
GROUP = 100  # micro-batches sorted together; transformers takes 50, and pads twice as much


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


def with_system(prompt: Turns, system: str) -> Turns:
    """The prompt with a system turn before it, where one is wanted and none is there."""
    if system and prompt[0]["role"] != "system":
        return [{"role": "system", "content": system}, *prompt]
    return prompt


def render(processor: "ProcessorMixin", prompt: Turns, completion: Turns, pictures: int) -> tuple[str, str]:
    """Prompt and completion as texts, exactly as TRL's collator makes them.

    Args:
        processor: The model's processor.
        prompt: The turns before the answer.
        completion: The answer's turn.
        pictures: How many pictures belong to the prompt.

    Returns:
        The prompt's text and the completion's.
    """
    messages = {
        "prompt": prepare_multimodal_messages(prompt, images=[None] * pictures),
        "completion": prepare_multimodal_messages(completion),
    }
    texts = apply_chat_template(messages, processor)
    return texts["prompt"], texts["completion"]


def measure(data: "Dataset", processor: "ProcessorMixin", system: str) -> NDArray[np.int64]:
    """Counts of each row: tokens of its text, width and height of its picture.

    Every process counts its share with its share of the cores, so that none waits long for another.

    Args:
        data: The rows.
        processor: The model's, whose tokenizer and chat template count.
        system: The system prompt, if any.

    Returns:
        Shape (rows, 3). A size is (0, 0) without a picture, (-1, -1) for one that cannot be read.
    """
    state = PartialState()
    mine = data.shard(state.num_processes, state.process_index, contiguous=True)
    workers = (os.cpu_count() or 1) // int(os.environ.get("LOCAL_WORLD_SIZE", state.num_processes))
    # Named by what counts, not by a pickle of the processor, so that a resumed run uses its counts again.
    name = sha256(processor.tokenizer.backend_tokenizer.to_str().encode())
    name.update(f"{mine._fingerprint}\n{processor.chat_template}\n{system}".encode())
    measured = mine.map(
        lambda rows: _measure(rows, processor, system),
        batched=True,
        batch_size=256,
        num_proc=workers if workers > 1 and len(mine) > 2000 else None,
        remove_columns=mine.column_names,
        desc="Counting tokens",
        new_fingerprint=name.hexdigest()[:32],
    )
    counts = np.stack([np.asarray(measured[name], np.int64) for name in ("text", "width", "height")], axis=1)
    return np.concatenate(gather_object([counts]))


def _measure(rows: dict[str, list[Any]], processor: "ProcessorMixin", system: str) -> dict[str, list[int]]:
    texts: list[str] = []
    sizes: list[tuple[int, int]] = []
    for images, prompt, completion in zip(rows["images"], rows["prompt"], rows["completion"], strict=True):
        texts += render(processor, with_system(prompt, system), completion, len(images))
        try:
            sizes.append(size_of(images[0]["bytes"], "") if images else (0, 0))
        except PictureError:
            sizes.append((-1, -1))
    ids = processor.tokenizer(texts, add_special_tokens=False)["input_ids"]
    lengths = [len(prompt) + len(completion) for prompt, completion in zip(ids[::2], ids[1::2], strict=True)]
    return {"text": lengths, "width": [size[0] for size in sizes], "height": [size[1] for size in sizes]}


@dataclass(frozen=True, slots=True)
class Fit:
    """How a row fits.

    Attributes:
        tokens: Its tokens, those of the picture among them.
        size: Width and height that its picture must be made, if that must change.
        capped: Whether the picture is over the cap (the processor makes it smaller).
        refused: Why it does not fit, if it does not.
    """

    tokens: int
    size: tuple[int, int] = (0, 0)
    capped: bool = False
    refused: str = ""


class Fitter:
    """Says how a row fits.

    Args:
        processor: Has the least and the most pixels of a picture.
        max_tokens: The most tokens of a row.
        downsize: Whether the picture of a longer row is made smaller until the row fits.
    """

    def __init__(self, processor: "ProcessorMixin", max_tokens: int, downsize: bool) -> None:
        pictures = processor.image_processor
        self.factor = pictures.patch_size * pictures.merge_size
        self.floor, self.cap = pictures.size["shortest_edge"], pictures.size["longest_edge"]
        self.max_tokens, self.downsize = max_tokens, downsize

    def __call__(self, text: int, width: int, height: int) -> Fit:
        """How a row fits, from what `measure` counted."""
        if width < 0 or (width and max(width, height) / min(width, height) > MAX_ASPECT):
            return Fit(text, refused="image_unreadable" if width < 0 else "image_too_long")
        text -= bool(width)  # the placeholder in it
        tokens = text + self.of_picture(width, height)
        if tokens <= self.max_tokens:
            return Fit(tokens, capped=width * height > self.cap)
        room = self.max_tokens - text
        if width and self.downsize and room > 0:
            size = self._shown(width, height, room * self.factor**2)
            if size[0] * size[1] >= self.floor and self._tokens(size) <= room:
                return Fit(text + self._tokens(size), size)
        return Fit(tokens, refused="too_long")

    def of_picture(self, width: int, height: int) -> int:
        """The tokens that a picture of this size takes."""
        return self._tokens(self._shown(width, height, self.cap))

    def _shown(self, width: int, height: int, most: int) -> tuple[int, int]:
        """Width and height that the processor gives a picture."""
        if not width:
            return 0, 0
        least = min(self.floor, most)
        tall, wide = smart_resize(height, width, self.factor, min_pixels=least, max_pixels=most)
        return wide, tall

    def _tokens(self, size: tuple[int, int]) -> int:
        return size[0] * size[1] // self.factor**2
