"""`export --to ms-swift`: a JSON-lines file for each configuration, as ms-swift's `--dataset` takes it.

The format is that of ms-swift's documentation on custom datasets (4.6): `messages` with a role and a content,
`<image>` where the picture stands, `images` as paths. Relative paths are looked up below ROOT_IMAGE_DIR.
"""

import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from hmer_tasks.exporting.conversations import MARK
from hmer_tasks.exporting.folder import Done, Layout, parts_folder
from hmer_tasks.exporting.json_lines import write_shard
from hmer_tasks.exporting.source import Config, Exported, by_role
from hmer_tasks.shards.manifest import Summary
from hmer_tasks.utils.files import rename_durably

# What ms-swift's templates replace wherever it stands in a text.
_PLACEHOLDERS = (MARK, "<video>", "<audio>", "<bbox>", "<ref-object>", "<cot-process>", "<start-image>")


def layout() -> Layout:
    """Pictures as files, and `<configuration>.jsonl`."""
    return Layout("ms-swift", _shard, _finish)


def hints(target: Path, exported: Mapping[str, Config]) -> list[str]:
    """How ms-swift is called: it trains on the train sets alone."""
    roles = {
        role: " ".join(shlex.quote(f"{target}/{name}.jsonl") for name in names)
        for role, names in by_role(exported).items()
    }
    lines = []
    if train := roles.get("train"):
        valid = f" --val_dataset {roles['valid']}" if "valid" in roles else ""
        lines.append(
            f"train:  ROOT_IMAGE_DIR={shlex.quote(str(target))} swift sft --dataset {train}{valid} …"
        )
    else:
        lines.append("train:  this build has no train split")
        if "valid" in roles:
            lines.append(f"valid:  {roles['valid']} (for --val_dataset; not to train on)")
    if test := roles.get("test"):
        lines.append(f"test:   {test} (for --val_dataset with swift infer; not to train on)")
    return lines


def _shard(path: Path, name: str, folder: Path, summary: Summary) -> Done:
    parts = parts_folder(folder)
    return write_shard(path, name, folder, summary, record=_record, placeholders=_PLACEHOLDERS, lines=parts)


def _record(row: Exported, picture: str) -> dict[str, object]:
    return {
        "id": row.id,
        "source": row.source,
        "messages": [
            {"role": "user", "content": MARK + row.prompt},
            {"role": "assistant", "content": row.target},
        ],
        "images": [picture],
    }


def _finish(folder: Path, exported: Mapping[str, Config]) -> None:
    """Join the shards of each configuration: `--dataset` takes files, no folders."""
    for config in exported:
        parts = sorted((parts_folder(folder) / config).glob("*.jsonl"))
        if not parts:  # of a build that was there before
            continue
        joined = parts_folder(folder) / f"{config}.jsonl"
        with joined.open("wb") as file:
            for part in parts:
                with part.open("rb") as lines:
                    shutil.copyfileobj(lines, file)
        rename_durably(joined, folder / joined.name)
