"""Files that are whole or not there: a temporary name, fsync, rename, and the folder's fsync."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO


def fsync_folder(folder: Path) -> None:
    """Make a rename in the folder last."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def rename_durably(temporary: Path, path: Path) -> None:
    """Give a finished file its name."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
    fsync_folder(path.parent)


def atomic_write(path: Path, text: str) -> None:
    """Write a text file so that it is never seen half written."""
    with atomic_open(path) as file:
        file.write(text)


@contextmanager
def atomic_open(path: Path) -> Iterator[TextIO]:
    """A text file to write to, which gets its name when the block has ended well. Raises OSError."""
    if path.exists() and not path.is_file():  # a pipe, a terminal
        with path.open("w", encoding="utf-8") as file:
            yield file
        return
    real = path.resolve()  # a link stays one
    temporary = real.with_name(f".{real.name}.{os.getpid()}.tmp")  # two commands may write one file
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        rename_durably(temporary, real)
    except OSError as error:
        if error.filename in (None, str(temporary)):  # the name that the user knows
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        with suppress(OSError):  # on a file system that cannot be written to
            temporary.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
