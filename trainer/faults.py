"""What can go wrong in training or prediction, as one line for the user."""

import os
import signal
import sys
from collections.abc import Callable

from hmer_tasks.exceptions import HmerError, UsageError

__all__ = ["Stopped", "TrainError", "UsageError", "run"]


class TrainError(HmerError):
    """What cannot go on: one line that says what, where and what to do; exit code 1."""


class Stopped(HmerError):  # noqa: N818 - not an error: the user asked for it
    """The user stopped the run (SIGTERM)."""

    exit_code = 128 + signal.SIGTERM


def run(name: str, main: Callable[[], None]) -> None:
    """Run a command's main function: whatever the user can mend ends in one line, not a traceback."""
    try:
        main()
    except HmerError as error:
        _end(name, str(error), error.exit_code)
    except ImportError as error:
        _end(name, str(error), 1)
    except OSError as error:
        _end(name, f"{error.filename or 'output'}: {error.strerror or error}", 1)
    except KeyboardInterrupt:
        _end(name, "stopped; the last checkpoint or whole batch is kept: run the same command to go on", 130)


def _end(name: str, text: str, code: int) -> None:
    rank = os.environ.get("RANK", "0")  # of several processes (torchrun)
    who = name if rank == "0" else f"{name} (process {rank})"
    print(f"{who}: {' '.join(text.split())}", file=sys.stderr)
    sys.exit(code)
