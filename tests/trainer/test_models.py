"""Tiny models of the real architectures: built, saved and loaded with no network."""

import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from trainer import models
from trainer.faults import UsageError
from trainer.shards import find_shards

TEXTS = ["\\frac { a } { b }", "I have an image", "x\n\\sqrt (right)\n\ta (above)"]


@pytest.mark.parametrize("name", ["tiny-qwen2.5-vl", "tiny-qwen3-vl"])
def test_a_tiny_model_is_saved_and_loaded(name, shards, tmp_path):
    models.build(name, models.texts_of(find_shards([str(shards)])), tmp_path)
    model, processor = (
        kind.from_pretrained(tmp_path) for kind in (AutoModelForImageTextToText, AutoProcessor)
    )
    family = "Qwen2_5_VL" if "2.5" in name else "Qwen3VL"
    assert type(model).__name__ == f"{family}ForConditionalGeneration"
    assert type(processor).__name__ == f"{family}Processor"
    assert 300_000 < model.num_parameters() < 600_000
    again, _ = models.make(name, models.texts_of(find_shards([str(shards)])))
    for weight, other in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(weight, other)


def test_any_text_comes_back_from_the_tokenizer():
    tokenizer = models.make_tokenizer(TEXTS, 400)
    for text in [*TEXTS, "é → \U0001d54f \t\t  two  spaces \n", "<error_start> a <error_end>"]:
        assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.tokenize("\\frac { a }")[0] == "\\frac"  # a LaTeX token is one token


def test_a_name_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match=r"no model 'tiny'; there are tiny-qwen2\.5-vl"):
        models.make("tiny", TEXTS)
