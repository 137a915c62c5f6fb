"""Where the reader's ink comes from, kept as strokes in one file a source.

    python -m examples.reader.ink real --corpus CROHME --out build/reader/ink
    python -m examples.reader.ink recombined --corpus CROHME --out build/reader/ink --count 50000
    python -m examples.reader.ink pen --out build/reader/ink --count 20000

Strokes, not pictures: a stroke takes 2 bytes a coordinate, and every time a sample is drawn it is moved,
bent and drawn anew. Each stroke knows its symbol, so that a drawn picture knows which symbol is where.

The split `held` is one in nine writers of CROHME's training ink: nothing of theirs is in `real` or
`recombined`. Settings are chosen on it; the test years are for the test alone.
"""

import argparse
import json
import os
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from pathlib import Path, PurePosixPath
from random import Random

import numpy as np
from numpy.typing import NDArray

from hmer_tasks.corpora.crohme import ink_names
from hmer_tasks.exceptions import LabelError, UsageError
from hmer_tasks.handwriting.boxes import cells_of
from hmer_tasks.handwriting.compose import recombined_ink
from hmer_tasks.handwriting.parts import UNIT, Expression, expression_of, read_documents
from hmer_tasks.handwriting.recombine import Recombiner
from hmer_tasks.handwriting.writer import keyed, writer
from hmer_tasks.handwriting.writing import write_ink
from hmer_tasks.label_generation.expressions import expression
from hmer_tasks.label_generation.statistics import fit
from hmer_tasks.latex.normalize import normalize
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import to_label
from hmer_tasks.storage.opening import open_files
from hmer_tasks.utils.files import atomic_write
from hmer_tasks.utils.progress import progress_of

SPACING = 0.05  # between two points of a stroke, of a digit's height
GRID = 400.0  # whole numbers to a digit's height
DIGIT_PIXELS = 53.0  # a digit's height in the pixels of the pen and of recombined ink, on average
HELD = 9  # one in so many writers is held out
SOURCES = ("real", "held", "recombined", "pen", "pen-alone", "symbols", "pen-symbols")
Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class InkSample:
    """A label, its strokes in digits' heights, and the symbol that each stroke belongs to."""

    label: str
    strokes: list[Points]
    symbols: list[str]


class InkStore:
    """The samples of one source: `len(store)`, `store[i]`."""

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as arrays:
            self._points = arrays["points"]
            self._stroke_ends = arrays["stroke_ends"]
            self._stroke_symbols = arrays["stroke_symbols"]
            self._sample_ends = arrays["sample_ends"]
        about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        self.labels: list[str] = about["labels"]
        self.symbols: list[str] = about["symbols"]
        self.names: list[str] = about["names"]

    def __len__(self) -> int:
        return len(self.labels)

    def strokes(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
        """A sample's points in digits' heights, how many each stroke has, and each stroke's symbol."""
        first = int(self._sample_ends[index - 1]) if index else 0
        last = int(self._sample_ends[index])
        ends = self._stroke_ends[first:last].astype(np.int64)
        start = int(self._stroke_ends[first - 1]) if first else 0
        points = self._points[start : ends[-1]].astype(np.float32) / GRID
        return points, np.diff(ends, prepend=start), self._stroke_symbols[first:last].astype(np.int64)


def save(path: Path, samples: Iterable[tuple[str, InkSample]]) -> int:
    """Write a store of named samples; returns how many."""
    symbols: dict[str, int] = {}
    points: list[NDArray[np.int16]] = []
    stroke_ends: list[int] = []
    stroke_symbols: list[int] = []
    sample_ends: list[int] = []
    labels: list[str] = []
    names: list[str] = []
    total = 0
    for name, sample in samples:
        middle = np.concatenate(sample.strokes).mean(axis=0)
        for stroke, symbol in zip(sample.strokes, sample.symbols, strict=True):
            whole = np.clip(np.rint((evenly_spaced(stroke) - middle) * GRID), -32000, 32000).astype(np.int16)
            points.append(whole)
            total += len(whole)
            stroke_ends.append(total)
            stroke_symbols.append(symbols.setdefault(symbol, len(symbols)))
        sample_ends.append(len(stroke_ends))
        labels.append(sample.label)
        names.append(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")  # two runs may make the same store at once
    with part.open("wb") as file:
        np.savez(
            file,
            points=np.concatenate(points),
            stroke_ends=np.array(stroke_ends, np.int64),
            stroke_symbols=np.array(stroke_symbols, np.int16),
            sample_ends=np.array(sample_ends, np.int64),
        )
    about = {"labels": labels, "symbols": list(symbols), "names": names}
    atomic_write(path.with_suffix(".json"), json.dumps(about, ensure_ascii=False))
    part.rename(path)
    return len(labels)


def evenly_spaced(stroke: Points) -> Points:
    """The same line with points at even distances, so that their number tells how much ink there is."""
    steps = np.hypot(*np.diff(stroke, axis=0).T) if len(stroke) > 1 else np.zeros(0)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0.0, along[-1], max(2, int(along[-1] / SPACING) + 1))
    return np.column_stack([np.interp(wanted, along, stroke[:, 0]), np.interp(wanted, along, stroke[:, 1])])


@dataclass(frozen=True, slots=True)
class Labelled:
    """A real expression and its label in the form that a build writes."""

    label: str
    expression: Expression


def read_expressions(corpus: Path, split: str = "train") -> list[Labelled]:
    """CROHME's expressions whose strokes are known symbol by symbol (94 % of the training ink)."""
    out = []
    with open_files(corpus) as files:
        for document in read_documents(files, ink_names(files, split)):
            expression = expression_of(document)
            if expression is not None and document.truth is not None:
                label = to_label(parse(normalize(document.truth, "crohme")))
                out.append(Labelled(label, expression))
    return out


def is_held(person: str) -> bool:
    """Whether what this person wrote is held out."""
    return int.from_bytes(sha256(person.encode()).digest()[:4], "big") % HELD == 0


def real(expressions: Sequence[Labelled], longest: int) -> Iterator[tuple[str, InkSample]]:
    """Real expressions of at most `longest` tokens."""
    for labelled in expressions:
        if len(labelled.label.split()) <= longest:
            yield labelled.expression.name, _sample(labelled.label, _inked(labelled.expression))


def symbols(expressions: Sequence[Labelled]) -> Iterator[tuple[str, InkSample]]:
    """Every symbol of real expressions, alone: of long ones too."""
    for labelled in expressions:
        for number, strokes in labelled.expression.strokes.items():
            name = labelled.expression.cells[number].symbol
            yield (
                f"{labelled.expression.name}#{number}",
                _sample(name, [(name, stroke / UNIT) for stroke in strokes]),
            )


def recombined(
    expressions: Sequence[Labelled], longest: int, wanted: int, seed: int
) -> Iterator[tuple[str, InkSample]]:
    """Real ink put together anew, to the lengths and depths of the short real labels."""
    short = [labelled.label for labelled in expressions if len(labelled.label.split()) <= longest]
    recombiner = Recombiner([labelled.expression for labelled in expressions]).shaped_like(fit(short).shapes)
    written = 0
    for index in count():
        if written == wanted:
            return
        plan = recombiner.plan(keyed("recombined", seed, index))
        if len(plan.label.split()) > longest:
            continue
        ink = recombined_ink(plan, keyed("recombined ink", seed, index))
        cells = cells_of(plan.tree)[1]
        strokes = [
            (cells[number].symbol, stroke) for number, stroke in zip(ink.numbers, ink.strokes, strict=True)
        ]
        written += 1
        yield f"recombined-{seed}-{index:07d}", _scaled(plan.label, strokes)


def pen(
    label: Callable[[Random], str], longest: int, wanted: int, seed: int
) -> Iterator[tuple[str, InkSample]]:
    """Labels written by the synthetic writers."""
    written = 0
    for index in count():
        if written == wanted:
            return
        text = label(keyed("reader label", seed, index))
        if not 1 <= len(text.split()) <= longest:
            continue
        number = keyed("reader writer", seed, index).randrange(100_000)
        try:
            ink, cells = write_ink(text, writer(number), index)
        except LabelError:
            continue
        strokes = [
            (cells[number].symbol, stroke) for number, stroke in zip(ink.numbers, ink.strokes, strict=True)
        ]
        written += 1
        yield f"pen-{seed}-{index:07d}", _scaled(text, strokes)


def _inked(expression: Expression) -> list[tuple[str, Points]]:
    return [
        (expression.cells[number].symbol, stroke / UNIT)
        for number, strokes in expression.strokes.items()
        for stroke in strokes
    ]


def _sample(label: str, strokes: list[tuple[str, Points]]) -> InkSample:
    return InkSample(label, [stroke for _, stroke in strokes], [symbol for symbol, _ in strokes])


def _scaled(label: str, strokes: list[tuple[str, Points]]) -> InkSample:
    """Ink that is in pixels: a digit is about 53 of them high."""
    return _sample(label, [(symbol, stroke / DIGIT_PIXELS) for symbol, stroke in strokes])


# Labels for the pen where no corpus is at hand: every symbol alike, in the shapes that short labels have.
ALONE = """0 1 2 3 4 5 6 7 8 9 a b c d e f g h i j k l m n o p q r s t u v w x y z A B C E F G H I L M N P R S T V X Y
\\alpha \\beta \\gamma \\delta \\Delta \\theta \\lambda \\mu \\pi \\sigma \\phi \\infty \\ldots \\cdots \\prime
\\sin \\cos \\tan \\log \\lim \\forall \\exists !""".split()
DIGITS = "0 1 2 3 4 5 6 7 8 9".split()
BETWEEN = """+ - - = = = \\times \\div \\pm / < > \\leq \\geq \\neq \\rightarrow \\in , . |""".split()
OPERATORS = "\\sum \\int".split()


def shaped_label(chance: Random) -> str:
    """A short label of random symbols: terms with scripts, fractions, roots, brackets, between operators."""
    terms = chance.choice((1, 1, 2, 2, 2, 3, 3))
    out: list[str] = []
    for number in range(terms):
        if number:
            out += [chance.choice(BETWEEN)] if chance.random() < 0.85 else []
        out += _term(chance, 0)
    return " ".join(out)


def _symbol(chance: Random) -> str:
    return chance.choice(DIGITS) if chance.random() < 0.3 else chance.choice(ALONE)


def _term(chance: Random, level: int) -> list[str]:
    kind = chance.random()
    if kind < 0.38 or level > 1:
        return [_symbol(chance)]
    if kind < 0.48:
        return [chance.choice(DIGITS), chance.choice(DIGITS)]
    if kind < 0.55:
        return [_symbol(chance), _symbol(chance)]
    if kind < 0.76:
        script = "^" if chance.random() < 0.55 else "_"
        return [_symbol(chance), script, "{", *_inner(chance, level), "}"]
    if kind < 0.86:
        return ["\\frac", "{", *_inner(chance, level), "}", "{", *_inner(chance, level), "}"]
    if kind < 0.92:
        return ["\\sqrt", "{", *_inner(chance, level), "}"]
    if kind < 0.97:
        left, right = chance.choice((("(", ")"), ("(", ")"), ("[", "]"), ("|", "|"), ("\\{", "\\}")))
        return [left, *_inner(chance, level), right]
    return [chance.choice(OPERATORS), *_term(chance, level + 1)]


def _inner(chance: Random, level: int) -> list[str]:
    if chance.random() < 0.7:
        return [_symbol(chance)]
    return _term(chance, level + 1) + (_term(chance, level + 1) if chance.random() < 0.4 else [])


def alone_label(chance: Random) -> str:
    """A quarter of the project's own random mathematics, the others random symbols in the shapes of short labels."""
    if chance.random() < 0.25:
        return expression("reader", chance.random())
    return shaped_label(chance)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="examples.reader.ink", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("source", choices=SOURCES)
    parser.add_argument("--corpus", type=Path, help="CROHME: a folder or archive with its training ink")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=20_000, help="of recombined and pen")
    parser.add_argument("--longest", type=int, default=10, help="tokens of a label, at most")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes another file")
    given = parser.parse_args()
    if given.source not in ("pen-alone", "pen-symbols") and given.corpus is None:
        parser.error(f"{given.source} needs --corpus")
    written = write_source(
        given.source, given.corpus, given.out, count=given.count, longest=given.longest, seed=given.seed
    )
    print(f"{written}: {len(InkStore(written)):,} samples")


def write_source(
    source: str,
    corpus: Path | None,
    out: Path,
    *,
    count: int,
    longest: int,
    seed: int,
    without: Container[str] = (),
) -> Path:
    """Make the store of a source, unless it is there; returns its path.

    `without`: ids of expressions whose ink is left out. Raises UsageError where the corpus has no training ink.
    """
    plain = source in ("real", "held", "symbols")
    path = out / (f"{source}-{longest}.npz" if plain else f"{source}-{longest}-{count}-{seed}.npz")
    if path.exists():
        return path
    every = read_expressions(corpus) if corpus is not None and not source.startswith("pen-") else []
    ours = [
        labelled
        for labelled in every
        if is_held(labelled.expression.writer) == (source == "held")
        and PurePosixPath(labelled.expression.name).stem not in without
    ]
    if not ours and not source.startswith("pen-"):
        raise UsageError(f"{corpus} has no training ink of CROHME: name the folder or archive with its InkML")
    labels = (
        fit([labelled.label for labelled in ours if len(labelled.label.split()) <= longest]).label
        if source == "pen"
        else None
    )
    samples = {
        "real": lambda: real(ours, longest),
        "held": lambda: real(ours, longest),
        "symbols": lambda: symbols(ours),
        "recombined": lambda: recombined(ours, longest, count, seed),
        "pen": lambda: pen(labels or alone_label, longest, count, seed),
        "pen-alone": lambda: pen(alone_label, longest, count, seed),
        "pen-symbols": lambda: pen(_symbol_label, 1, count, seed),
    }[source]()
    wanted = len(ours) if plain else count
    if source == "symbols":
        wanted = sum(len(labelled.expression.strokes) for labelled in ours)
    save(path, _shown(samples, wanted))
    return path


def _symbol_label(chance: Random) -> str:
    return chance.choice([*ALONE, *sorted(set(BETWEEN)), *OPERATORS, "(", ")", "[", "]"])


def _shown(samples: Iterator[tuple[str, InkSample]], total: int) -> Iterator[tuple[str, InkSample]]:
    with progress_of(total, "samples") as show:
        for number, sample in enumerate(samples, 1):
            yield sample
            show(number)


if __name__ == "__main__":
    main()
