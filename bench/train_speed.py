"""How fast a real configuration trains with random weights, setting by setting, against the GPU's peak.

python -m bench.train_speed --data build/crohme --model 3b                     # one GPU
python -m bench.train_speed --data build/sample --model tiny --steps 3 --settings 2:sdpa:on  # tried on a CPU

A setting is rows:attention:checkpointing. Printed for each: rows and tokens a second, the share of the
peak that the model's own arithmetic takes (recomputation by checkpointing is not counted as work), peak
memory, and the share of the time that the loader made the GPU wait. Settings that run out of memory say
so. Utilisation = operations / second / peak, where operations = 6 × (weights of a tower × its tokens)
+ 12 × layers × width × tokens × tokens seen, over both towers; tokens seen are half a causal sequence,
and a window or a whole picture in the vision tower.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch

# isort: off
import trainer  # noqa: F401 - before transformers: see trainer/torchvision_cure.py
from transformers import AutoConfig, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

# isort: on
from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

from trainer import models
from trainer.data import Rows, prepare
from trainer.options import DataArguments
from trainer.shards import find_shards

# What config.json of Qwen2.5-VL-3B-Instruct says; every other value is the class's default.
QWEN_3B = {
    "text_config": {
        "vocab_size": 151936, "hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36,
        "num_attention_heads": 16, "num_key_value_heads": 2, "max_position_embeddings": 128000,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
        "bos_token_id": None, "eos_token_id": None, "pad_token_id": None,
    },
    "vision_config": {"hidden_size": 1280, "out_hidden_size": 2048, "depth": 32, "num_heads": 16},
    "tie_word_embeddings": True,
}  # fmt: skip
PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12}  # dense bf16, operations a second
SETTINGS = ("4:sdpa:on", "8:sdpa:on", "16:sdpa:on", "32:sdpa:on", "8:sdpa:off", "16:sdpa:off", "8:eager:on")
WINDOW_TOKENS = 64  # patches that see one another in a windowed layer: 8 × 8


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to run a step."""

    rows: int
    attention: str
    checkpointing: bool


def setting(text: str) -> Setting:
    """rows:attention:on|off"""
    rows, attention, checkpointing = text.split(":")
    return Setting(int(rows), attention, checkpointing == "on")


def operations(config: AutoConfig, weights: dict[str, int], batch: dict[str, torch.Tensor]) -> float:
    """Multiplications and additions of one training step of the model itself, padding not counted."""
    text, vision = config.get_text_config(), config.vision_config
    lengths = batch["attention_mask"].sum(1).double()
    patches = batch["image_grid_thw"].prod(1).double()
    whole = len(vision.fullatt_block_indexes)
    seen = whole * (patches**2).sum() + (vision.depth - whole) * WINDOW_TOKENS * patches.sum()
    linear = 6 * (weights["language"] * lengths.sum() + weights["vision"] * patches.sum())
    attention = 12 * text.hidden_size * text.num_hidden_layers * (lengths**2).sum() / 2
    return float(linear + attention + 12 * vision.hidden_size * seen)


def make(name: str, data: list[str], device: str, dtype: torch.dtype) -> "tuple[torch.nn.Module, object]":
    """The model with random weights, and a processor whose tokenizer was learned from the shards."""
    texts = models.texts_of(find_shards(data), 20_000)
    if name != "3b":
        model, processor = models.make(name, texts)
        return model.to(device, dtype), processor
    _, processor = models.make("small-qwen2.5-vl", texts)
    ids = {
        f"{kind}_token_id": processor.tokenizer.convert_tokens_to_ids(f"<|{token}|>")
        for kind, token in (("image", "image_pad"), ("video", "video_pad"), ("vision_start", "vision_start"))
    }
    with torch.device(device):
        model = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(**QWEN_3B, **ids)).to(dtype)
    return model, processor


def batches(rows: Rows, size: int, collate: object, workers: int) -> Iterator[dict[str, torch.Tensor]]:
    """Batches without end, in an order of chance."""
    while True:
        yield from torch.utils.data.DataLoader(
            rows, size, shuffle=True, drop_last=True, collate_fn=collate, num_workers=workers, pin_memory=True
        )


def measure(given: argparse.Namespace, one: Setting) -> str:
    """The line for one setting."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    model, processor = make(given.model, given.data, device, dtype)
    processor.image_processor.size = {"shortest_edge": 3136, "longest_edge": given.max_pixels}
    model.set_attn_implementation(one.attention)
    if one.checkpointing:
        model.gradient_checkpointing_enable()
    model.train()
    rows = prepare(DataArguments(data=given.data, limit=given.limit, max_tokens=8192), processor, 0, 4).rows
    collate = DataCollatorForVisionLanguageModeling(processor, max_length=None, completion_only_loss=True)
    optimiser = torch.optim.AdamW(model.parameters(), 1e-5, fused=device == "cuda")
    visual = sum(weight.numel() for name, weight in model.named_parameters() if ".visual." in name)
    # The embedding is looked up, not multiplied; tied to the head, it is multiplied there, once.
    weights = {"vision": visual, "language": model.num_parameters() - visual}
    stream, waited, worked, seen = batches(rows, one.rows, collate, given.workers), 0.0, 0.0, 0
    begun = time.perf_counter()
    for step in range(given.warm_up + given.steps):
        if step == given.warm_up:
            _wait(device)
            begun, waited, worked, seen = time.perf_counter(), 0.0, 0.0, 0
        asked = time.perf_counter()
        batch = next(stream)
        waited += time.perf_counter() - asked
        worked += operations(model.config, weights, batch)
        seen += int(batch["attention_mask"].sum())
        model(**{key: value.to(device, non_blocking=True) for key, value in batch.items()}).loss.backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    _wait(device)
    took = time.perf_counter() - begun
    peak = next((value for name, value in PEAKS.items() if name in _device_name()), None)
    share = f"{worked / took / peak:6.1%}" if peak else "   n/a"
    memory = f"{torch.cuda.max_memory_allocated() / 2**30:6.1f}" if device == "cuda" else "   n/a"
    return (
        f"{one.rows * given.steps / took:8.1f} {seen / took:9.0f} {worked / took / 1e12:8.2f} {share}"
        f" {memory} {waited / took:7.1%}"
    )


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _device_name() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", required=True)
    parser.add_argument("--model", default="3b", choices=["3b", *models.SIZES, "tiny"])
    parser.add_argument("--settings", nargs="+", default=SETTINGS)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--warm_up", type=int, default=5)
    parser.add_argument("--limit", type=int, default=2000)
    parser.add_argument("--max_pixels", type=int, default=262144)
    parser.add_argument("--workers", type=int, default=0)
    given = parser.parse_args()
    given.model = "tiny-qwen2.5-vl" if given.model == "tiny" else given.model
    print(f"{given.model} on {_device_name()}, torch {torch.__version__}")
    print(
        f"{'setting':>14} {'rows/s':>8} {'tokens/s':>9} {'TFLOP/s':>8} {'of peak':>7} {'GiB':>5} {'waited':>7}"
    )
    for text in given.settings:
        try:
            line = measure(given, setting(text))
        except torch.OutOfMemoryError:
            line = "out of memory"
        print(f"{text:>14} {line}", flush=True)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()


if __name__ == "__main__":
    main()
