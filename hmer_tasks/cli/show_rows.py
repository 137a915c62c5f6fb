"""`hmer-tasks show`: rows as a person reads them, the picture too."""

import io
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.dataset as ds
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hmer_tasks.cli.inline_pictures import show_png
from hmer_tasks.errors.markup import DELETED, ERROR_END, ERROR_START
from hmer_tasks.exceptions import BuildError, PictureError
from hmer_tasks.images import decode, kind_of
from hmer_tasks.shards import read_summary
from hmer_tasks.shards.manifest import prompts_of
from hmer_tasks.shards.schema import SCHEMA
from hmer_tasks.storage.store import Store, open_store
from hmer_tasks.storage.urls import PathOrUrl
from hmer_tasks.tasks import check_task
from hmer_tasks.utils.terminal import printable


def show(out: PathOrUrl, count: int, task: str | None, console: Console) -> None:
    """Print the first `count` samples of a build, or their rows of one task. Raises BuildError."""
    if task is not None:
        check_task(task)
    summary = read_summary(out)
    shown = 0
    last: tuple[str, str] | None = None
    for record in _records(open_store(out), list(summary["shards"]), task):
        key = (str(record["source"]), str(record["id"]))
        if key != last:
            if shown == count:
                break
            shown, last = shown + 1, key
            _print_head(record, console)
        _print_row(record, console)
    if shown:
        name = prompts_of(summary)
        console.print(Text(printable(f"prompts: {name}"), style="dim"))
    else:
        raise BuildError(f"{out} has no rows" + (f" of the task {task}" if task else ""))


def _records(store: Store, names: list[str], task: str | None) -> Iterator[dict[str, object]]:
    wanted = None if task is None else ds.field("task") == task
    try:
        for name in names:
            with store.local(name) as path:
                rows = ds.dataset(path, schema=SCHEMA, format="parquet")
                for batch in rows.to_batches(
                    filter=wanted, batch_size=20, batch_readahead=1, fragment_readahead=1
                ):
                    yield from batch.to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        why = " ".join(str(error).split())[:200]
        raise BuildError(f"the shards cannot be read ({why}): `hmer-tasks verify` names which") from error


def _print_head(record: dict[str, object], console: Console) -> None:
    images = record["images"]
    assert isinstance(images, list)
    if not images:
        _print_about(record, "none (labels alone)", console)
        return
    data = images[0]["bytes"]
    try:
        picture = decode(data, str(record["id"]))
    except PictureError as error:
        raise BuildError(f"a picture cannot be read ({error}): `hmer-tasks verify` says more") from error
    size = f"{picture.width} × {picture.height}, {kind_of(data) or 'another format'}, {len(data):,} bytes"
    out = io.BytesIO()
    picture.convert("RGB").save(out, "PNG")
    _print_about(record, size, console, out.getvalue())


def _print_about(record: dict[str, object], size: str, console: Console, png: bytes = b"") -> None:
    console.rule(Text(printable(f"{record['source']}  {record['id']}"), style="bold"))
    if png:
        print(show_png(png, f"{record['source']}-{record['id']}"))  # noqa: T201 - raw escapes
    about = Table.grid(padding=(0, 2))
    for name, value in (("picture", size), ("label", record["label"]), ("as written", record["gt"])):
        if name != "as written" or value != record["label"]:
            about.add_row(Text(name, style="dim"), Text(printable(str(value), lines=True)))
    console.print(about)


def _print_row(record: dict[str, object], console: Console) -> None:
    prompt, completion = record["prompt"], record["completion"]
    assert isinstance(prompt, list)
    assert isinstance(completion, list)
    answer = Text(printable(str(completion[0]["content"]), lines=True))
    answer.highlight_words([ERROR_START, ERROR_END, DELETED], "bold red", case_sensitive=True)
    asked = Text(printable(str(prompt[0]["content"]).rstrip(), lines=True), style="dim")
    title = Text(printable(str(record["task"])))
    console.print(Panel(Group(asked, Text(""), answer), title=title, title_align="left"))
