"""The end of a build: stats merged from disk into build.json, rejects.jsonl and the card."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from hmer_tasks.build import repairs as repairs_file
from hmer_tasks.build.card import card
from hmer_tasks.build.faults import BuildError
from hmer_tasks.build.labels import example_rows, label_statistics
from hmer_tasks.build.markers import plan_digest, read_marker, shard_name
from hmer_tasks.build.plan import Job, Plan
from hmer_tasks.build.store import WORK, Store
from hmer_tasks.build.summary import ShardSummary, SplitSummary, Stats, Summary
from hmer_tasks.corpora import Corpus


def finish(store: Store, plan: Plan, corpus: Corpus) -> Summary:
    """Write what describes the whole, build.json last, and clear the work folder. Returns build.json."""
    stats = _read_all(store, plan)
    rejects = [reject for job in plan.jobs for reject in stats[job.name]["rejects"]]
    summary: Summary = {
        "made_by": plan.made_by,
        "splits": _splits(plan.jobs, stats),
        "rejected": dict(sorted(Counter(str(reject["reason"]) for reject in rejects).items())),
        "shards": {
            f"data/{name}.parquet": ShardSummary(
                rows=each["rows"], bytes=each["bytes"], sha256=each["sha256"]
            )
            for name, each in stats.items()
        },
    }
    _remove_strays(store, set(stats))
    store.write("rejects.jsonl", _lines(rejects))
    if plan.made_by["arguments"].get("repair"):
        repairs = [repair for job in plan.jobs for repair in stats[job.name].get("repairs", [])]
        summary["repaired"] = repairs_file.count(repairs)
        store.write(repairs_file.FILE, _lines(repairs))
    shards: dict[str, list[str]] = {}
    for job in plan.jobs:
        shards.setdefault(job.out_split, []).append(shard_name(job))
    examples = example_rows(store, shards)
    store.write("README.md", card(summary, corpus, *label_statistics(store, shards), examples))
    store.write("build.json", json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
    store.remove(WORK)
    return summary


def _lines(records: Sequence[Mapping[str, object]]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _read_all(store: Store, plan: Plan) -> dict[str, Stats]:
    digest = plan_digest(plan.made_by)
    stats = {}
    for job in plan.jobs:
        each = read_marker(store, job, digest)
        if each is None:
            raise BuildError(
                f"{store}: the marker of {job.name} is gone or damaged: run the same command again"
            )
        stats[job.name] = each
    return stats


def _splits(jobs: list[Job], stats: dict[str, Stats]) -> dict[str, SplitSummary]:
    splits: dict[str, SplitSummary] = {}
    for split in dict.fromkeys(job.out_split for job in jobs):
        mine = [stats[job.name] for job in jobs if job.out_split == split]
        tasks: Counter[str] = Counter()
        for each in mine:
            tasks.update(each["tasks"])
        splits[split] = SplitSummary(
            samples=sum(each["samples"] for each in mine),
            rejected=sum(len(each["rejects"]) for each in mine),
            no_candidate=sum(each["no_candidate"] for each in mine),
            clean=sum(each["clean"] for each in mine),
            rows=tasks.total(),
            tasks=dict(tasks),
            pictures_sha256=joined(each["pictures_sha256"] for each in mine),
        )
    return splits


def joined(digests: Iterable[str]) -> str:
    """The digest of a split's shards' digests, in order."""
    return sha256("".join(digests).encode()).hexdigest()


def _remove_strays(store: Store, names: set[str]) -> None:
    for name in store.names("data"):
        if name.removesuffix(".parquet") not in names:
            store.remove(f"data/{name}")
