"""What else stands on a page that is photographed: neighbouring lines, a crossed-out start, print.

All of it keeps clear of the formula, which lies inside the margins: left, top, right, bottom.
"""

from functools import cache
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from hmer_tasks.handwriting.forms import Form, forms

Margins = tuple[int, int, int, int]
CLEAR = 4  # pixels between the formula's box and anything else
LETTERS = "abcdefghijkmnoprstuvwxyz0123456789=+"
WORDS = (
    "Solve the equation. Show your work. Find the value of the function at the given point. "
    "Exercise 12 Name: Date: Class: points Total Prove that for all real numbers the following holds."
).split()


@cache
def _letters() -> tuple[Form, ...]:
    return tuple(form for letter in LETTERS for form in forms()[letter])


def add_writing(cover: Image.Image, margins: Margins, pen: float, seen: set[str], chance: Random) -> None:
    """Neighbouring lines cut at the edge and a crossed-out start, drawn black on `cover` in the same pen."""
    left, top, _, bottom = margins
    width, height = cover.size
    if "line above" in seen:
        strip = (0, 0, width, max(0, top - CLEAR))
        _line(cover, strip, strip[3] - 2, pen, chance)
    if "line below" in seen:
        strip = (0, min(height, height - bottom + CLEAR), width, height)
        _line(cover, strip, strip[1] + round(chance.uniform(34, 52)), pen, chance)
    if "crossed out" in seen and left > 24:
        _crossed_out(cover, (2, top + CLEAR, left - 2 * CLEAR, height - bottom - CLEAR), pen, chance)


def _line(cover: Image.Image, strip: Margins, base: float, pen: float, chance: Random) -> None:
    """A line of writing of which only what falls into the strip is seen."""
    if strip[3] - strip[1] < 5:
        return
    part = Image.new("L", (strip[2] - strip[0], strip[3] - strip[1]), 255)
    x = chance.uniform(-20, 30)
    stop = chance.uniform(0.5, 1.0) * part.width
    scale = chance.uniform(0.38, 0.6)
    while x < stop:
        x += _letter(part, (x, base - strip[1]), scale, pen, chance) + chance.choice((5, 8, 8, 26))
    _darken(cover, part, strip)


def _letter(page: Image.Image, place: tuple[float, float], scale: float, pen: float, chance: Random) -> float:
    x, base = place
    every = _letters()
    form = every[chance.randrange(len(every))]
    pencil = ImageDraw.Draw(page)
    for stroke in form.strokes:
        spots = [(x + scale * a, base + scale * b) for a, b in stroke.tolist()]
        pencil.line(spots, fill=0, width=max(1, round(pen)), joint="curve")
    return scale * form.width


def _crossed_out(cover: Image.Image, strip: Margins, pen: float, chance: Random) -> None:
    """A false start: a few letters, and a line or a scribble through them."""
    wide, tall = strip[2] - strip[0], strip[3] - strip[1]
    if wide < 20 or tall < 16:
        return
    part = Image.new("L", (wide, tall), 255)
    scale = min(0.5, tall / 170)
    base = chance.uniform(0.5, 0.75) * tall
    x = 4.0
    while x < wide - 60 * scale:
        x += _letter(part, (x, base), scale, pen, chance) + 6
    pencil = ImageDraw.Draw(part)
    middle = base - 35 * scale
    width = max(1, round(pen))
    if chance.random() < 0.5:
        for _ in range(chance.choice((1, 2))):
            y = middle + chance.uniform(-6, 6)
            pencil.line((1, y, x, y + chance.uniform(-7, 7)), fill=0, width=width)
    else:
        spots, at = [(1.0, middle)], 1.0
        while at < x:
            at += chance.uniform(3, 8)
            spots.append((at, middle + chance.uniform(8, 26) * scale * (-1) ** len(spots) * 2))
        pencil.line(spots, fill=0, width=width, joint="curve")
    _darken(cover, part, strip)


def _darken(cover: Image.Image, part: Image.Image, strip: Margins) -> None:
    soft = part.filter(ImageFilter.GaussianBlur(0.5))
    place = (strip[0], strip[1])
    under = cover.crop((*place, place[0] + part.width, place[1] + part.height))
    dark = np.minimum(np.asarray(under), np.asarray(soft))
    cover.paste(Image.fromarray(dark), place)


def printed(width: int, height: int, margins: Margins, chance: Random) -> NDArray[np.float32]:
    """Print above the formula, as how much light it leaves: a line of a textbook, or what is left of one."""
    page = Image.new("L", (width, height), 255)
    _, top, _, _ = margins
    room = top - CLEAR
    if room >= 10:
        size = min(max(10, round(0.7 * room)), 22)
        text = " ".join(chance.choice(WORDS) for _ in range(3 + width // (6 * size)))
        font = ImageFont.load_default(size)
        place = (chance.randint(-30, 12), room - round(1.25 * size))
        ImageDraw.Draw(page).text(place, text, fill=chance.randint(20, 80), font=font)
    light: NDArray[np.float32] = np.asarray(page.filter(ImageFilter.GaussianBlur(0.5)), dtype=np.float32)
    return light / np.float32(255)
