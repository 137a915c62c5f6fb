"""Who writes: a writer's choice of forms, proportions and habits, all of it told by a number."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random

import numpy as np

from hmer_tasks.handwriting.curves import Points
from hmer_tasks.handwriting.forms import MADE, SCRIPT, Form, form, forms
from hmer_tasks.handwriting.symbols import form_names

Hands = dict[str, tuple[Form, ...]]  # forms of a user's own, by token

DIGITS_BY = (
    "made",
    "a",
    "b",
    "made",
    "h",
    "i",
    "k",
    "made",
    "d",
    "l",
    "made",
    "m",
    "c",
    "j",
    "made",
    "g",
    "f",
)
LOWER_BY = ("made", "a", "b", "made", "d", "made", "c", "made", "a", "g", "made", "f")
UPPER_BY = ("a", "b", "k", "h", "i", "l", "m", "g", "j", "c", "e", "f")
SIGNS_BY = ("made", "a", "b", "made", "c", "e", "f")
LOYAL = 0.82  # share of symbols that a writer takes from the hand of their choice


def keyed(*parts: object) -> Random:
    """A random source told by its key alone: never by process, order or time."""
    text = "\x1f".join(str(part) for part in parts)
    return Random(int.from_bytes(sha256(text.encode()).digest()[:16], "big"))


@dataclass(frozen=True, slots=True)
class Writer:
    """One person's writing. Lengths are in units (a hundredth of a digit's height)."""

    number: int
    digits: str
    lower: str
    upper: str
    signs: str
    slant: float  # x gained for each unit of height
    wide: float  # width of letters against the usual
    gap: float  # between letters
    loose: float  # between operators, further
    air: float  # above and below bars, 1 the closest
    script: float  # size of a script against its base
    fraction: float  # size of what stands in a fraction
    raised: float  # where a script stands: share of the base
    limits: bool  # limits of an integral above and below it
    tilt: float  # of the whole line
    drift: float  # of the baseline, as a wave
    jitter: float  # of a symbol: tilt, size, place
    shake: float  # of a stroke
    pixels: float  # that a digit is high
    pen: float  # width in pixels
    pressure: float  # how much the width varies
    bend: float  # how far this person's shapes lie from the model's, as a share of a symbol's size
    person: str = ""  # whose strokes to take first, of `hands`
    hands: Hands = field(default_factory=dict, repr=False)
    own: dict[tuple[str, int], Form] = field(default_factory=dict, repr=False, compare=False)

    def form(self, token: str, names: tuple[str, ...], chance: Random) -> Form:
        """The form of this writer for a symbol; now and then another one."""
        own = self.hands.get(token)
        if own:
            own = tuple(each for each in own if each.hand == self.person) or own
            home = keyed("own", self.number, token).randrange(len(own))
            return own[home if chance.random() < LOYAL else chance.randrange(len(own))]  # real strokes
        choices = [each for name in names for each in forms()[name]]
        hand = self._hand(names[0])
        loyal = [each for each in choices if each.hand == hand]
        habit = keyed("habit", self.number, token)
        if loyal and habit.random() < LOYAL:
            choices = loyal
        home = habit.randrange(len(choices))
        taken = home if chance.random() < 0.9 else chance.randrange(len(choices))
        return self._made_own(names[0], choices[taken])

    def _made_own(self, name: str, chosen: Form) -> Form:
        """The form as this writer bends it, always alike: no two people make one shape the same way."""
        key = (name, id(chosen))
        if key not in self.own:
            self.own[key] = bent(
                chosen, keyed("own", self.number, name, chosen.hand, chosen.width), self.bend
            )
        return self.own[key]

    def _hand(self, name: str) -> str:
        if name.startswith(f"{SCRIPT}:"):
            return SCRIPT
        if len(name) > 1:
            return MADE if self.signs == MADE else self.signs
        if name.isdigit():
            return self.digits
        if name.isascii() and name.isalpha():
            return self.lower if name.islower() else self.upper
        return self.signs


def bent(model: Form, chance: Random, share: float) -> Form:
    """A form under a smooth warp over its box, two slow waves each way."""
    tall, wide = max(model.bottom - model.top, 1.0), max(model.width, 1.0)
    reach = share * min(max(tall, wide), 110.0) * (0.35 if min(tall, wide) < 16 else 1.0)
    waves = [(chance.uniform(0.3, 0.8), chance.random(), chance.uniform(-1, 1)) for _ in range(4)]
    squeeze = chance.uniform(0.72, 1.28)

    def warped(points: Points) -> Points:
        across, down = (
            points[:, 0] / max(wide, 0.4 * tall),
            (points[:, 1] - model.top) / max(tall, 0.4 * wide),
        )
        (f0, p0, a0), (f1, p1, a1), (f2, p2, a2), (f3, p3, a3) = waves
        turn = 2 * math.pi
        dx = a0 * np.sin(turn * (f0 * down + p0)) + 0.7 * a1 * np.sin(turn * (f1 * across + p1))
        dy = a2 * np.sin(turn * (f2 * across + p2)) + 0.7 * a3 * np.sin(turn * (f3 * down + p3))
        return np.column_stack([points[:, 0] * squeeze + reach * dx, points[:, 1] + reach * dy])

    out = form(model.hand, [warped(each) for each in model.strokes])
    if -8.0 < model.bottom < 8.0 < tall:  # what stood on the line stands on it still
        lift = np.array((0.0, model.bottom - out.bottom))
        out = form(model.hand, [each + lift for each in out.strokes])
    return out


def writer(number: int, hands: Hands | None = None, people: Sequence[str] = ()) -> Writer:
    """Writer `number`: any whole number from 0. With `hands`, one of the `people` who wrote them."""
    chance = keyed("writer", number)
    pixels = chance.uniform(42, 64)
    return Writer(
        number=number,
        digits=DIGITS_BY[number % len(DIGITS_BY)],
        lower=LOWER_BY[(number * 5 + number // 12) % len(LOWER_BY)],
        upper=UPPER_BY[(number * 7 + number // 12) % len(UPPER_BY)],
        signs=SIGNS_BY[(number * 3 + number // 7) % len(SIGNS_BY)],
        slant=chance.choice((-0.08, 0.0, 0.05, 0.12, 0.2, 0.3)) + chance.uniform(-0.03, 0.03),
        wide=chance.uniform(0.82, 1.18),
        gap=chance.uniform(17, 30) * chance.choice((1.0, 1.0, 1.0, 1.5)),
        loose=chance.uniform(4, 30) * chance.choice((1.0, 1.0, 2.0)),
        air=chance.choice((1.0, 1.0, 1.3, 1.9)) * chance.uniform(0.95, 1.15),
        script=chance.uniform(0.56, 0.74),
        fraction=chance.uniform(0.78, 1.0),
        raised=chance.uniform(-0.12, 0.34),
        limits=chance.random() < 0.4,
        tilt=chance.gauss(0.0, 0.018),
        drift=chance.uniform(0.5, 6.0),
        jitter=chance.uniform(0.7, 1.9),
        shake=chance.uniform(0.7, 2.0),
        pixels=pixels,
        pen=pixels * chance.uniform(0.05, 0.095),
        pressure=chance.choice((0.0, 0.0, 0.1, 0.25)),
        bend=chance.uniform(0.02, 0.07),
        person=people[number % len(people)] if people else "",
        hands=hands or {},
    )


def can_draw(token: str, hands: Hands) -> bool:
    """Whether there is a form for a plain symbol."""
    return bool(hands.get(token)) or bool(form_names(token))
