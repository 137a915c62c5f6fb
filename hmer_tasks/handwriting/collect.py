"""Real people's writing: strokes of each symbol by writer, collected from InkML with symbol groups.

A symbol of real ink has no line to stand on that could be read off it, so each is brought to the size
and place at which most of our forms have it. Ink that lies far from their proportions (a mislabelled
group, a bar as wide as the page) is left out.

A person who wrote few symbols would write with strangers' for the rest. So people below FEWEST symbols
join the most similar person, or are left out, and what a person never wrote comes from the most similar
one who did: a writer's expression is never a mixture of many.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from hmer_tasks.exceptions import CorpusError
from hmer_tasks.handwriting.curves import Points, evenly
from hmer_tasks.handwriting.forms import Form, form, forms
from hmer_tasks.handwriting.parts import read_documents
from hmer_tasks.handwriting.symbols import form_names
from hmer_tasks.handwriting.writer import Hands, Writer, writer
from hmer_tasks.storage.files import Files
from hmer_tasks.storage.opening import open_files

WORDS = {
    "\\sin": 92.0,
    "\\cos": 64.0,
    "\\tan": 92.0,
    "\\log": 120.0,
    "\\lim": 100.0,
}  # heights; no form tells them
MOST = 5  # forms of a symbol from one person
FILES = 4000  # at most so many documents are read, evenly spread
FEWEST = 18  # different symbols of a person who writes on their own
SHARED = 4  # symbols that two people must share to be compared
GRID = 8  # side of the coarse picture that shapes are compared by
OF_ANY_SHAPE = frozenset(["\\sqrt", "|", "\\sum", "-"])
Shape = NDArray[np.float32]


@dataclass(frozen=True)
class Collection:
    """People and how each writes. `summary`: one line for the user."""

    people: tuple[str, ...]
    by_person: dict[str, Hands] = field(repr=False)
    similar: dict[str, tuple[str, ...]] = field(repr=False)
    summary: str = ""
    known: dict[str, Hands] = field(default_factory=dict, repr=False, compare=False)

    def hands_of(self, person: str) -> Hands:
        """All symbols as this person writes them; those they never wrote, as the most similar person does."""
        hands = dict(self.by_person[person])
        for other in self.similar[person]:
            for token, token_forms in self.by_person[other].items():
                hands.setdefault(token, token_forms)
        return hands

    def writer(self, number: int) -> Writer:
        """Writer `number`, who writes as one of the people does."""
        person = self.people[number % len(self.people)]
        if person not in self.known:
            self.known[person] = self.hands_of(person)
        return writer(number, self.known[person], person)

    def digest(self) -> str:
        """SHA-256 of all strokes."""
        digest = sha256()
        for person in self.people:
            for token, token_forms in sorted(self.by_person[person].items()):
                digest.update(f"{person}\t{token}".encode())
                for drawn in token_forms:
                    digest.update(b"".join(stroke.tobytes() for stroke in drawn.strokes))
        return digest.hexdigest()


def collect(path: Path) -> Collection:
    """The people of a folder or archive of InkML, or of one file. Raises CorpusError."""
    single = path.is_file() and path.suffix.lower() == ".inkml"
    with open_files(path.parent if single else path) as files:
        names = [path.name] if single else files.names(suffix=".inkml")
        people = _by_person(files, names[:: max(1, len(names) // FILES)])
    if not people:
        raise CorpusError(f"--writers {path}: no InkML whose traces are grouped by symbol")
    return _merged(people)


def _by_person(files: Files, names: Sequence[str]) -> dict[str, Hands]:
    forms_by_person: dict[str, dict[str, list[Form]]] = defaultdict(lambda: defaultdict(list))
    for document in read_documents(files, names):
        for group in document.groups:
            known = forms_by_person[document.writer][group.token]
            if len(known) < MOST:
                traced = _form(group.token, document.writer, group.strokes)
                if traced is not None:
                    known.append(traced)
    out = {}
    for person in sorted(forms_by_person):
        hands = {
            token: tuple(forms_by_person[person][token])
            for token in sorted(forms_by_person[person])
            if forms_by_person[person][token]
        }
        if hands:
            out[person] = hands
    return out


def _merged(by_person: dict[str, Hands]) -> Collection:
    """Those who wrote enough, each with the small ones most similar to them, and who is similar to whom."""
    large = [person for person in by_person if len(by_person[person]) >= FEWEST] or [
        max(by_person, key=lambda p: len(by_person[p]))
    ]
    small = [person for person in by_person if person not in set(large)]
    shapes = _shapes(by_person)
    between = _distances(shapes, large, large)
    near = float(np.median(between[np.isfinite(between)])) if len(large) > 1 else np.inf
    hands = {person: dict(by_person[person]) for person in large}
    joined = 0
    if small:
        apart = _distances(shapes, small, large)
        for row, person in enumerate(small):
            at = int(apart[row].argmin())
            if apart[row, at] <= near:
                joined += 1
                for token, token_forms in by_person[person].items():
                    hands[large[at]].setdefault(token, token_forms)
    people = sorted(large, key=lambda person: (-len(hands[person]), person))
    ranks = np.argsort(between, axis=1, kind="stable") if len(large) > 1 else np.zeros((len(large), 0), int)
    similar = {person: tuple(large[at] for at in ranks[row] if at != row) for row, person in enumerate(large)}
    usual, out = int(median(len(hands[person]) for person in people)), len(small) - joined
    summary = (
        f"{len(people):,} writers with {usual} symbols each (median); of {len(small):,} people with under "
        f"{FEWEST}, {joined:,} joined a similar writer and {out:,} are left out"
    )
    return Collection(tuple(people), hands, similar, summary)


def _shapes(by_person: dict[str, Hands]) -> dict[str, dict[str, Shape]]:
    return {
        person: {token: np.mean([_shape(form) for form in forms], axis=0) for token, forms in hands.items()}
        for person, hands in by_person.items()
    }


def _shape(traced: Form) -> Shape:
    """Where the ink runs, on a coarse grid, blurred; of length 1."""
    points = np.concatenate(traced.strokes)
    low, sides = points.min(axis=0), np.ptp(points, axis=0)
    places = (points - low - sides / 2) / max(float(sides.max()), 1.0) * (GRID - 2) + GRID / 2 - 0.5
    across = np.exp(-((places[:, :1] - np.arange(GRID)) ** 2))
    down = np.exp(-((places[:, 1:] - np.arange(GRID)) ** 2))
    picture = (down.T @ across).ravel()
    shape: Shape = (picture / np.linalg.norm(picture)).astype(np.float32)
    return shape


def _distances(
    shapes: dict[str, dict[str, Shape]], ours: list[str], theirs: list[str]
) -> NDArray[np.float64]:
    """How differently two people write the symbols that both wrote; infinite for too few of them."""
    tokens = sorted({token for hands in shapes.values() for token in hands})
    total = np.zeros((len(ours), len(theirs)))
    count = np.zeros((len(ours), len(theirs)))
    for token in tokens:
        rows = [at for at, person in enumerate(ours) if token in shapes[person]]
        columns = [at for at, person in enumerate(theirs) if token in shapes[person]]
        if rows and columns:
            a = np.stack([shapes[ours[at]][token] for at in rows])
            b = np.stack([shapes[theirs[at]][token] for at in columns])
            apart = np.sqrt(np.maximum(0.0, (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T))
            total[np.ix_(rows, columns)] += apart
            count[np.ix_(rows, columns)] += 1
    out = np.where(count >= SHARED, total / np.maximum(count, 1), np.inf)
    for row, person in enumerate(ours):
        if person in theirs:
            out[row, theirs.index(person)] = np.inf
    return out


@cache
def _usual(token: str) -> tuple[float, float, float] | None:
    """Width, top and bottom that most traced forms of a token have."""
    if token in WORDS:
        return 2.4 * WORDS[token], -WORDS[token], 28.0 if token == "\\log" else 0.0
    all_forms = [form for name in form_names(token) for form in forms()[name]]
    if not all_forms or token in OF_ANY_SHAPE:
        return None
    return (
        median(form.width for form in all_forms),
        median(form.top for form in all_forms),
        median(form.bottom for form in all_forms),
    )


def _form(token: str, person: str, strokes: Sequence[Points]) -> Form | None:
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
    return form(person, [evenly(stroke) for stroke in placed])
