"""Writing a shard: Parquet, zstd, about 100 pictures a row group, a sample's rows side by side."""

from pathlib import Path
from types import TracebackType
from typing import Self

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
        pa.array([sample.id for sample, _ in rows], pa.string()),
        pa.array([sample.source for sample, _ in rows], pa.string()),
        pa.array([row.task for _, row in rows], pa.string()),
        _pictures(samples),
        _one_each(_messages("user", [row.prompt for _, row in rows])),
        _one_each(_messages("assistant", [row.target for _, row in rows])),
        pa.array([row.label for _, row in rows], pa.string()),
        pa.array([sample.gt for sample, _ in rows], pa.string()),
        pa.array([row.candidate for _, row in rows], pa.string()),
        pa.array([row.marked for _, row in rows], pa.string()),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _pictures(samples: list[SampleRows]) -> pa.Array:
    """Each sample's picture as often as it has rows, or empty lists; the copies are Arrow's to make."""
    if not samples[0].picture:  # a build of labels alone; no picture has no bytes
        return pa.array([[] for sample in samples for _ in sample.rows], SCHEMA.field("images").type)
    pictures = pa.array([sample.picture for sample in samples], pa.binary())
    names = pa.array([sample.picture_name for sample in samples], pa.string())
    places = pa.array([i for i, sample in enumerate(samples) for _ in sample.rows], pa.int32())
    structs = pa.StructArray.from_arrays([pictures.take(places), names.take(places)], fields=list(IMAGE))
    return _one_each(structs)


def _messages(role: str, contents: list[str]) -> pa.Array:
    roles = pa.array([role] * len(contents), pa.string())
    return pa.StructArray.from_arrays([roles, pa.array(contents, pa.string())], fields=list(MESSAGE))


def _one_each(values: pa.Array) -> pa.Array:
    """Lists of one element each."""
    return pa.ListArray.from_arrays(pa.array(range(len(values) + 1), pa.int32()), values)
