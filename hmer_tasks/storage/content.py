"""A file's content, read from any byte on: where it lies on disk, or out of memory.

Nothing here has a position that is shared, so that workers forked after the opening read side by side.
"""

import io
import os
from typing import Protocol

from hmer_tasks.exceptions import CorpusError

BUFFER = 1 << 16  # bytes read ahead


class PositionedReader(io.RawIOBase):
    """A file object over (a part of) a descriptor that keeps its own position, hence safe after a fork."""

    def __init__(self, descriptor: int, start: int = 0, size: int | None = None) -> None:
        super().__init__()
        self._descriptor, self._start = descriptor, start
        self._at = 0
        self._size = os.fstat(descriptor).st_size - start if size is None else size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise OSError("seek before the beginning")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        size = min(len(buffer), max(self._size - self._at, 0))
        data = os.pread(self._descriptor, size, self._start + self._at)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


class Content(Protocol):
    """What `Files.content` returns; good as long as its `Files` are open."""

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    def at(self, offset: int) -> io.BufferedIOBase:
        """A file object of its own that begins at a byte. Raises CorpusError where the file has changed."""
        ...


class HeldContent:
    """Bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        return len(self._data)

    def at(self, offset: int) -> io.BufferedIOBase:
        file = io.BytesIO(self._data)  # shares the bytes
        file.seek(offset)
        return file


class DiskContent:
    """A file on disk, or a member of an archive that stands in it unpacked; nothing of it is held."""

    def __init__(self, name: str, descriptor: int, start: int = 0, size: int | None = None) -> None:
        self._name, self._descriptor, self._start = name, descriptor, start
        self._stamp = self._now()
        self._size = self._stamp[0] - start if size is None else size

    def _now(self) -> tuple[int, int]:
        status = os.fstat(self._descriptor)
        return status.st_size, status.st_mtime_ns

    @property
    def size(self) -> int:
        return self._size

    def at(self, offset: int) -> io.BufferedIOBase:
        # What was found in it stands at other bytes now, and a build would mix the old with the new.
        if self._now() != self._stamp:
            raise CorpusError(
                f"{self._name}: was changed while it was read: bring the old file back and run the same "
                f"command, or begin anew (a build: --overwrite)"
            )
        reader = PositionedReader(self._descriptor, self._start, self._size)
        reader.seek(offset)
        return io.BufferedReader(reader, BUFFER)
