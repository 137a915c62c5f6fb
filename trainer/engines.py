"""The two ways to run a model: transformers, always installed, and vLLM, where it is.

An engine is a function from a batch of questions to their answers. vLLM batches by itself: it is handed
hundreds of questions at a time. It wants an environment of its own (`[serve]`): other versions of torch and
transformers than those that train.
"""

import random
from collections.abc import Callable, Sequence
from importlib.util import find_spec

import torch
from transformers import AutoProcessor, set_seed

from trainer.decoding import Answer, Question, Sampling, answer, chat, cut
from trainer.faults import TrainError
from trainer.model import limit_pixels, open_model

Engine = Callable[[Sequence[Question], str], list[list[Answer]]]
ENGINES = ("auto", "transformers", "vllm")
QUESTIONS = {"transformers": 16, "vllm": 512}  # at a time


def choose_engine(name: str) -> str:
    """The engine of that name; `auto` is vLLM where a GPU and it are there. Raises TrainError."""
    if name == "vllm" and not find_spec("vllm"):
        raise TrainError(
            "vLLM is not installed: pip install 'hmer-tasks[serve]' in an environment of its own, or say"
            " --engine transformers"
        )
    fast = torch.cuda.is_available() and find_spec("vllm")
    return name if name != "auto" else "vllm" if fast else "transformers"


def open_engine(
    name: str, model: str, sampling: Sampling, *, max_pixels: int | None, dtype: str, seed: int
) -> Engine:
    """The engine that `choose_engine` named.

    Args:
        name: `vllm` or `transformers`.
        model: A folder, or a name on the Hub.
        sampling: How answers are drawn.
        max_pixels: The cap on a picture. None: the model's own.
        dtype: The precision; `auto` is bf16 on a GPU, whatever the weights are in.
        seed: Of the sampling.

    Returns:
        The engine.

    Raises:
        TrainError: The model cannot be loaded.
        UsageError: The cap is under the model's least pixels.
    """
    if dtype == "auto" and torch.cuda.is_available():
        dtype = "bfloat16"
    return {"vllm": _vllm, "transformers": _transformers}[name](model, sampling, max_pixels, dtype, seed)


def _transformers(name: str, sampling: Sampling, max_pixels: int | None, dtype: str, seed: int) -> Engine:
    model, processor = open_model(name, dtype=dtype)
    limit_pixels(processor, max_pixels)
    model.to("cuda" if torch.cuda.is_available() else "cpu").eval()

    def engine(questions: Sequence[Question], key: str) -> list[list[Answer]]:
        # Keyed by the batch, so that a resumed run draws what an uninterrupted one would have drawn.
        set_seed(random.Random(f"{seed}/{key}").getrandbits(32))
        return answer(model, processor, questions, sampling)

    return engine


def _vllm(name: str, sampling: Sampling, max_pixels: int | None, dtype: str, seed: int) -> Engine:
    from vllm import LLM, SamplingParams

    processor = AutoProcessor.from_pretrained(name)
    limit_pixels(processor, max_pixels)
    size = processor.image_processor.size
    llm = LLM(
        model=name,
        dtype=dtype,
        seed=seed,
        limit_mm_per_prompt={"image": 1},
        mm_processor_kwargs={"min_pixels": size["shortest_edge"], "max_pixels": size["longest_edge"]},
        max_model_len=max(4096, sampling.max_new_tokens + 2048),
    )
    wanted = SamplingParams(
        n=sampling.samples,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=sampling.top_k,
        max_tokens=sampling.max_new_tokens,
        seed=seed,
    )

    def read(text: str, ids: Sequence[int], reason: str | None) -> Answer:
        """vLLM ends at the length what is stuck; it is cut and named here as it is elsewhere."""
        kept, stuck = cut(list(ids)) if reason == "length" else ([], False)
        if stuck:
            return Answer(processor.tokenizer.decode(kept, skip_special_tokens=True), "repetition")
        return Answer(text, "length" if reason == "length" else "eos")

    def engine(questions: Sequence[Question], key: str) -> list[list[Answer]]:
        requests = [
            {"prompt": chat(processor, question.prompt), "multi_modal_data": {"image": question.picture}}
            for question in questions
        ]
        results = llm.generate(requests, wanted, use_tqdm=False)
        return [
            [read(out.text, out.token_ids, out.finish_reason) for out in result.outputs] for result in results
        ]

    return engine
