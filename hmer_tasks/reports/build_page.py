"""The page of a build: written piece by piece, whole or not at all."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from hmer_tasks.exceptions import BuildError
from hmer_tasks.reports.build_plots import build_plots, page_plots
from hmer_tasks.reports.html import json_block, pieces
from hmer_tasks.reports.refusals import refusals
from hmer_tasks.reports.samples import Drawn, sample_data
from hmer_tasks.reports.scan import Scan, samples, scan
from hmer_tasks.shards import read_summary
from hmer_tasks.shards.manifest import Summary
from hmer_tasks.storage.store import Store, open_store
from hmer_tasks.storage.urls import PathOrUrl
from hmer_tasks.utils.files import atomic_open
from hmer_tasks.utils.progress import progress_of

LIMIT = 2_000
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Report:
    """What was written: samples on the page and in the build, refusals on the page, formulas that could
    not be drawn, bytes."""

    shown: int
    samples: int
    refused: int
    not_drawn: int
    size: int


def write_report(out: PathOrUrl, page: Path, limit: int = LIMIT) -> Report:
    """Write the page of the finished build OUT, with `limit` of its samples and of its refusals at most.

    Raises BuildError where OUT is no finished build or is damaged, or where `page` cannot be a file;
    OSError where it cannot be written.
    """
    _check_place(page)
    store, summary = open_store(out), read_summary(out)
    refused = refusals(store, limit)
    scanned = scan(store, summary, limit)
    drawn = Drawn()
    size = _write(page, _pieces(store, summary, scanned, refused, drawn))
    return Report(len(scanned.chosen), scanned.samples, len(refused), drawn.not_drawn, size)


def _check_place(page: Path) -> None:
    if page.exists() and not page.is_file():
        raise BuildError(f"{page} is not a file: name one for the page, such as report.html")
    if not page.absolute().parent.is_dir():
        raise BuildError(f"{page.parent} is not a folder: the page cannot be written there")
    if not os.access(page.absolute().parent, os.W_OK):
        raise BuildError(f"{page.parent} cannot be written to: name another place for the page")


def _write(page: Path, text: Iterator[str]) -> int:
    """Write to another name first; what fails or is stopped leaves nothing behind. Returns the bytes."""
    with atomic_open(page) as file:
        file.writelines(text)
    return page.stat().st_size


def _blocks(store: Store, scanned: Scan, drawn: Drawn) -> Iterator[Markup]:
    """The samples' parts of the page, one by one."""
    with progress_of(len(scanned.chosen), "samples") as show:
        for number, (place, records) in enumerate(samples(store, scanned.chosen), start=1):
            yield json_block(sample_data(place, records, drawn))
            show(number)


def _pieces(
    store: Store, summary: Summary, scanned: Scan, refused: list[dict[str, object]], drawn: Drawn
) -> Iterator[str]:
    """The page's text. What is known only after the last sample (index, plots of the samples
    shown) stands behind them, and the template asks for it there."""
    arguments = summary["made_by"]["arguments"]
    return pieces(
        _TEMPLATES,
        "samples",
        {
            "dataset": str(arguments.get("dataset", "")),
            "samples": scanned.samples,
            "shown": len(scanned.chosen),
            "rows": sum(split["rows"] for split in summary["splits"].values()),
            "rejected": sum(summary["rejected"].values()),
            "splits": summary["splits"],
            "arguments": [(name, _as_text(value)) for name, value in arguments.items()],
            "versions": summary["made_by"].get("versions", {}),
            "refused": len(refused),
            "refusals": json_block(refused),
            "build_plots": build_plots(summary, scanned),
            "page_plots": lambda: page_plots(drawn),
            "blocks": _blocks(store, scanned, drawn),
            "index": lambda: json_block({"samples": drawn.index, "texts": list(drawn.texts)}),
        },
    )


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if value is None or isinstance(value, bool):
        return "yes" if value else "no" if value is False else "none"
    return str(value)
