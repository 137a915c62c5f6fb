"""Reading pictures with a model: prompts in, answers out, each with why it ended.

An answer stuck in a repetition is cut: where its last `WINDOW` tokens are one short piece said again and
again, it is stopped, the copies go but one, and `stop` says `repetition`. (A row of a matrix may repeat
`0 &` some dozens of times; 128 tokens of it are no formula.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from transformers import StoppingCriteria, StoppingCriteriaList
from trl.data_utils import prepare_multimodal_messages

from trainer.lengths import Turns

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import GenerationConfig, PreTrainedModel, ProcessorMixin

WINDOW, LONGEST_PERIOD = 128, 32


@dataclass(frozen=True, slots=True)
class Sampling:
    """How answers are drawn; the defaults are the published ones. Temperature 0 is greedy."""

    temperature: float = 0.2
    top_p: float = 0.8
    top_k: int = 50
    max_new_tokens: int = 2048
    samples: int = 1


GREEDY = Sampling(temperature=0.0)
# What a model's generation_config.json may ask for otherwise: Qwen2.5-VL-Instruct's penalises a token that
# was there before by 1.05, which formulas full of braces and digits must not be. vLLM is asked the same way.
_PLAIN = {
    "repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
    "num_beams": 1,
    "min_p": None,
    "typical_p": 1.0,
}


@dataclass(frozen=True, slots=True)
class Question:
    """A picture and what is asked of it."""

    picture: "Image"
    prompt: Turns


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said, and why it stopped: eos, length or repetition."""

    raw: str
    stop: str


def period(ids: Sequence[int]) -> int:
    """The period of the last `WINDOW` tokens if they are one piece repeated; 0 if they are not."""
    tail = list(ids[-WINDOW:])
    if len(tail) < WINDOW:
        return 0
    for size in range(1, LONGEST_PERIOD + 1):
        if tail[size:] == tail[:-size]:
            return size
    return 0


def cut(ids: Sequence[int]) -> tuple[list[int], bool]:
    """The tokens up to where they begin to repeat, one copy kept; and whether they did."""
    size = period(ids)
    if not size:
        return list(ids), False
    start = len(ids) - size
    while start > 0 and ids[start - 1] == ids[start - 1 + size]:
        start -= 1
    return list(ids[: start + size]), True


class StuckCriteria(StoppingCriteria):
    """Stops each sequence of a batch that is stuck; looked at every 16 tokens."""

    def __init__(self, prompt_length: int) -> None:
        self.prompt_length = prompt_length

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **kwargs: object) -> torch.Tensor:
        """Which sequences of a batch are to end."""
        new = input_ids.shape[1] - self.prompt_length
        if new < WINDOW or new % 16:
            return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)
        stuck = [period(ids) > 0 for ids in input_ids[:, -WINDOW:].tolist()]
        return torch.tensor(stuck, device=input_ids.device)


def chat(processor: "ProcessorMixin", prompt: Turns, pictures: int = 1) -> str:
    """A prompt as the model is given it: exactly the text that it was trained on.

    Args:
        processor: The model's processor.
        prompt: The turns before the answer.
        pictures: How many pictures belong to it.

    Returns:
        The text, with the picture's place in it.
    """
    messages = prepare_multimodal_messages(prompt, images=[None] * pictures)
    return processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)


@torch.no_grad()
def answer(
    model: "PreTrainedModel",
    processor: "ProcessorMixin",
    questions: Sequence[Question],
    sampling: Sampling,
    synced: bool | None = None,
) -> list[list[Answer]]:
    """The answers to a batch of questions.

    Args:
        model: The model.
        processor: Its processor.
        questions: Pictures with their prompts.
        sampling: How to sample; `sampling.samples` answers a question.
        synced: Weights are spread over processes, so all must generate equally long; None: transformers says.

    Returns:
        A list of answers for each question, in order.
    """
    batch = processor(
        images=[[question.picture] for question in questions],
        text=[chat(processor, question.prompt) for question in questions],
        padding=True,
        padding_side="left",
        return_tensors="pt",
        add_special_tokens=False,
    ).to(model.device)
    batch["pixel_values"] = batch["pixel_values"].to(model.dtype)
    length = batch["input_ids"].shape[1]
    how = {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": sampling.top_k}
    out = model.generate(
        **batch,
        **({"do_sample": True, **how} if sampling.temperature else {"do_sample": False}),
        **_PLAIN,
        max_new_tokens=sampling.max_new_tokens,
        num_return_sequences=sampling.samples,
        stopping_criteria=StoppingCriteriaList([StuckCriteria(length)]),
        use_cache=True,
        synced_gpus=synced,
    )
    answers = [read_out(processor, ids, model.generation_config) for ids in out[:, length:].tolist()]
    return [answers[at : at + sampling.samples] for at in range(0, len(answers), sampling.samples)]


def read_out(processor: "ProcessorMixin", ids: list[int], generation: "GenerationConfig") -> Answer:
    """New tokens as text.

    Args:
        processor: The model's processor.
        ids: The tokens that were generated, padding included.
        generation: Which tokens end an answer.

    Returns:
        The text, and why it ends: `eos`, `length` or `repetition`.
    """
    ends, pad = generation.eos_token_id, processor.tokenizer.pad_token_id
    stops = set(ends if isinstance(ends, list) else [ends])
    at = next((number for number, token in enumerate(ids) if token in stops | {pad}), None)
    stop = "length" if at is None or ids[at] not in stops else "eos"
    kept, stuck = ids[:at], False
    if at is None or ids[at] == pad:  # before padding, which may end answers too, it may have been stopped
        kept, stuck = cut(kept)
    text = processor.tokenizer.decode(kept, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return Answer(text, "repetition" if stuck else stop)
