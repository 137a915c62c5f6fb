"""Archives read in place: zip by random access, tar by offset.

Everything goes through `os.pread` on one descriptor, which has no position of its own to share:
workers forked after the opening read side by side without disturbing one another. Nothing is written
but a compressed tar's contents, to a temporary file without a name.

An archive is not trusted: what its tables claim is bounded before memory is taken for it, a member is
unpacked no further than the size it states, and that size is bounded by `guard_size`.
"""

import bz2
import gzip
import io
import lzma
import os
import posixpath
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from hmer_tasks.exceptions import CorpusError, PictureError, RejectReason
from hmer_tasks.storage.content import Content, DiskContent, PositionedReader
from hmer_tasks.storage.files import Files, escapes_root, guard_size, is_junk, normalize_member_name
from hmer_tasks.utils.progress import progress_of_many

CHUNK = 1 << 20  # bytes unpacked at a time
LARGE = 256  # MB of a tar; it takes seconds, and then how far it is is shown
SHOWN_EVERY = 1000  # members
BUFFER = 1 << 13  # bytes read ahead in a zip, where members are read here and there
BLOCK = 512  # bytes of a tar block
MAX_MEMBERS = 2_000_000  # MathWriting, the largest corpus of single files, has 655,619
MAX_DIRECTORY = 128 << 20  # bytes of a zip's directory: those of a million members
MAX_HEADER = 1 << 20  # bytes of a tar member's extended header
MAX_NAME = 4096  # bytes of a member's name, as on disk
# A tar may unpack to this whatever its size, beyond it to so many times its size. Ink reaches 12 times.
MODEST = 2 << 30
MAX_RATIO = 200
MAX_UNPACKED = 256 << 30  # bytes; past it, whoever means it can unpack it with tar
# How members may be packed: what every tool does by itself, and what can be unpacked piece by piece.
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

# What Python's readers raise on tables that are not what they say.
BROKEN = (
    tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, IndexError,
    KeyError, ArithmeticError, RecursionError, struct.error, zlib.error,
)  # fmt: skip

Unpacker = gzip.GzipFile | lzma.LZMAFile | bz2.BZ2File
# By the last two letters: .tar.gz and .tgz, .tar.xz and .txz, .tar.bz2 and .tbz2.
UNPACKERS: dict[str, Callable[[BinaryIO], Unpacker]] = {
    "gz": lambda file: gzip.GzipFile(fileobj=file),
    "xz": lzma.LZMAFile,
    "z2": bz2.BZ2File,
}


class TableReader(io.BufferedReader):
    """Buffered reads of at most `most` bytes: Python takes the memory for a read before it reads."""

    def __init__(self, path: Path, descriptor: int, most: int, buffer: int) -> None:
        super().__init__(PositionedReader(descriptor), buffer)
        self._path, self._most = path, most

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size > self._most:
            raise too_much(self._path, f"a table of {size:,} bytes; at most {self._most:,} are read")
        return super().read(size)


def too_much(path: Path, why: str) -> CorpusError:
    """One line about an archive that is sound, perhaps, but larger than anything that is read."""
    return CorpusError(
        f"{path}: {why}; if that is no mistake and no trap, unpack it yourself and give the folder"
    )


def damaged(path: Path, why: object) -> CorpusError:
    """One line about an archive that cannot be trusted."""
    return CorpusError(f"{path}: the archive is damaged or truncated ({why}); download or pack it again")


def checked(path: Path, name: str) -> str:
    """A member's name as files go by it. Raises CorpusError for one that leads out."""
    if escapes_root(name):
        raise CorpusError(f"{path}: refused, its member {name[:200]!r} leads out of the archive")
    if len(name) > MAX_NAME:
        raise CorpusError(f"{path}: refused, its member {name[:40]!r}… has a name of {len(name):,} letters")
    return posixpath.normpath(name)


class ArchiveFiles(Files):
    """What the two kinds of archive share: an index of member names, made once."""

    def __init__(self, root: Path, file: BinaryIO) -> None:
        super().__init__(root)
        self._file = file
        self._names: list[str] = []

    @contextmanager
    def _closed_on_failure(self, path: Path) -> Iterator[None]:
        """Close the file if its table cannot be read. Raises CorpusError."""
        try:
            yield
        except BROKEN as error:
            self._file.close()
            raise damaged(path, error) from None
        except CorpusError:
            self._file.close()
            raise

    def _list(self, names: Iterable[str]) -> None:
        self._names = sorted(name for name in names if not is_junk(name))

    def names(self, prefix: str = "", suffix: str = "") -> list[str]:
        names = []
        for index in range(bisect_left(self._names, prefix), len(self._names)):
            if not self._names[index].startswith(prefix):
                break
            if self._names[index].endswith(suffix):
                names.append(self._names[index])
        return names

    def folders(self, prefix: str = "") -> list[str]:
        folders, at = [], bisect_left(self._names, prefix)
        while at < len(self._names) and self._names[at].startswith(prefix):
            folder, slash, _ = self._names[at][len(prefix) :].partition("/")
            if slash:
                folders.append(folder)
            # All of a folder stands together: "0" is the character after "/".
            at = bisect_left(self._names, f"{prefix}{folder}0", at + 1) if slash else at + 1
        return sorted(folders)

    def exists(self, name: str) -> bool:
        if escapes_root(name):
            return False
        name = posixpath.normpath(name)
        at = bisect_left(self._names, name)
        return at < len(self._names) and self._names[at] == name

    def close(self) -> None:
        self._file.close()


def _utf8_name(member: zipfile.ZipInfo) -> str:
    """A member's name. Some tools write UTF-8 and do not say so; zipfile then takes it for code page 437."""
    if member.flag_bits & 0x800 or member.filename.isascii():
        return member.filename
    try:
        return member.filename.encode("cp437").decode()
    except UnicodeError:
        return member.filename


class ZipFiles(ArchiveFiles):
    """A zip archive."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, path.open("rb"))
        with self._closed_on_failure(path):
            self._zip = zipfile.ZipFile(TableReader(path, self._file.fileno(), MAX_DIRECTORY, BUFFER))
            if len(self._zip.filelist) > MAX_MEMBERS:
                raise too_much(path, f"over {MAX_MEMBERS:,} members")
            self._members: dict[str, zipfile.ZipInfo] = {}
            for member in self._zip.infolist():
                name = checked(path, _utf8_name(member))
                kind = stat.S_IFMT(member.external_attr >> 16)
                if name == "." or member.is_dir() or kind not in (0, stat.S_IFREG):
                    continue
                if member.flag_bits & 1:
                    raise CorpusError(f"{path}: its member {name!r} is encrypted; unpack it first")
                self._members[name] = member
        self._list(self._members)

    def read(self, name: str) -> bytes:
        member = self._members.get(normalize_member_name(name))
        if member is None:
            raise PictureError(RejectReason.IMAGE_MISSING, name)
        guard_size(member.file_size, name)
        if member.compress_type not in PACKED:
            detail = f"packed by method {member.compress_type}; only stored and deflated members are read"
            raise PictureError(RejectReason.IMAGE_UNREADABLE, name, detail)
        try:
            # Piece by piece: read at once, a member would be unpacked past the size that it states.
            with self._zip.open(member) as opened:
                return b"".join(iter(lambda: opened.read(CHUNK), b""))
        except BROKEN as error:
            raise PictureError(RejectReason.IMAGE_UNREADABLE, name, f"in the archive: {error}") from None


class TarFiles(ArchiveFiles):
    """A tar archive; a compressed one is unpacked once into a temporary file without a name."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, unpacked(path))
        self._members: dict[str, tuple[int, int]] = {}  # name -> offset, size in bytes
        with self._closed_on_failure(path):
            self._scan(path)
        self._list(self._members)

    def _scan(self, path: Path) -> None:
        descriptor = self._file.fileno()
        reader = TableReader(path, descriptor, MAX_HEADER, CHUNK)
        size = os.fstat(descriptor).st_size >> 20
        with (
            tarfile.open(fileobj=reader, mode="r:", encoding="utf-8") as tar,
            progress_of_many(size, LARGE, f"MB of {path.name} looked through") as show,
        ):
            while (member := tar.next()) is not None:
                tar.members.clear()  # type: ignore[attr-defined]  # a million of them are a gigabyte
                if len(self._members) % SHOWN_EVERY == 0:
                    show(tar.offset >> 20)
                name = checked(path, member.name)
                if member.sparse is not None:
                    raise CorpusError(f"{path}: its member {name!r} is sparse; pack without --sparse")
                if member.size < 0 or member.offset_data < 0:
                    raise damaged(path, f"its member {name!r} has {member.size} bytes")
                if len(self._members) > MAX_MEMBERS:
                    raise too_much(path, f"over {MAX_MEMBERS:,} members")
                if member.isreg():
                    self._members[name] = (member.offset_data, member.size)
                elif member.islnk():  # of a file before it; a link that leads elsewhere is no file
                    linked = posixpath.normpath(member.linkname)
                    if linked in self._members:
                        self._members[name] = self._members[linked]
            # tarfile stops without a word at a broken header or a missing end: samples would vanish.
            if os.pread(descriptor, BLOCK, tar.offset) != bytes(BLOCK):
                raise damaged(path, f"no header at byte {tar.offset}")

    def _place(self, name: str) -> tuple[int, int]:
        place = self._members.get(normalize_member_name(name))
        if place is None:
            raise PictureError(RejectReason.IMAGE_MISSING, name)
        return place

    def content(self, name: str) -> Content:
        return DiskContent(name, self._file.fileno(), *self._place(name))

    def read(self, name: str) -> bytes:
        offset, size = self._place(name)
        guard_size(size, name)
        try:
            data = os.pread(self._file.fileno(), size, offset)
        except OSError as error:
            raise PictureError(RejectReason.IMAGE_UNREADABLE, name, f"in the archive: {error}") from None
        if len(data) != size:
            raise PictureError(RejectReason.IMAGE_UNREADABLE, name, "the archive ends before it does")
        return data


def unpacked(path: Path) -> BinaryIO:
    """An open tar file: the file itself, or its contents in an unlinked temporary file."""
    if path.suffix.lower() == ".tar":
        return path.open("rb")
    most = max(MODEST, min(MAX_UNPACKED, MAX_RATIO * path.stat().st_size))
    with path.open("rb") as raw, UNPACKERS[path.suffix.lower()[-2:]](raw) as opened:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - it stays open as long as the corpus does
        try:
            _copy(path, raw, opened, file, most)
        except CorpusError:
            file.close()
            raise
    return file


def _copy(path: Path, raw: BinaryIO, packed: Unpacker, file: IO[bytes], most: int) -> None:
    remaining = most
    with progress_of_many(path.stat().st_size >> 20, LARGE, f"MB of {path.name} unpacked") as show:
        while True:
            show(raw.tell() >> 20)
            try:
                chunk = packed.read(CHUNK)
            except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
                raise damaged(path, error) from None
            remaining -= len(chunk)
            if remaining < 0:
                raise too_much(path, f"it unpacks to over {most / 1e9:.1f} GB")
            try:
                file.write(chunk)
                if not chunk:
                    file.flush()
                    return
            except OSError as error:
                raise CorpusError(
                    f"{path}: no room to unpack it in the temporary folder ({error.strerror}); "
                    f"set TMPDIR to a larger disk, or unpack it yourself and give the folder"
                ) from None


def open_archive(path: Path) -> ArchiveFiles:
    """Open a .zip or a .tar, compressed or not. Raises CorpusError, one line, if it is damaged."""
    try:
        return ZipFiles(path) if path.name.lower().endswith(".zip") else TarFiles(path)
    except OSError as error:
        raise CorpusError(f"{path}: cannot be opened ({error.strerror})") from None
