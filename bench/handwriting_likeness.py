"""Does the fitted grammar write like the file? Fit on a random half, compare with the other half.

    python -m bench.handwriting_likeness hme100k/train_labels_59452.tsv [COUNT]

Prints the total variation of symbols, length and depth between COUNT drawn labels and the other half,
beside that of the two real halves; and how many drawn labels stand verbatim in the fitted half.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from bench.corpus import words
from hmer_tasks.exceptions import LabelError
from hmer_tasks.handwriting.writer import keyed
from hmer_tasks.label_generation.statistics import fit
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import to_label

MEASURES: dict[str, Callable[[str], list[str] | list[int]]] = {
    "symbols": lambda label: [token for token in label.split() if token not in "{}"],
    "all tokens": str.split,
    "length": lambda label: [len(label.split())],
    "depth": lambda label: [parse(label).depth()],
}


def variation(first: list[str], second: list[str], read: Callable[[str], list[str] | list[int]]) -> float:
    """Total variation of what is read off two lists of labels."""
    a, b = (Counter(value for label in labels for value in read(label)) for labels in (first, second))
    return 0.5 * sum(abs(a[key] / a.total() - b[key] / b.total()) for key in a.keys() | b.keys())


def main() -> None:
    path, *more = words(__doc__, "LABELS", "COUNT?")
    count = int(more[0]) if more else 30_000
    labels = []
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        with suppress(LabelError):
            labels += [to_label(parse(label)) for label in line.split("\t")[1:2]]
    random.Random(0).shuffle(labels)
    fitted, other = labels[: len(labels) // 2], labels[len(labels) // 2 :]
    start = time.perf_counter()
    model = fit(fitted)
    print(f"fitted on {len(fitted):,} labels in {time.perf_counter() - start:.1f} s")
    start = time.perf_counter()
    drawn = [model.label(keyed("synthetic", 0, number)) for number in range(count)]
    print(f"{count:,} labels drawn, {count / (time.perf_counter() - start):.0f} a second")
    for name, read in MEASURES.items():
        ours, real = variation(drawn, other, read), variation(fitted, other, read)
        print(f"{name:12} drawn to other half {ours:.4f}   real half to other half {real:.4f}")
    verbatim, shared = (
        sum(label in model.labels for label in labels) / len(labels) for labels in (drawn, other)
    )
    print(f"verbatim in the fitted half: {verbatim:.1%} of the drawn, {shared:.1%} of the other real half")
    print(f"different labels among the drawn: {len(set(drawn)) / count:.1%}")


if __name__ == "__main__":
    main()
