r"""One plausible wrong reading of a label: what a recogniser might have written instead.

Mistakes are drawn from the noise model among all that the label could suffer. A candidate never looks
the same on paper as its label (`\le` for `\leq`, scripts in the other order); it is in explicit form
if it parses, and one that does not is as rare as it was among those measured. Keyed by the caller's
random source: the same for any worker and any order.
"""

from functools import cache
from random import Random
from string import ascii_letters, digits
from typing import Final

from hmer_tasks.errors.equivalence import are_equivalent
from hmer_tasks.errors.noise.model import NoiseModel, Places, shipped_model
from hmer_tasks.errors.noise.patterns import Edit, Pattern, apply, find
from hmer_tasks.errors.noise.token_spans import sample_span_error
from hmer_tasks.errors.token_classes import START
from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.attributes import ATTRIBUTED
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tables import tables
from hmer_tasks.latex.tree import to_label
from hmer_tasks.utils.keyed_random import keyed_random

_TRIES: Final = 20
_DRAWS: Final = 5  # for each mistake wanted


def synthesize(label: str, random: Random, model: NoiseModel | None = None) -> str:
    """One wrong candidate for a label.

    Args:
        label: A label in explicit form.
        random: The source of randomness; the candidate depends on nothing else.
        model: The noise model, by default the shipped one.

    Returns:
        A candidate that does not look the same on paper as the label.
    """
    model = model or shipped_model()
    tokens = [START, *label.split()]
    broken = random.random() < model.broken
    number = model.number.draw(random)
    places = model.places(tokens)
    for attempt in range(_TRIES):
        broken = broken and attempt < _TRIES // 2  # some labels cannot be broken
        edits = _draw_edits(places, number, random, model)
        read = apply(tokens, edits)
        candidate = " ".join(read)
        if not _surely_parses(tokens, edits):
            try:
                candidate = to_label(parse(candidate))
            except LabelError:
                if broken and candidate:
                    return candidate
                continue
            read = candidate.split()
        if not broken and not are_equivalent(read, tokens[1:]):
            return candidate
    return f"{label} {'1' if tokens[-1] != '1' else '2'}"  # one more symbol is always seen


def synthesize_candidates(label: str, n: int = 1, seed: int = 0) -> list[str]:
    """Wrong readings of a label, drawn from the shipped noise model.

    Args:
        label: A label that parses.
        n: How many.
        seed: The same label, seed and version give the same candidates.

    Returns:
        `n` different candidates, fewer only where the label allows no more. None looks the same on paper as
        the label; a few do not parse, as it was measured of real ones.

    Raises:
        LabelError: The label does not parse.

    Examples:
        >>> synthesize_candidates("x ^ { 2 } + 1", n=3)
        ['x . ^ { 2 } + 1', 'x ^ { 2 } +', 'x ^ { 2 } N']
    """
    explicit = to_label(parse(label))
    candidates: dict[str, None] = {}
    for number in range(_TRIES * n):
        if len(candidates) == n:
            break
        candidates[synthesize(explicit, keyed_random(seed, explicit, str(number)))] = None
    return list(candidates)


def _draw_edits(places: Places, number: int, random: Random, model: NoiseModel) -> list[Edit]:
    tokens = places.tokens
    edits: list[Edit] = []
    mistake: Pattern | None = None
    number = min(number, len(tokens) // 2)  # mistakes stand apart
    for _ in range(_DRAWS * number):
        if mistake is not None and random.random() < model.repeated:
            alike = [place for place, token in enumerate(tokens) if token == mistake.old[0][0]]
            new = find(mistake, tokens, random.choice(alike), model.gaps, random)
            mistake = None if len(alike) == 1 else mistake
        elif random.random() < model.run_share:
            new = sample_span_error(tokens, random, model)
        else:
            place, table = model.choose(places, random)
            mistake = model.draw(table, tokens[place], random)
            new = find(mistake, tokens, place, model.gaps, random)
        if new and _apart(new, edits):
            edits += new
            number -= 1
            if not number:
                break
    return edits


def _surely_parses(tokens: list[str], edits: list[Edit]) -> bool:
    """Whether symbols alone were exchanged, added or lost, so that the structure stays (most are)."""
    if "\\begin" in tokens or not ATTRIBUTED.isdisjoint(tokens):  # a column spec or a length is no symbol
        return False
    plain = _plain()
    if sum(stop - start for start, stop, _ in edits) >= len(tokens) - 1:
        return False  # nothing may be left
    for start, stop, new in edits:
        if not plain.issuperset(new) or not plain.issuperset(tokens[start:stop]):
            return False
        if not new and not _free(tokens, start, stop):
            return False
        if start == stop and tokens[start - 1] not in plain and tokens[start - 1] not in (START, "{"):
            return False  # it may stand between a command and its argument
    return True


def _free(tokens: list[str], start: int, stop: int) -> bool:
    """Whether what stands around plain tokens keeps its place when they are lost: no script of theirs
    comes to stand on another base, no group or row is left empty, no bracket becomes an option."""
    after = tokens[stop] if stop < len(tokens) else ""
    if after in _plain():
        return True
    if after in ("_", "^", "'", "{", "[", "]", "&", "\\\\") or after in tables().scripts:
        return False
    return tokens[start - 1] in _plain() or tokens[start - 1] == "}"


@cache
def _plain() -> frozenset[str]:
    """Tokens that are one node each, wherever they stand."""
    t = tables()
    known = t.symbols | t.operators | set(ascii_letters + digits + "+-*/=<>.,;:!?|()")
    return known.difference(t.signatures, t.fences, t.scripts)


def _apart(new: list[Edit], edits: list[Edit]) -> bool:
    """Whether a symbol stands between the new edits and those that are there: else they were one mistake."""
    for begin, stop, _ in edits:
        for start, end, _ in new:
            if start <= stop and end >= begin:
                return False
    return True
