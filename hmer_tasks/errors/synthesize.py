"""One plausible wrong reading of a label: what a recogniser might have written instead.

Mistakes are exchanged, lost and added symbols and scripts of the wrong kind, so a candidate keeps
the label's structure and parses. It never equals the label, nor looks the same on paper (`\\le` for
`\\leq`, scripts in the other order). Keyed by (seed, id): the same for any worker and any order.
"""

import hashlib
from random import Random

from hmer_tasks.errors.model import NoiseModel, shipped_model
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.spelling import same_on_paper
from hmer_tasks.latex.tables import tables
from hmer_tasks.latex.tree import to_label
from hmer_tasks.reasons import LabelError

_TRIES = 20
_STRUCTURE = frozenset(["{", "}", "_", "^", "&", "\\\\", "[", "]"])


def keyed_random(seed: int, *key: str) -> Random:
    """A random source that depends on nothing but these."""
    text = "\x1f".join((str(seed), *key))
    return Random(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))


def synthesize(label: str, random: Random, model: NoiseModel | None = None) -> str:
    """A wrong candidate for a label in explicit form, itself in explicit form."""
    model = model or shipped_model()
    tokens = label.split()
    for _ in range(_TRIES):
        candidate = " ".join(_misread(tokens, random, model))
        try:
            candidate = to_label(parse(candidate))
        except LabelError:
            continue
        if not same_on_paper(candidate, label):
            return candidate
    return f"{label} {'1' if tokens[-1] != '1' else '2'}"  # one more symbol is always seen


def _misread(tokens: list[str], random: Random, model: NoiseModel) -> list[str]:
    out: list[str | None] = list(tokens)
    places = _plain_places(tokens)
    extra: dict[int, str] = {}
    for _ in range(min(int(model.mistakes.draw(random)), max(1, len(places) // 2))):
        kind = random.choices(list(model.kinds), list(model.kinds.values()))[0]
        if kind == "script":
            _exchange_script(out, tokens, random)
        elif kind == "insert" or not places:
            extra[random.choice(places) if places else len(tokens) - 1] = model.extra.draw(random)
        else:
            place = random.choices(places, [model.rate(kind, tokens[p]) for p in places])[0]
            lone = len(places) == 1
            out[place] = None if kind == "delete" and not lone else model.read(tokens[place], random)
    result: list[str] = []
    for place, token in enumerate(out):
        result += [token] if token is not None else []
        result += [extra[place]] if place in extra else []
    return result


def _plain_places(tokens: list[str]) -> list[int]:
    """Places of ordinary symbols: to lose or exchange one leaves the structure whole."""
    t = tables()
    places = []
    columns = False
    for place, token in enumerate(tokens):
        if token.startswith("{") and len(token) > 1:
            columns = token[1:-1] in t.column_environments and tokens[place - 1] == "\\begin"
        elif columns:
            columns = token != "}"
        elif not (
            token in _STRUCTURE or token in t.signatures or token in t.fences or token in ("\\begin", "\\end")
        ):
            places.append(place)
    return places


def _exchange_script(out: list[str | None], tokens: list[str], random: Random) -> None:
    marks = [place for place, token in enumerate(tokens) if token in ("_", "^")]
    if marks:
        place = random.choice(marks)
        out[place] = "^" if tokens[place] == "_" else "_"
