"""The noise model: how often recognisers misread which symbol as which, from grammar/confusables.toml."""

from bisect import bisect
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from random import Random

from hmer_tasks.grammar_files import read_toml

# How often a symbol never measured is misread or left out, as a share of the times it stands.
_BACK_OFF = 0.02


@dataclass(frozen=True, slots=True)
class Weighted:
    """Things to draw from, each with a weight."""

    items: tuple[str, ...]
    cumulative: tuple[float, ...]

    def draw(self, random: Random) -> str:
        return self.items[
            min(bisect(self.cumulative, random.random() * self.cumulative[-1]), len(self.items) - 1)
        ]


def weighted(weights: dict[str, float]) -> Weighted:
    """A non-empty table of weights above zero."""
    return Weighted(tuple(weights), tuple(accumulate(weights.values())))


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """Rates per symbol (a share of the times it stands in a label) and what it is read as."""

    mistakes: Weighted  # "1", "2", … in a misread expression
    kinds: dict[str, float]  # replace, delete, insert, script
    misread: dict[str, float]
    missing: dict[str, float]
    read_as: dict[str, Weighted]
    extra: Weighted

    def rate(self, kind: str, symbol: str) -> float:
        """How readily the symbol suffers a mistake of this kind (replace or delete)."""
        rates = self.misread if kind == "replace" else self.missing
        return rates.get(symbol, _BACK_OFF)

    def read(self, symbol: str, random: Random) -> str:
        """What the symbol is read as; a symbol never measured is read as one of its own sort."""
        table = self.read_as.get(symbol)
        return table.draw(random) if table is not None else random.choice(_same_sort(symbol))


@cache
def shipped_model() -> NoiseModel:
    """The model of grammar/confusables.toml."""
    data = read_toml("confusables.toml")
    symbols, kinds, extra, mistakes = (data[name] for name in ("symbols", "kinds", "extra", "mistakes"))
    assert isinstance(symbols, dict)
    assert isinstance(kinds, dict)
    assert isinstance(extra, dict)
    assert isinstance(mistakes, dict)
    counts = {str(i): float(count) for i, count in enumerate(mistakes["counts"], start=1) if count}
    return NoiseModel(
        mistakes=weighted(counts),
        kinds={kind: float(count) for kind, count in kinds.items()},
        misread={s: (sum(entry["as"].values()) + 0.5) / entry["seen"] for s, entry in symbols.items()},
        missing={s: (entry["missing"] + 0.5) / entry["seen"] for s, entry in symbols.items()},
        read_as={s: weighted(entry["as"]) for s, entry in symbols.items() if entry["as"]},
        extra=weighted(extra),
    )


_SORTS = (
    "0123456789",
    "abcdefghijklmnopqrstuvwxyz",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
)
_GREEK = r"\alpha \beta \gamma \delta \theta \lambda \mu \nu \pi \rho \sigma \tau \phi \psi \omega".split()
_RELATIONS = r"= < > \leq \geq \neq \approx \sim".split()


def _same_sort(symbol: str) -> list[str]:
    for sort in (*map(list, _SORTS), _GREEK, _RELATIONS):
        if symbol in sort:
            return [other for other in sort if other != symbol]
    return ["x", "1", "-", "a"] if symbol != "x" else ["1", "-", "a"]
