"""Models of the real architectures, built from a configuration, with a tokenizer trained on the spot.

    python -m trainer.models tiny-qwen2.5-vl build/tiny --data build/sample
    python -m trainer.models small-qwen2.5-vl build/small --data build/crohme

The configurations are in models.yaml. No network: the weights are random, the tokenizer is learned from the
texts of the shards, the chat template is the one TRL ships. What is saved loads with `from_pretrained` as any
released model does.
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import transformers
import yaml
from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

from trainer.faults import UsageError, run
from trainer.shards import find_shards, load_shards

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast, ProcessorMixin

PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
VISION = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
MODELS: dict[str, dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("models.yaml").read_text(encoding="utf-8")
)


def build(name: str, texts: Iterable[str], out: Path, seed: int = 0) -> None:
    """Make a model of random weights and save it with its processor.

    Args:
        name: Its name in models.yaml.
        texts: What its tokenizer learns from.
        out: The folder.
        seed: Of the weights.
    """
    model, processor = make(name, texts, seed)
    model.save_pretrained(out)
    processor.save_pretrained(out)


def make(
    name: str, texts: Iterable[str], seed: int = 0, dtype: str = "float32"
) -> "tuple[PreTrainedModel, ProcessorMixin]":
    """A model of random weights, and its processor.

    Args:
        name: Its name in models.yaml.
        texts: What its tokenizer learns from.
        seed: Of the weights.
        dtype: Their precision.

    Returns:
        Model and processor.

    Raises:
        UsageError: There is no model of that name.
    """
    if name not in MODELS:
        raise UsageError(f"no model {name!r}; there are {', '.join(MODELS)}")
    about = MODELS[name]
    tokenizer = make_tokenizer(texts, about["vocabulary"])
    ids = [tokenizer.convert_tokens_to_ids(token) for token in (PAD, END, *VISION)]
    pad, end, vision_start, vision_end, image, video = ids
    # Without ids of its own, transformers takes a large model's.
    text = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None, "vocab_size": len(tokenizer)}
    config = getattr(transformers, about["config"])(
        text_config={**about["text"], **text},
        vision_config={key: value for key, value in about["vision"].items() if value is not None},
        tie_word_embeddings=True,
        image_token_id=image,
        video_token_id=video,
        vision_start_token_id=vision_start,
        vision_end_token_id=vision_end,
    )
    transformers.set_seed(seed)
    dtype = "float32" if dtype == "auto" else dtype
    model = transformers.AutoModelForImageTextToText.from_config(config, dtype=dtype)
    model.generation_config = transformers.GenerationConfig(eos_token_id=[end, pad], pad_token_id=pad)
    for part in (model.config, model.config.get_text_config()):
        part.bos_token_id, part.eos_token_id, part.pad_token_id = None, end, pad
    return model, _processor(about, tokenizer)


def _processor(about: dict[str, Any], tokenizer: "PreTrainedTokenizerFast") -> "ProcessorMixin":
    area = (2 * about["image"]["patch_size"]) ** 2  # a token is 2 × 2 patches
    least, most = (tokens * area for tokens in about["pixels"])
    video = "Qwen3VLVideoProcessor" if about["processor"].startswith("Qwen3") else "Qwen2VLVideoProcessor"
    return getattr(transformers, about["processor"])(
        image_processor=transformers.Qwen2VLImageProcessor(
            **about["image"],
            merge_size=2,
            temporal_patch_size=2,
            size={"shortest_edge": least, "longest_edge": most},
        ),
        tokenizer=tokenizer,
        video_processor=getattr(transformers, video)(),
        chat_template=files("trl")
        .joinpath("chat_templates", f"{about['template']}.jinja")
        .read_text("utf-8"),
    )


def make_tokenizer(texts: Iterable[str], vocabulary: int) -> "PreTrainedTokenizerFast":
    """A byte-level BPE tokenizer: any text goes in and comes back; a LaTeX token is mostly one token."""
    tokenizer = Tokenizer(BPE())
    words = pre_tokenizers.Split(Regex(r" ?\S+|\s+"), "isolated")
    letters = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, letters])
    tokenizer.decoder = decoders.ByteLevel()
    learner = BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, START, END, *VISION],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, learner)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        extra_special_tokens=[START, *VISION],
        clean_up_tokenization_spaces=False,
        model_max_length=32768,
    )


def texts_of(shards: Sequence[Path], limit: int = 200_000) -> Iterator[str]:
    """The prompts and answers of shards, for the tokenizer; at most `limit` rows. Raises TrainError."""
    table = load_shards(shards).select_columns(["prompt", "completion"])
    for row in islice(table, limit):
        yield from (turn["content"] for turn in (*row["prompt"], *row["completion"]))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="trainer.models", description="Build a model with random weights.")
    parser.add_argument("name", choices=MODELS)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", nargs="+", required=True, help="builds or shards to learn the tokenizer of")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    build(given.name, texts_of(find_shards(given.data)), given.out, given.seed)


if __name__ == "__main__":
    run("trainer.models", main)
