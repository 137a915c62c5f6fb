"""The five tasks of Uni-MuMER, one file each; base.py holds their contract."""

from hmer_tasks.tasks.base import Labelled, ProofError, Row, Task, labelled
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


__all__ = ["DIALECTS", "TASK_NAMES", "Labelled", "ProofError", "Row", "Task", "all_tasks", "labelled"]
