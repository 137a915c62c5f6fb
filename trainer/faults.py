"""What can go wrong in training or prediction, as one line for the user."""

import os
import signal
import sys
from collections.abc import Callable

from hmer_tasks.exceptions import HmerError, UsageError
from hmer_tasks.utils.terminal import printable

__all__ = ["Stopped", "TrainError", "UsageError", "run"]


class TrainError(HmerError):
    """What cannot go on: one line that says what, where and what to do; exit code 1."""


class Stopped(HmerError):  # noqa: N818 - not an error: the user asked for it
    """The user stopped the run (SIGTERM)."""

    exit_code = 128 + signal.SIGTERM


def run(name: str, main: Callable[[], None]) -> None:
    """Run a command's main function: whatever the user can correct ends in one line, not a traceback."""
    try:
        main()
        return
    except HmerError as error:
        text, code = str(error), error.exit_code
    except ImportError as error:
        text, code = str(error), 1
    except OSError as error:
        text, code = f"{error.filename or 'output'}: {error.strerror or error}", 1
    except KeyboardInterrupt:
        text, code = "stopped; the last checkpoint or whole batch is kept: run the same command to go on", 130
    if (rank := os.environ.get("RANK", "0")) != "0":  # of several processes (torchrun)
        name += f" (process {rank})"
    print(f"{name}: {printable(' '.join(text.split()))}", file=sys.stderr)
    sys.exit(code)
