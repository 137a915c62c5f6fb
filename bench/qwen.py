"""The real configurations of Qwen's models with their real tokenizer and no weights, for benchmarks alone.

python -m bench.qwen qwen2.5-vl-3b build/qwen2.5-vl-3b --tokenizer qwen.tiktoken [--layers 2]

What it writes is a folder for `trainer.sft --scratch FOLDER`. `qwen.tiktoken` is in PyPI's wheel `dashscope`
(2.4 MB): the tokenizer of Qwen2 to Qwen3, 151,643 entries. Qwen3.5 has a tokenizer of its own, which no wheel
brings; its configuration is measured with this one, so its token counts are those of Qwen2.5. The values
of Qwen2.5-VL are those of its config.json; those of Qwen3.5 are its model card's, from memory (widths, layers,
heads; the parameters they give are printed): compare them with config.json before a figure is quoted.
"""

import argparse
import base64
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

import trainer  # noqa: F401 - before transformers: see trainer/patches.py

# isort: off
from transformers import (
    AutoModelForImageTextToText,
    GenerationConfig,
    PreTrainedConfig,
    ProcessorMixin,
    Qwen2_5_VLConfig,
    Qwen2_5_VLProcessor,
    Qwen2Tokenizer,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
    Qwen3_5Config,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
)
from transformers.convert_slow_tokenizer import bytes_to_unicode

# isort: on
SPECIAL = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>",
    "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
    "<|image_pad|>", "<|video_pad|>",
)  # fmt: skip
_NO_IDS = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}


def _qwen3_5(
    size: tuple[int, int, int], heads: tuple[int, int], values: int, vision: dict[str, int]
) -> tuple[type[PreTrainedConfig], dict[str, Any]]:
    width, layers, inner = size
    text = {
        "vocab_size": 248320, "hidden_size": width, "intermediate_size": inner, "num_hidden_layers": layers,
        "num_attention_heads": heads[0], "num_key_value_heads": heads[1], "head_dim": 256,
        "linear_num_key_heads": 16, "linear_num_value_heads": values, "linear_key_head_dim": 128,
        "linear_value_head_dim": 128, "full_attention_interval": 4, "max_position_embeddings": 262144,
        "rope_parameters": {
            "rope_type": "default", "rope_theta": 1e7, "partial_rotary_factor": 0.25, "mrope_section": [11, 11, 10],
        },
        **_NO_IDS,
    }  # fmt: skip
    eyes = {
        "patch_size": 16,
        "spatial_merge_size": 2,
        "num_position_embeddings": 2304,
        "out_hidden_size": width,
    }
    return Qwen3_5Config, {
        "text_config": text,
        "vision_config": {**eyes, **vision},
        "tie_word_embeddings": True,
    }


MODELS: dict[str, tuple[type[PreTrainedConfig], dict[str, Any]]] = {
    "qwen2.5-vl-3b": (
        Qwen2_5_VLConfig,
        {
            "text_config": {
                "vocab_size": 151936, "hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36,
                "num_attention_heads": 16, "num_key_value_heads": 2, "max_position_embeddings": 128000,
                "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
                **_NO_IDS,
            },
            "vision_config": {"hidden_size": 1280, "out_hidden_size": 2048, "depth": 32, "num_heads": 16},
            "tie_word_embeddings": True,
        },
    ),
    "qwen3.5-2b": _qwen3_5(
        (2048, 24, 6144), (8, 2), 16,
        {"hidden_size": 1024, "depth": 24, "num_heads": 16, "intermediate_size": 4096},
    ),
    "qwen3.5-4b": _qwen3_5(
        (2560, 32, 9216), (16, 4), 32,
        {"hidden_size": 1024, "depth": 24, "num_heads": 16, "intermediate_size": 4096},
    ),
}  # fmt: skip


def tokenizer_of(path: Path) -> Qwen2Tokenizer:
    """Qwen2's tokenizer from `qwen.tiktoken`: lines of token (base64) and rank.

    The file has no merges. A token's merge is the pair that is left when its bytes are merged by all tokens
    of lower rank.
    """
    letters = bytes_to_unicode()
    lines = [line.split() for line in path.read_text(encoding="ascii").splitlines() if line]
    ranks = {base64.b64decode(token): int(rank) for token, rank in lines}

    def text(token: bytes) -> str:
        return "".join(letters[byte] for byte in token)

    merges = []
    for token, rank in sorted(ranks.items(), key=lambda item: item[1]):
        if len(token) > 1:
            left, right = _pair(ranks, token, rank)
            merges.append((text(left), text(right)))
    vocabulary = {text(token): rank for token, rank in ranks.items()}
    vocabulary |= {token: len(ranks) + number for number, token in enumerate(SPECIAL)}
    return Qwen2Tokenizer(
        vocab=vocabulary, merges=merges, unk_token=None, pad_token="<|endoftext|>", eos_token="<|im_end|>",
        extra_special_tokens=list(SPECIAL), model_max_length=32768,
    )  # fmt: skip


def _pair(ranks: dict[bytes, int], token: bytes, below: int) -> list[bytes]:
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 2:
        pairs = [ranks.get(left + right, below) for left, right in pairwise(parts)]
        best = min(range(len(pairs)), key=pairs.__getitem__)
        parts[best : best + 2] = [parts[best] + parts[best + 1]]
    return parts


def processor_of(name: str, tokenizer: Path, max_pixels: int) -> ProcessorMixin:
    """The processor of a model, with TRL's copy of its chat template."""
    patch = 14 if name.startswith("qwen2.5") else 16
    limits = {"patch_size": patch, "merge_size": 2, "temporal_patch_size": 2}
    size = {"shortest_edge": 4 * (2 * patch) ** 2, "longest_edge": max_pixels}
    folder = files("trl").joinpath("chat_templates")
    if patch == 14:
        template = folder.joinpath("qwen2_5_vl.jinja").read_text(encoding="utf-8")
        return Qwen2_5_VLProcessor(
            Qwen2VLImageProcessor(**limits, size=size), tokenizer_of(tokenizer), Qwen2VLVideoProcessor(),
            chat_template=template,
        )  # fmt: skip
    template = folder.joinpath("qwen3_5_nothink.jinja").read_text(encoding="utf-8")
    half = [0.5, 0.5, 0.5]
    return Qwen3VLProcessor(
        Qwen2VLImageProcessor(**limits, size=size, image_mean=half, image_std=half), tokenizer_of(tokenizer),
        Qwen3VLVideoProcessor(), chat_template=template,
    )  # fmt: skip


def config_of(
    name: str, tokenizer: Qwen2Tokenizer | None = None, layers: int | None = None
) -> PreTrainedConfig:
    """The configuration of a model, with the tokenizer's ids and, to try it on a CPU, fewer layers."""
    kind, values = MODELS[name]
    text, vision = dict(values["text_config"]), dict(values["vision_config"])
    if layers:
        text["num_hidden_layers"], vision["depth"] = layers, layers
        if "fullatt_block_indexes" in kind.sub_configs["vision_config"]().to_dict():
            vision["fullatt_block_indexes"] = [layers - 1]
        if "full_attention_interval" in text:
            text["full_attention_interval"] = min(4, layers)
    ids = {}
    if tokenizer is not None:
        names = {
            "image": "image_pad",
            "video": "video_pad",
            "vision_start": "vision_start",
            "vision_end": "vision_end",
        }
        ids = {
            f"{key}_token_id": tokenizer.convert_tokens_to_ids(f"<|{token}|>") for key, token in names.items()
        }
    more = {key: value for key, value in values.items() if not key.endswith("_config")}
    return kind(text_config=text, vision_config=vision, **more, **ids)


def write(
    name: str, tokenizer: Path, out: Path, max_pixels: int = 262_144, layers: int | None = None
) -> None:
    """Configuration and processor of a model in a folder; no weights."""
    processor = processor_of(name, tokenizer, max_pixels)
    config = config_of(name, processor.tokenizer, layers)
    end, pad = (processor.tokenizer.convert_tokens_to_ids(token) for token in ("<|im_end|>", "<|endoftext|>"))
    for part in (config, config.get_text_config()):
        part.eos_token_id, part.pad_token_id = end, pad
    processor.save_pretrained(out)
    config.save_pretrained(out)
    GenerationConfig(eos_token_id=[end, pad], pad_token_id=pad).save_pretrained(out)


def parameters_of(name: str) -> int:
    """How many parameters a model has."""
    with torch.device("meta"):
        return AutoModelForImageTextToText.from_config(config_of(name)).num_parameters()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=MODELS)
    parser.add_argument("out", type=Path)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--layers", type=int, help="of either tower, to try it on a CPU")
    given = parser.parse_args()
    write(given.name, given.tokenizer, given.out, layers=given.layers)
    print(f"{given.out}: {given.name}, {parameters_of(given.name):,} parameters with all layers")


if __name__ == "__main__":
    main()
