"""A folder or an archive opened read-only, its files addressed by relative posix names.

`open_files(root)` hides which of the two it is: names, order and bytes are the same, but for links, which
are followed in a folder alone. Nothing is ever written, no name leads out of the root, and an opened `Files`
may be used in forked workers.
"""

import os
import posixpath
import re
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from hmer_tasks.exceptions import CorpusError, PictureError, RejectReason
from hmer_tasks.storage.content import Content, DiskContent, HeldContent
from hmer_tasks.storage.urls import PathOrUrl

_MANY_OPEN, _SMALL = 200, 1 << 20  # files; bytes

TABLES = (".parquet", ".jsonl", ".ndjson", ".csv", ".tsv")  # what may be given as the root by itself
ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2")
MAX_READ = 256 * 1024 * 1024  # bytes; no picture, ink or label file of any corpus comes near


def is_junk(name: str) -> bool:
    """Whether a name is something that macOS left behind."""
    *folders, last = name.split("/")
    return "__MACOSX" in folders or last.startswith("._") or last == ".DS_Store"


def escapes_root(name: str) -> bool:
    """Whether a name is absolute or leads above where it starts, on any system."""
    parts = name.replace("\\", "/")
    if parts.startswith("/") or re.match(r"[A-Za-z]:/", parts):
        return True
    return posixpath.normpath(parts).split("/")[0] == ".."


def seen_with(only: str, name: str) -> bool:
    """Whether a file is seen beside the table that the user named: other tables are not."""
    return name == only or not name.lower().endswith(TABLES)


def normalize_member_name(name: str) -> str:
    """A name from a label file as the one spelling that files go by. Raises PictureError."""
    if escapes_root(name):
        raise PictureError(RejectReason.IMAGE_OUTSIDE_ROOT, name, "the name leads out of the corpus")
    return posixpath.normpath(name)


def guard_size(size: int, name: str) -> None:
    """Raises PictureError for a file that no corpus holds: a mistake or a bomb."""
    if size > MAX_READ:
        raise PictureError(RejectReason.IMAGE_TOO_LARGE, name, f"{size} bytes; at most {MAX_READ} are read")


class Files(ABC):
    """The files under `root`. Use as a context manager; `root` is for messages only."""

    def __init__(self, root: PathOrUrl) -> None:
        self.root = root

    @abstractmethod
    def names(self, prefix: str = "", suffix: str = "") -> list[str]:
        """The names of all regular files that start and end so, sorted; macOS junk left out."""

    @abstractmethod
    def folders(self, prefix: str = "") -> list[str]:
        """The names of the folders right under `prefix` (`""` or one ending in `/`), sorted."""

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Whether `read(name)` would find a regular file."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """A file's bytes.

        Raises PictureError: IMAGE_MISSING, IMAGE_OUTSIDE_ROOT, IMAGE_TOO_LARGE (over `MAX_READ`)
        or IMAGE_UNREADABLE (the disk or the archive fails).
        """

    def content(self, name: str) -> Content:
        """A file to read here and there, of any size where it lies on disk as it is. Raises as `read`."""
        return HeldContent(self.read(name))

    def ranges(self, name: str) -> Content:
        """A file of any size of which only parts are read, far apart: a Parquet file. Raises as `read`."""
        return self.content(name)

    @abstractmethod
    def close(self) -> None:
        """Let go of the handle. Reading afterwards is an error."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def top(self, marks: Iterable[str]) -> str | None:
        """Where a layout begins: the prefix (`""`, `HME100K/` …) under which one of `marks` stands.

        A mark is a file's name. Downloads often wrap everything in a folder or two, so the root is
        tried first, then each level below it, down to the second. Two places on one level raise
        CorpusError, because either could be meant.
        """
        marks = tuple(marks)
        level = [""]
        for _ in range(3):
            prefixes = [prefix for prefix in level if any(self.exists(prefix + mark) for mark in marks)]
            if len(prefixes) > 1:
                raise CorpusError(
                    f"{self.root}: the same layout stands under {prefixes[0]} and {prefixes[1]}; "
                    f"give one of the two as the root"
                )
            if prefixes:
                return prefixes[0]
            level = [f"{prefix}{name}/" for prefix in level for name in self.folders(prefix)]
        return None


class FolderFiles(Files):
    """A folder on disk. `only`: the one table in it that is seen, where the user named a file."""

    def __init__(self, root: Path, only: str = "") -> None:
        super().__init__(root)
        self._only = only
        self._real = os.path.realpath(root)
        self._mark = _identity(self._real)
        self._seen: set[str] = set()  # folders, as real paths, in which a file was found
        self._names: list[str] | None = None
        self._folders: dict[str, str] = {}  # a folder's name -> its real path
        self._last_file = ("", "", 0)  # of the last file that was asked for and was there: name, path, size
        self._opened: list[BinaryIO] = []

    def _walk(self, folder: str, prefix: str) -> Iterator[str]:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from self._walk(entry.path, f"{prefix}{entry.name}/")
                elif entry.is_file() and not is_junk(prefix + entry.name):
                    yield prefix + entry.name

    def names(self, prefix: str = "", suffix: str = "") -> list[str]:
        if self._names is None:
            try:
                self._names = sorted(self._walk(self._real, ""))
            except OSError as error:
                raise CorpusError(f"{self.root}: cannot be listed ({error.strerror})") from None
            except RecursionError:
                raise CorpusError(f"{self.root}: its folders are nested too deeply") from None
        if self._only:
            self._names = [name for name in self._names if seen_with(self._only, name)]
        return [name for name in self._names if name.startswith(prefix) and name.endswith(suffix)]

    def folders(self, prefix: str = "") -> list[str]:
        try:
            with os.scandir(posixpath.join(self._real, prefix)) as entries:
                return sorted(e.name for e in entries if e.is_dir() and e.name != "__MACOSX")
        except OSError as error:
            raise CorpusError(f"{self.root}: cannot be listed ({error.strerror})") from None

    def _inside(self, path: str, name: str) -> str:
        """A path without links, which must lie in the root: a link in it may lead anywhere."""
        real = os.path.realpath(path)
        if os.path.commonpath((real, self._real)) != self._real:
            raise PictureError(RejectReason.IMAGE_OUTSIDE_ROOT, name, "a link leads out of the corpus")
        return real

    def _find(self, name: str, guarded: bool = True) -> tuple[str, int]:
        """A regular file's real path and its size in bytes. Raises PictureError, and CorpusError where it
        is not there because the corpus has gone, if that is `guarded` against."""
        folder, last = posixpath.split(normalize_member_name(name))
        try:
            # Pictures share few folders, so that each is resolved once; the file itself mostly is no link.
            if folder not in self._folders:
                self._folders[folder] = self._inside(posixpath.join(self._real, folder), name)
            path = posixpath.join(self._folders[folder], last)
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode):
                path = self._inside(path, name)
                status = os.lstat(path)
        except (OSError, ValueError):  # ValueError: a null byte in the name
            if guarded:
                self._guard_root(self._folders.get(folder))
            raise PictureError(RejectReason.IMAGE_MISSING, name) from None
        self._seen.add(self._folders[folder])
        if not stat.S_ISREG(status.st_mode):
            raise PictureError(RejectReason.IMAGE_MISSING, name, "not a regular file")
        return path, status.st_size

    def _guard_root(self, folder: str | None) -> None:
        """Raises CorpusError where the root, or a folder that held files, went away while it was read:
        its pictures are not missing, and must not be refused one by one."""
        gone = self._mark != _identity(self._real)
        if gone or (folder in self._seen and not Path(str(folder)).is_dir()):
            raise CorpusError(
                f"{self.root if gone else folder}: the corpus has gone away while it was read; "
                f"bring it back and run the same command to go on"
            )

    def path(self, name: str) -> str:
        """Where a regular file lies, links followed, for what reads files by itself. Raises PictureError."""
        return self._find(name)[0]

    def exists(self, name: str) -> bool:
        try:
            self._last_file = (name, *self._find(name, guarded=False))  # reading it then raises
        except PictureError:
            return False
        return True

    def read(self, name: str) -> bytes:
        # A picture is looked for, then read: once is enough, as asking the disk takes as long as reading.
        path, size = self._last_file[1:] if self._last_file[0] == name else self._find(name)
        self._last_file = ("", "", 0)
        guard_size(size, name)
        try:
            with open(path, "rb") as file:
                return file.read()
        except OSError as error:
            self._guard_root(None)
            raise PictureError(RejectReason.IMAGE_UNREADABLE, name, str(error.strerror)) from None

    def content(self, name: str) -> Content:
        path, size = self._find(name)
        if len(self._opened) >= _MANY_OPEN and size <= _SMALL:  # a label file in each of many folders
            return super().content(name)
        try:
            file = open(path, "rb")  # noqa: SIM115 - it stays open as long as the corpus does
        except OSError as error:
            raise PictureError(RejectReason.IMAGE_UNREADABLE, name, str(error.strerror)) from None
        self._opened.append(file)
        return DiskContent(name, file.fileno())

    def close(self) -> None:
        self._names = None
        for file in self._opened:
            file.close()


def _identity(folder: str) -> tuple[int, int] | None:
    """What tells a folder from another at its place: an unmounted disk leaves an empty one behind."""
    try:
        status = Path(folder).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
