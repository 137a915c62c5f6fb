"""Writing a shard: Parquet, zstd, about 100 pictures a row group, a sample's rows side by side."""

from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
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
    rows = [(sample, row) for sample in samples for row in sample.rows]
    columns = [
        _texts([sample.id for sample, _ in rows]),
        _texts([sample.source for sample, _ in rows]),
        _texts([row.task for _, row in rows]),
        _pictures(samples),
        _messages("user", [row.prompt for _, row in rows]),
        _messages("assistant", [row.target for _, row in rows]),
        _texts([row.label for _, row in rows]),
        _texts([sample.gt for sample, _ in rows]),
        _texts([row.candidate for _, row in rows]),
        _texts([row.marked for _, row in rows]),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _pictures(samples: list[SampleRows]) -> pa.Array:
    """Each sample's picture as often as it has rows, or empty lists; the copies are Arrow's to make."""
    if not samples[0].picture:  # a build of labels alone; no picture has no bytes
        nothing = pa.StructArray.from_arrays([_binary([]), _texts([])], fields=list(IMAGE))
        return _lists(nothing, [0 for sample in samples for _ in sample.rows])
    pictures = _binary([sample.picture for sample in samples])
    names = _texts([sample.picture_name for sample in samples])
    places = _integers(i for i, sample in enumerate(samples) for _ in sample.rows)
    structs = pa.StructArray.from_arrays([pictures.take(places), names.take(places)], fields=list(IMAGE))
    return _lists(structs, [1] * len(structs))


def _messages(role: str, contents: list[str]) -> pa.Array:
    roles = _texts([role] * len(contents))
    structs = pa.StructArray.from_arrays([roles, _texts(contents)], fields=list(MESSAGE))
    return _lists(structs, [1] * len(contents))


# `pa.array` does what follows, but it loads pandas first: 0.4 s for every build, 50 MB in every worker.


def _lists(values: pa.Array, lengths: list[int]) -> pa.Array:
    return pa.ListArray.from_arrays(_integers(accumulate(lengths, initial=0)), values)


def _texts(values: Sequence[str | None]) -> pa.Array:
    return _binary([None if value is None else value.encode() for value in values], pa.string())


def _binary(values: Sequence[bytes | None], kind: pa.DataType | None = None) -> pa.Array:
    valid = None
    if None in values:
        valid = pa.py_buffer(np.packbits([value is not None for value in values], bitorder="little"))
    present = [value or b"" for value in values]
    ends = _integers(accumulate(map(len, present), initial=0)).buffers()[1]
    buffers = [valid, ends, pa.py_buffer(b"".join(present))]
    return pa.Array.from_buffers(kind or pa.binary(), len(values), buffers)


def _integers(values: Iterable[int]) -> pa.Array:
    numbers = array("i", values)
    return pa.Array.from_buffers(pa.int32(), len(numbers), [None, pa.py_buffer(numbers)])
