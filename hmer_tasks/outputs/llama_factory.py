"""`export --to llama-factory`: sharegpt rows and a dataset_info.json that LLaMA-Factory loads as it is.

The format is that of LLaMA-Factory's data/README.md (0.9.5): a dataset of `dataset_info.json` names a
folder of JSON-lines or Parquet files; its pictures are paths under `media_dir` (the dataset_dir unless
told otherwise), or structs of bytes.
"""

import io
import json
import os
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pyarrow as pa
from PIL import Image

from hmer_tasks.build.schema import IMAGE
from hmer_tasks.build.summary import Summary
from hmer_tasks.outputs.conversations import conversation, left_out, unfit
from hmer_tasks.outputs.folder import Done, Layout
from hmer_tasks.outputs.parquet import TURNS, Writers
from hmer_tasks.outputs.source import Exported, config_name, rows, split_of
from hmer_tasks.whole import sync_folder, write_whole

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


def layout(embed: bool) -> Layout:
    """Pictures as files and rows as JSON lines; with `embed` both in Parquet."""
    kind = "llama-factory" + (", embedded" if embed else "")
    return Layout(kind, _parquet_shard if embed else _json_shard, _finish)


def _finish(folder: Path, summary: Summary, counts: dict[str, int]) -> None:
    info = {name: {"file_name": name, **_ENTRY} for name, count in counts.items() if count}
    write_whole(folder / "dataset_info.json", json.dumps(info, indent=2, ensure_ascii=False) + "\n")


def _json_shard(path: Path, name: str, folder: Path, summary: Summary) -> Done:
    split, stem = split_of(name), Path(name).stem
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
    sync_folder(pictures)
    return Done(dict(counts), lacking)


def _write_picture(row: Exported, folder: Path) -> str:
    """A picture's bytes under a name of ours: an id may be anything, a path that leads elsewhere too."""
    with Image.open(io.BytesIO(row.picture)) as image:  # its header alone
        kind = str(image.format)
    name = f"{row.number:05d}.{_ENDINGS.get(kind, kind.lower())}"
    (folder / name).write_bytes(row.picture)
    return name


def _parquet_shard(path: Path, name: str, folder: Path, summary: Summary) -> Done:
    split, stem = split_of(name), Path(name).stem
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
