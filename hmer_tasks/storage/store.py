"""OUT, whatever keeps it: a folder here, an object store in remote_store.py.

Both keep the same promise: a name stands for a whole file or for nothing. Names are relative, with
slashes (`data/train-00000-of-00001.parquet`).
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hmer_tasks.exceptions import BuildError
from hmer_tasks.storage.urls import PathOrUrl, is_url
from hmer_tasks.utils.files import rename_durably

if TYPE_CHECKING:
    from pyarrow import Table

WORK = ".build"  # inside OUT while a build is not finished
# Some network file systems cannot lock a folder, or nothing at all.
_NO_LOCKS = (errno.EBADF, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


class Store(Protocol):
    """Where a build is written. `str(store)` is its place, for messages; every method may raise OSError."""

    def names(self, folder: str = "") -> list[str]:
        """What stands right under a folder, sorted, without the folder's name; empty where none is."""
        ...

    def size(self, name: str) -> int | None:
        """A file's size in bytes; None where there is none."""
        ...

    def read(self, name: str) -> str:
        """A text file. Raises FileNotFoundError."""
        ...

    def write(self, name: str, text: str) -> None:
        """Write a text file so that it is never seen half written."""
        ...

    def scratch(self, name: str) -> Path:
        """A path of this process's own on which a file is written before it is `put`."""
        ...

    def put(self, temporary: Path, name: str) -> None:
        """Give a finished file its name; it leaves its scratch path."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file, or a folder with all that is in it; what is not there is no error."""
        ...

    def local(self, name: str) -> AbstractContextManager[Path]:
        """The file as a path that can be read while the block lasts. Raises FileNotFoundError."""
        ...

    def columns(self, name: str, columns: list[str]) -> "Table":
        """Some columns of a shard, without reading the others."""
        ...

    def claim(self, shared: bool = False, wait: bool = False) -> AbstractContextManager[None]:
        """Hold OUT, for this build alone or shared with others of its kind. Raises BuildError."""
        ...

    def prepare(self) -> None:
        """Make what shards are put into."""
        ...


def open_store(place: PathOrUrl) -> Store:
    """The store of a folder or a URL. Raises MissingLibraryError where a URL's library is not there."""
    if is_url(place):
        from hmer_tasks.storage.remote_store import RemoteStore

        return RemoteStore(str(place))
    return LocalStore(Path(place))


class LocalStore:
    """A folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __str__(self) -> str:
        return str(self.folder)

    def names(self, folder: str = "") -> list[str]:
        try:
            return sorted(entry.name for entry in (self.folder / folder).iterdir())
        except FileNotFoundError:
            return []

    def size(self, name: str) -> int | None:
        try:
            return (self.folder / name).stat().st_size
        except FileNotFoundError:
            return None

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        temporary = self.scratch(name)
        temporary.write_text(text, encoding="utf-8", newline="\n")
        self.put(temporary, name)

    def scratch(self, name: str) -> Path:
        work = self.folder / WORK
        work.mkdir(exist_ok=True)
        # Ranks on several machines may write side by side, each under names of its own.
        return work / f"{os.uname().nodename}.{os.getpid()}.{Path(name).name}.tmp"

    def put(self, temporary: Path, name: str) -> None:
        rename_durably(temporary, self.folder / name)

    def remove(self, name: str) -> None:
        path = self.folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    @contextmanager
    def local(self, name: str) -> Iterator[Path]:
        path = self.folder / name
        path.stat()
        yield path

    def columns(self, name: str, columns: list[str]) -> "Table":
        from pyarrow import parquet

        with parquet.ParquetFile(self.folder / name) as file:  # read_table takes 0.2 s to load what it needs
            return file.read(columns)

    @contextmanager
    def claim(self, shared: bool = False, wait: bool = False) -> Iterator[None]:
        """The lock is the folder's own and goes with its processes.

        Where a file system cannot lock, nothing holds others off, and nothing need: whoever writes the
        same build writes the same bytes, and other arguments are refused by plan.json.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.folder, os.O_RDONLY)
        except OSError as error:
            raise BuildError(f"cannot write to {self}: {error.strerror}; choose another --out") from error
        how = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
        try:
            try:
                fcntl.flock(handle, how)
                if not shared:
                    self._sweep()
            except BlockingIOError:
                raise BuildError(
                    f"{self} is being written by another build: wait for it, or choose another --out"
                ) from None
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
            yield
        finally:
            os.close(handle)

    def _sweep(self) -> None:
        """Remove what killed builds left half written."""
        for leftover in (self.folder / WORK).glob("*.tmp"):
            leftover.unlink(missing_ok=True)

    def prepare(self) -> None:
        (self.folder / "data").mkdir(exist_ok=True)
