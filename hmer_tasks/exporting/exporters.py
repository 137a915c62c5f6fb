"""What `export --to` takes: each exporter by its name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hmer_tasks.exceptions import UsageError, did_you_mean
from hmer_tasks.exporting import llama_factory, ms_swift, released, verl, webdataset
from hmer_tasks.exporting.folder import Layout
from hmer_tasks.exporting.source import Config


@dataclass(frozen=True, slots=True)
class Exporter:
    """A layout to export to.

    `name`: what `--to` says; `layout`: how it is written; `hints`: the lines to print afterwards, given the
    folder and its configurations; `embedded`: the layout with the pictures inside, for `--embed`.
    """

    name: str
    layout: Callable[[], Layout]
    hints: Callable[[Path, Mapping[str, Config]], list[str]]
    embedded: Callable[[], Layout] | None = None


EXPORTERS: dict[str, Exporter] = {
    exporter.name: exporter
    for exporter in (
        Exporter(
            "llama-factory",
            lambda: llama_factory.layout(False),
            llama_factory.hints,
            lambda: llama_factory.layout(True),
        ),
        Exporter("ms-swift", ms_swift.layout, ms_swift.hints),
        Exporter("verl", verl.layout, verl.hints),
        Exporter("webdataset", webdataset.layout, webdataset.hints),
        Exporter("released", released.layout, released.hints),
    )
}


def find_exporter(name: str) -> Exporter:
    """An exporter by its name. Raises UsageError with the nearest name, and all that exist."""
    if name not in EXPORTERS:
        raise UsageError(
            f"no export to {name!r}: {did_you_mean(name, EXPORTERS)}choose from {', '.join(EXPORTERS)}"
        )
    return EXPORTERS[name]
