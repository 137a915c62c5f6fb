"""How usual a label is, by the other labels: a trigram model of tokens, smoothed, the label itself left out.

A reading that is much more usual than the label it contradicts speaks against the label: slips of the pen
and of the keyboard make unusual labels, while recognisers err towards the usual and away from it alike.
"""

import math
from collections import Counter
from collections.abc import Iterable

_EDGE = "<edge>"
_WEIGHTS = (0.6, 0.28, 0.12)  # of trigram, bigram and single token; the last is never 0


class LabelModel:
    """Counts of the labels' tokens. Probabilities are Jelinek-Mercer mixtures (1980)."""

    def __init__(self, labels: Iterable[str]) -> None:
        self._counts: tuple[Counter[tuple[str, ...]], ...] = (Counter(), Counter(), Counter())
        self._before: tuple[Counter[tuple[str, ...]], ...] = (Counter(), Counter(), Counter())
        for label in labels:
            self._add(label.split(), 1)
        self._kinds = len(self._counts[0]) + 1
        # nats of a token in a label that is left out of the counts, roughly
        self._mean = 2.5

    def _add(self, tokens: list[str], sign: int) -> None:
        padded = [_EDGE, _EDGE, *tokens, _EDGE]
        for i in range(2, len(padded)):
            for n in (1, 2, 3):
                gram = tuple(padded[i - n + 1 : i + 1])
                self._counts[n - 1][gram] += sign
                self._before[n - 1][gram[:-1]] += sign

    def advantage(self, reading: str, label: str) -> float:
        """The reading's log probability minus the label's, in nats, by the other labels, each token held
        against the mean one, so that a shorter text gains nothing; `label` is one of those that were
        counted."""
        self._add(label.split(), -1)
        longer = len(reading.split()) - len(label.split())
        advantage = self._log_probability(reading.split()) - self._log_probability(label.split())
        self._add(label.split(), 1)
        return advantage + longer * self._mean

    def _log_probability(self, tokens: list[str]) -> float:
        padded = [_EDGE, _EDGE, *tokens, _EDGE]
        return math.fsum(math.log(self._probability(padded[i - 2 : i + 1])) for i in range(2, len(padded)))

    def _probability(self, gram: list[str]) -> float:
        total = self._before[0][()]
        single = (self._counts[0][gram[2],] + 0.5) / (total + 0.5 * self._kinds)
        probability = _WEIGHTS[2] * single
        for n in (2, 3):
            before = self._before[n - 1][tuple(gram[3 - n : 2])]
            share = self._counts[n - 1][tuple(gram[3 - n :])] / before if before else single
            probability += _WEIGHTS[3 - n] * share
        return probability
