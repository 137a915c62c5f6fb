"""The command `report`: a finished build as one page."""

from pathlib import Path
from typing import Annotated

import typer

from hmer_tasks.exceptions import UsageError
from hmer_tasks.utils.terminal import echo


def report(
    out: Annotated[str, typer.Argument(help="A finished build: a folder or URL.")],
    page: Annotated[Path, typer.Option("-o", "--out", help="Where the page goes (HTML).")],
    limit: Annotated[
        int, typer.Option(help="At most so many samples, and as many of the refused.", min=1)
    ] = 2_000,
) -> None:
    """Write one page to leaf through a build: pictures, labels, trees, mistakes, refusals, statistics."""
    from hmer_tasks.reports.build_page import write_report
    from hmer_tasks.storage.output_path import validate_output_path
    from hmer_tasks.storage.urls import is_url, parse_location

    if not is_url(out) and page.resolve().is_relative_to(Path(out).resolve()):
        raise UsageError(f"{page} lies in the build, a folder of its own files: write it elsewhere")
    validate_output_path(
        page,
        (f"{out}/{name}" for name in ("data", "build.json", "README.md", "croissant.json", "rejects.jsonl")),
    )
    written = write_report(parse_location(out), page, limit)
    of = "" if written.shown == written.samples else f" of {written.samples:,}"
    echo(f"page: {page} ({written.shown:,}{of} samples, {written.size / 1e6:,.1f} MB)")
    if written.not_drawn:
        echo(f"formulas that could not be drawn, and stand as text: {written.not_drawn:,}")
