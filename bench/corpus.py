"""A corpus in HME100K's layout for benchmarks: real labels where they are, drawn photographs of about 15 KB."""

import argparse
import io
import os
import random
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

ROOT = Path(__file__).parent.parent
CORPORA = Path(os.environ.get("HMER_CORPORA", ROOT.parent / "shared" / "corpora"))


def words(manual: str | None, *names: str) -> list[str]:
    """The words of a benchmark's command line; `--help` shows its manual.

    Args:
        manual: The module's docstring.
        *names: What each word is; with `?` behind it one that may be left out, with `+` one or more.

    Returns:
        The words that were given.
    """
    parser = argparse.ArgumentParser(description=manual, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in names:
        many = name[-1] if name[-1] in "?+" else None
        parser.add_argument(name.rstrip("?+"), nargs=many)
    given = vars(parser.parse_args()).values()
    return [word for value in given for word in (value if isinstance(value, list) else [value]) if word]


def labels(count: int) -> list[str]:
    """`count` labels of HME100K in a drawn order, so that few of them are like many; or made ones where it
    is not there. Repeated if too few."""
    path = CORPORA / "hme100k" / "train_labels_59452.tsv"
    if path.is_file():
        known = [line.split("\t")[1] for line in path.read_text(encoding="utf-8").split("\n") if "\t" in line]
    else:
        chance = random.Random(0)
        known = [
            rf"\frac {{ {chance.randint(1, 99)} x }} {{ y _ {{ {i} }} }} = {i} ^ {{ 2 }}".replace("1", "1 ")
            for i in range(20_000)
        ]
    random.Random(0).shuffle(known)
    return [known[i % len(known)] for i in range(count)]


def photograph(number: int) -> bytes:
    """A noisy grey picture with strokes, as a JPEG of about 15 KB; another one for every number."""
    random_ = np.random.default_rng(number)
    width, height = int(random_.integers(420, 620)), int(random_.integers(90, 150))
    paper = random_.normal(190, 9, (height, width)).clip(0, 255).astype(np.uint8)
    picture = Image.fromarray(paper).convert("RGB")
    draw = ImageDraw.Draw(picture)
    for _ in range(25):
        points = [(int(random_.integers(0, width)), int(random_.integers(0, height)))]
        points += [
            (points[0][0] + int(dx), points[0][1] + int(dy)) for dx, dy in random_.integers(-30, 30, (3, 2))
        ]
        draw.line(points, fill=(40, 40, 60), width=3)
    out = io.BytesIO()
    picture.filter(ImageFilter.GaussianBlur(0.6)).save(out, "JPEG", quality=88)
    return out.getvalue()


def make(root: Path, count: int, distinct: int | None = None, pictures: bool = True) -> Path:
    """Write `count` samples under root/HME100K; returns that folder. `distinct` limits how many
    photographs are drawn (the others repeat them); without `pictures` there are labels alone."""
    folder = root / "HME100K" / "train"
    (folder / "train_images").mkdir(parents=True)
    drawn: list[bytes] = []
    lines = []
    for number, label in enumerate(labels(count)):
        lines.append(f"train_{number}.jpg\t{label}\n")
        if not pictures:
            continue
        if distinct is None:
            data = photograph(number)
        else:
            if len(drawn) < distinct:
                drawn.append(photograph(number))
            data = drawn[number % distinct]
        (folder / "train_images" / f"train_{number}.jpg").write_bytes(data)
    (folder / "train_labels.txt").write_text("".join(lines), encoding="utf-8")
    return root / "HME100K"
