"""How well a reader reads what is new to it: right answers by how far a label is from the nearest one it was trained on.

    python -m bench.reader_novelty build/reader-long --ink build/reader-long/ink --recipe examples/reader/reader-long.yaml

Reads the answers that `make reader` leaves: RUN/run/held.jsonl (held-out writers) and RUN/2014.jsonl. The distance is the
number of tokens to change, lose or add, over the label's tokens; 0 is a label that other ink in training has. The last
line says how many of CROHME 2014's would be read right if each were read as often as held-out ones of the same distance
and length are: what is left between that and the truth is not the labels' doing, but that of people, pens and devices.
"""

import argparse
import json
from pathlib import Path

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from examples.reader.__main__ import RECIPE
from examples.reader.ink import InkStore
from examples.reader.recipe import read_recipe
from hmer_tasks.predictions import read_predictions
from hmer_tasks.utils.progress import progress_over

FARTHEST = (0.0, 0.1, 0.25, 0.5, float("inf"))
SHORT = 10  # tokens
FEW = 4  # of the held-out: a share of fewer says nothing
Cell = tuple[bool, int]  # whether a label is short, and the class of its distance


def distances(labels: list[str], known: list[str]) -> list[float]:
    """How far each label is from the nearest known one, as a share of its tokens."""
    numbers: dict[str, int] = {}

    def as_text(label: str) -> str:
        """A character a token, which rapidfuzz compares fastest."""
        return "".join(chr(0x4E00 + numbers.setdefault(token, len(numbers))) for token in label.split())

    choices = list(dict.fromkeys(map(as_text, known)))
    out = []
    for label in progress_over(labels, "labels"):
        text = as_text(label)
        nearest = process.extractOne(text, choices, scorer=Levenshtein.distance)
        out.append(nearest[1] / len(text))
    return out


def cells(pairs: list[tuple[str, str]], known: list[str]) -> dict[Cell, list[bool]]:
    """Which answers are right, by length and distance of their labels."""
    out: dict[Cell, list[bool]] = {}
    for (label, answer), distance in zip(pairs, distances([label for label, _ in pairs], known), strict=True):
        kind = next(at for at, most in enumerate(FARTHEST) if distance <= most)
        out.setdefault((len(label.split()) <= SHORT, kind), []).append(label.split() == answer.split())
    return out


def expected(held_out: dict[Cell, list[bool]], test: dict[Cell, list[bool]]) -> tuple[float, int, int]:
    """If the test were read as the held-out are, cell by cell: how many right, how many are, of how many.

    Cells with fewer than FEW held-out labels are left out on both sides.
    """
    usable = [cell for cell in test if len(held_out.get(cell, ())) >= FEW]
    as_held = sum(len(test[cell]) * sum(held_out[cell]) / len(held_out[cell]) for cell in usable)
    return as_held, sum(sum(test[cell]) for cell in usable), sum(len(test[cell]) for cell in usable)


def _share(right: list[bool]) -> str:
    return f"{sum(right)} of {len(right)}" + (f", {100 * sum(right) / len(right):.0f} %" if right else "")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="the folder of `make reader`")
    parser.add_argument("--recipe", type=Path, default=RECIPE)
    parser.add_argument("--ink", type=Path, help="the folder of ink; by default RUN/ink")
    given = parser.parse_args()
    ink = given.ink or given.run / "ink"
    known = [
        label
        for store in read_recipe(given.recipe).stores.values()
        for label in InkStore(ink / f"{store}.npz").labels
    ]
    lines = (given.run / "run" / "held.jsonl").read_text(encoding="utf-8").splitlines()
    held_out = cells([(line["gt"], line["pred"]) for line in map(json.loads, lines)], known)
    answers = read_predictions(given.run / "2014.jsonl")
    test = cells([(answer.gt, answer.pred) for answer in answers], known)
    print("| tokens | distance | held-out writers | CROHME 2014 |\n| --- | --- | --- | --- |")
    for short in (True, False):
        length = f"at most {SHORT}" if short else f"over {SHORT}"
        for kind, most in enumerate(FARTHEST):
            far = "0" if not most else f"up to {most}" if most < float("inf") else "more"
            shares = [_share(side.get((short, kind), [])) for side in (held_out, test)]
            print(f"| {length} | {far} | {' | '.join(shares)} |")
    as_held, right, count = expected(held_out, test)
    print(
        f"\nof {count} of CROHME 2014 in cells with at least {FEW} held-out labels {right} are right "
        f"({100 * right / count:.1f} %); read as the held-out are, {as_held:.0f} would be ({100 * as_held / count:.1f} %)"
    )


if __name__ == "__main__":
    main()
