"""A corpus at a URL: a folder read file by file, an archive fetched once.

A folder of an object store is listed once; each picture is one request, made when it is read. An
archive needs random access to thousands of members, so it is downloaded once, to HMER_CACHE (default
~/.cache/hmer-tasks), and read there like any other; a changed one is downloaded anew.
"""

import fcntl
import io
import posixpath
from hashlib import sha256
from pathlib import Path

from hmer_tasks.exceptions import CorpusError, CorpusMissingError, PictureError, RejectReason
from hmer_tasks.storage.archives import ArchiveFiles, open_archive
from hmer_tasks.storage.files import ENDINGS, Files, guard_size, normalize_member_name
from hmer_tasks.storage.urls import cache_folder, filesystem, retry


class RemoteFiles(ArchiveFiles):
    """A folder at a URL, listed once as an archive is. What was opened before a fork is opened anew."""

    def __init__(self, url: str) -> None:
        super().__init__(Path(url), io.BytesIO())
        self.root, self._url = url, url
        fs, base = filesystem(url)
        listing = retry(url, lambda: fs.find(base, detail=True))
        self._sizes = {
            str(path)[len(base) + 1 :]: int(about.get("size") or 0)
            for path, about in listing.items()
            if str(path).startswith(f"{base}/")
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


def _out_of_reach(url: str, error: OSError) -> CorpusError:
    why = error.strerror or error
    return CorpusError(f"{url}: cannot be read ({why}); run the same command again to go on")


def open_remote(url: str) -> Files:
    """Open a folder or an archive at a URL. Raises CorpusMissingError, CorpusError, MissingLibraryError."""
    fs, base = filesystem(url)
    try:
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
        path.unlink()  # a download that is sound and an archive that is not: the next may be mended
        raise CorpusError(str(error).replace(str(path), url)) from None
    files.root = url
    return files


def _fetched(url: str) -> Path:
    """The archive's copy on this machine: downloaded once, by one process, for all."""
    fs, path = filesystem(url)
    version = retry(url, lambda: fs.ukey(path))  # another for another content: of its date, size or tag
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
