"""The reader: Qwen2.5-VL as transformers has it, with few parameters and random weights.

Three things are unlike a released model, and all are saved with it, so that `trainer.predict` needs no flag:
the tokenizer makes every LaTeX token one token and every prompt of a task one or two; the chat template says no
more than picture, prompt, answer; a picture has at most `most` tokens.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
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
    set_seed,
)

from examples.reader.drawing import Geometry
from hmer_tasks.tasks.prompts import prompt_set

if TYPE_CHECKING:
    from transformers import PreTrainedModel, ProcessorMixin

PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
VISION_START, VISION_END, IMAGE, VIDEO = (
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
WHITE, RANGE = 1.0, 0.25  # mean and deviation of pixels: white paper is 0, ink -4
TEMPLATE = (
    "{%- for message in messages %}{%- if message.content is string %}{%- set parts = "
    "[{'type': 'text', 'text': message.content}] %}{%- else %}{%- set parts = message.content %}{%- endif %}"
    "{%- for part in parts %}{%- if part.type == 'image' or 'image' in part %}"
    "<|vision_start|><|image_pad|><|vision_end|>{%- else %}{{- part.text }}{%- endif %}{%- endfor %}"
    "{%- if message.role == 'user' %}<|im_start|>{%- elif message.role == 'assistant' %}<|im_end|>{%- endif %}"
    "{%- endfor %}"
)


@dataclass(frozen=True, slots=True)
class Size:
    """The measures of a reader. `range`: of the random weights; with 0.02 it does not learn to look."""

    width: int = 192
    layers: int = 5
    heads: int = 3
    vision_width: int = 192
    vision_layers: int = 4
    vision_heads: int = 3
    inner: int = 3  # width of a layer's inside against its own
    vocabulary: int = 1024
    range: float = 0.06
    patch: int = 14
    merge: int = 2
    fewest: int = 4
    most: int = 40

    @property
    def geometry(self) -> Geometry:
        """How it sees pictures."""
        return Geometry(self.patch, self.merge, self.fewest, self.most)


def make(size: Size, texts: Iterable[str], seed: int = 0) -> "tuple[PreTrainedModel, ProcessorMixin]":
    """A model with random weights, and its processor, the tokenizer learned from `texts`."""
    tokenizer = make_tokenizer(texts, size.vocabulary)
    set_seed(seed)
    head = size.width // size.heads
    side = head * 3 // 16
    ids = {
        "image_token_id": tokenizer.convert_tokens_to_ids(IMAGE),
        "video_token_id": tokenizer.convert_tokens_to_ids(VIDEO),
        "vision_start_token_id": tokenizer.convert_tokens_to_ids(VISION_START),
        "vision_end_token_id": tokenizer.convert_tokens_to_ids(VISION_END),
    }
    end, pad = tokenizer.convert_tokens_to_ids([END, PAD])
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": size.width,
            "intermediate_size": size.width * size.inner,
            "num_hidden_layers": size.layers,
            "num_attention_heads": size.heads,
            "num_key_value_heads": size.heads,
            "initializer_range": size.range,
            "max_position_embeddings": 4096,
            "bos_token_id": None,
            "eos_token_id": end,
            "pad_token_id": pad,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1000.0,
                "mrope_section": [head // 2 - 2 * side, side, side],
            },
        },
        vision_config={
            "depth": size.vision_layers,
            "hidden_size": size.vision_width,
            "intermediate_size": size.vision_width * size.inner,
            "num_heads": size.vision_heads,
            "out_hidden_size": size.width,
            "initializer_range": size.range,
            "fullatt_block_indexes": list(range(size.vision_layers)),
            "patch_size": size.patch,
            "spatial_merge_size": size.merge,
        },
        tie_word_embeddings=True,
        **ids,
    )
    model = Qwen2_5_VLForConditionalGeneration(config)
    model.generation_config = GenerationConfig(eos_token_id=[end, pad], pad_token_id=pad)
    model.config.bos_token_id, model.config.eos_token_id, model.config.pad_token_id = None, end, pad
    area = size.geometry.factor**2
    pictures = {
        "patch_size": size.patch,
        "merge_size": size.merge,
        "temporal_patch_size": 2,
        "size": {"shortest_edge": size.fewest * area, "longest_edge": size.most * area},
        "image_mean": [WHITE] * 3,
        "image_std": [RANGE] * 3,
    }
    processor = Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(**pictures),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(),
        chat_template=TEMPLATE,
    )
    return model, processor


def make_tokenizer(texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer over words: any text goes in; a word of `texts` is mostly one token.

    A space stands before every word, the first one too, and line feeds and tabs are words (⏎ ⇥), so that a symbol
    is the same token wherever it stands. The prompts' own text is a token each.
    """
    tokenizer = Tokenizer(BPE())
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace("\n", " ⏎ "),
            normalizers.Replace("\t", "⇥ "),
            normalizers.Prepend(" "),
            normalizers.Replace(Regex(" +"), " "),
            normalizers.Replace(Regex(" $"), ""),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r" ?\S+"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.ByteLevel(),
            decoders.Replace(" ⏎", "\n"),
            decoders.Replace(" ⇥", "\t"),
            decoders.Replace(Regex(r"(?<=[\n\t]) "), ""),
            decoders.Strip(" ", 1, 0),
        ]
    )
    tokenizer.train_from_iterator(
        texts,
        BpeTrainer(
            vocab_size=vocabulary,
            special_tokens=[PAD, START, END, VISION_START, VISION_END, IMAGE, VIDEO],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        extra_special_tokens=[START, VISION_START, VISION_END, IMAGE, VIDEO],
        clean_up_tokenization_spaces=False,
        model_max_length=4096,
    )
    wrapped.add_tokens([AddedToken(piece, normalized=False) for piece in prompt_pieces()])
    return wrapped


def prompt_pieces() -> list[str]:
    """The texts of the prompts, cut where a candidate stands in them."""
    pieces: list[str] = []
    for template in prompt_set("uni-mumer").values():
        cut = template.replace("{candidate}", "\0").replace("{marked}", "\0")
        pieces += [piece for piece in cut.split("\0") if piece]
    return pieces


def save(model: "PreTrainedModel", processor: "ProcessorMixin", out: Path) -> None:
    """Save both as any model is saved."""
    model.save_pretrained(out)
    processor.save_pretrained(out)
