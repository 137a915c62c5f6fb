"""How often ink of one symbol touches ink of another that it should not touch.

    python -m bench.handwriting_collisions LABELS.tsv [COUNT]

Two symbols collide where points of their strokes lie nearer than the pen is wide. Symbols that are
written over others on purpose (a ring, a slash) are left out.
"""

from collections import Counter
from pathlib import Path

import numpy as np

from bench.corpus import words
from hmer_tasks.exceptions import LabelError
from hmer_tasks.handwriting.boxes import cells_of
from hmer_tasks.handwriting.layout import Layout
from hmer_tasks.handwriting.pen import ink
from hmer_tasks.handwriting.writer import Writer, keyed, writer
from hmer_tasks.latex.parser import parse

OVER = frozenset(["\\textcircled", "\\boxed", "\\fbox", "\\not", "\\cancel"])


def touching(label: str, by: Writer, seed: int) -> list[tuple[str, str]]:
    """Pairs of symbols of a label that touch as this writer writes it."""
    line, cells, _ = cells_of(parse(label))
    chance = keyed("write", seed, by.number, label)
    written = ink(Layout(by, chance).block(line, 1.0), by, chance)
    points: dict[int, list[np.ndarray]] = {}
    widths: dict[int, float] = {}
    for number, stroke, wide in zip(written.numbers, written.strokes, written.widths, strict=True):
        points.setdefault(number, []).append(stroke)
        widths[number] = float(wide.max())
    inked = {number: np.concatenate(parts) for number, parts in points.items()}
    boxes = {
        number: (points_of_it.min(axis=0), points_of_it.max(axis=0)) for number, points_of_it in inked.items()
    }
    touched = []
    numbers = sorted(inked)
    for i, a in enumerate(numbers):
        for b in numbers[i + 1 :]:
            pen = (widths[a] + widths[b]) / 2
            (low_a, high_a), (low_b, high_b) = boxes[a], boxes[b]
            if (low_a - pen > high_b).any() or (low_b - pen > high_a).any():
                continue
            if cells[a].symbol in OVER or cells[b].symbol in OVER:
                continue
            near = np.abs(inked[a][:, None] - inked[b][None]).max(axis=2).min()
            if near < pen and np.hypot(*np.moveaxis(inked[a][:, None] - inked[b][None], 2, 0)).min() < pen:
                touched.append((cells[a].symbol, cells[b].symbol))
    return touched


def main() -> None:
    path, *more = words(__doc__, "LABELS", "COUNT?")
    rows = [line.split("\t") for line in Path(path).read_text(encoding="utf-8").splitlines()]
    labels = [row[1] for row in rows if len(row) > 1]
    count = int(more[0]) if more else 1000
    pairs: Counter[tuple[str, str]] = Counter()
    drawn = marred = symbols = 0
    for seed, label in enumerate(labels[:: max(1, len(labels) // count)]):
        try:
            touched = touching(label, writer(seed), seed)
        except LabelError:
            continue
        drawn += 1
        symbols += len(label.split())
        marred += bool(touched)
        pairs.update(touched)
    print(f"{drawn} labels written, each by another hand")
    print(
        f"labels with a touch: {marred} ({marred / drawn:.2%}); touches a symbol: {pairs.total() / symbols:.3%}"
    )
    for (a, b), times in pairs.most_common(15):
        print(f"  {times:4} {a} {b}")


if __name__ == "__main__":
    main()
