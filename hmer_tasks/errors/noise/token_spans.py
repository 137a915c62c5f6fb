"""Long mistakes, too rare to be modelled one by one: a run of tokens lost, added, or read as another run."""

from random import Random
from typing import Final

from hmer_tasks.errors.noise.model import NoiseModel
from hmer_tasks.errors.noise.patterns import Edit, item_end

_TRIES: Final = 4


def sample_span_error(tokens: list[str], random: Random, model: NoiseModel) -> list[Edit] | None:
    """A mistake that concerns a run of tokens: it is lost, or read as another run of the label.

    Args:
        tokens: The label; its first token is START.
        random: The source of randomness.
        model: The noise model, which says how long such runs are.

    Returns:
        The edit; None where there is no room for it, or the model knows no runs.
    """
    if model.runs is None:
        return None
    old, new = model.runs.draw(random)
    for _ in range(_TRIES):
        start, stop = _run(tokens, old, random)
        if stop - start == old:
            break
    else:
        return None
    if not new:
        return [(start, stop, ())]
    first, last = _run(tokens, new, random)
    return [(start, stop, tuple(tokens[first:last]))] if first < last else None


def _run(tokens: list[str], length: int, random: Random) -> tuple[int, int]:
    """Whole items of about that many tokens, from a random place."""
    place = start = 1 + int(random.random() * (len(tokens) - 1))
    while place - start < length and (end := item_end(tokens, place)) > place:
        place = end
    return start, place
