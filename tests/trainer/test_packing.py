"""Rows side by side in one sequence, or patches of pictures and windows, are what they are one by one."""

import copy
import json

import pytest
import torch
from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling
from trl.trainer.utils import add_fused_lm_head

from tests.trainer.conftest import losses, train
from trainer import models
from trainer.attention import NAME
from trainer.data import prepare
from trainer.options import DataArguments
from trainer.packing import PackingCollator
from trainer.patches import keep_rows_apart
from trainer.shards import find_shards

TINY = [name for name in models.MODELS if name.startswith("tiny")]


@pytest.fixture(scope="module", params=TINY)
def family(request, shards):
    """A model of each family, a padded batch and the same rows packed."""
    model, processor = models.make(request.param, models.texts_of(find_shards([str(shards)])))
    prepared = prepare(DataArguments(data=[str(shards)]), processor, 0)
    rows = [prepared.rows[number] for number in (0, 6, 12, 3, 29)]
    collate = DataCollatorForVisionLanguageModeling(processor, max_length=None, completion_only_loss=True)
    batches = {
        "padded": collate(copy.deepcopy(rows)),
        "packed": PackingCollator(collate, model)(copy.deepcopy(rows)),
    }
    add_fused_lm_head(model)
    return model.train(), batches


def gradients(model, batch, attention="sdpa"):
    """Loss, and gradient of every parameter."""
    model.set_attn_implementation({"text_config": attention, "vision_config": attention})
    model.zero_grad()
    loss = model(**batch, fused_lm_head=True).loss
    loss.backward()
    return loss.item(), {name: weight.grad.clone() for name, weight in model.named_parameters()}


def apart(first, other) -> float:
    """The largest relative distance of two gradients."""
    return max(((first[name] - other[name]).norm() / (first[name].norm() + 1e-12)).item() for name in first)


def test_packed_is_padded_and_flash_varlen_is_sdpa(family):
    model, batches = family
    loss, wanted = gradients(model, batches["padded"])
    _, leaking = gradients(model, batches["packed"])
    keep_rows_apart(model)
    for kind, batch in batches.items():
        for attention in ("sdpa", NAME):
            its_loss, gradient = gradients(model, batch, attention)
            assert its_loss == pytest.approx(loss, rel=1e-6), (kind, attention)
            assert apart(wanted, gradient) < 2e-5, (kind, attention)
    recurrent = any("GatedDeltaNet" in type(module).__name__ for module in model.modules())
    assert (apart(wanted, leaking) > 1e-2) == recurrent  # what keep_rows_apart is for
    packed = batches["packed"]
    assert packed["input_ids"].numel() == batches["padded"]["attention_mask"].sum()
    model.set_attn_implementation({"text_config": "sdpa", "vision_config": "sdpa"})


def test_a_row_sees_no_other(family):
    """Another first row changes nothing in the second one's loss."""
    model, batches = family
    keep_rows_apart(model)
    packed = batches["packed"]
    (start,) = (packed["position_ids"][0, 0] == 0).nonzero().flatten()[1:2].tolist()
    changed = packed["input_ids"].clone()
    text = (packed["labels"][0, :start] != -100).nonzero().flatten()
    changed[0, text] = (changed[0, text] + 1) % 900
    with torch.no_grad():
        first, other = (
            model(**{**packed, "input_ids": ids}, fused_lm_head=True).log_probs[0]
            for ids in (packed["input_ids"], changed)
        )
    assert torch.allclose(first[start:], other[start:], atol=1e-5)
    assert not torch.allclose(first[:start], other[:start], atol=1e-3)


RUN = (
    "--max_steps",
    4,
    "--per_device_train_batch_size",
    8,
    "--learning_rate",
    "1e-3",
    "--save_strategy",
    "no",
)


def test_a_packed_run_is_the_run_it_would_be(shards, tiny, tmp_path):
    for name, packing in (("padded", "false"), ("packed", "true")):
        way = ("--packing", packing, "--train_sampling_strategy", "random")
        train(shards, tiny, tmp_path / name, *RUN, *way)
    assert losses(tmp_path / "packed") == pytest.approx(losses(tmp_path / "padded"), rel=1e-5)
    lines = [json.loads(line) for line in (tmp_path / "packed" / "log.jsonl").read_text().splitlines()]
    assert [line["padding"] for line in lines if "loss" in line] == [0.0] * 4
