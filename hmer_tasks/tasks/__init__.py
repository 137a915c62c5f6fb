"""The five tasks of Uni-MuMER, one file each; base.py holds their contract."""

from hmer_tasks.exceptions import UsageError, did_you_mean
from hmer_tasks.tasks.base import Labelled, Row, Task, labelled
from hmer_tasks.tasks.counting import Counting
from hmer_tasks.tasks.error_correction import ErrorCorrection
from hmer_tasks.tasks.error_detection import ErrorDetection
from hmer_tasks.tasks.recognition import Recognition
from hmer_tasks.tasks.tree_cot import TreeCot

TASK_NAMES = ("recognition", "tree_cot", "counting", "error_detection", "error_correction")
DIALECTS = ("canonical", "released")


def all_tasks(dialect: str = "canonical") -> dict[str, Task]:
    """The tasks by name; `dialect` is that of the trees and counts."""
    tasks: tuple[Task, ...] = (
        Recognition(),
        TreeCot(dialect),
        Counting(dialect),
        ErrorDetection(),
        ErrorCorrection(),
    )
    return {task.name: task for task in tasks}


def check_task(name: str) -> None:
    """Raise UsageError, with the nearest name, where no task is called so."""
    if name not in TASK_NAMES:
        hint = did_you_mean(name, TASK_NAMES)
        raise UsageError(f"no task {name!r}: {hint}there are {', '.join(TASK_NAMES)}")


__all__ = ["DIALECTS", "TASK_NAMES", "Labelled", "Row", "Task", "all_tasks", "check_task", "labelled"]
