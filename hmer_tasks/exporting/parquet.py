"""Parquet files of several configurations, written side by side, a row group in memory at most."""

from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

TURNS = pa.list_(pa.struct({"from": pa.string(), "value": pa.string()}))
# The Hub's viewer reads a row group at a time and takes 286 MiB at most; a hundred pictures of a
# build are far below, and large photographs end a group earlier.
_ROWS_PER_GROUP = 100
_BYTES_PER_GROUP = 64 * 1024 * 1024


class Writers:
    """A file of one name in each configuration's folder, opened when its first row comes."""

    def __init__(self, folder: Path, name: str, schema: pa.Schema) -> None:
        self._folder, self._name, self._schema = folder, name, schema
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._pending: dict[str, list[dict[str, object]]] = {}
        self._bytes = Counter[str]()
        self.counts = Counter[str]()

    def add(self, config: str, row: dict[str, object], size: int) -> None:
        """Add a row; `size` is its picture's, in bytes."""
        pending = self._pending.setdefault(config, [])
        if pending and self._bytes[config] + size > _BYTES_PER_GROUP:
            self._flush(config)
        pending.append(row)
        self._bytes[config] += size
        self.counts[config] += 1
        if len(pending) == _ROWS_PER_GROUP:
            self._flush(config)

    def _flush(self, config: str) -> None:
        if config not in self._writers:
            path = self._folder / config / self._name
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writers[config] = pq.ParquetWriter(
                path,
                self._schema,
                compression="zstd",
                use_dictionary=False,
                write_page_index=True,
                write_statistics=False,  # of pictures and conversations they would be copies
            )
        table = pa.Table.from_pylist(self._pending[config], schema=self._schema)
        self._writers[config].write_table(table)
        self._pending[config].clear()
        self._bytes[config] = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                for config in [name for name, pending in self._pending.items() if pending]:
                    self._flush(config)
        finally:
            for writer in self._writers.values():
                writer.close()
