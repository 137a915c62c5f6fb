"""`export --to released`: the layout of the authors' published data (`phxember/Uni-MuMER-Data`).

One configuration a task in a folder of its own (`crohme_train`, `crohme_train_tree`, `…_can`,
`…_error_find`, `…_error_fix`), named in the card's YAML; columns `image` and `conversations`, whose turns
are `{from, value}` of `human` and `gpt`, the mark `<image>` before the prompt.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from hmer_tasks._version import __version__
from hmer_tasks.exporting.conversations import MARK, conversation, left_out, unfit
from hmer_tasks.exporting.folder import Done, Layout
from hmer_tasks.exporting.parquet import TURNS, Writers
from hmer_tasks.exporting.source import Config, config_name, in_task_order, rows
from hmer_tasks.shards.manifest import Summary
from hmer_tasks.shards.schema import IMAGE
from hmer_tasks.utils.files import atomic_write

_STRING = {"dtype": "string", "_type": "Value"}
_FEATURES = {
    "image": {"_type": "Image"},
    "conversations": {"feature": {"from": _STRING, "value": _STRING}, "_type": "List"},
}
_SCHEMA = pa.schema(
    [("image", IMAGE), ("conversations", TURNS)],
    metadata={"huggingface": json.dumps({"info": {"features": _FEATURES}})},
)


def layout() -> Layout:
    """The authors' layout."""
    return Layout("released", _shard, _finish)


def _shard(path: Path, name: str, folder: Path, summary: Summary) -> Done:
    split = summary["shards"][name]["split"]
    lacking: list[dict[str, str]] = []
    with Writers(folder, Path(name).name, _SCHEMA) as writers:
        for row in rows(path):
            if mark := unfit(row, (MARK,)):
                lacking.append(left_out(row, mark))
                continue
            record: dict[str, object] = {
                "image": {"bytes": row.picture, "path": row.name},
                "conversations": conversation(row),
            }
            writers.add(config_name(summary, split, row.task), record, len(row.picture))
    return Done(dict(writers.counts), lacking)


def hints(target: Path, exported: Mapping[str, Config]) -> list[str]:
    """How the first configuration is loaded."""
    return [f'load:   datasets.load_dataset("{target}", "{next(iter(exported), "")}")']


def _finish(folder: Path, exported: Mapping[str, Config]) -> None:
    lines = ["---", "license: other", "task_categories:", "- image-to-text", "configs:"]
    names = in_task_order(exported)
    for name in names:
        lines += [f'- config_name: "{name}"', "  data_files:", f'  - split: "{exported[name].split}"']
        lines += [f'    path: "{name}/*.parquet"']
    lines += ["---", "# Rows in the layout of the Uni-MuMER training data", ""]
    lines += [f"Written by hmer-tasks {__version__}.", "", "| configuration | rows |", "| --- | ---: |"]
    lines += [f"| `{name}` | {exported[name].rows:,} |" for name in names]
    atomic_write(folder / "README.md", "\n".join(lines) + "\n")
