"""`hmer-tasks verify`: everything of a build read again from its files, and proven."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from hashlib import sha256
from multiprocessing.sharedctypes import Synchronized

import pyarrow as pa
import pyarrow.parquet as pq

from hmer_tasks.exceptions import BuildError, PictureError, ProofError
from hmer_tasks.images import prove
from hmer_tasks.shards.manifest import Summary, check_summary, damage_of, joined, shards_of
from hmer_tasks.shards.repairs import count, read_repairs
from hmer_tasks.shards.schema import SCHEMA
from hmer_tasks.storage.store import WORK, Store, open_store
from hmer_tasks.storage.urls import PathOrUrl
from hmer_tasks.tasks import Row, all_tasks
from hmer_tasks.tasks.base import prove_row
from hmer_tasks.tasks.prompts import Templates, draw, fill, prompts_digest, shipped_set
from hmer_tasks.utils.files import sha256_of
from hmer_tasks.utils.processes import FORK, block_signals, cores, init_worker, worker_pool
from hmer_tasks.utils.progress import progress_of

_MAX_FAULTS = 20  # named in full; beyond it they are only counted
_BATCH = 500  # rows
_LOOK_EVERY = 0.5  # seconds between two looks at how far the workers are


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a build's rows are proven as. `prompts`: None where build.json does not hold the set."""

    dialect: str
    images: bool
    keep_polarity: bool
    prompts: Templates | None
    seed: int
    corpus_prompts: Mapping[str, Templates]  # of corpora that have a set of their own


@dataclass(slots=True)
class Report:
    """What was read of a build, and what is wrong with it.

    Attributes:
        rows: Rows read.
        pictures: Pictures decoded, one a sample.
        tasks: Rows by task.
        faults: What is wrong, one line each; empty for a build that is proven.
        more: Further faults that are only counted.
        samples: Samples read.
        digest: SHA-256 of a shard's pictures.
        prompts_compared: Whether the prompts were compared with the build's prompt set.
    """

    rows: int = 0
    pictures: int = 0
    tasks: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    more: int = 0
    samples: int = 0
    digest: str = ""  # of a shard's pictures
    prompts_compared: bool = True

    def fault(self, text: str) -> None:
        if len(self.faults) < _MAX_FAULTS:
            self.faults.append(text)
        else:
            self.more += 1

    def merge(self, other: "Report") -> None:
        self.rows += other.rows
        self.pictures += other.pictures
        self.samples += other.samples
        self.tasks.update(other.tasks)
        for text in other.faults:
            self.fault(text)
        self.more += other.more
        self.prompts_compared &= other.prompts_compared


def read_summary(out: PathOrUrl) -> Summary:
    """The `build.json` of a finished build.

    Args:
        out: The folder of a build, or its URL.

    Returns:
        The contents, checked for the keys that readers need.

    Raises:
        BuildError: There is no `build.json`, or it is damaged.
    """
    store = open_store(out)
    try:
        existing = store.names()
    except OSError as error:
        raise BuildError(f"{out} cannot be read: {error.strerror or error}") from error
    if "build.json" not in existing:
        unfinished = WORK in existing
        hint = (
            "the build is not finished: run its command again" if unfinished else "is this a build's folder?"
        )
        raise BuildError(f"{out} has no build.json: {hint}")
    try:
        summary: Summary = json.loads(store.read("build.json"))
        check_summary(summary)
        if "prompts" in summary:
            summary["prompts"] = _templates(summary["prompts"])
        for held in summary.get("corpus_prompts", {}).values():
            held["prompts"] = _templates(held["prompts"])
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise _damaged(out, error) from error
    return summary


def _damaged(out: PathOrUrl | Store, error: Exception) -> BuildError:
    return BuildError(f"{out}/build.json is damaged ({damage_of(error)}): build anew with --overwrite")


def _templates(prompts: Mapping[str, object]) -> dict[str, str | Sequence[str]]:
    """The prompts that build.json holds. Raises ValueError or AttributeError where they are none."""
    templates: dict[str, str | Sequence[str]] = {
        task: [str(text) for text in given] if isinstance(given, list) else str(given)
        for task, given in prompts.items()
    }
    if not templates:
        raise ValueError("no prompts")
    return templates


def verify(out: PathOrUrl, workers: int = 0) -> Report:
    """Read every shard again: checksum, schema, counts, the proof of each row, each picture.

    Args:
        out: The folder of a build, or its URL.
        workers: Processes; 0 is one a core.

    Returns:
        What was read and what is wrong. `faults` is empty for a build that is proven.

    Raises:
        BuildError: `out` is not a finished build, or a worker was killed.
    """
    store, summary = open_store(out), read_summary(out)
    report = Report()
    existing = {f"data/{name}" for name in store.names("data") if name.endswith(".parquet")}
    for name in sorted(existing - set(summary["shards"])):
        report.fault(f"{name}: not a shard of this build")
    prompts = _prompts(summary, report)
    report.prompts_compared = prompts is not None
    reports = _read_shards(store, summary, prompts, workers)
    for name in summary["shards"]:
        report.merge(reports[name])
    if not report.faults:  # a damaged shard's counts would only repeat it
        _compare(store, summary, reports, report)
    return report


def _prompts(summary: Summary, report: Report) -> Templates | None:
    """The prompt set that build.json names by its fingerprint.

    None where it came from a user's file and build.json does not hold it: a build of version 0.1.0, or
    one that was changed.
    """
    arguments = summary["made_by"]["arguments"]
    corpora = arguments.get("corpora", [])
    for corpus in corpora if isinstance(corpora, list) else []:
        own = summary.get("corpus_prompts", {}).get(corpus["name"])
        if (None if own is None else prompts_digest(own["prompts"])) != corpus.get("prompts"):
            report.fault(f"build.json: the prompts of {corpus['name']} are not those that it was made with")
    named = str(arguments.get("prompts"))
    held = summary.get("prompts")
    if held is None:
        return shipped_set(named)
    if prompts_digest(held) != named:
        report.fault("build.json: its prompts are not those that the build was made with (SHA-256 differs)")
    return held


def _read_shards(
    store: Store, summary: Summary, prompts: Templates | None, workers: int
) -> dict[str, Report]:
    arguments = summary["made_by"]["arguments"]
    try:
        seed = int(str(arguments["seed"]))
    except (KeyError, ValueError) as error:
        raise _damaged(store, error) from error
    kind = _Kind(
        dialect=str(arguments["tree_format"]),
        images=not arguments.get("no_images"),
        keep_polarity=bool(arguments.get("keep_polarity")),
        prompts=prompts,
        seed=seed,
        corpus_prompts={name: held["prompts"] for name, held in summary.get("corpus_prompts", {}).items()},
    )
    reports: dict[str, Report] = {}
    shards = len(summary["shards"])
    total = sum(shard["rows"] for shard in summary["shards"].values())
    rows_read = FORK.Value("q", 0)
    try:
        with worker_pool(min(shards, workers or cores()) or 1, _init_counting, rows_read) as pool:
            with block_signals():
                futures = {
                    pool.submit(_verify_shard, store, name, kind, shard["sha256"], shard["rows"]): name
                    for name, shard in summary["shards"].items()
                }
            with progress_of(total, "rows") as show:
                waiting = set(futures)
                while waiting:
                    finished, waiting = wait(waiting, timeout=_LOOK_EVERY, return_when=FIRST_COMPLETED)
                    for future in finished:
                        reports[futures[future]] = future.result()
                    show(rows_read.value)
    except BrokenProcessPool as error:
        raise BuildError(f"{store}: a worker was killed (out of memory?): verify again") from error
    return reports


_rows_read: "Synchronized[int] | None" = None  # by all workers; None outside of one


def _init_counting(rows_read: "Synchronized[int]") -> None:
    global _rows_read  # noqa: PLW0603 - what the pool hands to an initializer must be kept somewhere
    _rows_read = rows_read
    init_worker()


def _compare(store: Store, summary: Summary, reports: dict[str, Report], report: Report) -> None:
    """What build.json and rejects.jsonl say of each split, against what was read."""
    refused: Counter[str] = Counter()
    try:
        lines = store.read("rejects.jsonl").split("\n")
        refused.update(json.loads(line)["reason"] for line in lines if line)
    except (OSError, ValueError, KeyError, TypeError) as error:
        report.fault(f"rejects.jsonl: not readable: {error}")
    else:
        _equal(report, "refusals, rejects.jsonl holds", summary["rejected"], dict(refused))
    if summary["made_by"]["arguments"].get("repair"):
        _compare_repairs(store, summary, report)
    for split, stated in summary["splits"].items():
        shard_reports = [reports[name] for name in shards_of(summary, split)]
        tasks: Counter[str] = Counter()
        for shard_report in shard_reports:
            tasks.update(shard_report.tasks)
        actual = (
            sum(shard_report.rows for shard_report in shard_reports),
            sum(shard_report.samples for shard_report in shard_reports),
        )
        _equal(
            report, f"{split}: rows and samples, the shards hold", (stated["rows"], stated["samples"]), actual
        )
        _equal(report, f"{split}: tasks, the shards hold", stated["tasks"], dict(tasks))
        if stated["pictures_sha256"] != joined(shard_report.digest for shard_report in shard_reports):
            report.fault(f"{split}: the pictures are not those that were read (SHA-256 differs)")
    total = sum(stated["rejected"] for stated in summary["splits"].values())
    _equal(report, "refusals in all, by reason", total, sum(summary["rejected"].values()))


def _compare_repairs(store: Store, summary: Summary, report: Report) -> None:
    """repairs.jsonl against its counts, and against the rows: `gt` is what the owners wrote."""
    try:
        repairs = read_repairs(store)
    except (OSError, ValueError, KeyError, TypeError) as error:
        report.fault(f"repairs.jsonl: not readable: {error}")
        return
    _equal(report, "repairs, repairs.jsonl holds", summary.get("repaired"), count(repairs))
    originals = {(repair["source"], repair["id"]): repair["original"] for repair in repairs}
    for name in summary["shards"] if originals else ():
        rows = store.columns(name, ["source", "id", "gt"]).to_pydict()
        for source, id, gt in zip(rows["source"], rows["id"], rows["gt"], strict=True):
            if originals.get((source, id), gt) != gt:
                report.fault(f"{name}: the gt of {id} is not the original of repairs.jsonl")
        for key in zip(rows["source"], rows["id"], strict=True):
            originals.pop(key, None)
    for _, id in originals:
        report.fault(f"repairs.jsonl: no shard holds {id}")


def _equal(report: Report, what: str, expected: object, actual: object) -> None:
    if expected != actual:
        report.fault(f"build.json says {expected} {what} {actual}")


def _verify_shard(store: Store, name: str, kind: _Kind, digest: str, rows: int) -> Report:
    report = Report()
    try:
        with store.local(name) as path:
            if sha256_of(path) != digest:
                report.fault(f"{name}: its bytes are not those that were written (SHA-256 differs)")
            with pq.ParquetFile(path) as file:
                schema = file.schema_arrow
                if not schema.equals(SCHEMA) or schema.metadata != SCHEMA.metadata:
                    report.fault(f"{name}: another schema")
                    return report
                _verify_rows(file, name, kind, report)
    except FileNotFoundError:
        report.fault(f"{name}: missing")
        return report
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:  # ValueError: text not UTF-8
        report.fault(f"{name}: not readable: {' '.join(str(error).split())[:200]}")
        return report
    if report.rows != rows:
        report.fault(f"{name}: {report.rows} rows, build.json says {rows}")
    return report


def _verify_rows(file: pq.ParquetFile, name: str, kind: _Kind, report: Report) -> None:
    tasks, pictures = all_tasks(kind.dialect), sha256()
    last: object = None
    picture: object = None
    for record in _records(file):
        place = f"{name} row {report.rows} ({record['id']}, {record['task']})"
        report.rows += 1
        report.tasks[str(record["task"])] += 1
        try:
            task = tasks.get(str(record["task"]))
            if task is None:
                raise ProofError("no such task (if it is a plug-in's: verify with --plugin)")
            row = _row(record)
            data = _picture(record, kind)
            prove_row(task, row, data)
            _check_prompt(row, kind, str(record["source"]), str(record["id"]))
        except ProofError as error:
            report.fault(f"{place}: {error}")
            continue
        sample = record["source"], record["id"]
        if sample != last:
            report.samples += 1
            pictures.update(data)
            if kind.images:
                _verify_picture(data, place, kind, report)
        elif data != picture:
            report.fault(f"{place}: another picture than the sample's row before")
        last, picture = sample, data
    report.digest = pictures.hexdigest()


def _records(file: pq.ParquetFile) -> Iterator[dict[str, object]]:
    """The rows, a group at a time: a batch across groups of large photographs would be too much for Arrow."""
    for group in range(file.num_row_groups):
        for batch in file.iter_batches(_BATCH, row_groups=[group]):
            yield from batch.to_pylist()
            if _rows_read is not None:
                with _rows_read.get_lock():
                    _rows_read.value += batch.num_rows


def _picture(record: "dict[str, object]", kind: _Kind) -> bytes:
    images = record["images"]
    if not kind.images:
        if images == []:
            return b""
        raise ProofError("a picture, in a build of labels alone")
    if isinstance(images, list) and len(images) == 1 and images[0] and images[0]["bytes"]:
        return bytes(images[0]["bytes"])
    raise ProofError("not exactly one picture")


def _row(record: "dict[str, object]") -> Row:
    """A record as the task's row. Raises ProofError where the messages are not one turn each."""
    turns = []
    for column, role in (("prompt", "user"), ("completion", "assistant")):
        messages = record[column]
        if not isinstance(messages, list) or len(messages) != 1 or not messages[0]:
            raise ProofError(f"{column} is not one turn")
        if messages[0]["role"] != role:
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


def _check_prompt(row: Row, kind: _Kind, source: str, id: str) -> None:
    """Raise ProofError unless the prompt is the sample's template of the row's task, filled."""
    templates = kind.corpus_prompts.get(source.partition("/")[0], kind.prompts)
    if templates is None:
        return
    prompts = draw(templates, kind.seed, source, id)
    if row.task not in prompts:
        raise ProofError(f"{row.task}: the prompt set that build.json names has none for it")
    expected = fill(prompts[row.task], candidate=row.candidate or "", marked=row.marked or "")
    if row.prompt != expected:
        raise ProofError(f"{row.task}: the prompt is not that of the set that build.json names")


def _verify_picture(data: bytes, place: str, kind: _Kind, report: Report) -> None:
    report.pictures += 1
    try:
        prove(data, place, keep_polarity=kind.keep_polarity)
    except PictureError as error:
        report.fault(f"{error.place} ({error.reason})")
