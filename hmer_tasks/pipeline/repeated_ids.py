"""Which inputs have the id of an earlier one: of fifty million too, in bounded memory and several processes.

Hashes of four bytes are compared first; of a million ids about a hundred share one by chance. They stand in
one table that all processes share. Each process enters the hashes of some of the inputs; then each takes
ranges of hashes, looks for those that occur more than once, and compares their ids: equal ids have equal
hashes, so that no range depends on another.
"""

import mmap
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Protocol, TypeVar

import numpy as np

from hmer_tasks.exceptions import BuildError
from hmer_tasks.utils.processes import block_signals, cores, init_worker, worker_pool
from hmer_tasks.utils.progress import progress_of_many

_MANY = 1_000_000  # ids; so many take seconds
_IDS_AT_ONCE = 100_000
_HASHES_AT_ONCE = 2_000_000  # in a range of hashes, on average: 80 MB while they are sorted
_Result = TypeVar("_Result")


class HasIds(Protocol):
    """As much of a `SplitReader` as is needed here."""

    def id(self, index: int) -> str:
        """The id of an input; empty if it has none."""
        ...


def find_repeated_ids(reader: HasIds, count: int, workers: int = 1) -> dict[int, int]:
    """Find the inputs whose id occurs earlier in the split.

    Args:
        reader: The split.
        count: How many of its inputs are used.
        workers: The number of processes, where there are a million inputs or more. 0: one for each core.

    Returns:
        For each such input, the index of the last input before it with the same id.

    Raises:
        BuildError: A worker was killed.
    """
    global _table  # noqa: PLW0603 - what a task is given must be pickled, and a reader cannot be
    if not count:
        return {}
    _table = _HashTable(reader, count)
    earlier: dict[int, int] = {}
    try:
        with (
            _processes(1 if count < _MANY else workers or cores()) as pool,
            progress_of_many(count, _MANY, "ids compared") as show,
        ):
            starts = range(0, count, _IDS_AT_ONCE)
            for number, _ in enumerate(_results(pool, _enter, starts), start=1):
                show(min(number * _IDS_AT_ONCE, count))
            for repeated in _results(pool, _repeated_in, range(_table.ranges)):
                earlier.update(repeated)
    finally:
        _table = None
    return dict(sorted(earlier.items()))


class _HashTable:
    """The hash of each input's id, in memory that forked processes share."""

    def __init__(self, reader: HasIds, count: int) -> None:
        self.reader, self.count = reader, count
        self.hashes = np.frombuffer(mmap.mmap(-1, 4 * count), np.uint32)
        self.ranges = -(-count // _HASHES_AT_ONCE)

    def enter(self, start: int) -> None:
        """Enter the hashes of some inputs. Forked processes hash alike."""
        part = range(start, min(start + _IDS_AT_ONCE, self.count))
        self.hashes[part.start : part.stop] = [hash(self.reader.id(i)) & 0xFFFFFFFF for i in part]

    def repeated_in(self, number: int) -> dict[int, int]:
        """`find_repeated_ids` for the ids whose hash lies in one of the ranges."""
        last: dict[str, int] = {}
        earlier: dict[int, int] = {}
        for index in self._with_shared_hash(number):
            id = self.reader.id(index)
            if not id:  # a line too broken to name its picture
                continue
            if id in last:
                earlier[index] = last[id]
            last[id] = index
        return earlier

    def _with_shared_hash(self, number: int) -> list[int]:
        """The inputs whose hash lies in a range and is that of another input too, in order."""
        low, above = ((at << 32) // self.ranges for at in (number, number + 1))
        parts = []
        for start in range(0, self.count, _HASHES_AT_ONCE):
            hashes = self.hashes[start : start + _HASHES_AT_ONCE]
            places = np.flatnonzero((hashes >= np.uint32(low)) & (hashes <= np.uint32(above - 1)))
            parts.append(
                hashes[places].astype(np.uint64) << np.uint64(32) | (places + start).astype(np.uint64)
            )
        entries = np.concatenate(parts)  # hash and input in one number: a sort of these is the quickest
        entries.sort()
        same = np.diff(entries >> np.uint64(32)) == 0
        shared = np.zeros(len(entries), np.bool_)
        shared[1:] |= same
        shared[:-1] |= same
        return sorted((entries[shared] & np.uint64(0xFFFFFFFF)).tolist())


_table: _HashTable | None = None  # what this process, and those it forks, work on


def _enter(start: int) -> None:
    assert _table is not None
    _table.enter(start)


def _repeated_in(number: int) -> dict[int, int]:
    assert _table is not None
    return _table.repeated_in(number)


@contextmanager
def _processes(workers: int) -> Iterator[ProcessPoolExecutor | None]:
    """A pool, or None where this process works alone."""
    if workers <= 1:
        yield None
        return
    try:
        with worker_pool(workers, init_worker) as pool:
            yield pool
    except BrokenProcessPool as error:
        raise BuildError("a worker was killed (out of memory?): run the same command again") from error


def _results(
    pool: ProcessPoolExecutor | None, function: Callable[[int], _Result], items: range
) -> Iterator[_Result]:
    if pool is None:
        return map(function, items)
    with block_signals():
        return pool.map(function, items)
