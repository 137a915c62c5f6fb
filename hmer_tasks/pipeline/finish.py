"""The end of a build: the stats on disk are merged into build.json, rejects.jsonl and the card.

One marker is in memory at a time: of fifty million labels a third may be rejected, each with a reason.
"""

import errno
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TextIO

from hmer_tasks.corpora import Corpus
from hmer_tasks.corpora.about import about_build
from hmer_tasks.exceptions import BuildError
from hmer_tasks.images import CHANGES
from hmer_tasks.latex.unknown import UnknownCommands
from hmer_tasks.pipeline.markers import plan_digest, read_marker, shard_name
from hmer_tasks.pipeline.plan import Plan
from hmer_tasks.shards import repairs as repairs_file
from hmer_tasks.shards.card import card
from hmer_tasks.shards.croissant import FILE as CROISSANT
from hmer_tasks.shards.croissant import as_text, croissant
from hmer_tasks.shards.label_statistics import LabelTally, example_rows, label_statistics
from hmer_tasks.shards.manifest import ShardSummary, SplitSummary, Stats, Summary, joined
from hmer_tasks.storage.store import WORK, Store
from hmer_tasks.tasks.prompts import prompts_digest, shipped_set

REJECTS = "rejects.jsonl"


def finish(store: Store, plan: Plan, corpus: Corpus) -> Summary:
    """Write the files that describe the build, build.json last, and remove the work folder.

    Args:
        store: OUT.
        plan: The plan; all its shards are finished.
        corpus: The corpus, for the dataset card.

    Returns:
        The contents of build.json.

    Raises:
        BuildError: A marker is missing or damaged.
        FileNotFoundError: A shard is missing.
    """
    with ExitStack() as files:
        rejects = files.enter_context(_lines(store, REJECTS))
        repairs = None
        if plan.fingerprint["arguments"].get("repair"):
            repairs = files.enter_context(_lines(store, repairs_file.FILE))
        labels: dict[str, LabelTally] = {}
        arrow_bytes: Counter[str] = Counter()
        summary = _merge(store, plan, rejects, repairs, labels=labels, arrow_bytes=arrow_bytes)
    _remove_strays(store, set(summary["shards"]))
    shards: dict[str, list[str]] = {}
    for job in plan.jobs:
        shards.setdefault(job.out_split, []).append(shard_name(job))
    examples = example_rows(store, shards)
    statistics = label_statistics(labels)
    store.write("README.md", card(summary, corpus, *statistics, arrow_bytes=arrow_bytes, examples=examples))
    store.write(
        CROISSANT,
        as_text(
            croissant(summary, corpus.licence, corpus.origin, about_build(summary["made_by"]["arguments"]))
        ),
    )
    store.write("build.json", json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
    store.remove(WORK)
    return summary


@contextmanager
def _lines(store: Store, name: str) -> Iterator[TextIO]:
    """A text file written line by line; it gets its name when it is complete."""
    temporary = store.scratch(name)
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        store.put(temporary, name)
    finally:
        temporary.unlink(missing_ok=True)


def _merge(
    store: Store,
    plan: Plan,
    rejects: TextIO,
    repairs: TextIO | None,
    *,
    labels: dict[str, LabelTally],
    arrow_bytes: Counter[str],
) -> Summary:
    """Merge all markers into build.json. Rejections and repairs are written to the two files; label
    statistics are added to `labels` and row sizes to `arrow_bytes`, both by split."""
    digest = plan_digest(plan.fingerprint)
    rejected: Counter[str] = Counter()
    repaired: Counter[str] = Counter()
    changed: Counter[str] = Counter()
    unknown = UnknownCommands()
    splits: dict[str, SplitSummary] = {}
    pictures: dict[str, list[str]] = {}
    shards: dict[str, ShardSummary] = {}
    existing = set(store.names("data"))
    for job in plan.jobs:
        if f"{job.name}.parquet" not in existing:
            raise FileNotFoundError(errno.ENOENT, "gone", f"{store}/{shard_name(job)}")
        stats = read_marker(store, job, digest)
        if stats is None:
            raise BuildError(
                f"{store}: the marker of {job.name} is gone or damaged: run the same command again"
            )
        rejected.update(str(reject["reason"]) for reject in stats["rejects"])
        _write(rejects, stats["rejects"])
        unknown.update(stats.get("unknown", {}))
        if repairs is not None:
            repaired.update(repairs_file.count(stats.get("repairs", [])))
            _write(repairs, stats.get("repairs", []))
        changed.update(stats.get("pictures", {}))
        _add(splits.setdefault(job.out_split, _empty()), stats)
        pictures.setdefault(job.out_split, []).append(stats["pictures_sha256"])
        labels.setdefault(job.out_split, LabelTally()).add(stats["labels"])
        arrow_bytes[job.out_split] += stats["arrow_bytes"]
        shards[shard_name(job)] = ShardSummary(
            split=job.out_split, rows=stats["rows"], bytes=stats["bytes"], sha256=stats["sha256"]
        )
    for split, digests in pictures.items():
        splits[split]["pictures_sha256"] = joined(digests)
    summary: Summary = {
        "made_by": plan.fingerprint,
        "splits": splits,
        "rejected": dict(sorted(rejected.items())),
        "shards": shards,
    }
    if changed:
        summary["pictures"] = {change: changed[change] for change in CHANGES if changed[change]}
    if unknown.labels:
        summary["unknown_commands"] = unknown.as_json()
    if repairs is not None:
        summary["repaired"] = dict(sorted(repaired.items()))
    if shipped_set(prompts_digest(plan.prompts)) is None:
        summary["prompts"] = dict(plan.prompts)
        summary["prompt_set"] = plan.prompts_name
    if plan.corpus_prompts:
        summary["corpus_prompts"] = dict(plan.corpus_prompts)
    return summary


def _write(file: TextIO, records: Sequence[Mapping[str, object]]) -> None:
    file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _empty() -> SplitSummary:
    return SplitSummary(samples=0, rejected=0, no_candidate=0, clean=0, rows=0, tasks={}, pictures_sha256="")


def _add(split: SplitSummary, stats: Stats) -> None:
    """Count a shard's stats into its split's."""
    split["samples"] += stats["samples"]
    split["rejected"] += len(stats["rejects"])
    split["no_candidate"] += stats["no_candidate"]
    split["clean"] += stats["clean"]
    split["rows"] += stats["rows"]
    for task, rows in stats["tasks"].items():
        split["tasks"][task] = split["tasks"].get(task, 0) + rows


def _remove_strays(store: Store, names: set[str]) -> None:
    for name in store.names("data"):
        if f"data/{name}" not in names:
            store.remove(f"data/{name}")
