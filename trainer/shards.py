"""Where rows come from: builds and shards by path, general SFT data; checked before anything is loaded.

A path is a build (`build/crohme`, its split `train`, or its only one), a split of a build
(`build/crohme:2014`), a folder of Parquet files, or one Parquet file.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hmer_tasks.shards import manifest
from hmer_tasks.shards.schema import SCHEMA
from hmer_tasks.shards.verifier import read_summary
from trainer.faults import TrainError, UsageError

if TYPE_CHECKING:
    from datasets import Dataset, Features

TEXTS = ("id", "source", "task", "label", "gt", "candidate", "marked")
TURNS = ("prompt", "completion")
GENERAL = "general"  # the task of rows that are no formulas


def find_shards(paths: Sequence[str]) -> list[Path]:
    """All shards the paths name, in order. Raises TrainError where one names none."""
    return [shard for path in paths for shard in shards_of(path)]


def shards_of(path: str) -> list[Path]:
    """The shards of one path. Raises TrainError."""
    where, split = Path(path), ""
    if not where.exists() and ":" in path:
        name, _, split = path.rpartition(":")
        where = Path(name)
    if where.is_file() and where.suffix == ".parquet":
        return [where]
    if not where.exists():
        raise TrainError(f"no shards: {path} is not there; build them with `hmer-tasks build --out {where}`")
    if (where / "build.json").is_file():
        summary = read_summary(where)
        names = list(summary["splits"])
        if not split and "train" not in names and len(names) > 1:
            raise TrainError(f"{path} has several splits: say {where}:SPLIT, one of {', '.join(names)}")
        split = split or ("train" if "train" in names else names[0])
        chosen = [where / name for name in manifest.shards_of(summary, split)]
    else:
        chosen = sorted(where.glob("data/*.parquet")) or sorted(where.glob("*.parquet"))
        names = list(dict.fromkeys(shard.name.partition("-")[0] for shard in chosen))
        if not chosen:
            raise TrainError(f"no shards: {path} holds no Parquet file; a build has them under data/")
        chosen = [shard for shard in chosen if split in ("", shard.name.partition("-")[0])]
    if not chosen:
        raise TrainError(f"no shards: {where} has no split {split!r}; there is {', '.join(names)}")
    return chosen


def valid_split(path: str) -> str | None:
    """The validation split of a build, if it has one."""
    return f"{path}:valid" if any(Path(path).glob("data/valid-*.parquet")) else None


def features() -> "Features":
    """The columns that are read. Pictures stay encoded: they are decoded when a batch is made."""
    from datasets import Features, Image, List, Value

    turn = {"role": Value("string"), "content": Value("string")}
    return Features(
        {
            **dict.fromkeys(TEXTS, Value("string")),
            "images": List(Image(decode=False)),
            **dict.fromkeys(TURNS, List(turn)),
        }
    )


def load_shards(shards: Sequence[Path]) -> "Dataset":
    """The rows of shards, memory-mapped. Raises TrainError where a file is no shard.

    `datasets` keeps an Arrow copy in its cache (HF_DATASETS_CACHE): about rows × picture bytes.
    """
    from datasets import load_dataset

    for shard in shards:
        check_schema(shard)
    wanted = features()
    files = {"rows": [str(shard) for shard in shards]}
    return load_dataset("parquet", data_files=files, split="rows", columns=list(wanted), features=wanted)


def check_schema(shard: Path) -> None:
    """Raise TrainError, naming the column, where a file has not the columns of a shard."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(shard)
    except (pa.ArrowException, OSError) as error:
        raise TrainError(f"{shard}: not a Parquet file: {' '.join(str(error).split())[:200]}") from error
    for wanted in SCHEMA:
        if wanted.name not in schema.names:
            raise TrainError(f"{shard}: no column {wanted.name!r}: not a shard of hmer-tasks (wrong schema)")
        column_type = schema.field(wanted.name).type
        if not column_type.equals(wanted.type):
            raise TrainError(
                f"{shard}: column {wanted.name!r} is {column_type}, not {wanted.type} (wrong schema)"
            )


def load_general(paths: Sequence[str]) -> "Dataset":
    """General SFT data as rows without a picture: JSON lines or Parquet, `messages` or `prompt` and
    `completion`; the last assistant turn is what is trained on. Raises TrainError, UsageError."""
    from datasets import concatenate_datasets, load_dataset
    from datasets.exceptions import DatasetGenerationError

    kinds = {".parquet": "parquet", ".jsonl": "json", ".json": "json"}
    parts = []
    for path in map(Path, paths):
        if path.suffix not in kinds:
            raise UsageError(f"general data is .jsonl or .parquet, not {path.name}")
        if not path.is_file():
            raise TrainError(f"no general data: {path} is not a file")
        try:
            data = load_dataset(kinds[path.suffix], data_files=str(path), split="train")
        except DatasetGenerationError as error:
            why = " ".join(str(error.__cause__ or error).split())[:200]
            raise TrainError(f"{path}: not rows of one kind: {why}") from error
        row = partial(_general_row, str(path))
        parts.append(data.map(row, with_indices=True, remove_columns=data.column_names, features=features()))
    return concatenate_datasets(parts)


def _general_row(path: str, record: dict[str, object], index: int) -> dict[str, object]:
    prompt, completion = _turns(record, f"{path}:{index + 1}")
    columns = {"source": f"general/{Path(path).name}", "id": str(index + 1), "task": GENERAL, "images": []}
    return {**dict.fromkeys(TEXTS, ""), **columns, "prompt": prompt, "completion": completion}


Turns = list[dict[str, str]]


def _turns(record: dict[str, object], where: str) -> tuple[Turns, Turns]:
    """A record's prompt and completion. Raises TrainError."""
    if record.get("messages") is not None:
        messages = _checked(record["messages"], where)
        prompt, completion = messages[:-1], messages[-1:]
    elif isinstance(record.get("prompt"), str) and isinstance(record.get("completion"), str):
        prompt = [{"role": "user", "content": str(record["prompt"])}]
        completion = [{"role": "assistant", "content": str(record["completion"])}]
    else:
        prompt, completion = (_checked(record.get(name), where) for name in TURNS)
    if not prompt or completion[-1]["role"] != "assistant":
        raise TrainError(f"{where}: needs a prompt, and an assistant's turn at the end")
    return prompt, completion


def _checked(messages: object, where: str) -> Turns:
    if not isinstance(messages, list) or not messages or not all(isinstance(turn, dict) for turn in messages):
        raise TrainError(f"{where}: needs `messages`, or `prompt` and `completion`")
    turns = [{"role": turn.get("role"), "content": turn.get("content")} for turn in messages]
    if not all(isinstance(value, str) for turn in turns for value in turn.values()):
        raise TrainError(f"{where}: role and content must be texts")
    return turns
