"""Models of the real architectures, built from a configuration, with a tokenizer trained on the spot.

    python -m trainer.models tiny-qwen2.5-vl build/tiny --data build/sample
    python -m trainer.models small-qwen2.5-vl build/small --data build/crohme

No network: the weights are random, the tokenizer is learned from the texts of the shards, the chat
template is the one TRL ships. What is saved loads with `from_pretrained` as any released model does.
"""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import (
    GenerationConfig,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
    Qwen3_5Config,
    Qwen3_5ForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
    set_seed,
)

from trainer.faults import UsageError, run

if TYPE_CHECKING:
    from transformers import PreTrainedModel, ProcessorMixin

PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
VISION = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")


@dataclass(frozen=True, slots=True)
class Size:
    """A model's measures. `head` is a head's width, in both towers."""

    family: str  # qwen2.5-vl, qwen3-vl or qwen3.5
    width: int
    layers: int
    heads: int
    vision_width: int
    vision_layers: int
    vision_heads: int
    vocabulary: int
    initializer_range: float
    min_tokens: int  # of a picture
    max_tokens: int
    head: int = 16


# With the default range of 0.02 a model this small never learns to look at the picture (see README).
SIZES = {
    "tiny-qwen2.5-vl": Size("qwen2.5-vl", 64, 2, 4, 64, 2, 4, 1024, 0.08, 4, 24),
    "tiny-qwen2.5-vl-windows": Size("qwen2.5-vl", 64, 2, 4, 64, 4, 4, 1024, 0.08, 4, 24),
    "tiny-qwen3-vl": Size("qwen3-vl", 64, 2, 4, 64, 2, 4, 1024, 0.08, 4, 24),
    "tiny-qwen3.5": Size("qwen3.5", 64, 2, 4, 64, 2, 4, 1024, 0.08, 4, 24),
    "small-qwen2.5-vl": Size("qwen2.5-vl", 512, 10, 8, 512, 10, 8, 2048, 0.02, 16, 256, head=64),
    "small-qwen3-vl": Size("qwen3-vl", 512, 10, 8, 512, 10, 8, 2048, 0.02, 16, 256, head=64),
}


def build(name: str, texts: Iterable[str], out: Path, seed: int = 0) -> None:
    """Make the model called `name`, its tokenizer learned from `texts`, and save both in `out`."""
    model, processor = make(name, texts, seed)
    model.save_pretrained(out)
    processor.save_pretrained(out)


def make(name: str, texts: Iterable[str], seed: int = 0) -> "tuple[PreTrainedModel, ProcessorMixin]":
    """The model called `name` with random weights, and its processor. Raises UsageError."""
    if name not in SIZES:
        raise UsageError(f"no model {name!r}; there are {', '.join(SIZES)}")
    size = SIZES[name]
    tokenizer = make_tokenizer(texts, size.vocabulary)
    ids = [tokenizer.convert_tokens_to_ids(token) for token in (PAD, END, *VISION)]
    pad, end, vision_start, vision_end, image, video = ids
    special = {
        "image_token_id": image,
        "video_token_id": video,
        "vision_start_token_id": vision_start,
        "vision_end_token_id": vision_end,
    }
    set_seed(seed)
    makers = {"qwen2.5-vl": _qwen2_5, "qwen3-vl": _qwen3, "qwen3.5": _qwen3_5}
    model, processor = makers[size.family](size, tokenizer, special)
    model.generation_config = GenerationConfig(eos_token_id=[end, pad], pad_token_id=pad)
    for config in (model.config, model.config.get_text_config()):
        config.bos_token_id, config.eos_token_id, config.pad_token_id = None, end, pad
    return model, processor


def make_tokenizer(texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer: any text goes in and comes back; a LaTeX token is mostly one token."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r" ?\S+|\s+"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        texts,
        BpeTrainer(
            vocab_size=vocabulary,
            special_tokens=[PAD, START, END, *VISION],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        extra_special_tokens=[START, *VISION],
        clean_up_tokenization_spaces=False,
        model_max_length=32768,
    )


def _text(size: Size, vocabulary: int) -> dict[str, Any]:
    side = size.head * 3 // 16  # time, height and width share half a head: 1/4, 3/8, 3/8
    return {
        "vocab_size": vocabulary,
        "hidden_size": size.width,
        "intermediate_size": size.width * 3,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.heads,
        "num_key_value_heads": size.heads // 2,
        "initializer_range": size.initializer_range,
        "max_position_embeddings": 32768,
        **dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id")),  # the real ones come later
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10000.0,
            "mrope_section": [size.head // 2 - 2 * side, side, side],
        },
    }


def _vision(size: Size) -> dict[str, object]:
    return {
        "depth": size.vision_layers,
        "hidden_size": size.vision_width,
        "intermediate_size": size.vision_width * 3,
        "num_heads": size.vision_heads,
        "out_hidden_size": size.width,
        "initializer_range": size.initializer_range,
    }


def _limits(size: Size, patch: int) -> dict[str, object]:
    area = (2 * patch) ** 2  # a token is 2 × 2 patches
    return {
        "patch_size": patch,
        "merge_size": 2,
        "temporal_patch_size": 2,
        "size": {"shortest_edge": size.min_tokens * area, "longest_edge": size.max_tokens * area},
    }


def _template(name: str) -> str:
    return files("trl").joinpath("chat_templates", f"{name}.jinja").read_text(encoding="utf-8")


def _qwen2_5(
    size: Size, tokenizer: PreTrainedTokenizerFast, special: dict[str, int]
) -> "tuple[PreTrainedModel, ProcessorMixin]":
    last = size.vision_layers - 1
    config = Qwen2_5_VLConfig(
        text_config=_text(size, len(tokenizer)),
        vision_config={**_vision(size), "fullatt_block_indexes": sorted({last // 2, last}), "patch_size": 14},
        tie_word_embeddings=True,
        **special,
    )
    limits = _limits(size, 14)
    processor = Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(**limits),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(),
        chat_template=_template("qwen2_5_vl"),
    )
    return Qwen2_5_VLForConditionalGeneration(config), processor


def _qwen3(
    size: Size, tokenizer: PreTrainedTokenizerFast, special: dict[str, int]
) -> "tuple[PreTrainedModel, ProcessorMixin]":
    deep = sorted({0, (size.vision_layers - 1) // 2})
    config = Qwen3VLConfig(
        text_config={**_text(size, len(tokenizer)), "head_dim": size.head},
        vision_config={**_vision(size), **_PATCHES, "deepstack_visual_indexes": deep},
        tie_word_embeddings=True,
        **special,
    )
    return Qwen3VLForConditionalGeneration(config), _qwen3_processor(size, tokenizer, "qwen3_vl")


def _qwen3_5(
    size: Size, tokenizer: PreTrainedTokenizerFast, special: dict[str, int]
) -> "tuple[PreTrainedModel, ProcessorMixin]":
    text = _text(size, len(tokenizer))
    text |= {
        "head_dim": size.head,
        "rope_parameters": {**text["rope_parameters"], "partial_rotary_factor": 1.0},
        "layer_types": ["linear_attention", "full_attention"] * (size.layers // 2),
        "linear_key_head_dim": size.head,
        "linear_value_head_dim": size.head,
        "linear_num_key_heads": size.heads // 2,
        "linear_num_value_heads": size.heads,
    }
    vision = {**_vision(size), **_PATCHES}
    config = Qwen3_5Config(text_config=text, vision_config=vision, tie_word_embeddings=True, **special)
    return Qwen3_5ForConditionalGeneration(config), _qwen3_processor(size, tokenizer, "qwen3_5_nothink")


_PATCHES = {"patch_size": 16, "num_position_embeddings": 256}


def _qwen3_processor(size: Size, tokenizer: PreTrainedTokenizerFast, template: str) -> "ProcessorMixin":
    return Qwen3VLProcessor(
        image_processor=Qwen2VLImageProcessor(
            **_limits(size, 16), image_mean=[0.5, 0.5, 0.5], image_std=[0.5, 0.5, 0.5]
        ),
        tokenizer=tokenizer,
        video_processor=Qwen3VLVideoProcessor(),
        chat_template=_template(template),
    )


def texts_of(shards: Iterable[Path], limit: int = 200_000) -> Iterator[str]:
    """The prompts and answers of shards, for the tokenizer; at most `limit` rows. Raises TrainError."""
    import pyarrow.parquet as pq

    from trainer.shards import check_schema

    left = limit
    for shard in shards:
        check_schema(shard)
        with pq.ParquetFile(shard) as file:
            for batch in file.iter_batches(1000, columns=["prompt", "completion"]):
                for row in batch.to_pylist()[:left]:
                    yield from (turn["content"] for turn in (*row["prompt"], *row["completion"]))
                left -= batch.num_rows
                if left <= 0:
                    return


def main() -> None:
    """The command line."""
    from trainer.shards import find_shards

    parser = argparse.ArgumentParser(prog="trainer.models", description="Build a model with random weights.")
    parser.add_argument("name", choices=SIZES)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", nargs="+", required=True, help="builds or shards to learn the tokenizer of")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    build(given.name, texts_of(find_shards(given.data)), given.out, given.seed)


if __name__ == "__main__":
    run("trainer.models", main)
