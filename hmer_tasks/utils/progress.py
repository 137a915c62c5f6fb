"""Progress of long work: share, rate and time left; a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from hmer_tasks.utils.terminal import plain_console

_PLAIN_FIRST = 4.0  # seconds until the first line: no command is silent for five
_PLAIN_EVERY = 10.0
_Item = TypeVar("_Item")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f}/s")


@contextmanager
def progress_of(total: int, what: str = "samples", skipped: int = 0) -> Iterator[Callable[[int], None]]:
    """Show how far the work is: a bar with rate and time left, or plain lines where there is no terminal.

    Args:
        total: How many things there are.
        what: What they are called.
        skipped: How many shards were finished by an earlier run; it is said first.

    Yields:
        A function that takes how many are done.
    """
    console = plain_console(stderr=True)
    if skipped:
        console.print(f"going on: {skipped} finished shards are kept")
    if not console.is_terminal:
        yield _plain(total, what)
        return
    columns = (
        TextColumn("{task.description}", style="bold", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=min(done, total))


def progress_of_many(total: int, few: int, what: str) -> AbstractContextManager[Callable[[int], None]]:
    """The same for work that mostly takes no time.

    Args:
        total: How many things there are.
        few: Of fewer than so many nothing is shown.
        what: What they are called.

    Returns:
        The context of a function that takes how many are done.
    """
    return nullcontext(lambda done: None) if total < few else progress_of(total, what)


def progress_over(items: Sequence[_Item], what: str) -> Iterator[_Item]:
    """The items one after another, with progress."""
    with progress_of(len(items), what) as show:
        for number, item in enumerate(items):
            yield item
            show(number + 1)


def _plain(total: int, what: str) -> Callable[[int], None]:
    start = time.monotonic()
    due = start + _PLAIN_FIRST

    def show(done: int) -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due and done:
            due = now + _PLAIN_EVERY
            rate = done / (now - start)
            remaining = max(0, total - done) / rate
            share = min(done, total) / total if total else 1
            counted = f"{min(done, total):,}/{total:,} {what}, {share:.0%}"
            text = f"{counted}, {rate:,.0f}/s, {remaining:,.0f} s left"
            sys.stderr.write(f"{text}\n")

    return show
