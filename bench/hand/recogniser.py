"""A small CNN that tells symbols apart, trained in a minute of one core. The same seed, the same result."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import nn

from bench.hand.ink_symbols import Symbol

SIDE = 28
INNER = 24  # pixels of the longer side of the ink
OVER = 3  # supersampling
PEN = 1.8  # pixels
STEPS = 2200
BATCH = 64


def bitmap(symbol: Symbol) -> NDArray[np.float32]:
    """The symbol as SIDE × SIDE ink, 0 to 1, its proportions kept."""
    points = symbol.points
    low, high = points.min(axis=0), points.max(axis=0)
    scale = INNER / max(float((high - low).max()), 1e-9)
    page = Image.new("L", (SIDE * OVER, SIDE * OVER), 0)
    pencil = ImageDraw.Draw(page)
    radius = PEN * OVER / 2
    for stroke in symbol.strokes:
        placed = ((stroke - (low + high) / 2) * scale + SIDE / 2) * OVER
        spots = [(float(x), float(y)) for x, y in placed]
        if len(spots) > 1:
            pencil.line(spots, fill=255, width=round(PEN * OVER), joint="curve")
        for x, y in (spots[0], spots[-1]):
            pencil.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(page.reduce(OVER), dtype=np.float32) / np.float32(255)


def bitmaps(symbols: Sequence[Symbol]) -> torch.Tensor:
    """All of them, (n, 1, SIDE, SIDE)."""
    return torch.from_numpy(np.stack([bitmap(symbol) for symbol in symbols]))[:, None]


def network(classes: int) -> nn.Module:
    """Three convolutions of few operations, so that a training is half a minute of one core."""

    def block(into: int, out: int, side: int, stride: int) -> list[nn.Module]:
        return [nn.Conv2d(into, out, side, stride, side // 2), nn.BatchNorm2d(out), nn.ReLU()]

    return nn.Sequential(
        *block(1, 16, 5, 2), *block(16, 40, 3, 2), *block(40, 64, 3, 1), nn.MaxPool2d(2, ceil_mode=True),
        nn.Flatten(), nn.Dropout(0.4), nn.Linear(64 * 16, classes),
    )  # fmt: skip


def moved(pictures: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Each picture turned, sheared, scaled and shifted a little: few examples go further so."""
    count = len(pictures)
    spread = torch.tensor([0.05, 0.06, 0.04, 0.06, 0.05, 0.04])  # of the six numbers of an affine map
    noise = torch.randn((count, 6), generator=generator) * spread
    maps = torch.tensor([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]) + noise
    grid = nn.functional.affine_grid(maps.view(count, 2, 3), list(pictures.shape), align_corners=False)
    return nn.functional.grid_sample(pictures, grid, align_corners=False)


def train(symbols: Sequence[Symbol], classes: Sequence[str], seed: int = 0, steps: int = STEPS) -> nn.Module:
    """A network trained on these symbols, each class drawn equally often."""
    torch.manual_seed(seed)
    numbers = {token: number for number, token in enumerate(classes)}
    pictures = bitmaps(symbols)
    labels = torch.tensor([numbers[symbol.token] for symbol in symbols])
    counts = torch.bincount(labels, minlength=len(classes))
    weights = 1.0 / counts[labels].double()
    model = network(len(classes))
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        chosen = torch.multinomial(weights, BATCH, replacement=True, generator=generator)
        loss = nn.functional.cross_entropy(
            model(moved(pictures[chosen], generator)), labels[chosen], label_smoothing=0.1
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()


def predict(model: nn.Module, symbols: Sequence[Symbol], classes: Sequence[str]) -> list[str]:
    """The best class of each symbol."""
    with torch.inference_mode():
        best = torch.cat([model(part).argmax(dim=1) for part in bitmaps(symbols).split(512)])
    return [classes[int(number)] for number in best]


def accuracy(model: nn.Module, symbols: Sequence[Symbol], classes: Sequence[str]) -> float:
    """Share of symbols read right."""
    read = predict(model, symbols, classes)
    return sum(token == symbol.token for token, symbol in zip(read, symbols, strict=True)) / len(symbols)
