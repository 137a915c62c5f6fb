"""Any table of pictures and LaTeX: a Hugging Face data set's Parquet files, or JSON lines with pictures.

The splits are those that the file names tell, as the Hub has them (`data/train-00000-of-00004.parquet`,
`CONFIG/test-….parquet`, `validation.jsonl`), or the values of a column (`--columns split=NAME`).
Source: https://huggingface.co/docs/hub/datasets-file-names-and-splits
"""

import posixpath
import re
from pathlib import Path

import numpy as np

from hmer_tasks.corpora.base import Corpus, SplitReader
from hmer_tasks.corpora.columns import BY_NAME, Columns
from hmer_tasks.corpora.json_table import JsonTable
from hmer_tasks.corpora.parquet_files import ParquetTable
from hmer_tasks.corpora.table import TableSplit
from hmer_tasks.exceptions import CorpusError
from hmer_tasks.storage.files import Files

NAME = "parquet"
PROFILE = "latex"
_ENDINGS = (".parquet", ".jsonl", ".ndjson")
_NUMBERED = re.compile(r"(.+?)-\d{5}-of-\d{5}(?:-[0-9a-f]+)?")
_WORDS = {"train", "training", "test", "testing", "eval", "evaluation", "validation", "valid", "val", "dev"}
_NO_SPLIT = re.compile(r"[^\w.]+")
_MOST_SPLITS = 100  # values of a column that is a split


def table_files(files: Files) -> dict[str, list[str]]:
    """The files of each split. A folder of configurations has its splits as `CONFIG.SPLIT`.

    Args:
        files: The folder; where it holds Parquet files, JSON lines beside them are not read.

    Returns:
        The names of the files by split.

    Raises:
        CorpusError: Two configurations have one name.
    """
    names = [
        name
        for name in files.names()
        if name.lower().endswith(_ENDINGS) and not any(part.startswith(".") for part in name.split("/"))
    ]
    if parquet := [name for name in names if name.lower().endswith(_ENDINGS[0])]:
        names = parquet
    by_split: dict[tuple[str, str], list[str]] = {}
    for name in names:
        by_split.setdefault(_split_of(name), []).append(name)
    single = len({config for config, _ in by_split}) == 1
    splits: dict[str, list[str]] = {}
    for (config, split), of_it in by_split.items():
        title = _NO_SPLIT.sub("_", split if single or not config else f"{config}.{split}")
        if title in splits:
            raise CorpusError(
                f"{files.root}: {splits[title][0]} and {of_it[0]} would both be the split {title}; "
                f"give one of their folders as the root"
            )
        splits[title] = of_it
    return splits


def _split_of(name: str) -> tuple[str, str]:
    """The configuration and the split of a file, as its name tells them."""
    *folders, last = name.split("/")
    folders = [folder for folder in folders if folder != "data"]
    stem = posixpath.splitext(last)[0]
    if numbered := _NUMBERED.fullmatch(stem):
        split = numbered[1]
    else:
        words = [word for word in re.split(r"[^a-zA-Z]+", stem) if word.lower() in _WORDS]
        split = words[0].lower() if words else ""
    if not split:
        split = folders.pop() if folders and folders[-1].lower() in _WORDS else "train"
    elif folders and folders[-1] == split:
        folders.pop()
    return "_".join(folders), split


def available(files: Files, columns: Columns = BY_NAME) -> tuple[str, ...]:
    """The splits that the files' names tell, or those of the split column."""
    splits = table_files(files)
    if columns.split is None or not splits:
        return tuple(splits)
    return tuple(_rows_of(_open_all(files, columns), columns.split, files))


def _open_all(files: Files, columns: Columns) -> ParquetTable | JsonTable:
    return _open(files, [name for names in table_files(files).values() for name in names], columns)


def _open(files: Files, names: list[str], columns: Columns) -> ParquetTable | JsonTable:
    if names[0].lower().endswith(_ENDINGS[0]):
        return ParquetTable(files, names, columns)
    return JsonTable(files, names, columns)


def _rows_of(table: ParquetTable | JsonTable, column: str, files: Files) -> dict[str, list[int]]:
    """The rows of each split by the split column. Raises CorpusError for a column that is none."""
    numbers: dict[str, int] = {}
    values = [numbers.setdefault(_title(value), len(numbers)) for value in table.values(column)]
    if len(numbers) > _MOST_SPLITS or "" in numbers:
        what = "an empty value" if "" in numbers else f"{len(numbers):,} different values"
        raise CorpusError(f"{files.root}: the column {column} has {what}, and so names no splits")
    all_rows = np.array(values)
    return {title: np.flatnonzero(all_rows == number).tolist() for title, number in numbers.items()}


def _title(value: object) -> str:
    return _NO_SPLIT.sub("_", str(value)) if isinstance(value, str | int) else ""


def open_split(
    files: Files, split: str, columns: Columns = BY_NAME, profile: str | None = PROFILE
) -> SplitReader:
    """Open a split of tables that hold their pictures.

    Args:
        files: The folder or archive.
        split: The split's name.
        columns: Which columns hold what, where types and names do not tell.
        profile: How labels are read. None: they are tokenised.

    Returns:
        The split's samples.

    Raises:
        CorpusError: The split is not there, is damaged, or its columns cannot be told apart.
    """
    source = f"{NAME}/{split}"
    splits = table_files(files)
    if columns.split is not None and splits:
        table = _open_all(files, columns)
        rows = _rows_of(table, columns.split, files)
        if split not in rows:
            raise CORPUS.absent(files.root, split, tuple(rows))
        return TableSplit(files, table, rows[split], source, profile)
    if split not in splits:
        raise CORPUS.absent(files.root, split, tuple(splits))
    table = _open(files, splits[split], columns)
    return TableSplit(files, table, range(len(table)), source, profile)


CORPUS = Corpus(
    name=NAME,
    origin="any table of pictures and LaTeX, such as a data set of the Hugging Face Hub",
    licence="as the data set's page states",
    layout=(
        "DIR/**/<split>-00000-of-000NN.parquet or <split>.jsonl: a picture column (bytes, struct of bytes "
        "and path, paths) and a text column"
    ),
    default_root=Path("data/parquet"),
    splits=(),
    available=available,
    open_split=open_split,
)
