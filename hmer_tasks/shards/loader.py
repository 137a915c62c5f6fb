"""`load`: a build as a datasets.Dataset."""

import glob
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hmer_tasks.exceptions import BuildError, UsageError
from hmer_tasks.shards.manifest import shards_of
from hmer_tasks.shards.verifier import read_summary
from hmer_tasks.storage.store import open_store
from hmer_tasks.storage.urls import PathOrUrl, cache_folder, is_url, parse_location
from hmer_tasks.tasks import task_names
from hmer_tasks.utils.files import sha256_of

if TYPE_CHECKING:
    from datasets import Dataset


def load(out: PathOrUrl, tasks: Sequence[str] | None = None, split: str | None = None) -> "Dataset":
    """The rows of a finished build as a `datasets.Dataset`, pictures decoded on access.

    Args:
        out: The folder of a build, or its URL.
        tasks: Only the rows of these tasks; all by default.
        split: Only the rows of this split; by default all splits one after another, in order.

    Returns:
        The rows, with the columns of the shards.

    Raises:
        BuildError: `out` is not a finished build or has no such split or task, or datasets is not installed.
        UsageError: `tasks` is a string or empty.

    Examples:
        >>> rows = load("build/sample", tasks=["recognition"], split="train")  # doctest: +SKIP
        >>> rows[0]["label"]  # doctest: +SKIP
    """
    try:
        from datasets import load_dataset
    except ImportError:
        raise BuildError("load() needs datasets: pip install 'hmer-tasks[data]'") from None
    out = parse_location(str(out))
    summary = read_summary(out)
    splits = list(summary["splits"])
    if split is not None and split not in splits:
        raise BuildError(f"{out} has no split {split!r}; there is {', '.join(splits)}")
    chosen = [split] if split is not None else splits
    if tasks is not None and (isinstance(tasks, str) or not tasks):
        raise UsageError(f"tasks is a list of names, such as ['recognition'], not {tasks!r}")
    for task in tasks or ():
        if task not in task_names():
            raise BuildError(f"no task {task!r}; there are {', '.join(task_names())}")
    rows = Counter[str]()
    for name in chosen:
        rows.update(summary["splits"][name]["tasks"])
    if not any(rows[task] for task in tasks or rows):
        wanted_tasks = f" of {', '.join(tasks)}" if tasks else ""
        raise BuildError(f"{out} has no rows{wanted_tasks} in {', '.join(chosen)}")
    files = [
        str(_copy(out, name, summary["shards"][name]["sha256"]) if is_url(out) else Path(out) / name)
        for split_name in chosen
        for name in shards_of(summary, split_name)
    ]
    filters = None if tasks is None else [("task", "in", list(tasks))]
    patterns = [glob.escape(file) for file in files]  # datasets takes names for patterns
    return load_dataset("parquet", data_files={"rows": patterns}, split="rows", filters=filters)


def _copy(out: PathOrUrl, name: str, sha256: str) -> Path:
    """A shard at a URL, fetched once. (`datasets` caches by address and misses a new build.)

    Raises BuildError where it is not the one of build.json: kept, it would be taken for that for good.
    """
    copy = cache_folder() / "shards" / f"{sha256}.parquet"
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        part = copy.with_suffix(f".{os.getpid()}")
        with open_store(out).local(name) as path:
            shutil.copyfile(path, part)
        if sha256_of(part) != sha256:
            part.unlink()
            raise BuildError(f"{out}/{name} is damaged, or being replaced: `hmer-tasks verify {out}`")
        part.replace(copy)
    return copy
