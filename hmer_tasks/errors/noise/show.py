"""`hmer-tasks errors show`: the top confusions of a noise file, as a table and as a heat map (PNG)."""

from collections import Counter
from io import BytesIO
from math import log1p

from PIL import Image, ImageDraw, ImageFont
from rich.console import Console
from rich.table import Table

from hmer_tasks.errors.noise.context import mistake_kind
from hmer_tasks.errors.noise.noise_file import NoiseFile
from hmer_tasks.errors.noise.patterns import pattern
from hmer_tasks.exceptions import NoiseError

NOT_READ = "(not read)"
_CELL, _LEFT, _TOP = 34, 130, 120
_ROWS, _COLUMNS = 30, 30


def confusions(noise: NoiseFile) -> Counter[tuple[str, str]]:
    """How often which symbol was read as which, or not read."""
    return Counter(
        {
            (old, new or NOT_READ): count
            for old, entry in noise.patterns.items()
            for new, count in entry.read_as.items()
            if mistake_kind(pattern(old, new)) in ("change", "lose")
        }
    )


def print_noise(console: Console, noise: NoiseFile, top: int) -> None:
    """The most frequent mistakes of all kinds, and the shape of a candidate."""
    every = Counter(
        {(old, new): count for old, entry in noise.patterns.items() for new, count in entry.read_as.items()}
    )
    total = every.total()
    table = Table("times", "share", "kind", "written", "read as")
    for column in table.columns[:2]:
        column.justify = "right"
    for (old, new), count in sorted(every.items(), key=lambda x: (-x[1], x[0]))[:top]:
        kind = mistake_kind(pattern(old, new))
        table.add_row(f"{count:,}", f"{count / total:.2%}", kind, old, new or NOT_READ)
    console.print(table)
    kinds: Counter[str] = Counter()
    for (old, new), count in every.items():
        kinds[mistake_kind(pattern(old, new))] += count
    console.print(", ".join(f"{kind} {count / total:.1%}" for kind, count in kinds.most_common()))
    misread = sum(noise.number)
    shares = ", ".join(f"{n}: {count / misread:.1%}" for n, count in enumerate(noise.number, start=1))
    console.print(f"mistakes in a misread expression: {shares}")


def heat_map(noise: NoiseFile) -> bytes:
    """A PNG: what stands in the label down the side, what is read across the top, darker is more often.

    Raises NoiseError where there is nothing to draw.
    """
    counts = confusions(noise)
    if not counts:
        raise NoiseError("no symbol was read as another, or lost: there is nothing to draw")
    rows = _most(counts, 0, _ROWS)
    columns = _most(Counter({pair: count for pair, count in counts.items() if pair[0] in rows}), 1, _COLUMNS)
    size = _LEFT + _CELL * len(columns) + 20, _TOP + _CELL * len(rows) + 20
    picture = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(14)
    darkest = log1p(max(counts[row, column] for row in rows for column in columns))
    draw.text((10, 10), "written (down), read as (across); times seen", fill="black", font=font)
    for x, column in enumerate(columns):
        name = Image.new("L", (_TOP - 34, 20), 0)
        ImageDraw.Draw(name).text((0, 0), column, fill=255, font=font)
        upright = name.rotate(90, expand=True)
        picture.paste((0, 0, 0), (_LEFT + x * _CELL + 8, 30), upright)
    for y, row in enumerate(rows):
        top = _TOP + y * _CELL
        draw.text((_LEFT - 8, top + _CELL // 2), row, fill="black", font=font, anchor="rm")
        for x, column in enumerate(columns):
            count = counts[row, column]
            left = _LEFT + x * _CELL
            heat = log1p(count) / darkest
            colour = (255, round(255 - 190 * heat), round(255 - 225 * heat)) if count else (250, 250, 250)
            draw.rectangle((left, top, left + _CELL - 2, top + _CELL - 2), fill=colour)
            if count:
                middle = left + _CELL // 2 - 1, top + _CELL // 2
                draw.text(middle, str(count), fill="black", font=ImageFont.load_default(11), anchor="mm")
    out = BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def _most(counts: Counter[tuple[str, str]], side: int, most: int) -> list[str]:
    totals: Counter[str] = Counter()
    for pair, count in counts.items():
        totals[pair[side]] += count
    return sorted(totals, key=lambda token: (-totals[token], token))[:most]
