"""The end of a build: stats merged from disk into build.json, rejects.jsonl and the card."""

import json
import shutil
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from hmer_tasks.build.card import card
from hmer_tasks.build.labels import label_statistics
from hmer_tasks.build.plan import Job, Plan
from hmer_tasks.build.summary import ShardSummary, SplitSummary, Stats, Summary
from hmer_tasks.build.whole import sync_folder, write_whole
from hmer_tasks.build.worker import WORK
from hmer_tasks.corpora import Corpus


def finish(out: Path, plan: Plan, corpus: Corpus) -> Summary:
    """Write what describes the whole, build.json last, and clear the work folder. Returns build.json."""
    stats = {job.name: _read(out, job) for job in plan.jobs}
    rejects = [reject for job in plan.jobs for reject in stats[job.name]["rejects"]]
    lines = "".join(json.dumps(reject, ensure_ascii=False) + "\n" for reject in rejects)
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
    _remove_strays(out, set(stats))
    write_whole(out / "rejects.jsonl", lines)
    shards: dict[str, list[str]] = {}
    for job in plan.jobs:
        shards.setdefault(job.out_split, []).append(f"data/{job.name}.parquet")
    write_whole(out / "README.md", card(summary, corpus, *label_statistics(out, shards)))
    write_whole(out / "build.json", json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
    shutil.rmtree(out / WORK)
    sync_folder(out)
    return summary


def _read(out: Path, job: Job) -> Stats:
    stats: Stats = json.loads((out / WORK / f"{job.name}.json").read_text(encoding="utf-8"))
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
            rows=tasks.total(),
            tasks=dict(tasks),
            pictures_sha256=joined(each["pictures_sha256"] for each in mine),
        )
    return splits


def joined(digests: Iterable[str]) -> str:
    """The digest of a split's shards' digests, in order."""
    return sha256("".join(digests).encode()).hexdigest()


def _remove_strays(out: Path, names: set[str]) -> None:
    for path in (out / "data").iterdir():
        if path.stem not in names:
            path.unlink()
