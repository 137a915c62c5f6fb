"""Where rows come from: builds and shards by path, general SFT data; checked before anything is loaded.

A path is a build (`build/crohme`, its split `train`, or its only one), a split of a build
(`build/crohme:2014`), a folder of Parquet files, or one Parquet file.
"""

import glob
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset, Features, Image, List, Value, concatenate_datasets, load_dataset
from datasets.exceptions import DatasetGenerationError

from hmer_tasks.pipeline.plan import VALID
from hmer_tasks.pipeline.resume import BUILD
from hmer_tasks.shards.schema import SCHEMA
from hmer_tasks.shards.verifier import read_summary
from hmer_tasks.storage.store import WORK
from trainer.faults import TrainError, UsageError

TEXTS = ("id", "source", "task", "label", "gt", "candidate", "marked")
GENERAL = "general"  # the task of rows that are no formulas


def find_shards(paths: Sequence[str]) -> list[Path]:
    """All shards that the paths name, in order. Raises TrainError where a path names none, UsageError where
    there is no path."""
    refuse_no_data(paths)
    return [shard for path in paths for shard in shards_of(path)]


def refuse_no_data(paths: Sequence[str]) -> None:
    """Raise UsageError where no rows are named."""
    if not paths:
        raise UsageError("--data is missing: name builds, splits of builds, or shards")


def shards_of(path: str) -> list[Path]:
    """The shards of one path. Raises TrainError."""
    where, split = _place(path)
    if where.is_file() and where.suffix == ".parquet":
        return [where]
    if not where.exists():
        raise TrainError(f"no shards: {path} is not there; build them with `hmer-tasks build --out {where}`")
    if (where / WORK).is_dir() and not (where / BUILD).is_file():
        raise TrainError(f"{where} is an unfinished build: finish it by the same `hmer-tasks build` command")
    split_of = _split_of(where)
    shards, splits = list(split_of), list(dict.fromkeys(split_of.values()))
    if not shards:
        raise TrainError(f"no shards: {path} holds no Parquet file; a build has them under data/")
    if not split and (where / BUILD).is_file():
        if "train" not in splits and len(splits) > 1:
            raise TrainError(f"{path} has several splits: say {where}:SPLIT, one of {', '.join(splits)}")
        split = "train" if "train" in splits else splits[0]
    chosen = [shard for shard in shards if split in ("", split_of[shard])]
    if not chosen:
        raise TrainError(f"no shards: {where} has no split {split!r}; there is {', '.join(splits)}")
    return chosen


def validation_of(path: str) -> str | None:
    """The validation split of the build that a path names, whichever of its splits; None if it has none."""
    where, _ = _place(path)
    return f"{where}:{VALID}" if where.is_dir() and VALID in _split_of(where).values() else None


def _place(path: str) -> tuple[Path, str]:
    """A build, folder or file, and the split that is named behind it; empty if none is."""
    where, split = Path(path), ""
    if not where.exists() and ":" in path:
        name, _, split = path.rpartition(":")
        where = Path(name)
    return where, split


def _split_of(where: Path) -> dict[Path, str]:
    """The shards below a folder, and their splits. Raises BuildError where build.json is damaged."""
    if (where / BUILD).is_file():
        return {where / name: shard["split"] for name, shard in read_summary(where)["shards"].items()}
    files = sorted(where.glob("data/*.parquet")) or sorted(where.glob("*.parquet"))
    return {shard: shard.name.rsplit("-", 3)[0] for shard in files}  # SPLIT-00000-of-00001.parquet


def features() -> Features:
    """The columns that are read. Pictures stay encoded: they are decoded when a batch is made."""
    turns = List({"role": Value("string"), "content": Value("string")})
    texts = dict.fromkeys(TEXTS, Value("string"))
    return Features({**texts, "images": List(Image(decode=False)), "prompt": turns, "completion": turns})


def load_shards(shards: Sequence[Path]) -> Dataset:
    """The rows of shards, memory-mapped. Raises TrainError where a file is no shard.

    `datasets` keeps an Arrow copy in its cache (HF_DATASETS_CACHE): about rows × picture bytes.
    """
    for shard in shards:
        check_schema(shard)
    wanted = features()
    files = {"rows": [glob.escape(str(shard)) for shard in shards]}  # datasets takes names for patterns
    return load_dataset("parquet", data_files=files, split="rows", columns=list(wanted), features=wanted)


def check_schema(shard: Path) -> None:
    """Raise TrainError, naming the column, where a file has not the columns of a shard."""
    try:
        schema = pq.read_schema(shard)
    except (pa.ArrowException, OSError) as error:
        raise TrainError(f"{shard}: not a Parquet file: {' '.join(str(error).split())[:200]}") from error
    for field in SCHEMA:
        if field.name not in schema.names:
            raise TrainError(f"{shard}: no column {field.name!r}: not a shard of hmer-tasks (wrong schema)")
        if (actual := schema.field(field.name).type) != field.type:
            raise TrainError(f"{shard}: column {field.name!r} is {actual}, not {field.type} (wrong schema)")


def load_general(paths: Sequence[str]) -> Dataset:
    """General SFT data as rows without a picture: JSON lines or Parquet, `messages`, or else `prompt` and
    `completion`; the last assistant turn is what is trained on. Raises TrainError."""
    parts = []
    for path in paths:
        try:
            kind = "parquet" if path.endswith(".parquet") else "json"
            data = load_dataset(kind, data_files=glob.escape(path), split="train")
        except (DatasetGenerationError, FileNotFoundError) as error:
            raise TrainError(f"--general_data {path}: {error.__cause__ or error}") from error
        row = partial(_general_row, path)
        parts.append(data.map(row, with_indices=True, remove_columns=data.column_names, features=features()))
    return concatenate_datasets(parts)


def _general_row(path: str, record: dict[str, Any], index: int) -> dict[str, object]:
    """A record as a row. Raises TrainError where it is no conversation that ends with an assistant's turn."""
    turns = list(record.get("messages") or ())
    for name, role in (("prompt", "user"), ("completion", "assistant")):
        value = [] if record.get("messages") else record.get(name) or []
        turns += [{"role": role, "content": value}] if isinstance(value, str) else value
    messages = [{name: turn.get(name) for name in ("role", "content")} for turn in turns]
    texts = all(isinstance(turn["content"], str) for turn in messages)
    if not texts or len(messages) < 2 or messages[-1]["role"] != "assistant":
        raise TrainError(f"{path}:{index + 1}: needs a prompt, and an assistant's turn at the end, of texts")
    names = {"source": f"general/{Path(path).name}", "id": str(index + 1), "task": GENERAL, "images": []}
    return {**dict.fromkeys(TEXTS, ""), **names, "prompt": messages[:-1], "completion": messages[-1:]}
