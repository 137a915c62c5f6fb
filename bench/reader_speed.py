"""How much faster the reader's own loop trains than transformers' forward, on the same batch and one thread.

python -m bench.reader_speed

The reference is `model(**batch).loss` of transformers in fp32, forward and backward, its batch already on its device: no
processor, no data loader, no optimiser. Ratios of the same run; figures of this kind of model on this kind of batch alone.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from PIL import Image

from examples.reader.forward import Network, cast
from examples.reader.model import Size, make
from hmer_tasks.tasks.prompts import prompt_set

SIZE = Size(layers=4, vision_width=128, vision_layers=5, vision_heads=2, patch=16, most=36)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    label = r"\frac { a } { b } + 1"
    model, processor = make(SIZE, [label])
    rows, columns, side = 3, 7, SIZE.geometry.factor
    ink = (
        np.random.default_rng(0)
        .integers(0, 256, (given.pictures, rows * side, columns * side))
        .astype(np.uint8)
    )
    turns = [
        {
            "role": "user",
            "content": [{"type": "image"}, {"type": "text", "text": prompt_set("uni-mumer")["recognition"]}],
        },
        {"role": "assistant", "content": [{"type": "text", "text": label}]},
    ]
    text = processor.apply_chat_template(turns, tokenize=False)
    pictures = [[Image.fromarray(255 - picture).convert("RGB")] for picture in ink]
    batch = processor(images=pictures, text=[text] * given.pictures, return_tensors="pt")
    asked = len(label.split()) + 1
    labels = batch["input_ids"].clone()
    labels[:, :-asked] = -100
    network, pixels = Network(model, SIZE), torch.from_numpy(ink)
    ids = torch.cat([batch["input_ids"][:, :1], batch["input_ids"][:, 1 + rows * columns :]], dim=1)

    def reference() -> None:
        model(**batch, labels=labels).loss.backward()

    def autocast() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            model(**batch, labels=labels).loss.backward()

    def own(dtype: torch.dtype) -> None:
        weights = cast(model, dtype)
        logits = network.read(weights, network.see(weights, pixels), (rows, columns), ids, asked + 1)
        F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), ids[:, -asked:].flatten()).backward()

    loops: dict[str, Callable[[], None]] = {
        "transformers, fp32": reference,
        "transformers, bf16 autocast": autocast,
        "own loop, fp32": lambda: own(torch.float32),
        "own loop, bf16": lambda: own(torch.bfloat16),
    }
    taken: dict[str, list[float]] = {name: [] for name in loops}
    for number in range(given.rounds + 1):
        for name, loop in loops.items():
            begun = time.process_time()
            loop()
            model.zero_grad()
            if number:
                taken[name].append(time.process_time() - begun)
    least = {name: statistics.median(times) for name, times in taken.items()}
    for name, seconds in least.items():
        ratio = least["transformers, fp32"] / seconds
        print(f"{name}: {given.pictures / seconds:.0f} pictures a core-second, × {ratio:.1f}")


if __name__ == "__main__":
    main()
