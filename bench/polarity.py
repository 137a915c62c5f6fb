"""How well the gate tells dark ink on light paper from light ink on dark, on what breaks simple measures.

    python -m bench.polarity [--pages 150]

Pages are written by the synthetic hands, half of them as photographs, then put in shadow, under a reflection, on
a dark table and so on, and saved as JPEG. Each is judged as it is, and inverted. What must not happen: a page taken
for light on dark, because a build would invert it. Undecided pages stay as they are.
"""

import argparse
import io
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from bench.corpus import labels
from hmer_tasks.exceptions import LabelError
from hmer_tasks.handwriting.writing import write, writer
from hmer_tasks.images import gate

Levels = np.ndarray
CHANCE = np.random.default_rng(0)


def pages(count: int) -> Iterator[Levels]:
    for number, label in enumerate(labels(4 * count)):
        if not count:
            return
        try:
            written = write(label, writer(number % 40), number, "photo" if number % 2 else "ink")
        except LabelError:
            continue
        count -= 1
        yield np.asarray(Image.open(io.BytesIO(written.data)).convert("L"), dtype=np.float64)


def shadow(share: float, depth: float) -> Callable[[Levels], Levels]:
    def darkened(page: Levels) -> Levels:
        page = page.copy()
        page[:, : int(page.shape[1] * share)] *= depth
        return page

    return darkened


def reflection(page: Levels) -> Levels:
    height, width = page.shape
    y, x = np.mgrid[:height, :width]
    squared = (x - CHANCE.uniform(0, width)) ** 2 + (y - CHANCE.uniform(0, height)) ** 2
    return page * 0.55 + 230 * np.exp(-squared / (2 * (height / 5) ** 2))


def table(page: Levels) -> Levels:
    height, width = page.shape
    around = np.full((int(height * 1.8), int(width * 1.6)), 45.0)
    around[int(height * 0.4) :, int(width * 0.3) :][:height, :width] = page
    return around + CHANCE.normal(0, 5, around.shape)


KINDS: dict[str, Callable[[Levels], Levels]] = {
    "as it is": lambda page: page,
    "half in shadow": shadow(0.5, 0.45),
    "three quarters in deep shadow": shadow(0.75, 0.4),
    "nine tenths in deeper shadow": shadow(0.9, 0.3),
    "a reflection": reflection,
    "on a dark table": table,
    "light from one side": lambda page: page * np.linspace(0.25, 1, page.shape[1])[None],
    "faint ink": lambda page: 170 + (page - 150) * 0.15,
}


def judged(levels: Levels) -> str:
    image = Image.fromarray(levels.clip(0, 255).astype(np.uint8))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    changes = gate(buffer.getvalue(), "page").changes
    if "polarity_undecided" in changes:
        return "undecided"
    return "light on dark" if "inverted" in changes else "dark on light"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--pages", type=int, default=150)
    judgements: dict[tuple[str, bool], Counter[str]] = {}
    for page in pages(arguments.parse_args().pages):
        for kind, change in KINDS.items():
            levels = change(page).clip(0, 255)
            for inverted in (False, True):
                shown = 255 - levels if inverted else levels
                judgements.setdefault((kind, inverted), Counter())[judged(shown)] += 1
    verdicts = ("dark on light", "undecided", "light on dark")
    print(f"{'':44}" + "".join(f"{verdict:>15}" for verdict in verdicts))
    for (kind, inverted), counts in sorted(judgements.items(), key=lambda item: item[0][1]):
        name = kind + (", inverted" if inverted else "")
        print(f"{name:44}" + "".join(f"{counts[verdict]:>15}" for verdict in verdicts))


if __name__ == "__main__":
    main()
