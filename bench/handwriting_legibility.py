"""Are synthetic symbols legible? Real CROHME symbols told apart by their nearest synthetic neighbour.

    python -m bench.handwriting_legibility INK_FOLDER_OR_ARCHIVE [PER_CLASS]

No OCR: a symbol (a trace group with its truth) is told by where lines of four directions run; a real symbol of a held-out person gets the class of the nearest synthetic one. The
reference is the same with real symbols of other people in place of the synthetic ones, as many a class.
"""

from collections import defaultdict
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from bench.corpus import words
from hmer_tasks.exceptions import PictureError
from hmer_tasks.handwriting.boxes import Cell
from hmer_tasks.handwriting.curves import evenly
from hmer_tasks.handwriting.inkml import parse
from hmer_tasks.handwriting.layout import Layout
from hmer_tasks.handwriting.pen import ink
from hmer_tasks.handwriting.symbols import NAMES, form_names
from hmer_tasks.handwriting.writer import keyed, writer
from hmer_tasks.storage.opening import open_files

GRID = 16
SPELLED = {"\\lt": "<", "\\gt": ">", "COMMA": ","}
# One shape, two names: no neighbour could tell them apart without the line they stand on.
SAME = {"C": "c", "O": "o", "0": "o", "S": "s", "V": "v", "W": "w", "X": "x", "Z": "z", "P": "p", "K": "k", "U": "u",
        "\\times": "x", "|": "1", "l": "1", "\\prime": "1", "/": "1", ",": "1", ".": ".", "\\cdot": ".", "I": "1", ")": "1", "(": "("}  # fmt: skip
Strokes = list[NDArray[np.float64]]


def image(strokes: Strokes) -> NDArray[np.float32]:
    """Where lines of each of four directions run, on a coarse grid: proportions half evened out."""
    fine = [
        evenly(stroke, step=float(np.ptp(np.concatenate(strokes), axis=0).max()) / 60 + 1e-9)
        for stroke in strokes
    ]
    every = np.concatenate(fine)
    low, high = every.min(axis=0), every.max(axis=0)
    sides = np.maximum(high - low, 1e-6)
    share = np.sqrt(sides / sides.max())
    planes = np.zeros((4, GRID, GRID))
    for stroke in fine:
        places = ((stroke - (low + high) / 2) / sides * share * 0.86 + 0.5) * (GRID - 1)
        steps = np.diff(places, axis=0)
        middles = (places[1:] + places[:-1]) / 2
        lengths = np.hypot(steps[:, 0], steps[:, 1]) + 0.02
        angles = np.arctan2(steps[:, 1], steps[:, 0]) % np.pi / (np.pi / 4)
        for plane in range(4):
            off = np.abs((angles - plane + 2) % 4 - 2)
            weight = lengths * np.clip(1 - off, 0, 1)
            np.add.at(
                planes[plane], (middles[:, 1].round().astype(int), middles[:, 0].round().astype(int)), weight
            )
    soft = gaussian_filter(planes, (0, 1.4, 1.4))
    flat = np.sqrt(soft).ravel().astype(np.float32)
    flat /= np.linalg.norm(flat) + 1e-6
    return np.concatenate([flat, np.array([0.3 * np.log(sides[0] / sides[1]).clip(-2, 2)], np.float32)])


def real_symbols(path: Path, most: int) -> dict[str, list[tuple[str, Strokes]]]:
    """By class: (person or document, strokes)."""
    symbols: dict[str, list[tuple[str, Strokes]]] = defaultdict(list)
    with open_files(path) as files:
        names = files.names(suffix=".inkml")
        Random(0).shuffle(names)
        for name in names[:most]:
            try:
                read = parse(files.read(name), name)
            except PictureError:
                continue
            for truth, ids in read.groups:
                if not all(number.isdigit() and int(number) < len(read.strokes) for number in ids):
                    continue
                token = SPELLED.get(truth, truth)
                strokes = [np.array(read.strokes[int(number)], dtype=np.float64) for number in ids]
                symbols[token].append((read.annotations.get("writer") or name, strokes))
    return symbols


def synthetic_symbol(token: str, number: int) -> Strokes:
    by = writer(number)
    chance = keyed("symbol", token, number)
    return ink(Layout(by, chance).symbol(Cell(0, token), 1.0), by, chance).strokes


def nearest(known: NDArray[np.float32], classes: list[str], asked: NDArray[np.float32]) -> list[str]:
    return [classes[int(at)] for at in (asked @ known.T - 0.5 * (known**2).sum(axis=1)).argmax(axis=1)]


def main() -> None:
    ink, *more = words(__doc__, "INK", "PER_CLASS?")
    per_class = int(more[0]) if more else 40
    real = real_symbols(Path(ink), 3000)
    tokens = sorted(
        token
        for token, writings in real.items()
        if len(writings) >= 24 and (form_names(token) or token in NAMES) and token != "\\sqrt"
    )
    reference, asked, truth, synthetic, names = [], [], [], [], []
    for token in tokens:
        writings = real[token]
        people = sorted({person for person, _ in writings})
        Random(token).shuffle(people)
        held = set(people[: len(people) // 2])
        theirs = [image(strokes) for person, strokes in writings if person in held][:per_class]
        others = [image(strokes) for person, strokes in writings if person not in held][:per_class]
        asked += theirs
        truth += [token] * len(theirs)
        reference += others
        names += [token] * len(others)
        synthetic += [image(synthetic_symbol(token, number)) for number in range(len(others))]
    known, drawn, them = (np.stack(images) for images in (reference, synthetic, asked))
    by_real, by_made = nearest(known, names, them), nearest(drawn, names, them)
    same = [SAME.get(token, token) for token in truth]
    print(f"{len(tokens)} classes, {len(truth)} real symbols asked, {len(names)} known of either kind")
    for title, nearest_names in (("real to real", by_real), ("synthetic to real", by_made)):
        right = sum(a == b for a, b in zip(nearest_names, truth, strict=True)) / len(truth)
        alike = sum(SAME.get(a, a) == b for a, b in zip(nearest_names, same, strict=True)) / len(truth)
        print(f"{title:18} right {right:.1%}, up to symbols of one shape {alike:.1%}")
    worst = []
    for token in tokens:
        at = [i for i, name in enumerate(truth) if name == token]
        rate = [
            sum(SAME.get(nearest_names[i], nearest_names[i]) == same[i] for i in at) / len(at)
            for nearest_names in (by_real, by_made)
        ]
        worst.append(
            (
                rate[1] - rate[0],
                token,
                rate[0],
                rate[1],
                max(set(wrong), key=wrong.count)
                if (wrong := [by_made[i] for i in at if by_made[i] != token])
                else "",
            )
        )
    for _, token, a, b, other in sorted(worst)[:14]:
        print(f"  {token:12} real {a:.0%} synthetic {b:.0%}, read as {other}")


if __name__ == "__main__":
    main()
