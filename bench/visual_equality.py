r"""Visual equality against TeX's own pixels: pairs that we call different and print alike, and the other
way round.

    python -m bench.visual_equality [FILE …]

Pairs come from prediction files (default: those of the shared corpora), each differing pair once. Two sets:

- one-token edits that are called different: those whose pages by pdfTeX are pixel-identical are false splits;
- pairs that are called the same on paper and are not equal token for token: those whose pages differ are
  listed by what the tokens differ in, because upright letters, spaces and sizes are what the standard
  spelling leaves out on purpose. A false merge by signs is one where the multisets of characters that
  pdftotext reads differ.

One-token edits of the real labels, drawn (seed 0), fill the first set up to 5,122 pairs. Needs pdflatex and
poppler.
"""

import argparse
import hashlib
import random
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from rapidfuzz.distance import Levenshtein

from bench.corpus import CORPORA
from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.canonical import visually_equal
from hmer_tasks.latex.parser import parse
from hmer_tasks.predictions import read_predictions

PAIRS = 5_122
WIDTH, HEIGHT, DPI = 1400, 300, 100  # points of a page; pixels an inch
PER_DOCUMENT = 400
PREAMBLE = r"""\documentclass{article}
\usepackage{amsmath,amssymb,amsfonts,mathrsfs,mathtools}
\batchmode
\pdfpagewidth=WIDTHpt \pdfpageheight=HEIGHTpt \hoffset=-1in \voffset=-1in
\begin{document}
""".replace("WIDTH", str(WIDTH)).replace("HEIGHT", str(HEIGHT))
Pair = tuple[str, str]


def is_tex(label: str) -> bool:
    try:
        parse(label)
    except LabelError:
        return False
    return label.isascii()


def pages(labels: list[str], folder: Path) -> list[str | None]:
    """A digest of each label's page; None where pdfTeX complains of it."""
    digests: list[str | None] = []
    for start in range(0, len(labels), PER_DOCUMENT):
        digests += _divided(labels[start : start + PER_DOCUMENT], folder)
    return digests


def _divided(labels: list[str], folder: Path) -> list[str | None]:
    """A document's digests; one that TeX gives up on is cut in two until the label at fault stands alone."""
    digests = _document(labels, folder)
    if digests is not None:
        return digests
    if len(labels) == 1:
        return [None]
    half = len(labels) // 2
    return _divided(labels[:half], folder) + _divided(labels[half:], folder)


def _document(labels: list[str], folder: Path) -> list[str | None] | None:
    body = [
        rf"\setbox1\vbox{{x\par}}\typeout{{@@ {i}}}\setbox0\hbox{{$\displaystyle {label.replace('%', chr(92) + '%')} $}}"
        rf"\shipout\vbox to {HEIGHT}pt{{\kern 150pt\hbox{{\write16{{@p {i}}}\kern 20pt\raise 0pt\vbox to 0pt"
        rf"{{\vss\hbox{{\smash{{\copy0}}}}}}}}\vss}}"
        for i, label in enumerate(labels)
    ]
    (folder / "doc.pdf").unlink(missing_ok=True)
    (folder / "doc.tex").write_text(PREAMBLE + "\n".join(body) + "\n\\end{document}\n", encoding="utf-8")
    subprocess.run(
        ["pdflatex", "-interaction=batchmode", "doc.tex"], cwd=folder, stdout=subprocess.DEVNULL, check=False
    )
    bad: set[int] = set()
    shipped: list[int] = []  # which label each page is
    number = -1
    for line in (folder / "doc.log").read_text(encoding="latin-1").split("\n"):
        if line.startswith("@@ "):
            number = int(line[3:])
        elif line.startswith("@p "):
            shipped.append(int(line[3:]))
        elif line.startswith("!"):
            bad.add(number)
    drawn = subprocess.run(
        ["pdftoppm", "-r", str(DPI), "-gray", "doc.pdf"], cwd=folder, capture_output=True, check=False
    )
    raw = b"" if drawn.returncode else drawn.stdout
    digests: list[str | None] = []
    at = 0
    while at < len(raw):
        magic, size, most, _ = raw[at : at + 40].split(b"\n", 3)
        width, height = map(int, size.split())
        at += len(magic) + len(size) + len(most) + 3
        digests.append(hashlib.sha256(raw[at : at + width * height]).hexdigest())
        at += width * height
    if len(digests) < len(shipped) or len(set(shipped)) < len(labels):
        return None
    by_label = dict(zip(shipped, digests, strict=False))
    return [None if i in bad else by_label[i] for i in range(len(labels))]


def drawn_edits(labels: list[str], count: int) -> list[Pair]:
    """One-token edits of labels: a token put in another's place, left out, or put in between."""
    dice = random.Random(0)
    words = [token for label in labels for token in label.split() if token not in ("{", "}")]
    edits: dict[Pair, None] = {}
    while len(edits) < count:
        tokens = dice.choice(labels).split()
        place, what = dice.randrange(len(tokens)), dice.random()
        end = place + (what < 0.8)
        edited = [*tokens[:place], *([] if what < 0.25 else [dice.choice(words)]), *tokens[end:]]
        a, b = " ".join(tokens), " ".join(edited)
        if a != b and edited and is_tex(b) and is_tex(a) and not visually_equal(a, b):
            edits[a, b] = None
    return list(edits)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("files", nargs="*", type=Path)
    files = arguments.parse_args().files or sorted((CORPORA / "predictions").glob("*.tsv"))
    if shutil.which("pdflatex") is None or shutil.which("pdftoppm") is None:
        raise SystemExit(
            "pdflatex and pdftoppm are not there: apt-get install texlive-latex-recommended poppler-utils"
        )
    apart: dict[Pair, None] = {}
    merged: dict[Pair, None] = {}
    labels: dict[str, None] = {}
    for path in files:
        for prediction in read_predictions(path):
            a, b = " ".join(prediction.gt.split()), " ".join(prediction.pred.split())
            if not is_tex(a):
                continue
            labels[a] = None
            if a == b or not is_tex(b):
                continue
            if visually_equal(a, b):
                merged[a, b] = None
            elif Levenshtein.distance(a.split(), b.split()) == 1:
                apart[a, b] = None
    real = list(apart)
    drawn = drawn_edits(list(labels), max(0, PAIRS - len(real)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for title, pairs in (("real", real), ("drawn", drawn)):
            left, right = pages([a for a, _ in pairs], folder), pages([b for _, b in pairs], folder)
            both = [(p, x == y) for p, x, y in zip(pairs, left, right, strict=True) if x and y]
            split = [p for p, same in both if same]
            print(f"one-token edits called different, {title}: {len(pairs):,}, set by TeX {len(both):,}; "
                  f"pixel-identical (false splits): {len(split)}")  # fmt: skip
            for a, b in split:
                print(f"    {a}\n    {b}\n")
        pairs = list(merged)
        left, right = pages([a for a, _ in pairs], folder), pages([b for _, b in pairs], folder)
        other = [p for p, x, y in zip(pairs, left, right, strict=True) if x and y and x != y]
        print(
            f"pairs called the same on paper: {len(pairs):,}; with other pixels: {len(other)}, by what differs:"
        )
        why: Counter[str] = Counter()
        for a, b in other:
            more, fewer = Counter(a.split()) - Counter(b.split()), Counter(b.split()) - Counter(a.split())
            why[f"{' '.join(sorted(more))} | {' '.join(sorted(fewer))}"] += 1
        for what, count in why.most_common():
            print(f"  {count:>4}  {what}")


if __name__ == "__main__":
    main()
