"""The embedded sample: fifty expressions in print, so that everything can be tried at once.

Their labels stand in data/expressions.tsv, or are printed by sympy; `default_root` is that folder.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hmer_tasks.corpora.base import Corpus, Refused, Sample, SplitReader
from hmer_tasks.corpora.files import Files
from hmer_tasks.corpora.labelled import open_labels
from hmer_tasks.corpora.typeset import typeset

SPLITS = ("train",)
SOURCE = "sample/train"
TEXT = "expressions.tsv"

# An environment's name is one token with its braces; else a command, or a single character.
TOKEN = re.compile(r"(?<=\\begin)\{\w+\}|(?<=\\end)\{\w+\}|\\[A-Za-z]+|\\.|\S")


@cache
def printed() -> tuple[str, ...]:
    """Labels that sympy prints, tokenised; sympy already writes every brace of these."""
    import sympy  # half a second, needed by this corpus alone

    a, b, k, n, x, y = sympy.symbols("a b k n x y")
    infinity = sympy.oo
    expressions = (
        sympy.Integral(sympy.exp(-(x**2)), (x, -infinity, infinity)),
        sympy.Integral(x**2 / (x + 1), x),
        sympy.Integral(x**3, (x, 0, 1)),
        sympy.Sum(1 / n**2, (n, 1, infinity)),
        sympy.Sum(x**k / sympy.factorial(k), (k, 0, infinity)),
        sympy.Product(1 + 1 / k**2, (k, 1, n)),
        sympy.Limit((1 + 1 / n) ** n, n, infinity),
        sympy.Limit((sympy.sqrt(x + 1) - 1) / x, x, 0, dir="+-"),
        sympy.root(x + 1, 3) + sympy.sqrt(x**2 + y**2),
        sympy.Eq((a + b) ** 3, ((a + b) ** 3).expand()),
        1 / (1 + 1 / (1 + 1 / x)),
        sympy.Derivative(x**3 / (x - 1), x),
        sympy.Matrix([[1, 2, 3], [4, 5, 6], [7, 8, 9]]),
        sympy.Matrix([[a / b, x**2], [sympy.sqrt(y), 0]]),
    )
    return tuple(" ".join(TOKEN.findall(sympy.latex(expression))) for expression in expressions)


@dataclass(frozen=True, slots=True)
class TypesetPicture:
    """A label's picture, drawn when it is asked for."""

    id: str
    label: str

    def load(self) -> tuple[bytes, str]:
        """A PNG (greyscale, dark on light) and its file name."""
        return typeset(self.label), f"{self.id}.png"


class SampleSplit:
    """The labels of the text file, then those of sympy."""

    profile: str | None = None

    def __init__(self, files: Files) -> None:
        self._labels = open_labels(files, TEXT, SOURCE)
        self._printed = printed()

    def __len__(self) -> int:
        return len(self._labels) + len(self._printed)

    def __getitem__(self, index: int) -> Sample | Refused:
        if index < len(self._labels):
            entry = self._labels[index]
            if isinstance(entry, Refused):
                return entry
            label = entry.label
        else:
            label = self._printed[index - len(self._labels)]
        return Sample(self.id(index), SOURCE, label, TypesetPicture(self.id(index), label))

    def id(self, index: int) -> str:
        at = index - len(self._labels)
        return f"sympy-{at + 1:02d}" if at >= 0 else self._labels[index].id

    def digest(self) -> str:
        return hashlib.sha256("\n".join((self._labels.digest(), *self._printed)).encode()).hexdigest()


def available(files: Files) -> tuple[str, ...]:
    """`train`, if the text file is there."""
    return SPLITS if files.exists(TEXT) else ()


def open_split(files: Files, split: str) -> SplitReader:
    """Open the one split. Raises CorpusError for another."""
    if split not in available(files):
        raise CORPUS.absent(files.root, split, available(files))
    return SampleSplit(files)


CORPUS = Corpus(
    name="sample",
    origin="this package",
    licence="Apache-2.0, as the package",
    layout=f"{TEXT} (embedded: leave the root out)",
    default_root=Path(__file__).parent / "data",
    splits=SPLITS,
    available=available,
    open_split=open_split,
)
