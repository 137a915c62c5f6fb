"""Making a noise model give back what was measured: candidates are drawn, and their mistakes compared.

Chances alone leave out that mistakes stand apart, that candidates parse, and what stands around a
mistake. So a few rounds each draw candidates for the labels measured, read their mistakes off as those
of the real ones were, and weigh down what came too often and up what came too rarely.
"""

from dataclasses import replace
from hashlib import file_digest
from math import log, sqrt
from pathlib import Path

from hmer_tasks._version import __version__
from hmer_tasks.errors.noise.fit import Measured, Seen, measure, noise_of
from hmer_tasks.errors.noise.model import NoiseModel, model_of
from hmer_tasks.errors.noise.noise_file import Misread, NoiseFile, noise_text
from hmer_tasks.errors.noise.patterns import mistakes
from hmer_tasks.errors.noise.synthesize import synthesize
from hmer_tasks.exceptions import NoiseError
from hmer_tasks.utils.keyed_random import keyed_random

ROUNDS = 10
_LAST = 4  # rounds after only the most telling contexts are left
CONTEXTS = 1200  # so that a noise file stays small
LABELS_A_ROUND = 5000
_SMOOTH = 4.0  # mistakes added on both sides: what is rare stays where it is
# Of the way, each round: one mistake counts for its start and for several contexts.
_STEP, _CONTEXT_STEP = 0.4, 0.2
_LEAST, _MOST = 0.05, 8.0


def fit_noise(paths: list[Path]) -> str:
    """The text of the noise file that prediction files make. Raises PredictionError, NoiseError."""
    measured = measure(paths)
    if not measured.patterns:
        raise NoiseError(f"no mistake to measure in {', '.join(path.name for path in paths)}")
    provenance: dict[str, str | int | list[str]] = {
        "fitted_by": f"hmer-tasks {__version__} errors fit",
        "files": [f"{path.name} sha256:{_digest(path)}" for path in paths],
        "expressions": len(measured.labels),
        "misread": measured.misread,
        "left_out_hopeless": measured.hopeless,
        "left_out_same_on_paper": measured.same,
    }
    return noise_text(calibrated(noise_of(measured), measured), provenance)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def calibrated(noise: NoiseFile, measured: Measured) -> NoiseFile:
    """The noise file with its rates and contexts adjusted."""
    for number in range(ROUNDS):
        if number == ROUNDS - _LAST:
            noise = replace(noise, context=_telling(noise, measured.seen))
        noise = _mended(noise, measured.seen, _drawn(measured.labels, model_of(noise), number))
    return noise


def _telling(noise: NoiseFile, real: Seen) -> dict[str, float]:
    """The contexts that tell most: far from the average, and often."""

    def telling(feature: str) -> float:
        weight = noise.context[feature]
        seen = max(real.features[feature], real.features[feature] / weight)
        return abs(log(weight)) * sqrt(seen)

    kept = sorted(noise.context, key=lambda feature: (-telling(feature), feature))[:CONTEXTS]
    return {feature: noise.context[feature] for feature in kept}


def _drawn(labels: list[list[str]], model: NoiseModel, number: int) -> Seen:
    """The mistakes in candidates for labels, others of them each round."""
    random = keyed_random(number, "calibrate")
    seen = Seen()
    for _ in range(min(LABELS_A_ROUND, max(300, len(labels)))):
        label = random.choice(labels)
        seen.add(label, mistakes(label, synthesize(" ".join(label), random, model).split()))
    return seen


def _mended(noise: NoiseFile, real: Seen, drawn: Seen) -> NoiseFile:
    scale = real.total / max(1, drawn.total)

    def moved(seen: int, came: int, step: float) -> float:
        return float(((seen + _SMOOTH) / (came * scale + _SMOOTH)) ** step)

    patterns = {}
    for old, entry in noise.patterns.items():
        factor = moved(real.lefts[old], drawn.lefts[old], _STEP)
        patterns[old] = Misread(entry.rate * factor, entry.read_as)
    context = {}
    for feature in noise.context or {**real.features, **drawn.features}:
        weight = noise.context.get(feature, 1.0) * moved(
            real.features[feature], drawn.features[feature], _CONTEXT_STEP
        )
        context[feature] = min(_MOST, max(_LEAST, weight))
    share = real.number.total() / max(1, drawn.number.total())
    number = [
        weight * float(((real.number[n] + _SMOOTH) / (drawn.number[n] * share + _SMOOTH)) ** _STEP)
        for n, weight in enumerate(noise.drawn or noise.number, start=1)
    ]
    return replace(noise, patterns=patterns, context=context, drawn=number)
