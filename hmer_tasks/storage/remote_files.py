"""A corpus at a URL: a folder read file by file, an archive fetched once.

A folder of an object store is listed once; each picture is one request, made when it is read. An
archive needs random access to thousands of members, so it is downloaded once, to HMER_CACHE (default
~/.cache/hmer-tasks), and read there like any other; a changed one is downloaded anew.
"""

import fcntl
import io
import os
import posixpath
from hashlib import sha256
from pathlib import Path

from hmer_tasks.exceptions import CorpusError, CorpusMissingError, PictureError, RejectReason
from hmer_tasks.storage.archives import ArchiveFiles, open_archive
from hmer_tasks.storage.content import Content
from hmer_tasks.storage.files import ENDINGS, TABLES, Files, guard_size, normalize_member_name, seen_with
from hmer_tasks.storage.urls import cache_folder, filesystem, retry

READ_AHEAD = 1 << 20  # bytes of a remote file that one small read asks for


class RangeReader(io.RawIOBase):
    """A file at a URL read by requests for ranges of its bytes; nothing is kept open across a fork."""

    def __init__(self, url: str, size: int) -> None:
        super().__init__()
        self._url, self._size, self._at = url, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(start + offset, 0)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        stop = min(self._at + len(buffer), self._size)
        if stop <= self._at:
            return 0
        fs, path = filesystem(self._url)
        data: bytes = retry(self._url, lambda: fs.cat_file(path, start=self._at, end=stop))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


class RangedContent:
    """A file at a URL; nothing of it is held."""

    def __init__(self, url: str, size: int) -> None:
        self._url, self._size = url, size

    @property
    def size(self) -> int:
        return self._size

    def at(self, offset: int) -> io.BufferedIOBase:
        reader = RangeReader(self._url, self._size)
        reader.seek(offset)
        return io.BufferedReader(reader, READ_AHEAD)


class RemoteFiles(ArchiveFiles):
    """A folder at a URL, listed once as an archive is. What was opened before a fork is opened anew.

    `only`: the one table in it that is seen, where the user named a file.
    """

    def __init__(self, url: str, only: str = "") -> None:
        super().__init__(Path(url), io.BytesIO())
        self.root, self._url = url, url
        fs, base = filesystem(url)
        listing = retry(url, lambda: fs.find(base, detail=True))
        self._sizes = {
            str(path)[len(base) + 1 :]: int(about.get("size") or 0)
            for path, about in listing.items()
            if str(path).startswith(f"{base}/") and (not only or seen_with(only, str(path)[len(base) + 1 :]))
        }
        self._list(self._sizes)

    def read(self, name: str) -> bytes:
        """As `Files.read`; CorpusError where the store cannot be reached, for then no picture is to blame."""
        name = normalize_member_name(name)
        if name not in self._sizes:
            raise PictureError(RejectReason.IMAGE_MISSING, name)
        size = self._sizes[name]
        guard_size(size, name)
        if not size:
            return b""
        fs, base = filesystem(self._url)
        try:
            # With its bounds a file is one request; without them s3fs asks for its size first.
            data: bytes = retry(
                f"{self._url}/{name}", lambda: fs.cat_file(f"{base}/{name}", start=0, end=size)
            )
        except FileNotFoundError:
            raise PictureError(
                RejectReason.IMAGE_MISSING, name, "it was there when the build began"
            ) from None
        except OSError as error:
            raise _out_of_reach(f"{self._url}/{name}", error) from error
        return data

    def ranges(self, name: str) -> Content:
        name = normalize_member_name(name)
        if name not in self._sizes:
            raise PictureError(RejectReason.IMAGE_MISSING, name)
        return RangedContent(f"{self._url}/{name}", self._sizes[name])


def _out_of_reach(url: str, error: OSError) -> CorpusError:
    why = error.strerror or error
    return CorpusError(f"{url}: cannot be read ({why}); run the same command again to go on")


def open_remote(url: str) -> Files:
    """Open a folder or an archive at a URL. Raises CorpusMissingError, CorpusError, MissingLibraryError."""
    fs, base = filesystem(url)
    try:
        if url.lower().endswith(TABLES) and retry(url, lambda: fs.isfile(base)):
            folder, _, name = url.rpartition("/")
            return RemoteFiles(folder, only=name)
        if not url.lower().endswith(ENDINGS):
            files = RemoteFiles(url)
            if files.names():
                return files
        endings = ("",) if url.lower().endswith(ENDINGS) else ENDINGS
        for ending in endings:
            if retry(url, lambda path=base + ending: fs.isfile(path)):  # type: ignore[misc]
                return _open_archive(url + ending)
    except OSError as error:
        if not isinstance(error, FileNotFoundError):
            raise _out_of_reach(url, error) from error
    raise CorpusMissingError(f"{url}: nothing there, neither a folder nor an archive ({', '.join(ENDINGS)})")


def _open_archive(url: str) -> Files:
    path = _fetched(url)
    try:
        files = open_archive(path)
    except CorpusError as error:
        path.unlink()  # a download that is sound and an archive that is not: the next one may be sound
        raise CorpusError(str(error).replace(str(path), url)) from None
    files.root = url
    return files


def _fetched(url: str) -> Path:
    """The archive's copy on this machine: downloaded once, by one process, for all."""
    fs, path = filesystem(url)
    # Another for another content: of its date, size or tag. The key of a web server's file is its URL alone.
    about = retry(url, lambda: fs.info(path))
    version = [
        retry(url, lambda: fs.ukey(path)),
        *(about.get(name) for name in ("size", "ETag", "Last-Modified")),
    ]
    folder = cache_folder() / sha256(f"{url}\n{version}".encode()).hexdigest()[:16]
    copy = folder / posixpath.basename(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not copy.exists():
                part = copy.with_name("part")
                retry(url, lambda: fs.get_file(path, str(part)))
                part.replace(copy)
    except OSError as error:
        raise CorpusError(
            f"{url}: cannot be fetched to {folder} ({error.strerror or error}); "
            f"HMER_CACHE names another place"
        ) from error
    return copy
