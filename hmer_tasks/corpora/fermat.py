r"""FERMAT: photographs of worked solutions with a mistake that people wrote into them, and how it should be.

A picture shows the question (`orig_q`) and a solution with a mistake (`pert_a`); `orig_a` is the correct one.
So the label is not what the picture shows, and only the error tasks have rows: the candidate is `pert_a`, the
label is `orig_a`, and the prompts (`student-errors`) speak of the student's mistake, not of a recogniser's.
Where `has_error` is false, `pert_a` is right: then it is candidate and label alike, and nothing is marked.

A solution is taken only if all of it is mathematics. Words outside the formulas are no part of our language,
and a row without them would not be what stands on the paper: such samples are refused (`not_mathematics`).
Lines and displayed formulas follow one another as lines of one expression (``\\``). Source of the columns:
https://huggingface.co/datasets/ai4bharat/FERMAT
"""

import re
from pathlib import Path

from hmer_tasks.corpora.base import Corpus, Rejected, Sample, SplitReader
from hmer_tasks.corpora.columns import Columns
from hmer_tasks.corpora.parquet import table_files
from hmer_tasks.corpora.parquet_files import ParquetTable
from hmer_tasks.corpora.table import TableSplit
from hmer_tasks.exceptions import CorpusError, RejectReason
from hmer_tasks.storage.files import Files

COLUMNS = Columns(image="image", label="orig_a")
_WRITTEN, _HAS_ERROR = "pert_a", "has_error"
_LONGEST = 20_000  # characters of a solution; a longer one is none
_DISPLAY = r"align|aligned|equation|gather|array|cases"
_FORMULA = re.compile(
    r"\$\$(?P<a>.+?)\$\$|\$(?P<inline>.+?)\$|\\\[(?P<b>.+?)\\\]|\\\((?P<inline2>.+?)\\\)"
    rf"|(?P<c>\\begin\{{(?P<name>{_DISPLAY})(?P<star>\*?)\}}.+?\\end\{{(?P=name)(?P=star)\}})",
    re.DOTALL,
)
_PARTS = ("a", "inline", "b", "inline2", "c")
# What is no word though it is letters: commands, text that is set as such, names of environments.
_NO_WORDS = re.compile(
    r"\\(?:text\w*|mathrm|mbox|operatorname)\s*\{[^{}]*\}|\\(?:begin|end)\s*\{[^{}]*\}|\\[A-Za-z]+"
)
_WORD = re.compile(r"[A-Za-z]{3,}")


def mathematics_of(text: str) -> str | None:
    r"""A solution as one expression.

    Args:
        text: LaTeX as the owners wrote it.

    Returns:
        Its formulas, with ``\\`` between those on different lines; None where there are words outside of
        them, or no formula.
    """
    if len(text) > _LONGEST:
        return None
    formulas = list(_FORMULA.finditer(text))
    if not formulas:
        lines = [line.strip().removesuffix("\\\\").strip() for line in text.split("\n")]
        if "$" in text or any(_WORD.search(_NO_WORDS.sub(" ", line)) for line in lines):
            return None
        return " \\\\ ".join(line for line in lines if line) or None
    if _FORMULA.sub("", text).replace("\\\\", "").strip():
        return None
    expression, end, was_inline = "", 0, False
    for formula in formulas:
        between = text[end : formula.start()]
        if end:
            inline = was_inline and (formula["inline"] or formula["inline2"])
            broken = not inline or "\n" in between or "\\\\" in between
            expression += " \\\\ " if broken else " "
        expression += next(part for part in formula.group(*_PARTS) if part).strip()
        was_inline, end = bool(formula["inline"] or formula["inline2"]), formula.end()
    return expression


class FermatSplit:
    """Pairs of a solution as it is written and as it should be."""

    profile: str | None = "latex"

    def __init__(self, files: Files, table: ParquetTable) -> None:
        self._rows = TableSplit(files, table, range(len(table)), SOURCE, self.profile)
        self._written = list(table.values(_WRITTEN))
        self._has_error = list(table.values(_HAS_ERROR))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Sample | Rejected:
        row = self._rows[index]
        if isinstance(row, Rejected):
            return row
        written, wrong = self._written[index], self._has_error[index]
        if not isinstance(written, str) or not isinstance(wrong, bool):
            where = f"row {index}: {_WRITTEN} or {_HAS_ERROR} is empty"
            return Rejected(row.id, SOURCE, RejectReason.LABEL_MISSING, where, row.label)
        correct = row.label if wrong else written
        label, erroneous = mathematics_of(correct), mathematics_of(written)
        if not label or not erroneous:
            what = "the solution" if erroneous is None else "the corrected solution"
            where = f"row {index}: {what} has words outside its formulas, or no formula"
            return Rejected(row.id, SOURCE, RejectReason.NOT_MATHEMATICS, where, correct)
        if wrong and label == erroneous:
            where = f"row {index}: {_HAS_ERROR}, and {_WRITTEN} is the correct solution"
            return Rejected(row.id, SOURCE, RejectReason.NO_DIFFERENCE, where, correct)
        return Sample(row.id, SOURCE, label, row.image, erroneous=erroneous, gt=correct)

    def id(self, index: int) -> str:
        return self._rows.id(index)

    def digest(self) -> str:
        return self._rows.digest()


NAME = "fermat"
SOURCE = "fermat/train"


def available(files: Files) -> tuple[str, ...]:
    """`train`, if there are Parquet files."""
    return ("train",) if "train" in table_files(files) else ()


def open_split(files: Files, split: str) -> SplitReader:
    """Open `train`. Raises CorpusError when it is not there, is damaged or lacks a column."""
    names = table_files(files).get("train")
    if split != "train" or not names or not names[0].lower().endswith(".parquet"):
        raise CORPUS.absent(files.root, split, available(files))
    table = ParquetTable(files, names, COLUMNS)
    if lacking := [column for column in (_WRITTEN, _HAS_ERROR) if not table.has(column)]:
        raise CorpusError(f"{files.root}: {names[0]}: no column {lacking[0]!r}; expected {CORPUS.layout}")
    return FermatSplit(files, table)


CORPUS = Corpus(
    name=NAME,
    origin="AI4Bharat (https://huggingface.co/datasets/ai4bharat/FERMAT)",
    licence="CC BY 4.0",
    layout="FERMAT/data/train-*.parquet with the columns image, orig_a, pert_a, has_error",
    default_root=Path("data/FERMAT"),
    splits=("train",),
    available=available,
    open_split=open_split,
    caution=(
        "not tried on the owners' files, only on small ones with their columns; solutions with words outside "
        "their formulas are refused, which may be most of them"
    ),
    tasks=("error_detection", "error_correction"),
    prompts="student-errors",
)
