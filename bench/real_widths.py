"""One packed batch through the real widths of Qwen2.5-VL-3B and Qwen3.5-2B, a few layers deep, in bf16, on a CPU.

python -m bench.real_widths --data build/crohme --tokenizer qwen.tiktoken            # 2 layers of either tower
python -m bench.real_widths --data build/crohme --tokenizer qwen.tiktoken --mask     # and the loss mask of five rows

The configurations and the tokenizer are the real ones (bench/qwen.py), the weights random. A row of each task of one
sample, packed as `--packing true` packs them, goes forward and backward through TRL's fused head. Printed: tokens,
patches, loss (that of random weights is near the logarithm of the vocabulary), the same batch padded, and whether
every weight has a finite gradient. `--mask` prints each row's text; what has a loss stands between ⟦ and ⟧.
"""

import argparse
import copy
import math
import re
import tempfile
import time
from pathlib import Path

import torch

from bench import qwen
from hmer_tasks.tasks import TASK_NAMES
from trainer.data import prepare
from trainer.model import choose_attention, open_model
from trainer.options import DataArguments
from trainer.packing import PackingCollator
from trainer.patches import keep_rows_apart

# isort: split
from transformers import ProcessorMixin
from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling
from trl.trainer.utils import add_fused_lm_head

NAMES = ("qwen2.5-vl-3b", "qwen3.5-2b")


def masked(processor: ProcessorMixin, batch: dict[str, torch.Tensor], row: int) -> str:
    """The text of a row, image tokens counted, what has a loss in brackets."""
    ids, labels = batch["input_ids"][row], batch["labels"][row]
    learned = (labels != -100) & batch["attention_mask"][row].bool()
    parts = []
    for scored in (False, True):
        chosen = ids[(learned == scored) & batch["attention_mask"][row].bool()]
        parts.append(processor.tokenizer.decode(chosen))
    images = parts[0].count("<|image_pad|>")
    prompt = re.sub(r"(<\|image_pad\|>)+", f"<|image_pad|> × {images} ", parts[0])
    return f"{prompt}⟦{parts[1]}⟧"


def run(name: str, data: list[str], tokenizer: Path, layers: int, mask: bool) -> None:
    """One model: forward and backward of the packed batch, forward of the padded one."""
    with tempfile.TemporaryDirectory() as folder:
        qwen.write(name, tokenizer, Path(folder), layers=layers)
        model, processor = open_model(folder, dtype="bfloat16", weights=False)
    prepared = prepare(
        DataArguments(data=data, limit=1, system_prompt="You are a helpful assistant."), processor, 0
    )
    rows = [prepared.rows[number] for number in range(len(prepared.rows))]
    collate = DataCollatorForVisionLanguageModeling(processor, max_length=None, completion_only_loss=True)
    padded = collate(copy.deepcopy(rows))
    packed = PackingCollator(collate, model)(copy.deepcopy(rows))
    choose_attention(model, None, "auto", packing=True)
    keep_rows_apart(model)
    add_fused_lm_head(model)
    model.train()
    begun = time.process_time()
    loss = model(**packed, fused_lm_head=True).loss
    loss.backward()
    seconds = time.process_time() - begun
    with torch.no_grad():
        other = model(**padded, fused_lm_head=True).loss.item()
    lacking = [
        key
        for key, weight in model.named_parameters()
        if weight.grad is None or not weight.grad.isfinite().all()
    ]
    vocabulary = model.config.get_text_config().vocab_size
    real = int(padded["attention_mask"].sum())
    tasks = prepared.table["task"][:]
    print(
        f"{name}, {layers} layers: {model.num_parameters():,} parameters, {model.dtype}, {len(rows)} rows ({', '.join(tasks)})"
    )
    print(
        f"  packed {packed['input_ids'].numel():,} tokens (padding {1 - real / packed['input_ids'].numel():.1%}), "
        f"padded {padded['input_ids'].numel():,} ({1 - real / padded['input_ids'].numel():.1%}); "
        f"{int(packed['image_grid_thw'].prod(1).sum()):,} patches"
    )
    print(
        f"  loss packed {loss.item():.4f}, padded {other:.4f}; log of the vocabulary {math.log(vocabulary):.4f}; "
        f"{seconds:.1f} CPU seconds forward and backward"
    )
    print(f"  weights without a finite gradient: {', '.join(lacking) or 'none'}")
    if mask:
        for row, task in enumerate(tasks):
            print(f"--- {task}\n{masked(processor, padded, row)}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", required=True)
    parser.add_argument("--tokenizer", type=Path, required=True, help="qwen.tiktoken, of the wheel dashscope")
    parser.add_argument("--layers", type=int, default=2, help="of either tower")
    parser.add_argument("--names", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--mask", action="store_true")
    given = parser.parse_args()
    assert len(TASK_NAMES) == 5
    for name in given.names:
        run(name, given.data, given.tokenizer, given.layers, given.mask)


if __name__ == "__main__":
    main()
