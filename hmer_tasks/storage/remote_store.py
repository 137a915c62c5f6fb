"""OUT on an object store (s3://, gs://, hf:// …), through fsspec.

A put of a whole object is atomic there, so a shard is written to a temporary file of this machine
and then put; its marker follows it. No object store can be locked. Nothing needs it: whoever writes
the same build writes the same bytes, and other arguments are refused by plan.json and by each marker.
"""

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hmer_tasks.exceptions import BuildError
from hmer_tasks.storage.urls import RemoteError, filesystem, retry

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem
    from pyarrow import Table


class RemoteStore:
    """A prefix of an object store. Nothing is kept open: workers are forked with it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._scratch: Path | None = None
        filesystem(url)  # a missing library is reported before any work

    def __str__(self) -> str:
        return self.url

    def _at(self, name: str) -> "tuple[AbstractFileSystem, str]":
        fs, base = filesystem(self.url)
        fs.invalidate_cache()  # HfFileSystem keeps listings though switched off; others write there too
        return fs, f"{base}/{name}" if name else base

    def names(self, folder: str = "") -> list[str]:
        fs, path = self._at(folder)
        try:
            paths = retry(self.url, lambda: fs.ls(path, detail=False))
        except FileNotFoundError:
            return []
        return sorted(
            {
                str(path_in_folder).rstrip("/").rpartition("/")[2]
                for path_in_folder in paths
                if str(path_in_folder).strip("/") != path
            }
        )

    def size(self, name: str) -> int | None:
        fs, path = self._at(name)
        try:
            info = retry(self.url, lambda: fs.info(path))
        except FileNotFoundError:
            return None
        return int(info["size"])

    def read(self, name: str) -> str:
        fs, path = self._at(name)
        data: bytes = retry(self.url, lambda: fs.cat_file(path))
        return data.decode()

    def write(self, name: str, text: str) -> None:
        fs, path = self._at(name)
        retry(self.url, lambda: fs.pipe_file(path, text.encode()))

    def scratch(self, name: str) -> Path:
        if self._scratch is None:
            raise AssertionError("claim() comes first")
        return self._scratch / Path(name).name

    def put(self, temporary: Path, name: str) -> None:
        fs, path = self._at(name)
        size = temporary.stat().st_size

        def upload() -> None:
            fs.put_file(str(temporary), path)
            if (stored := int(fs.info(path)["size"])) != size:
                raise RemoteError(errno.EIO, f"{name}: {size} bytes were sent, {stored} are there", self.url)

        retry(self.url, upload)
        temporary.unlink()

    def remove(self, name: str) -> None:
        fs, path = self._at(name)
        try:
            retry(self.url, lambda: fs.rm(path, recursive=True))
        except FileNotFoundError:
            return

    @contextmanager
    def local(self, name: str) -> Iterator[Path]:
        """A copy in the temporary folder."""
        fs, path = self._at(name)
        with tempfile.TemporaryDirectory(prefix="hmer-tasks-") as folder:
            copy = Path(folder) / Path(name).name
            retry(self.url, lambda: fs.get_file(path, str(copy)))
            yield copy

    def columns(self, name: str, columns: list[str]) -> "Table":
        from pyarrow import parquet

        fs, path = self._at(name)

        def read() -> "Table":
            with fs.open(path, "rb") as file:  # closed, for gcsfs reads ahead until it is
                return parquet.ParquetFile(file).read(columns)

        return retry(self.url, read)

    @contextmanager
    def claim(self, shared: bool = False, wait: bool = False) -> Iterator[None]:
        """Only a folder for what is being written; see above why there is no lock."""
        del shared, wait
        try:
            self.names()
        except OSError as error:
            raise BuildError(
                f"cannot write to {self}: {error.strerror or error}; choose another --out"
            ) from error
        self._scratch = Path(tempfile.mkdtemp(prefix="hmer-tasks-"))
        try:
            yield
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def prepare(self) -> None:
        """Object stores have no folders."""
