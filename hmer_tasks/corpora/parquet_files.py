"""Parquet files as one table of pictures and labels: read late, in order, a few rows in memory at a time.

Labels are read a row group at a time without their pictures; pictures a batch at a time, page after page, so
that memory does not grow with the row groups, which may be as large as their file.
"""

import hashlib
import os
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from hmer_tasks.corpora.columns import ID_NAMES, IMAGE_NAMES, LABEL_NAMES, Columns, one_of
from hmer_tasks.exceptions import CorpusError, PictureError, RejectReason
from hmer_tasks.storage.files import Files, FolderFiles

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_PICTURES = 16  # rows whose pictures are in memory at once
_BUFFER = 8 << 20  # bytes of a column that are read ahead


class ParquetTable:
    """The rows of several Parquet files with the same columns, in the order given.

    Args:
        files: Where they are.
        names: Their names.
        columns: The user's choice of columns.

    Raises:
        CorpusError: A file is no Parquet, lacks a column, or its columns cannot be told apart.
    """

    def __init__(self, files: Files, names: list[str], columns: Columns) -> None:
        self._files, self._names = files, names
        self._opened: tuple[int, int, pq.ParquetFile] | None = None  # process, number, file
        self._labels: tuple[int, int, pa.Array] | None = None  # process, group, its labels
        self._pictures = _Cursor(-1, -1, iter(()))
        self._groups: list[tuple[int, int]] = []
        self._starts: list[int] = []  # of each file, its first row
        sizes: list[int] = []
        digest = hashlib.sha256()
        for number, name in enumerate(names):
            file = self._open(number)
            metadata, schema = file.metadata, file.schema_arrow
            if number == 0:
                self._image = _image_column(schema, columns, self._where(0))
                self._label = _label_column(schema, columns, self._image, self._where(0))
                id_column = _id_column(schema, columns, self._where(0))
                paths = _has_paths(schema.field(self._image).type)
            for column in filter(None, (self._image, self._label, id_column, columns.split)):
                if column not in schema.names:
                    raise CorpusError(f"{self._where(number)}: no column {column!r}; {_listed(schema)}")
            self._starts.append(sum(sizes))
            digest.update(f"{name} {metadata.num_rows} {metadata.serialized_size}\n".encode())
            for group in range(metadata.num_row_groups):
                self._groups.append((number, group))
                sizes.append(metadata.row_group(group).num_rows)
                digest.update(str(metadata.row_group(group).to_dict()).encode())
        self._ends = list(accumulate(sizes))
        self._digest = digest.hexdigest()
        self._ids = self._choose_ids(id_column, columns.id is not None, paths)

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def digest(self) -> str:
        return self._digest

    def place(self, row: int) -> tuple[str, str]:
        number = self._groups[bisect_right(self._ends, row)][0]
        return self._names[number], f"row {row - self._starts[number]}"

    def id(self, row: int) -> str:
        if self._ids is None:
            return f"{row:07d}"
        return str(self._ids[row].as_py() or "")

    def label(self, row: int) -> str | RejectReason:
        at = bisect_right(self._ends, row)
        if self._labels is None or self._labels[:2] != (os.getpid(), at):
            self._labels = os.getpid(), at, self._column(*self._groups[at], self._label)
        try:
            label = self._labels[2][row - (self._ends[at - 1] if at else 0)].as_py()
        except UnicodeDecodeError:
            return RejectReason.NOT_UTF8
        return RejectReason.LABEL_MISSING if label is None else str(label)

    def picture(self, row: int) -> object:
        at = bisect_right(self._ends, row)
        within = row - (self._ends[at - 1] if at else 0)
        cursor = self._pictures
        if cursor.process != os.getpid() or cursor.group != at or within < cursor.start:
            cursor = self._pictures = _Cursor(os.getpid(), at, self._batches(*self._groups[at]))
        try:
            cell = cursor.seek(within)
        except (OSError, ValueError) as error:  # pyarrow's own errors are these
            raise self._damaged(self._groups[at][0], error) from None
        if isinstance(cell, list):
            return cell[0] if len(cell) == 1 else None
        return cell

    def has(self, column: str) -> bool:
        """Whether there is such a column."""
        return column in self._open(0).schema_arrow.names

    def values(self, column: str) -> Iterator[object]:
        """Every row's value of a column that is small."""
        for number, group in self._groups:
            yield from self._column(number, group, column).to_pylist()

    def _choose_ids(self, column: str | None, chosen: bool, paths: bool) -> "pa.ChunkedArray | None":
        """The ids: of the column that the user chose, else of the first that has a value of its own in every
        row; None: the rows' numbers."""
        import pyarrow as pa
        import pyarrow.compute as pc

        for name in filter(None, (column, f"{self._image}.path" if paths else None)):
            parts = [self._column(number, group, name) for number, group in self._groups]
            if not parts:
                return None  # a table without rows, which is refused as such
            try:
                ids = pa.chunked_array(parts).cast(pa.string())
            except pa.ArrowException as error:
                raise CorpusError(f"{self._where(0)}: the column {name} holds no ids ({error})") from None
            if chosen or (not ids.null_count and len(pc.unique(ids)) == len(ids)):
                return ids.combine_chunks() if len(parts) == 1 else ids
        return None

    def _column(self, number: int, group: int, name: str) -> "pa.Array":
        import pyarrow as pa

        try:
            table = self._open(number).read_row_group(group, columns=[name], use_threads=False)
            column = table.column(0).combine_chunks()
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(number, error) from None
        if name.endswith(".path") and pa.types.is_struct(column.type):
            column = column.field("path")
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        return column

    def _batches(self, number: int, group: int) -> "Iterator[pa.RecordBatch]":
        return iter(
            self._open(number).iter_batches(
                _PICTURES, row_groups=[group], columns=[self._image], use_threads=False
            )
        )

    def _where(self, number: int) -> str:
        return f"{self._files.root}: {self._names[number]}"

    def _open(self, number: int) -> "pq.ParquetFile":
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._opened is None or self._opened[:2] != (os.getpid(), number):
            name = self._names[number]
            try:
                local = isinstance(self._files, FolderFiles)
                source = self._files.path(name) if local else self._files.ranges(name).at(0)  # type: ignore[attr-defined]
                file = pq.ParquetFile(source, pre_buffer=False, buffer_size=_BUFFER)
            except PictureError as error:
                hint = (
                    "give the folder that holds blobs/ and snapshots/"
                    if "link" in error.detail
                    else "unpack it"
                )
                raise CorpusError(f"{self._where(number)} cannot be read ({error.detail}); {hint}") from None
            except (pa.ArrowException, OSError) as error:
                raise self._damaged(number, error) from None
            self._opened = os.getpid(), number, file
        return self._opened[2]

    def _damaged(self, number: int, error: Exception) -> CorpusError:
        why = " ".join(str(error).split())[:200]
        return CorpusError(f"{self._where(number)} is damaged ({why}); download it again")


class _Cursor:
    """Where the pictures of a row group are being read: the batch in memory, and those after it."""

    def __init__(self, process: int, group: int, batches: "Iterator[pa.RecordBatch]") -> None:
        self.process, self.group, self.start = process, group, 0
        self._batches = batches
        self._cells: pa.Array | None = None

    def seek(self, row: int) -> object:
        """The cell of a row of the group, which must not lie before `start`."""
        while self._cells is None or row >= self.start + len(self._cells):
            self.start += 0 if self._cells is None else len(self._cells)
            self._cells = next(self._batches).column(0)
        return self._cells[row - self.start].as_py()


def _listed(schema: "pa.Schema") -> str:
    return "it has " + ", ".join(f"{field.name} ({field.type})" for field in schema)[:400]


def _is_text(type: "pa.DataType") -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(type):
        type = type.value_type
    return bool(pa.types.is_string(type) or pa.types.is_large_string(type) or pa.types.is_string_view(type))


def _is_binary(type: "pa.DataType") -> bool:
    import pyarrow as pa

    kinds = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view)
    return any(kind(type) for kind in kinds)


def _is_picture(type: "pa.DataType") -> bool:
    """Whether a type is bytes, the Hub's struct of bytes and path, or a list of either."""
    import pyarrow as pa

    if pa.types.is_list(type) or pa.types.is_large_list(type):
        type = type.value_type
    if not pa.types.is_struct(type):
        return _is_binary(type)
    at = type.get_field_index("bytes")
    return at >= 0 and _is_binary(type.field(at).type)


def _has_paths(type: "pa.DataType") -> bool:
    import pyarrow as pa

    return bool(pa.types.is_struct(type) and type.get_field_index("path") >= 0)


def _image_column(schema: "pa.Schema", columns: Columns, where: str) -> str:
    if columns.image is not None:
        if columns.image not in schema.names:
            raise CorpusError(f"{where}: no column {columns.image!r}; {_listed(schema)}")
        type = schema.field(columns.image).type
        if not _is_picture(type) and not _is_text(type):
            raise CorpusError(f"{where}: the column {columns.image} ({type}) holds no pictures")
        return columns.image
    pictures = [field.name for field in schema if _is_picture(field.type)]
    if len(pictures) == 1:
        return str(pictures[0])
    others = [] if pictures else [field.name for field in schema if _is_text(field.type)]
    column = one_of("image", (*IMAGE_NAMES, "images"), pictures or others, where)
    if column is None:
        raise CorpusError(f"{where}: no picture column; {_listed(schema)}; choose with --columns image=NAME")
    return column


def _label_column(schema: "pa.Schema", columns: Columns, image: str, where: str) -> str:
    if columns.label is not None:
        if columns.label not in schema.names:
            raise CorpusError(f"{where}: no column {columns.label!r}; {_listed(schema)}")
        if not _is_text(schema.field(columns.label).type):
            type = schema.field(columns.label).type
            raise CorpusError(f"{where}: the column {columns.label} ({type}) holds no text")
        return columns.label
    taken = {image, columns.id, columns.split}
    texts = [field.name for field in schema if _is_text(field.type) and field.name not in taken]
    column = one_of("label", LABEL_NAMES, texts, where)
    if column is None and len(texts) == 1 and texts[0].lower() not in ID_NAMES:
        column = texts[0]
    if column is None:
        raise CorpusError(f"{where}: no label column; {_listed(schema)}; choose with --columns label=NAME")
    return column


def _id_column(schema: "pa.Schema", columns: Columns, where: str) -> str | None:
    if columns.id is not None:
        return columns.id
    taken = {columns.image, columns.label, columns.split}
    names = [field.name for field in schema if field.name not in taken]
    return next((name for known in ID_NAMES for name in names if name.lower() == known), None)
