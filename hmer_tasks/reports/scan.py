"""A build read from end to end, without its pictures: statistics, and which samples get onto the page."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from hmer_tasks.exceptions import BuildError, LabelError
from hmer_tasks.latex.counts import count_symbols
from hmer_tasks.latex.parser import parse
from hmer_tasks.shards.manifest import Summary
from hmer_tasks.shards.schema import SCHEMA
from hmer_tasks.storage.store import Store
from hmer_tasks.utils.progress import progress_of

Record: TypeAlias = "dict[str, object]"
NOT_TEX = -1  # the depth of a label that has no tree


@dataclass(frozen=True, slots=True)
class SamplePlace:
    """Where a sample's rows lie: rows start … stop of a shard's row group; `order` counts the samples."""

    order: int
    split: str
    shard: str
    group: int
    start: int
    stop: int


@dataclass(slots=True)
class Scan:
    """What was read: every sample counts once in the statistics, however many rows it has."""

    samples: int = 0
    chosen: list[SamplePlace] = field(default_factory=list)
    lengths: Counter[int] = field(default_factory=Counter)
    depths: Counter[int] = field(default_factory=Counter)
    symbols: Counter[str] = field(default_factory=Counter)


def rank(*names: str) -> bytes:
    """A sample's place in an order that is random, and the same every time."""
    return sha256("\0".join(names).encode("utf-8", "surrogatepass")).digest()


def scan(store: Store, summary: Summary, limit: int) -> Scan:
    """The statistics of every sample, and the places of `limit` of them in the build's order.

    Which ones is decided by `rank`, that is by source and id alone. Raises BuildError where a shard
    cannot be read.
    """
    scanned = Scan()
    with progress_of(len(summary["shards"]), "shards") as show:
        places = _places(store, summary, scanned, show)
        smallest = heapq.nsmallest(limit, places)
    scanned.chosen = sorted((place for *_, place in smallest), key=lambda place: place.order)
    return scanned


def _places(
    store: Store, summary: Summary, scanned: Scan, show: Callable[[int], None]
) -> Iterator[tuple[bytes, int, SamplePlace]]:
    for number, (shard, about) in enumerate(summary["shards"].items()):
        show(number)
        split = about["split"]
        with open_shard(store, shard) as file:
            for group in range(file.num_row_groups):
                records = _read(file, shard, group)
                start = 0
                for (source, id), rows in groupby(records, key=_key):
                    mine = list(rows)
                    place = SamplePlace(scanned.samples, split, shard, group, start, start + len(mine))
                    start = place.stop
                    _count(str(mine[0]["label"]), scanned)
                    yield rank(source, id), place.order, place
    show(len(summary["shards"]))


def _key(record: Record) -> tuple[str, str]:
    return str(record["source"]), str(record["id"])


def _count(label: str, scanned: Scan) -> None:
    scanned.samples += 1
    scanned.lengths[len(label.split())] += 1
    scanned.symbols.update(count_symbols(label))
    scanned.depths[depth_of(label)] += 1


def depth_of(label: str) -> int:
    """Levels below the main line; NOT_TEX where there is no tree."""
    try:
        return parse(label).depth()
    except LabelError:
        return NOT_TEX


@contextmanager
def open_shard(store: Store, shard: str) -> Iterator[pq.ParquetFile]:
    """A shard. Raises BuildError where it is no Parquet file, or has not the columns of a build."""
    with ExitStack() as open_files:
        with _readable(shard):
            file = pq.ParquetFile(open_files.enter_context(store.local(shard)))
        if not file.schema_arrow.equals(SCHEMA):
            raise BuildError(f"{store}/{shard} has not the columns of a build: build anew with --overwrite")
        yield file


def samples(store: Store, places: list[SamplePlace]) -> Iterator[tuple[SamplePlace, list[Record]]]:
    """The rows of each place, pictures too; a row group at a time."""
    for shard, shard_places in groupby(places, key=lambda place: place.shard):
        with open_shard(store, shard) as file:
            for group, mine in groupby(shard_places, key=lambda place: place.group):
                with _readable(shard):
                    table = file.read_row_group(group)
                for place in mine:
                    with _readable(shard):
                        rows: list[Record] = table.slice(place.start, place.stop - place.start).to_pylist()
                    yield place, rows


def _read(file: pq.ParquetFile, shard: str, group: int) -> list[Record]:
    with _readable(shard):
        records: list[Record] = file.read_row_group(group, columns=["id", "source", "label"]).to_pylist()
    return records


@contextmanager
def _readable(shard: str) -> Iterator[None]:
    """What Arrow raises on a damaged file, as one line."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        why = " ".join(str(error).split())[:200]
        raise BuildError(f"{shard} cannot be read ({why}): `hmer-tasks verify` says more") from error
