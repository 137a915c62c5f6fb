"""`export --to llama-factory`: sharegpt rows and a dataset_info.json that LLaMA-Factory loads as it is.

The format is that of LLaMA-Factory's data/README.md (0.9.5): a dataset of `dataset_info.json` names a
folder of JSON-lines or Parquet files; its pictures are paths under `media_dir` (the dataset_dir unless
told otherwise), or structs of bytes.
"""

import io
import json
import os
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pyarrow as pa
from PIL import Image

from hmer_tasks.exporting.conversations import conversation, left_out, unfit
from hmer_tasks.exporting.folder import Done, Layout
from hmer_tasks.exporting.parquet import TURNS, Writers
from hmer_tasks.exporting.source import Exported, config_name, configs, rows
from hmer_tasks.shards.manifest import Summary
from hmer_tasks.shards.schema import IMAGE
from hmer_tasks.utils.files import atomic_write, fsync_folder

PICTURES = "images"
_ENTRY = {
    "formatting": "sharegpt",
    "columns": {"messages": "conversations", "images": "images"},
    "tags": {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"},
}
_ENDINGS = {"JPEG": "jpg", "TIFF": "tif"}
# No Hugging Face metadata: with it every picture would be decoded, and a JPEG saved anew with loss, when
# LLaMA-Factory maps its converter over the rows.
_SCHEMA = pa.schema(
    [("id", pa.string()), ("source", pa.string()), ("conversations", TURNS), ("images", pa.list_(IMAGE))]
)


_VALID = frozenset(("valid", "val", "validate", "validation", "dev"))
_TEST = frozenset(("test", "testing", "eval", "evaluation", "2014", "2016", "2019", "N1", "N2", "N3"))


def role_of(split: str) -> str:
    """What a split is for: `valid`, `test`, else `train` (synthetic ink and single symbols, too)."""
    split = split.rpartition(".")[2]  # what stands before is the configuration of a table
    return "valid" if split in _VALID else "test" if split in _TEST else "train"


def by_role(summary: Summary, counts: Mapping[str, int]) -> dict[str, list[str]]:
    """The exported configurations that have rows, by the role of their split; empty roles are left out."""
    roles: dict[str, list[str]] = {"train": [], "valid": [], "test": []}
    for name, (split, _) in configs(summary).items():
        if counts.get(name):
            roles[role_of(split)].append(name)
    return {role: names for role, names in roles.items() if names}


def layout(embed: bool) -> Layout:
    """Pictures as files and rows as JSON lines; with `embed` both in Parquet."""
    kind = "llama-factory" + (", embedded" if embed else "")
    return Layout(kind, _parquet_shard if embed else _json_shard, _finish)


def _finish(folder: Path, summary: Summary, counts: dict[str, int]) -> None:
    info = {name: {"file_name": name, **_ENTRY} for name, count in counts.items() if count}
    atomic_write(folder / "dataset_info.json", json.dumps(info, indent=2, ensure_ascii=False) + "\n")


def _json_shard(path: Path, name: str, folder: Path, summary: Summary) -> Done:
    split, stem = summary["shards"][name]["split"], Path(name).stem
    counts, lacking = Counter[str](), list[dict[str, str]]()
    pictures = folder / PICTURES / stem
    pictures.mkdir(parents=True, exist_ok=True)
    files: dict[str, IO[str]] = {}
    last, picture = -1, ""
    with ExitStack() as stack:
        for row in rows(path):
            if mark := unfit(row):
                lacking.append(left_out(row, mark))
                continue
            if row.number != last:
                last, picture = row.number, _write_picture(row, pictures)
            config = config_name(summary, split, row.task)
            if config not in files:
                (folder / config).mkdir(exist_ok=True)
                files[config] = stack.enter_context(
                    (folder / config / f"{stem}.jsonl").open("w", encoding="utf-8", newline="\n")
                )
            line = {
                "id": row.id,
                "source": row.source,
                "conversations": conversation(row),
                "images": [f"{PICTURES}/{stem}/{picture}"],
            }
            files[config].write(json.dumps(line, ensure_ascii=False) + "\n")
            counts[config] += 1
        for file in files.values():
            file.flush()
            os.fsync(file.fileno())
    fsync_folder(pictures)
    return Done(dict(counts), lacking)


def _write_picture(row: Exported, folder: Path) -> str:
    """A picture's bytes under a name of ours: an id may be anything, a path that leads elsewhere too."""
    with Image.open(io.BytesIO(row.picture)) as image:  # its header alone
        kind = str(image.format)
    name = f"{row.number:05d}.{_ENDINGS.get(kind, kind.lower())}"
    (folder / name).write_bytes(row.picture)
    return name


def _parquet_shard(path: Path, name: str, folder: Path, summary: Summary) -> Done:
    split, stem = summary["shards"][name]["split"], Path(name).stem
    lacking: list[dict[str, str]] = []
    with Writers(folder, f"{stem}.parquet", _SCHEMA) as writers:
        for row in rows(path):
            if mark := unfit(row):
                lacking.append(left_out(row, mark))
                continue
            record: dict[str, object] = {
                "id": row.id,
                "source": row.source,
                "conversations": conversation(row),
                "images": [{"bytes": row.picture, "path": row.name}],
            }
            writers.add(config_name(summary, split, row.task), record, len(row.picture))
    return Done(dict(writers.counts), lacking)
