"""What the targets share: checks of named errors, and a scratch file for what is read by path."""

import os
import tempfile
from functools import cache
from pathlib import Path

from hmer_tasks.exceptions import LabelError, RejectReason
from hmer_tasks.latex.tables import tables

TOKENS = sorted(
    tables().signatures.keys() | tables().operators | tables().fences | tables().scripts.keys()
    | tables().reserved | set(sorted(tables().symbols)[::8]) | set("{}[]_^&'x1+<") | {"\\\\", "\\", "%", "$"}
    | {f"{name} {{{environment}}}" for name in ("\\begin", "\\end") for environment in ("cases", "array", "matrix", "align*")}
    | {"\\begin {array} { c | c }", "{}", "\\left(", "12", "\\foo", "中", "\\sqrt [ 3 ]", "<none>", "\u2264", "\u00a0"}
)  # fmt: skip


def words(*more: str) -> list[bytes]:
    """A target's words, as bytes: a few of its own, and the tokens of labels with blanks around them."""
    return [word.encode() for word in more] + [f" {token} ".encode() for token in TOKENS]


def check_label_error(error: LabelError) -> None:
    """A refusal tells its reason in one line that can be written, and a caret can be drawn."""
    assert isinstance(error.reason, RejectReason)
    assert "\n" not in str(error), str(error)
    assert error.position >= 0
    error.caret()


def check_line(error: Exception) -> None:
    """What a user is told is one line."""
    assert str(error), type(error)
    assert "\n" not in str(error), str(error)


@cache
def scratch() -> Path:
    """A folder of this process, in memory where the system has such a place."""
    memory = Path("/dev/shm")
    place = memory if os.access(memory, os.W_OK) else None
    folder = tempfile.TemporaryDirectory(prefix="hmer-fuzz-", dir=place)
    _kept.append(folder)  # it goes when the process ends
    return Path(folder.name)


_kept: list[tempfile.TemporaryDirectory] = []


def written(data: bytes, name: str) -> Path:
    """The bytes as a file of that name."""
    path = scratch() / name
    path.write_bytes(data)
    return path
