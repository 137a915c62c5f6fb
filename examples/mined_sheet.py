"""Ten mined rows of an error-driven loop with their pictures: a sheet, and a table on the terminal.

    python examples/mined_sheet.py build/error-corpus/sample sheet.png

`examples/error_driven_learning.py` ends with it; here it looks at any finished loop again.
"""

import argparse
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
from PIL import Image, ImageDraw, ImageFont
from rich.table import Table
from rich.text import Text

from hmer_tasks.errors.markup import DELETED, ERROR_END, ERROR_START
from hmer_tasks.predictions import Prediction, explicit_or_raw, read_predictions
from hmer_tasks.utils.terminal import plain_console

SHOWN = 10
_WIDE, _PICTURE, _GAP, _LINE, _FONT = 1100, (440, 120), 14, 19, 14
_INK, _GREY, _WRONG, _RULE = "#222222", "#777777", "#c0262d", "#dddddd"


@dataclass(frozen=True, slots=True)
class Shown:
    """A mined row, and the picture it belongs to."""

    id: str
    label: str
    candidate: str
    marked: str
    picture: bytes


def show_mined(build: Path, mined: Path, sheet: Path) -> int:
    """Write the sheet, print the table; returns how many rows are shown (none: nothing is written)."""
    rows = list(mined_rows(build, chosen(mined)))
    if rows:
        draw_sheet(rows).save(sheet)
        plain_console().print(_table(rows))
    return len(rows)


def chosen(mined: Path) -> dict[tuple[str, str], str]:
    """Up to ten mined candidates, of pictures spread over all that have some: by (source, id)."""
    first: dict[tuple[str, str], Prediction] = {}
    for prediction in read_predictions(mined):
        first.setdefault((prediction.source, prediction.id), prediction)
    keys = list(first)
    step = max(1, len(keys) // SHOWN)
    return {key: explicit_or_raw(first[key].pred) for key in keys[::step][:SHOWN]}


def mined_rows(build: Path, wanted: dict[tuple[str, str], str]) -> Iterator[Shown]:
    """The rows of a build made of these candidates, in the build's order."""
    names = ["source", "id", "task", "label", "candidate", "marked"]
    for shard in sorted(build.glob("data/*.parquet")):
        file = pq.ParquetFile(shard)
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group, columns=names).to_pylist()
            shown = [
                (at, row)
                for at, row in enumerate(rows)
                if row["task"] == "error_detection"
                and wanted.get((row["source"], row["id"])) == row["candidate"]
            ]
            if shown:
                pictures = file.read_row_group(group, columns=["images"])["images"]
                for at, row in shown:
                    data = pictures[at].as_py()[0]["bytes"]
                    yield Shown(row["id"], row["label"], row["candidate"], row["marked"], data)


def draw_sheet(rows: list[Shown]) -> Image.Image:
    """One picture: each row's own on the left; label, candidate and marked text beside it."""
    font = ImageFont.load_default(_FONT)
    left = _PICTURE[0] + 2 * _GAP
    blocks = []
    for row in rows:
        lines: list[tuple[str, list[tuple[str, str]]]] = [("", [(row.id, _GREY)])]
        for name, text in (("label", row.label), ("read", row.candidate), ("marked", row.marked)):
            for number, line in enumerate(_wrapped(_coloured(text), font, _WIDE - left - 80)):
                lines.append((name if not number else "", line))
        blocks.append(lines)
    heights = [max(_PICTURE[1], _LINE * len(lines)) + 2 * _GAP for lines in blocks]
    sheet = Image.new("RGB", (_WIDE, sum(heights)), "white")
    draw = ImageDraw.Draw(sheet)
    top = 0
    for row, lines, height in zip(rows, blocks, heights, strict=True):
        picture = Image.open(io.BytesIO(row.picture)).convert("RGB")
        picture.thumbnail(_PICTURE)
        sheet.paste(picture, (_GAP, top + (height - picture.height) // 2))
        y = top + _GAP
        for name, line in lines:
            draw.text((left, y), name, _GREY, font)
            x = float(left + 70)
            for word, colour in line:
                draw.text((x, y), word, colour, font)
                x += draw.textlength(f"{word} ", font)
            y += _LINE
        top += height
        draw.line((0, top - 1, _WIDE, top - 1), _RULE)
    return sheet


def _coloured(text: str) -> list[tuple[str, str]]:
    """The tokens, each with its colour: what is marked stands out."""
    out, wrong = [], False
    for token in text.split():
        wrong = wrong or token == ERROR_START
        out.append((token, _WRONG if wrong or token == DELETED else _INK))
        wrong = wrong and token != ERROR_END
    return out


def _wrapped(
    words: list[tuple[str, str]], font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float
) -> list[list[tuple[str, str]]]:
    lines: list[list[tuple[str, str]]] = [[]]
    used = 0.0
    for word in words:
        long = font.getlength(f"{word[0]} ")
        if lines[-1] and used + long > width:
            lines.append([])
            used = 0.0
        lines[-1].append(word)
        used += long
    return lines


def _table(rows: list[Shown]) -> Table:
    table = Table("picture", "label", "read", "marked", title="mined rows", show_lines=True)
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        marked = Text()
        for token, colour in _coloured(row.marked):
            marked.append(f"{token} ", "bold red" if colour == _WRONG else "")
        table.add_row(row.id, Text(row.label), Text(row.candidate), marked)
    return table


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("loop", type=Path, help="the --out of error_driven_learning.py")
    parser.add_argument("sheet", type=Path, help="the picture to be written")
    given = parser.parse_args()
    if not show_mined(given.loop / "build", given.loop / "mined.jsonl", given.sheet):
        print("no row was mined")
