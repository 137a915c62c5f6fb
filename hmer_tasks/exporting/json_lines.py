"""JSON lines of several configurations with the pictures as files: what LLaMA-Factory and ms-swift read."""

import io
import json
import os
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from PIL import Image

from hmer_tasks.exporting.conversations import left_out, unfit
from hmer_tasks.exporting.folder import Done
from hmer_tasks.exporting.source import Exported, config_name, rows
from hmer_tasks.shards.manifest import Summary
from hmer_tasks.utils.files import fsync_folder

PICTURES = "images"
_ENDINGS = {"JPEG": "jpg"}


def write_shard(
    path: Path,
    name: str,
    folder: Path,
    summary: Summary,
    *,
    record: Callable[[Exported, str], dict[str, object]],
    placeholders: Collection[str],
    lines: Path | None = None,
) -> Done:
    """Write one shard: its pictures below `images/`, its rows as `<configuration>/<shard>.jsonl`.

    Args:
        path: The shard.
        name: Its name in build.json.
        folder: The export's folder.
        summary: The build's build.json.
        record: A row's line, given the row and the path of its picture in the folder.
        placeholders: What no row's own text may hold.
        lines: Where the configurations' folders are; None: in `folder`.

    Returns:
        The rows by configuration, and the rows left out.
    """
    split, stem = summary["shards"][name]["split"], Path(name).stem
    counts, lacking = Counter[str](), list[dict[str, str]]()
    pictures = folder / PICTURES / stem
    pictures.mkdir(parents=True, exist_ok=True)
    files: dict[str, IO[str]] = {}
    last, picture = -1, ""
    with ExitStack() as stack:
        for row in rows(path):
            if mark := unfit(row, placeholders):
                lacking.append(left_out(row, mark))
                continue
            if row.number != last:
                last, picture = row.number, _write_picture(row, pictures)
            config = config_name(summary, split, row.task)
            if config not in files:
                place = (lines or folder) / config
                place.mkdir(exist_ok=True, parents=True)
                files[config] = stack.enter_context(
                    (place / f"{stem}.jsonl").open("w", encoding="utf-8", newline="\n")
                )
            line = record(row, f"{PICTURES}/{stem}/{picture}")
            files[config].write(json.dumps(line, ensure_ascii=False) + "\n")
            counts[config] += 1
        for file in files.values():
            file.flush()
            os.fsync(file.fileno())
    fsync_folder(pictures)
    return Done(dict(counts), lacking)


def picture_ending(data: bytes) -> str:
    """The file name's ending for a picture, by its header: `jpg`, `png` …"""
    with Image.open(io.BytesIO(data)) as image:
        kind = str(image.format)
    return _ENDINGS.get(kind, kind.lower())


def _write_picture(row: Exported, folder: Path) -> str:
    """A picture's bytes under a name of ours: an id may be anything, a path that leads elsewhere too."""
    name = f"{row.number:05d}.{picture_ending(row.picture)}"
    (folder / name).write_bytes(row.picture)
    return name
