"""Worker processes that end with their parent: cleanly when the work is done, at once when it fails."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import connection, parent_process
from types import FrameType

from hmer_tasks.exceptions import Stopped

STOPPING = (signal.SIGINT, signal.SIGTERM)
FORK = multiprocessing.get_context("fork")  # workers share what the parent opened


def cores() -> int:
    """The cores that this process may use: a batch system often grants fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def worker_pool(
    workers: int, initializer: Callable[..., None], *args: object
) -> Iterator[ProcessPoolExecutor]:
    """A pool of forked processes. Whatever ends the block early ends the workers first.

    The pool's own thread is always waited for: left running, it closes its pipe while the
    interpreter's exit writes to it, now and then, and that prints a traceback.
    """
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, FORK, initializer, args)
    try:
        yield pool
        with block_signals():
            pool.shutdown()
    except BaseException:
        children = set(multiprocessing.active_children()) - others
        for child in children:
            child.terminate()
        for child in children:
            child.join()
        # A worker that was ended while it sent a result leaves half of it. The pool's thread would wait for
        # the rest as long as anyone could write it: as this process could.
        if (results := getattr(pool, "_result_queue", None)) is not None:
            results._writer.close()
        pool.shutdown(cancel_futures=True)
        raise


@contextmanager
def raise_on_signal(kept: bool = True) -> Iterator[None]:
    """SIGINT and SIGTERM raise Stopped, once, in the main thread of the parent.

    Args:
        kept: Whether the same command goes on from what is finished; the message says so.

    Yields:
        Nothing.

    Raises:
        Stopped: The user stopped the work.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        for signal_number in STOPPING:  # a second Ctrl-C must not disturb the clean end
            signal.signal(signal_number, signal.SIG_IGN)
        raise Stopped(number, kept)

    if threading.current_thread() is not threading.main_thread():
        yield  # Python takes signals in the main thread alone
        return
    before = [signal.signal(number, stop) for number in STOPPING]
    try:
        yield
    finally:
        for number, handler in zip(STOPPING, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def block_signals() -> Iterator[None]:
    """Keep SIGINT and SIGTERM waiting, so that none reaches a worker before it has set its own handlers."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def init_worker() -> None:
    """What every worker process does first: it leaves signals to its parent, and dies with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of a terminal
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)  # the parent forks with these held back
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
