"""Writing a shard: Parquet, zstd, about 100 pictures a row group, a sample's rows side by side."""

from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from hmer_tasks.shards.records import SampleRows
from hmer_tasks.shards.schema import IMAGE, MESSAGE, SCHEMA

PICTURES_PER_GROUP = 100
# A group of large photographs ends earlier: a worker stays small, and Arrow takes 2 GB at most.
_BYTES_PER_GROUP = 128 * 1024 * 1024
_ZSTD_LEVEL = 3
# A picture stands once in a row group's dictionary however many rows show it. The limits keep a
# group of large photographs from falling back to one copy a row.
_DICTIONARY_BYTES = 256 * 1024 * 1024


class ShardWriter:
    """A Parquet file in the making; use as a context manager. OSError where the disk fails."""

    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(
            path,
            SCHEMA,
            compression="zstd",
            compression_level=_ZSTD_LEVEL,
            use_dictionary=True,
            dictionary_pagesize_limit=_DICTIONARY_BYTES,
            write_page_index=True,
            write_statistics=["id", "source", "task", "label"],  # of pictures they would be a picture
        )
        self._pending: list[SampleRows] = []
        self._bytes = 0
        self.arrow_bytes = 0  # of the rows that are written, as `datasets` counts them

    def add(self, sample: SampleRows) -> None:
        """Add a sample's rows."""
        size = len(sample.picture) * len(sample.rows)
        if self._bytes + size > _BYTES_PER_GROUP:
            self._flush()
        self._pending.append(sample)
        self._bytes += size
        if len(self._pending) == PICTURES_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._pending:
            table = _table(self._pending)
            self._writer.write_table(table, row_group_size=1 << 20)
            self.arrow_bytes += table.nbytes
            self._pending.clear()
            self._bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._flush()
        finally:
            self._writer.close()


def _table(samples: list[SampleRows]) -> pa.Table:
    rows = [row for sample in samples for row in sample.rows]
    counts = [len(sample.rows) for sample in samples]
    places = _integers(np.repeat(np.arange(len(samples), dtype=np.int32), counts))
    columns = [
        _texts([sample.id for sample in samples]).take(places),  # each as often as its sample has rows
        _texts([sample.source for sample in samples]).take(places),
        _texts([row.task for row in rows]),
        _pictures(samples, places),
        _messages("user", [row.prompt for row in rows]),
        _messages("assistant", [row.target for row in rows]),
        _texts([row.label for row in rows]),
        _texts([sample.gt for sample in samples]).take(places),
        _optional_texts([row.candidate for row in rows]),
        _optional_texts([row.marked for row in rows]),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _pictures(samples: list[SampleRows], places: pa.Array) -> pa.Array:
    """Each sample's picture as often as it has rows, or empty lists; the copies are Arrow's to make."""
    if not samples[0].picture:  # a build of labels alone; no picture has no bytes
        nothing = pa.StructArray.from_arrays([_binary([]), _texts([])], fields=list(IMAGE))
        return pa.ListArray.from_arrays(_integers(np.zeros(len(places) + 1, np.int32)), nothing)
    pictures = _binary([sample.picture for sample in samples])
    names = _texts([sample.picture_name for sample in samples])
    structs = pa.StructArray.from_arrays([pictures.take(places), names.take(places)], fields=list(IMAGE))
    return _one_each(structs)


def _messages(role: str, contents: list[str]) -> pa.Array:
    structs = pa.StructArray.from_arrays(
        [_texts([role] * len(contents)), _texts(contents)], fields=list(MESSAGE)
    )
    return _one_each(structs)


# `pa.array` does what follows, but it loads pandas first: 0.4 s for every build, 50 MB in every worker.


def _one_each(values: pa.Array) -> pa.Array:
    """Lists of one value."""
    return pa.ListArray.from_arrays(_integers(np.arange(len(values) + 1, dtype=np.int32)), values)


def _optional_texts(values: list[str | None]) -> pa.Array:
    present = [value for value in values if value is not None]
    if len(present) == len(values):
        return _texts(present)
    valid = np.packbits([value is not None for value in values], bitorder="little")
    return _texts([value or "" for value in values], pa.py_buffer(valid))


def _texts(values: list[str], valid: pa.Buffer | None = None) -> pa.Array:
    """Strings; `valid`: the bitmap of those that are there, by default all."""
    text = "".join(values)
    if text.isascii():  # as many bytes as characters: nothing is encoded piece by piece
        return _variable(text.encode(), list(map(len, values)), valid, pa.string())
    pieces = [value.encode() for value in values]
    return _variable(b"".join(pieces), list(map(len, pieces)), valid, pa.string())


def _binary(values: list[bytes]) -> pa.Array:
    return _variable(b"".join(values), list(map(len, values)), None, pa.binary())


def _variable(data: bytes, lengths: list[int], valid: pa.Buffer | None, kind: pa.DataType) -> pa.Array:
    """Values of these lengths in bytes, which stand in `data` one after the other."""
    ends = np.zeros(len(lengths) + 1, np.int32)
    np.add.accumulate(np.array(lengths, np.int32), out=ends[1:])
    return pa.Array.from_buffers(kind, len(lengths), [valid, pa.py_buffer(ends), pa.py_buffer(data)])


def _integers(numbers: npt.NDArray[np.int32]) -> pa.Array:
    return pa.Array.from_buffers(pa.int32(), len(numbers), [None, pa.py_buffer(numbers)])
