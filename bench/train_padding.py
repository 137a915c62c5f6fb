"""The share of padding in batches of rows: drawn at random, grouped by length, packed.

python -m bench.train_padding --data build/crohme --tokenizer qwen.tiktoken
python -m bench.train_padding --data build/hme100k-text --pictures_like build/crohme --tokenizer qwen.tiktoken

`random` is transformers' RandomSampler, what the trainer took before; `grouped` is what it takes by default;
`packed` has rows side by side (--packing true). `library` is transformers' LengthGroupedSampler. Labels without
pictures (`build --no-images`) get the image tokens of rows drawn from another build.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from bench.qwen import processor_of
from hmer_tasks.tasks import TASK_NAMES
from trainer.data import prepare
from trainer.lengths import GroupedSampler, measure
from trainer.options import DataArguments

# isort: split
from torch.utils.data import RandomSampler
from transformers.trainer_pt_utils import LengthGroupedSampler

SYSTEM = "You are a helpful assistant."


def tokens_of(
    data: list[str], tokenizer: Path, limit: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tokens of each row, those of its picture among them, and its task."""
    processor = processor_of("qwen2.5-vl-3b", tokenizer, 262_144)
    arguments = DataArguments(data=data, limit=limit, max_tokens=8192, system_prompt=SYSTEM)
    prepared = prepare(arguments, processor, 0)
    text = measure(prepared.table, processor, SYSTEM)[:, 0]
    # the placeholder in the text is one of the picture's
    return prepared.lengths, prepared.lengths - text + 1, np.array(prepared.table["task"][:])


def padding_share(lengths: np.ndarray, order: list[int], batch: int) -> float:
    """The share of padding among the tokens of all batches of `batch` rows, taken in this order."""
    taken = lengths[np.asarray(order)]
    cut = [taken[at : at + batch] for at in range(0, len(taken), batch)]
    return 1 - float(taken.sum()) / float(sum(part.max() * len(part) for part in cut))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", required=True)
    parser.add_argument("--tokenizer", type=Path, required=True, help="qwen.tiktoken, of the wheel dashscope")
    parser.add_argument("--pictures_like", nargs="+", help="a build to draw image tokens from")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--rows", type=int, nargs="+", default=[4, 8, 16, 64])
    given = parser.parse_args()
    lengths, pictures, kinds = tokens_of(given.data, given.tokenizer, given.limit)
    if given.pictures_like:
        _, like, _ = tokens_of(given.pictures_like, given.tokenizer, given.limit)
        drawn = np.random.default_rng(0).choice(like, -(-len(lengths) // len(TASK_NAMES)))
        lengths = (
            lengths + np.repeat(drawn, len(TASK_NAMES))[: len(lengths)]
        )  # its five rows have one picture
        pictures = np.repeat(drawn, len(TASK_NAMES))
    print(f"image tokens: {pictures.mean():.0f} on average, {pictures.max():,} at most")
    for name in TASK_NAMES:
        own = lengths[kinds == name]
        if len(own):
            cuts = np.percentile(own, [50, 95, 99]).astype(int)
            print(
                f"{name:18} median {cuts[0]:4} p95 {cuts[1]:4} p99 {cuts[2]:4} longest {own.max():4} tokens"
            )
    print(f"{len(lengths):,} rows, {lengths.mean():.0f} tokens on average, {lengths.max():,} at most")
    print("rows a batch   random  library  grouped   packed")
    for rows in given.rows:
        torch.manual_seed(0)
        plain = list(RandomSampler(lengths))
        library = list(LengthGroupedSampler(rows, lengths=lengths.tolist()))
        grouped = list(GroupedSampler(lengths, rows, rows, 0))
        shares = [padding_share(lengths, order, rows) for order in (plain, library, grouped)]
        print(f"{rows:12} " + " ".join(f"{share:8.2%}" for share in (*shares, 0.0)))


if __name__ == "__main__":
    main()
