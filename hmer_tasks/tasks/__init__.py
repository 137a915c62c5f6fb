"""The five tasks of Uni-MuMER, one file each; base.py holds their contract."""

from collections.abc import Collection

from hmer_tasks.exceptions import UsageError, did_you_mean
from hmer_tasks.tasks.base import Labelled, PluginTask, Row, Task, labelled
from hmer_tasks.tasks.counting import Counting
from hmer_tasks.tasks.error_correction import ErrorCorrection
from hmer_tasks.tasks.error_detection import ErrorDetection
from hmer_tasks.tasks.recognition import Recognition
from hmer_tasks.tasks.tree_cot import TreeCot

TASK_NAMES = ("recognition", "tree_cot", "counting", "error_detection", "error_correction")
PLUGIN_TASKS: dict[str, PluginTask] = {}  # filled by hmer_tasks.plugins
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
    return {task.name: task for task in tasks} | PLUGIN_TASKS


def task_names() -> tuple[str, ...]:
    """The five tasks, then those of plug-ins."""
    return (*TASK_NAMES, *PLUGIN_TASKS)


def plugin_prompts(tasks: Collection[str]) -> dict[str, str]:
    """The prompts that plug-ins bring with those of their tasks that are among `tasks`."""
    return {name: task.prompt for name, task in PLUGIN_TASKS.items() if name in tasks}


def check_task(name: str) -> None:
    """Raise UsageError, with the nearest name, where no task is called so."""
    if name not in task_names():
        hint = did_you_mean(name, task_names())
        raise UsageError(f"no task {name!r}: {hint}there are {', '.join(task_names())}")


__all__ = [
    "DIALECTS",
    "PLUGIN_TASKS",
    "TASK_NAMES",
    "Labelled",
    "PluginTask",
    "Row",
    "Task",
    "all_tasks",
    "check_task",
    "labelled",
    "plugin_prompts",
    "task_names",
]
