"""A finished build as what is exported: checked first, then read a row group at a time."""

from collections.abc import Iterator
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


def config_name(summary: Summary, split: str, task: str) -> str:
    """`crohme_train_tree` and the like, as the authors name theirs."""
    return f"{summary['made_by']['arguments']['dataset']}_{split}{SUFFIXES[task]}"


def configs(summary: Summary) -> dict[str, tuple[str, str]]:
    """The (split, task) of each configuration that has rows, by its name."""
    return {
        config_name(summary, split, task): (split, task)
        for split, split_summary in summary["splits"].items()
        for task in SUFFIXES
        if split_summary["tasks"].get(task)
    }


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
    columns = ["id", "source", "task", "images", "prompt", "completion"]
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
                        )
    except (pa.ArrowException, OSError, KeyError, TypeError, IndexError) as error:
        raise BuildError(f"{path} cannot be read: {' '.join(str(error).split())[:200]}") from error
