"""`hmer-tasks verify`: everything of a build read again from its files, and proven."""

import io
import json
import multiprocessing
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, UnidentifiedImageError

from hmer_tasks.build.faults import BuildError
from hmer_tasks.build.progress import progress_of
from hmer_tasks.build.schema import SCHEMA
from hmer_tasks.build.summary import Summary
from hmer_tasks.build.whole import sha256_of
from hmer_tasks.tasks import ProofError, Row, all_tasks

_MAX_FAULTS = 20  # named in full; beyond it they are only counted
_BATCH = 500  # rows


@dataclass(slots=True)
class Report:
    """What was read and what is wrong."""

    rows: int = 0
    pictures: int = 0
    tasks: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    more: int = 0

    def fault(self, text: str) -> None:
        if len(self.faults) < _MAX_FAULTS:
            self.faults.append(text)
        else:
            self.more += 1

    def merge(self, other: "Report") -> None:
        self.rows += other.rows
        self.pictures += other.pictures
        self.tasks.update(other.tasks)
        for text in other.faults:
            self.fault(text)
        self.more += other.more


def read_summary(out: Path) -> Summary:
    """A finished build's build.json. Raises BuildError where there is none."""
    path = out / "build.json"
    if not path.exists():
        unfinished = (out / ".build").exists()
        hint = (
            "the build is not finished: run its command again" if unfinished else "is this a build's folder?"
        )
        raise BuildError(f"{out} has no build.json: {hint}")
    try:
        summary: Summary = json.loads(path.read_text(encoding="utf-8"))
        summary["made_by"]["arguments"], summary["splits"], summary["shards"]
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise BuildError(f"{path} is damaged ({error}): build anew with --overwrite") from error
    return summary


def verify(out: Path, workers: int = 0) -> Report:
    """Read every shard of OUT: checksum, schema, counts, the proof of each row, each picture."""
    summary = read_summary(out)
    report = Report()
    there = (
        {f"data/{path.name}" for path in (out / "data").glob("*.parquet")}
        if (out / "data").is_dir()
        else set()
    )
    for name in sorted(there - set(summary["shards"])):
        report.fault(f"{name}: not a shard of this build")
    dialect = str(summary["made_by"]["arguments"]["tree_format"])
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers or os.cpu_count() or 1, fork) as pool:
        futures = {
            pool.submit(_verify_shard, out / name, dialect, shard["sha256"], shard["rows"]): name
            for name, shard in summary["shards"].items()
        }
        with progress_of(len(futures), "shards") as show:
            reports = {}
            for number, future in enumerate(as_completed(futures), start=1):
                reports[futures[future]] = future.result()
                show(number)
    for name in summary["shards"]:
        report.merge(reports[name])
    wanted: Counter[str] = Counter()
    for split in summary["splits"].values():
        wanted.update(split["tasks"])
    if not report.faults and wanted != report.tasks:
        report.fault(f"build.json: counts {dict(wanted)}, the shards hold {dict(report.tasks)}")
    return report


def _verify_shard(path: Path, dialect: str, digest: str, rows: int) -> Report:
    report, name = Report(), f"data/{path.name}"
    if not path.exists():
        report.fault(f"{name}: missing")
        return report
    try:
        if sha256_of(path) != digest:
            report.fault(f"{name}: its bytes are not those that were written (SHA-256 differs)")
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            if not schema.equals(SCHEMA) or schema.metadata != SCHEMA.metadata:
                report.fault(f"{name}: another schema")
                return report
            _verify_rows(file, name, dialect, report)
    except (pa.ArrowException, OSError) as error:
        report.fault(f"{name}: not readable: {' '.join(str(error).split())[:200]}")
        return report
    if report.rows != rows:
        report.fault(f"{name}: {report.rows} rows, build.json says {rows}")
    return report


def _verify_rows(file: pq.ParquetFile, name: str, dialect: str, report: Report) -> None:
    tasks = all_tasks(dialect)
    picture: bytes | None = None
    for batch in file.iter_batches(_BATCH):
        for record in batch.to_pylist():
            place = f"{name} row {report.rows} ({record['id']}, {record['task']})"
            report.rows += 1
            report.tasks[record["task"]] += 1
            try:
                task = tasks.get(record["task"])
                if task is None:
                    raise ProofError("no such task")
                task.check(_row(record))
            except ProofError as error:
                report.fault(f"{place}: {error}")
            images = record["images"]
            if not images or len(images) != 1 or not images[0]["bytes"]:
                report.fault(f"{place}: not exactly one picture")
            elif images[0]["bytes"] != picture:  # a sample's rows stand side by side and share it
                picture = images[0]["bytes"]
                report.pictures += 1
                _verify_picture(picture, place, report)


def _row(record: "dict[str, object]") -> Row:
    """A record as the task's row. Raises ProofError where the messages are not one turn each."""
    turns = []
    for column, role in (("prompt", "user"), ("completion", "assistant")):
        messages = record[column]
        if not isinstance(messages, list) or len(messages) != 1 or messages[0]["role"] != role:
            raise ProofError(f"{column} is not one turn of the {role}")
        turns.append(str(messages[0]["content"]))
    candidate, marked = record["candidate"], record["marked"]
    return Row(
        task=str(record["task"]),
        label=str(record["label"]),
        prompt=turns[0],
        target=turns[1],
        candidate=None if candidate is None else str(candidate),
        marked=None if marked is None else str(marked),
    )


def _verify_picture(data: bytes, place: str, report: Report) -> None:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        report.fault(f"{place}: the picture cannot be read: {error}")
