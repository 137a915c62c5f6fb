"""A finished build as what is exported: checked first, then read a row group at a time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from hmer_tasks.exceptions import BuildError
from hmer_tasks.shards.manifest import Summary
from hmer_tasks.shards.verifier import read_summary
from hmer_tasks.utils.files import sha256_of
from hmer_tasks.utils.progress import progress_of

# The authors' names for the tasks; recognition is the corpus itself.
SUFFIXES = {
    "recognition": "",
    "tree_cot": "_tree",
    "counting": "_can",
    "error_detection": "_error_find",
    "error_correction": "_error_fix",
}
_BATCH = 250  # rows in memory at once, at most
_VALID = frozenset(("valid", "val", "validate", "validation", "dev"))
_TEST = frozenset(
    "test testing eval evaluation 2014 2016 2019 N1 N2 N3 spe cpe sce hwe easy moderate complex".split()
)


@dataclass(frozen=True, slots=True)
class Exported:
    """A row as it is exported; `number` counts the samples of its shard, `name` is the picture's."""

    id: str
    source: str
    task: str
    number: int
    picture: bytes
    name: str
    prompt: str
    target: str
    label: str
    candidate: str | None
    marked: str | None


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration of an export: the rows of one task of one split."""

    split: str
    task: str
    rows: int


def config_name(summary: Summary, split: str, task: str) -> str:
    """`crohme_train_tree` and the like, as the authors name theirs; a task of a plug-in by its own name."""
    return f"{summary['made_by']['arguments']['dataset']}_{split}{SUFFIXES.get(task, f'_{task}')}"


def configs(summary: Summary, counts: Mapping[str, int]) -> dict[str, Config]:
    """The configurations of a build that have exported rows, by name, in the order of `counts`, which has
    the rows of each."""
    names = {
        config_name(summary, split, task): (split, task)
        for split, counted in summary["splits"].items()
        for task in (*SUFFIXES, *(task for task in counted["tasks"] if task not in SUFFIXES))
    }
    return {name: Config(*names[name], count) for name, count in counts.items() if count}


def role_of(split: str) -> str:
    """What a split is for: `valid`, `test`, else `train` (synthetic ink and single symbols, too)."""
    split = split.rpartition(".")[2]  # what stands before is the configuration of a table
    return "valid" if split in _VALID else "test" if split in _TEST else "train"


def in_task_order(exported: Mapping[str, Config]) -> list[str]:
    """The names of the configurations, split by split, each with its tasks in the authors' order."""
    splits = list(dict.fromkeys(config.split for config in exported.values()))
    tasks = list(dict.fromkeys((*SUFFIXES, *(config.task for config in exported.values()))))
    return sorted(
        exported, key=lambda name: (splits.index(exported[name].split), tasks.index(exported[name].task))
    )


def by_role(exported: Mapping[str, Config]) -> dict[str, list[str]]:
    """The names of the configurations by the role of their split; roles without one are left out."""
    roles: dict[str, list[str]] = {"train": [], "valid": [], "test": []}
    for name, config in exported.items():
        roles[role_of(config.split)].append(name)
    return {role: names for role, names in roles.items() if names}


def relabelled(summary: Summary, dataset: str) -> Summary:
    """A build's build.json under another corpus name: its configurations and shards get names that no other
    build in an export has."""
    made_by = summary["made_by"] | {"arguments": summary["made_by"]["arguments"] | {"dataset": dataset}}
    shards = {f"data/{dataset}-{Path(name).name}": shard for name, shard in summary["shards"].items()}
    return summary | {"made_by": made_by, "shards": shards}


def checked(out: Path) -> Summary:
    """The build.json of a finished build whose shards are the bytes that were written.

    Raises BuildError where it is not finished, a shard is missing or another one.
    """
    summary = read_summary(out)
    total = sum(shard["bytes"] for shard in summary["shards"].values())
    done = 0
    with progress_of(total, "bytes checked") as show:
        for name, shard in summary["shards"].items():
            path = out / name
            if not path.is_file():
                raise BuildError(f"{path} is missing: run the build's command again with --overwrite")
            if path.stat().st_size != shard["bytes"] or sha256_of(path) != shard["sha256"]:
                raise BuildError(
                    f"{path} is not what was written (hmer-tasks verify {out} tells more): "
                    "run the build's command again with --overwrite"
                )
            done += shard["bytes"]
            show(done)
    return summary


def rows(path: Path) -> Iterator[Exported]:
    """The rows of a shard in order. Raises BuildError where it cannot be read."""
    number, last = -1, None
    texts = ["label", "candidate", "marked"]
    columns = ["id", "source", "task", "images", "prompt", "completion", *texts]
    try:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                for batch in file.iter_batches(_BATCH, row_groups=[group], columns=columns):
                    for row in batch.to_pylist():
                        sample = row["source"], row["id"]
                        number, last = (number, last) if sample == last else (number + 1, sample)
                        image = row["images"][0]
                        yield Exported(
                            row["id"],
                            row["source"],
                            row["task"],
                            number,
                            image["bytes"],
                            image["path"] or "",
                            row["prompt"][0]["content"],
                            row["completion"][0]["content"],
                            *(row[text] for text in texts),
                        )
    except (pa.ArrowException, OSError, KeyError, TypeError, IndexError) as error:
        raise BuildError(f"{path} cannot be read: {' '.join(str(error).split())[:200]}") from error
