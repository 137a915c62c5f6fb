"""`export --to llama-factory`: sharegpt rows and a dataset_info.json that LLaMA-Factory loads as it is.

The format is that of LLaMA-Factory's data/README.md (0.9.5): a dataset of `dataset_info.json` names a
folder of JSON-lines or Parquet files; its pictures are paths under `media_dir` (the dataset_dir unless
configured otherwise), or structs of bytes.
"""

import json
import shlex
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pyarrow as pa

from hmer_tasks.exporting.conversations import PLACEHOLDERS, conversation, left_out, unfit
from hmer_tasks.exporting.folder import Done, Layout
from hmer_tasks.exporting.json_lines import write_shard
from hmer_tasks.exporting.parquet import TURNS, Writers
from hmer_tasks.exporting.source import Config, Exported, by_role, config_name, rows
from hmer_tasks.shards.manifest import Summary
from hmer_tasks.shards.schema import IMAGE
from hmer_tasks.utils.files import atomic_write

_ENTRY = {
    "formatting": "sharegpt",
    "columns": {"messages": "conversations", "images": "images"},
    "tags": {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"},
}
# No Hugging Face metadata: with it every picture would be decoded, and a JPEG saved anew with loss, when
# LLaMA-Factory maps its converter over the rows.
_SCHEMA = pa.schema(
    [("id", pa.string()), ("source", pa.string()), ("conversations", TURNS), ("images", pa.list_(IMAGE))]
)


def layout(embed: bool) -> Layout:
    """Pictures as files and rows as JSON lines; with `embed` both in Parquet."""
    kind = "llama-factory" + (", embedded" if embed else "")
    json_shard = partial(write_shard, record=_record, placeholders=PLACEHOLDERS)
    return Layout(kind, _parquet_shard if embed else json_shard, _finish)


def hints(target: Path, exported: Mapping[str, Config]) -> list[str]:
    """How LLaMA-Factory is called: it trains on the train sets alone."""
    command = f"llamafactory-cli train --dataset_dir {shlex.quote(str(target))}"
    roles = by_role(exported)
    train, valid, test = (",".join(roles.get(role, ())) for role in ("train", "valid", "test"))
    lines = []
    if train:
        evaluated = f" --eval_dataset {valid}" if valid else ""
        lines.append(f"train:  {command} --dataset {train}{evaluated} …")
    else:
        lines.append("train:  this build has no train split")
        if valid:
            lines.append(f"valid:  {valid} (for --eval_dataset; not to train on)")
    if test:
        lines.append(f"test:   {test} (for --eval_dataset with --do_predict; not to train on)")
    return lines


def _finish(folder: Path, exported: Mapping[str, Config]) -> None:
    info = {name: {"file_name": name, **_ENTRY} for name in exported}
    atomic_write(folder / "dataset_info.json", json.dumps(info, indent=2, ensure_ascii=False) + "\n")


def _record(row: Exported, picture: str) -> dict[str, object]:
    return {
        "id": row.id,
        "source": row.source,
        "conversations": conversation(row),
        "images": [picture],
    }


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
