"""Pictures of how a reader reads: its curve, and what it reads right and wrong.

    python -m examples.reader.show curve build/reader/run/log.jsonl --out curve.png
    python -m examples.reader.show pen build/reader/run/model --out readings.png
    python -m examples.reader.show crohme build/reader/2014.jsonl --corpus build/reader/short-2014 --out crohme.png

`pen` has writers and labels that no training saw; it may be shown to anybody. CROHME's ink has its own licence.
"""

import argparse
import io
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont

from examples.reader.ink import alone_label
from hmer_tasks.corpora.base import Rejected
from hmer_tasks.corpora.crohme import CORPUS
from hmer_tasks.exceptions import LabelError
from hmer_tasks.handwriting.strokes import draw
from hmer_tasks.handwriting.writer import keyed, writer
from hmer_tasks.handwriting.writing import write_ink
from hmer_tasks.predictions import read_predictions
from hmer_tasks.storage.opening import open_files
from hmer_tasks.tasks.prompts import prompt_set
from trainer.decoding import Question, Sampling
from trainer.engines import open_engine

UNSEEN = 200_000  # writers from here on wrote nothing that was trained on
COLUMNS, CELL, GAP = 3, (420, 150), 10
Reading = tuple[Image.Image, str, str]  # picture, label, answer


def pen_readings(model: Path, count: int, longest: int) -> list[Reading]:
    """What a model reads of labels by writers that it never saw."""
    pictures: list[tuple[Image.Image, str]] = []
    index = 0
    while len(pictures) < count:
        index += 1
        label = alone_label(keyed("shown", index))
        if not 3 <= len(label.split()) <= longest:
            continue
        try:
            ink, _ = write_ink(label, writer(UNSEEN + index), index)
        except LabelError:
            continue
        strokes = [[(float(x), float(y)) for x, y in stroke] for stroke in ink.strokes]
        pictures.append((draw(strokes).convert("RGB"), label))
    sampling = Sampling(temperature=0.0, max_new_tokens=40)
    engine = open_engine("transformers", str(model), sampling, max_pixels=None, dtype="auto", seed=0)
    prompt = [{"role": "user", "content": prompt_set("uni-mumer")["recognition"]}]
    answers = engine([Question(picture, prompt) for picture, _ in pictures], "shown")
    return [(picture, label, said[0].raw) for (picture, label), said in zip(pictures, answers, strict=True)]


def crohme_readings(predictions: Path, corpus: Path) -> list[Reading]:
    """What a prediction file has of CROHME 2014, with the pictures."""
    read = {prediction.id: prediction for prediction in read_predictions(predictions)}
    out: list[Reading] = []
    with open_files(corpus) as files:
        split = CORPUS.open_split(files, "2014")
        for index in range(len(split)):
            sample = split[index]
            if not isinstance(sample, Rejected) and sample.id in read:
                picture = Image.open(io.BytesIO(sample.image.load()[0])).convert("RGB")
                out.append((picture, read[sample.id].gt, read[sample.id].pred))
    return out


def sheet(readings: Sequence[Reading], count: int) -> Image.Image:
    """So many right ones above, so many wrong ones below, spread over what is there."""
    right = [reading for reading in readings if reading[1].split() == reading[2].split()]
    wrong = [reading for reading in readings if reading[1].split() != reading[2].split()]
    shown = [part[:: max(1, len(part) // count)][:count] for part in (right, wrong)]
    cells = [*shown[0], *[None] * (-len(shown[0]) % COLUMNS), *shown[1]]
    rows = -(-len(cells) // COLUMNS)
    page = Image.new("RGB", (COLUMNS * CELL[0], rows * CELL[1]), "white")
    pencil, font = ImageDraw.Draw(page), ImageFont.load_default(15)
    for number, cell in enumerate(cells):
        if cell is None:
            continue
        picture, label, answer = cell
        x, y = number % COLUMNS * CELL[0], number // COLUMNS * CELL[1]
        small = picture.copy()
        small.thumbnail((CELL[0] - 2 * GAP, CELL[1] - 56))
        page.paste(small, (x + GAP, y + GAP))
        good = label.split() == answer.split()
        pencil.text((x + GAP, y + CELL[1] - 42), answer[:54], "#186a3b" if good else "#b03a2e", font)
        if not good:
            pencil.text((x + GAP, y + CELL[1] - 23), f"label: {label}"[:54], "#555555", font)
        pencil.rectangle((x, y, x + CELL[0] - 1, y + CELL[1] - 1), outline="#dddddd")
    return page


def curve(logs: Sequence[Path], out: Path) -> None:
    """ExpRate on held-out writers over pictures seen, one line a log."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 3.6))
    for log in logs:
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        points = [line for line in lines if "exprate" in line]
        name, seen = log.parent.parent.name, [point["samples"] for point in points]
        for key, style in (("exprate", "o-"), ("at most 1", "o--")):
            title = f"{name}: {'ExpRate' if key == 'exprate' else '≤1'}"
            axes.plot(seen, [point[key] for point in points], style, markersize=3, label=title)
    axes.set_xlabel("pictures seen")
    axes.set_ylabel("% of the held-out expressions")
    axes.set_ylim(0, 100)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(out, dpi=110)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="examples.reader.show", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("what", choices=("curve", "pen", "crohme"))
    parser.add_argument("source", type=Path, nargs="+", help="logs, a model, or predictions")
    parser.add_argument("--corpus", type=Path, help="of crohme: where its InkML is")
    parser.add_argument("--count", type=int, default=60, help="of pen: expressions that are read")
    parser.add_argument("--longest", type=int, default=10)
    parser.add_argument("--each", type=int, default=12, help="right ones and wrong ones that are shown")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.what == "curve":
        curve(given.source, given.out)
    elif given.what == "pen":
        readings = pen_readings(given.source[0], given.count, given.longest)
        print(
            f"{sum(label.split() == answer.split() for _, label, answer in readings)} of {len(readings)} right"
        )
        sheet(readings, given.each).save(given.out, optimize=True)
    else:
        sheet(crohme_readings(given.source[0], given.corpus), given.each).save(given.out, optimize=True)


if __name__ == "__main__":
    main()
