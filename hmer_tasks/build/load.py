"""`load`: a build as a datasets.Dataset."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hmer_tasks.build.faults import BuildError
from hmer_tasks.build.verify import read_summary
from hmer_tasks.tasks import TASK_NAMES

if TYPE_CHECKING:
    from datasets import Dataset


def load(out: str | Path, tasks: Sequence[str] | None = None, split: str | None = None) -> "Dataset":
    """The rows of a finished build, pictures decoded on access.

    `tasks` and `split` choose; without them every row of every split comes, in order. Raises
    BuildError where OUT is no finished build, or has no such split or task.
    """
    try:
        from datasets import load_dataset
    except ImportError:
        raise BuildError("load() needs datasets: pip install 'hmer-tasks[data]'") from None
    out = Path(out)
    summary = read_summary(out)
    splits = list(summary["splits"])
    if split is not None and split not in splits:
        raise BuildError(f"{out} has no split {split!r}; there is {', '.join(splits)}")
    chosen = [split] if split is not None else splits
    for task in tasks or ():
        if task not in TASK_NAMES:
            raise BuildError(f"no task {task!r}; there are {', '.join(TASK_NAMES)}")
    rows = Counter[str]()
    for one in chosen:
        rows.update(summary["splits"][one]["tasks"])
    if not any(rows[task] for task in tasks or rows):
        what = f" of {', '.join(tasks)}" if tasks else ""
        raise BuildError(f"{out} has no rows{what} in {', '.join(chosen)}")
    files = [
        str(out / name)
        for one in chosen
        for name in sorted(summary["shards"])
        if name.startswith(f"data/{one}-")
    ]
    filters = None if tasks is None else [("task", "in", list(tasks))]
    return load_dataset("parquet", data_files={"rows": files}, split="rows", filters=filters)
