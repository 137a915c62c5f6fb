"""Real people's hands: strokes per symbol, collected from InkML whose traces are grouped by symbol.

A symbol of real ink has no line to stand on that could be read off it, so each is brought to the size
and place at which most of the traced hands have it. Ink that lies far from their proportions (a
mislabelled group, a bar as wide as the page) is left out.
"""

from collections import defaultdict
from functools import cache
from pathlib import Path
from statistics import median

import numpy as np

from hmer_tasks.exceptions import CorpusError, PictureError
from hmer_tasks.handwriting.curves import Points, evenly
from hmer_tasks.handwriting.forms import Form, form, forms
from hmer_tasks.handwriting.inkml import parse
from hmer_tasks.handwriting.symbols import form_names
from hmer_tasks.handwriting.writer import Hands
from hmer_tasks.storage.files import Files
from hmer_tasks.storage.opening import open_files

SPELLED = {"\\lt": "<", "\\gt": ">", "COMMA": ",", "\\|": "|"}
WORDS = {
    "\\sin": 92.0,
    "\\cos": 64.0,
    "\\tan": 92.0,
    "\\log": 120.0,
    "\\lim": 100.0,
}  # heights; no form tells them
MOST = 3  # forms of a symbol from one person
FILES = 2500  # at most so many documents are read, evenly spread
STRETCHING = frozenset(["\\sqrt", "|", "\\sum", "-"])


def collect(path: Path) -> Hands:
    """Forms by token from a folder or archive of InkML, or one file. Raises CorpusError."""
    single = path.is_file() and path.suffix.lower() == ".inkml"
    with open_files(path.parent if single else path) as files:
        names = [path.name] if single else files.names(suffix=".inkml")
        found: dict[str, list[Form]] = defaultdict(list)
        for name in names[:: max(1, len(names) // FILES)]:
            for token, each in _symbols(files, name):
                if sum(other.hand == each.hand for other in found[token][-40:]) < MOST:
                    found[token].append(each)
    if not found:
        raise CorpusError(f"--hands {path}: no InkML there whose traces are grouped by symbol")
    return {token: tuple(found[token]) for token in sorted(found)}


def people(hands: Hands) -> list[str]:
    """Who wrote them, those with the most symbols first."""
    wrote: dict[str, int] = defaultdict(int)
    for each in hands.values():
        for name in {one.hand for one in each}:
            wrote[name] += 1
    return sorted(wrote, key=lambda name: (-wrote[name], name))


def _symbols(files: Files, name: str) -> list[tuple[str, Form]]:
    """The usable symbols of one document; none if it cannot be read, or has no groups."""
    try:
        ink = parse(files.read(name), name)
    except PictureError:
        return []
    person = ink.annotations.get("writer", "")
    if person.lower() in ("", "unknown"):
        person = ink.annotations.get("UI", name)
    places = {id: at for at, id in enumerate(ink.ids)}
    out = []
    for truth, ids in ink.groups:
        token = SPELLED.get(truth, truth)
        strokes = [ink.strokes[places[id]] for id in ids if id in places]
        made = _form(token, person, [np.array(stroke, dtype=np.float64) for stroke in strokes])
        if made is not None:
            out.append((token, made))
    return out


@cache
def _usual(token: str) -> tuple[float, float, float] | None:
    """Width, top and bottom that most traced forms of a token have."""
    if token in WORDS:
        return 2.4 * WORDS[token], -WORDS[token], 28.0 if token == "\\log" else 0.0
    all_forms = [each for name in form_names(token) for each in forms()[name]]
    if not all_forms or token in STRETCHING:
        return None
    return (
        median(each.width for each in all_forms),
        median(each.top for each in all_forms),
        median(each.bottom for each in all_forms),
    )


def _form(token: str, person: str, strokes: list[Points]) -> Form | None:
    usual = _usual(token)
    if usual is None or not strokes:
        return None
    every = np.concatenate(strokes)
    low, high = every.min(axis=0), every.max(axis=0)
    wide, tall = (float(side) for side in high - low)
    width, top, bottom = usual
    if max(width, bottom - top) < 25:  # a dot or a prime: any size will do
        scale = max(width, bottom - top, 6.0) / max(wide, tall, 1e-9)
        if max(wide, tall) <= 0:
            return None
    else:
        if (
            max(wide, tall) <= 0
            or not 0.45
            < (wide + 0.2 * tall)
            / (width + 0.2 * (bottom - top))
            * ((bottom - top + 0.2 * width) / (tall + 0.2 * wide))
            < 2.2
        ):
            return None
        scale = ((bottom - top) + 0.5 * width) / (tall + 0.5 * wide)
    middle = (top + bottom) / 2
    centre = float(low[1] + high[1]) / 2
    placed = [(stroke - (float(low[0]), centre)) * scale + (0.0, middle) for stroke in strokes]
    return form(person, [evenly(each) for each in placed])
