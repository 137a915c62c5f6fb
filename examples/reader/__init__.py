"""A small model that reads short handwritten expressions, trained on a CPU: see docs/guides/reader.md.

ink       where ink comes from: real, recombined, written by the pen; kept as strokes
drawing   strokes as small pictures, each time another one
model     the real Qwen2.5-VL architecture with few parameters, its tokenizer and processor
forward   the same network as one function of a batch of pictures of one size: faster on a CPU
rows      pictures and answers as batches
train     the training loop, in stages, resumable
"""

import trainer  # noqa: F401  (it has torchvision load beside a CPU torch)
