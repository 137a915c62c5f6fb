"""What can go wrong with a build, as one line for the user."""

from difflib import get_close_matches

from hmer_tasks.tasks import TASK_NAMES


class BuildError(Exception):
    """A build that cannot go on: one line that says what, where and what to do."""


class UsageError(Exception):
    """Arguments that cannot be: one line; exit code 2."""


def check_task(name: str) -> None:
    """Raise UsageError, with the nearest name, where no task is called so."""
    if name not in TASK_NAMES:
        near = get_close_matches(name, TASK_NAMES, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UsageError(f"no task {name!r}: {hint}there are {', '.join(TASK_NAMES)}")


class Stopped(Exception):  # noqa: N818 - not an error: the user asked for it
    """The user stopped the build (SIGINT, SIGTERM)."""

    def __init__(self, signal: int) -> None:
        super().__init__(signal)
        self.signal = signal
