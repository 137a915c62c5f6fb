"""A configuration of published rows as one table over its Parquet files: read late, a row group at a time."""

import hashlib
import os
import posixpath
import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from hmer_tasks.exceptions import CorpusError, PictureError
from hmer_tasks.storage.files import Files, FolderFiles

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

Turns = tuple[str, str]  # the question and the answer
_ANSWERS = ("gpt", "assistant")


def parquet_names(files: Files, config: str) -> list[str]:
    """The Parquet files of a configuration, sorted. Raises CorpusError where they lie in two places."""
    of_it = re.compile(rf"{re.escape(config)}(-[^/]*)?\.parquet")
    names = [
        name
        for name in files.names("", ".parquet")
        if posixpath.basename(posixpath.dirname(name)) == config or of_it.fullmatch(posixpath.basename(name))
    ]
    homes = sorted({posixpath.dirname(name) for name in names})
    if len(homes) > 1:
        raise CorpusError(
            f"{files.root}: {config} lies in {homes[0]} and in {homes[1]}; give one of the two as the root"
        )
    return names


def open_table(files: Files, config: str) -> "Table | None":
    """A configuration's table; None where it has no file. Raises CorpusError for a broken one."""
    names = parquet_names(files, config)
    return Table(files, names) if names else None


class Table:
    """The rows of several Parquet files, in the order of their names.

    `names`: of each row's picture, its file name without folders, or 16 hexadecimal digits.
    """

    def __init__(self, files: Files, parquet: list[str]) -> None:
        self._files, self._parquet = files, parquet
        self._opened: dict[tuple[int, int], pq.ParquetFile] = {}  # by process: a fork must not share one
        self._held: tuple[int, int, int] | None = None
        self._rows: pa.Table | None = None
        digest = hashlib.sha256()
        groups: list[tuple[int, int]] = []
        sizes: list[int] = []
        self.names: list[str] = []
        for number, name in enumerate(parquet):
            file = self._open(number)
            metadata = file.metadata
            digest.update(f"{name} {metadata.num_rows} {metadata.serialized_size}\n".encode())
            for group in range(metadata.num_row_groups):
                groups.append((number, group))
                sizes.append(metadata.row_group(group).num_rows)
                digest.update(str(metadata.row_group(group).to_dict()).encode())
                self.names += self._names(file, group)
        self._groups = groups
        self._ends = list(accumulate(sizes))
        self._digest = digest.hexdigest()

    def __len__(self) -> int:
        return len(self.names)

    def digest(self) -> str:
        """SHA-256 of the files' names and of what their footers tell: sizes, offsets, statistics."""
        return self._digest

    def place(self, row: int) -> str:
        """Where a row stands, for messages: the file, and the row's number in the configuration."""
        number, _ = self._groups[bisect_right(self._ends, row)]
        return f"{self._parquet[number]}, row {row}"

    def picture(self, row: int) -> bytes | None:
        """The bytes of a row's picture."""
        value = self._row(row)[0]
        data = value.get("bytes") if isinstance(value, dict) else value
        return data if isinstance(data, bytes) and data else None

    def turns(self, row: int) -> Turns | None:
        """A row's question and answer; None where the conversation is anything else."""
        return turns_of(self._row(row)[1])

    def all_turns(self) -> Iterator[Turns | None]:
        """Every row's question and answer, without the pictures."""
        for number, group in self._groups:
            column = self._read(number, group, ["conversations"]).column("conversations")
            for value in column:
                yield turns_of(value.as_py())

    def _row(self, row: int) -> tuple[object, object]:
        at = bisect_right(self._ends, row)
        number, group = self._groups[at]
        if self._held != (os.getpid(), number, group) or self._rows is None:
            self._rows = self._read(number, group, ["image", "conversations"])
            self._held = (os.getpid(), number, group)
        place = row - (self._ends[at - 1] if at else 0)
        return self._rows.column("image")[place].as_py(), self._rows.column("conversations")[place].as_py()

    def _read(self, number: int, group: int, columns: list[str]) -> "pa.Table":
        import pyarrow as pa

        try:
            return self._open(number).read_row_group(group, columns=columns, use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(number, error) from None

    def _names(self, file: "pq.ParquetFile", group: int) -> list[str]:
        """The names of a row group's pictures. Pictures are read only where one has no name."""
        import pyarrow as pa

        try:
            if "image.path" in [file.schema.column(i).path for i in range(len(file.schema))]:
                column = file.read_row_group(group, columns=["image.path"], use_threads=False).column("image")
                names = [value["path"] if value else None for value in column.to_pylist()]
            else:
                names = [None] * file.metadata.row_group(group).num_rows
            if all(names):
                return [posixpath.basename(str(name).replace("\\", "/")) for name in names]
            pictures = file.read_row_group(group, columns=["image"], use_threads=False).column("image")
        except (pa.ArrowException, OSError) as error:
            raise CorpusError(f"{self._files.root}: not readable as Parquet ({error})") from None
        return [
            posixpath.basename(str(name).replace("\\", "/")) if name else _digits(value.as_py())
            for name, value in zip(names, pictures, strict=True)
        ]

    def _open(self, number: int) -> "pq.ParquetFile":
        import pyarrow as pa
        import pyarrow.parquet as pq

        key = (os.getpid(), number)
        if key not in self._opened:
            name = self._parquet[number]
            try:
                source = (
                    self._files.path(name)
                    if isinstance(self._files, FolderFiles)
                    else pa.BufferReader(self._files.read(name))
                )
                file = pq.ParquetFile(source)
            except PictureError as error:
                hint = (
                    "give the folder that holds blobs/ and snapshots/"
                    if "link" in error.detail
                    else "unpack it"
                )
                raise CorpusError(
                    f"{self._files.root}: {name} cannot be read ({error.detail}); {hint}"
                ) from None
            except (pa.ArrowException, OSError) as error:
                raise self._damaged(number, error) from None
            columns = set(file.schema_arrow.names)
            if not {"image", "conversations"} <= columns:
                raise CorpusError(
                    f"{self._files.root}: {name} has the columns {', '.join(sorted(columns))}; "
                    f"the authors' rows have image and conversations"
                )
            self._opened[key] = file
        return self._opened[key]

    def _damaged(self, number: int, error: Exception) -> CorpusError:
        why = " ".join(str(error).split())[:200]
        return CorpusError(
            f"{self._files.root}: {self._parquet[number]} is damaged ({why}); download it again"
        )


def turns_of(conversation: object) -> Turns | None:
    """A conversation's question, without the picture's place-holder, and its answer."""
    if not isinstance(conversation, list) or len(conversation) != 2:
        return None
    question, answer = conversation
    if not isinstance(question, dict) or not isinstance(answer, dict):
        return None
    texts = question.get("value"), answer.get("value")
    if answer.get("from") not in _ANSWERS or not all(isinstance(text, str) for text in texts):
        return None
    return str(texts[0]).removeprefix("<image>"), str(texts[1])


def _digits(image: object) -> str:
    data = image.get("bytes") if isinstance(image, dict) else image
    return hashlib.sha256(data if isinstance(data, bytes) else b"").hexdigest()[:16]
