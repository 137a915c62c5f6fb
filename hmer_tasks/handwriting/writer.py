"""Who writes: a writer's choice of forms, proportions and habits, all of it determined by a number."""

from dataclasses import dataclass, field
from hashlib import sha256
from random import Random

import numpy as np

from hmer_tasks.handwriting.curves import box_of, parted
from hmer_tasks.handwriting.forms import MADE, SCRIPT, Form, form, forms
from hmer_tasks.handwriting.variation import Habits, in_one, warp

Hands = dict[str, tuple[Form, ...]]  # forms of a user's own, by token

# The hands that write each kind of symbol; the project's own hand, with the most forms, comes often.
DIGITS_BY = ("made", *"abnhiopkd", "made", *"qrlsmtucvjgf", "made", "w")
LOWER_BY = ("made", *"anbo", "made", *"dpcq", "made", *"rstu", "made", *"gvwf")
UPPER_BY = tuple("abnkohiplmrgsjtcuevfw")
SIGNS_BY = ("made", *"anbo", "made", *"cprsetvf")
# The share of people who write a symbol in one stroke, as CROHME's writers do; of others it is a habit.
IN_ONE = {
    **dict.fromkeys("abcdeghlmnorsuvwCJLOSUVW023689", 0.95),
    **dict.fromkeys(["1", "mu", "alpha", "M"], 0.85),
    **dict.fromkeys([*"yqz", "beta", "β", "N"], 0.6),
    **dict.fromkeys(["p", "k", "G"], 0.42),
    **dict.fromkeys("BDPR", 0.2),
    **dict.fromkeys("57iIjEFHTXAK!?:;=≡≈÷%≤≥≠±∴∵", 0.0),
    **dict.fromkeys(["div", "cdots", "ldots", "vdots", "ddots", "therefore", "because", '"'], 0.0),
    **dict.fromkeys(["parallel", "le", "ge", "leqslant", "geqslant", "neq", "pm", "phi", "φ"], 0.0),
}
OWN = 0.65  # share of writers who write a sign or a Greek letter as the project's own hand does
REPEATED = 0.5  # share of a person's copies of a symbol that are their usual form
USUAL = 0.64  # share of a writer's copies of a symbol that are their usual form
LOYAL = 0.65  # share of symbols that a writer takes from the hand of their choice


def keyed(*parts: object) -> Random:
    """A random source determined by its key alone: never by process, order or time."""
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
    pace: float  # units between two points that the tablet takes of a straight stroke
    grid: float  # units between two places that the tablet tells apart
    kern: float  # how far symbols reach into one another's boxes; over 1 until their ink is near
    spread: float  # of gaps, as the sigma of a log-normal
    habits: Habits  # how far copies of one symbol lie apart
    bend: float  # how far this person's shapes lie from the model's, as a share of a symbol's size
    person: str = ""  # whose strokes `hands` are
    hands: Hands = field(default_factory=dict, repr=False)
    own: dict[tuple[str, int], Form] = field(default_factory=dict, repr=False, compare=False)
    usual: dict[str, tuple[list[Form], int]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """Who writes, as InkML says it."""
        return self.person or f"writer-{self.number}"

    def form(self, token: str, names: tuple[str, ...], chance: Random) -> Form:
        """The form of this writer for a symbol; now and then another one."""
        own = self.hands.get(token)
        if own:
            home = keyed("own", self.number, token).randrange(len(own))
            return own[home if chance.random() < REPEATED else chance.randrange(len(own))]  # real strokes
        if token not in self.usual:
            self.usual[token] = self._choices(token, names)
        choices, home = self.usual[token]
        taken = home if chance.random() < USUAL else chance.randrange(len(choices))
        return self._made_own(names[0], choices[taken])

    def _choices(self, token: str, names: tuple[str, ...]) -> tuple[list[Form], int]:
        """The forms that this writer has for a symbol, and which of them is the usual one."""
        choices = [candidate for name in names for candidate in forms()[name]]
        hand = self._hand(names[0])
        habit = keyed("habit", self.number, token)
        if "x" in names or any(
            len(name) > 1 or not name.isascii() for name in names
        ):  # our own signs and Greek vary most
            hand = MADE if habit.random() < OWN else hand
        loyal = [candidate for candidate in choices if candidate.hand == hand]
        if loyal and habit.random() < LOYAL:
            choices = loyal
        return choices, habit.randrange(len(choices))

    def _made_own(self, name: str, chosen: Form) -> Form:
        """The form as this writer bends it, always alike: no two people make one shape the same way."""
        key = (name, id(chosen))
        if key not in self.own:
            chance = keyed("own", self.number, name, chosen.hand, chosen.width)
            self.own[key] = bent(chosen, chance, self.bend)
            if chance.random() < IN_ONE.get(name, self.habits.joined):
                size = max(chosen.width, chosen.bottom - chosen.top)
                self.own[key] = form(chosen.hand, in_one(self.own[key].strokes, 0.95 * size))
        return self.own[key]

    def _hand(self, name: str) -> str:
        if name.startswith(f"{SCRIPT}:"):
            return SCRIPT
        if len(name) > 1:
            return self.signs
        if name.isdigit():
            return self.digits
        if name.isascii() and name.isalpha():
            return self.lower if name.islower() else self.upper
        return self.signs


def bent(model: Form, chance: Random, share: float) -> Form:
    """A form under a smooth warp over its box, two slow waves each way."""
    squeeze = chance.lognormvariate(0.0, 0.12)
    points = np.concatenate(model.strokes)
    points = warp(points, box_of(points), share, chance)
    points[:, 0] *= squeeze
    left, top, right, bottom = box_of(points)
    points[:, 0] -= left
    if -8.0 < model.bottom < 8.0 < model.bottom - model.top:  # what stood on the line stands on it still
        rise = model.bottom - bottom
        points[:, 1] += rise
        top, bottom = top + rise, bottom + rise
    return Form(model.hand, tuple(parted(points, model.strokes)), right - left, top, bottom)


def writer(number: int, hands: Hands | None = None, person: str = "") -> Writer:
    """A writer by number.

    Args:
        number: Any whole number from 0.
        hands: Forms of a real person by token. None: the shipped ones.
        person: Whose forms these are.

    Returns:
        The writer, with habits of their own.
    """
    chance = keyed("writer", number)
    pixels = chance.uniform(42, 64)
    return Writer(
        number=number,
        digits=DIGITS_BY[number % len(DIGITS_BY)],
        lower=LOWER_BY[(number * 5 + number // 12) % len(LOWER_BY)],
        upper=UPPER_BY[(number * 7 + number // 12) % len(UPPER_BY)],
        signs=SIGNS_BY[(number * 3 + number // 7) % len(SIGNS_BY)],
        slant=chance.choice((-0.08, 0.0, 0.0, 0.05, 0.1, 0.18)) + chance.uniform(-0.03, 0.03),
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
        shake=chance.uniform(0.1, 0.9),
        pixels=pixels,
        pen=pixels * chance.uniform(0.05, 0.095),
        pressure=chance.choice((0.0, 0.0, 0.1, 0.25)),
        bend=chance.uniform(0.02, 0.06),
        pace=chance.uniform(4.0, 17.0),
        grid=min(3.4, chance.lognormvariate(0.05, 0.75)),
        kern=chance.uniform(1.0, 3.0),
        spread=chance.uniform(0.35, 0.7),
        habits=Habits(
            warp=chance.uniform(0.03, 0.08),
            size=chance.uniform(0.06, 0.14),
            aspect=chance.uniform(0.07, 0.14),
            shear=chance.uniform(0.03, 0.075),
            tilt=chance.uniform(0.02, 0.06),
            ends=chance.uniform(0.015, 0.05),
            apart=chance.uniform(0.01, 0.05),
            hooks=chance.uniform(0.1, 0.75),
            hook=chance.uniform(3.0, 8.0),
            joined=chance.uniform(0.0, 0.25),
        ),
        person=person,
        hands=hands or {},
    )
