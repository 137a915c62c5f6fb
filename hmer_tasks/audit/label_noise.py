r"""`hmer-tasks audit --predictions A …`: how hard each sample is, and which labels are suspicious.

Readings are what recognisers read from a sample's picture: one file or several, one sample of each or
several.

- Difficulty, from 0 to 1: the mean over the readings of token distance to the label / longer length.
- Suspicion, in nats: how unlikely it is that the readings are wrong and the label right. A mistake that the
  recogniser also makes elsewhere (`x` for `\times`) says little; one it makes nowhere else says much. Each
  distinct edit between the label and the reading that most readings share counts −log of its rate among the
  samples, this one left out. To that comes how much more usual the reading is than the label
  (`language.py`), and how much better the strokes of the ink fit it (`ink_counts.py`). One reading alone
  counts half, and readings that do not agree nothing.

A label is listed for the first of these reasons that holds:

- `label_not_tex`: it does not parse;
- `ink_cannot_hold_it`: its symbols need more strokes, or far fewer, than the ink has;
- `label_of_another`: the readings are, sign for sign, the label of another sample, and it is long;
- `readings_agree`: at least two readings agree, on something else than the label, and the suspicion is over
  the threshold;
- `reading_differs`: there is one reading only, and the suspicion is over the threshold.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from hmer_tasks.audit.ink_counts import StrokeModel, strokes_bounds
from hmer_tasks.audit.language import LabelModel
from hmer_tasks.errors.align import align
from hmer_tasks.errors.edits import relative_distance
from hmer_tasks.evaluation.answers import explicit, key
from hmer_tasks.evaluation.letters import same_symbols
from hmer_tasks.exceptions import PredictionError
from hmer_tasks.predictions import Prediction
from hmer_tasks.utils.progress import progress_over

THRESHOLD = 9.0  # nats of suspicion from which a label is listed
_ALONE = 0.5  # what the suspicion of a single reading counts
_LONG = 7  # tokens of a reading that is another sample's label
_FLOOR = 0.25  # of an edit that no other sample has, in samples


class Reason(StrEnum):
    """Why a label is suspicious."""

    NOT_TEX = "label_not_tex"
    INK = "ink_cannot_hold_it"
    ANOTHER = "label_of_another"
    AGREE = "readings_agree"
    DIFFERS = "reading_differs"


@dataclass(slots=True)
class Sample:
    """A sample with what was read from it. `strokes`: of its ink; None where there is none."""

    source: str
    id: str
    label: str
    readings: list[str] = field(default_factory=list)
    strokes: int | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A sample judged: its difficulty, the share of readings that are the label, the share that agree among
    themselves, what they agree on, and, where it is suspicious, why and how much."""

    sample: Sample
    difficulty: float
    right: float
    agreement: float
    consensus: str
    reason: Reason | None = None
    suspicion: float = 0.0
    note: str = ""


def gather(files: Iterable[Iterable[Prediction]], own_labels: bool = True) -> list[Sample]:
    """Samples with their readings, in order of first appearance; answers without a label (error detections)
    and corrections are no readings. `own_labels`: their labels count. Raises PredictionError where a sample
    has two of these."""
    samples: dict[tuple[str, str], Sample] = {}
    for predictions in files:
        for prediction in predictions:
            if prediction.task in ("error_detection", "error_correction"):
                continue
            sample = samples.setdefault(
                (prediction.source, prediction.id), Sample(prediction.source, prediction.id, prediction.gt)
            )
            if own_labels and sample.label.split() != prediction.gt.split():
                raise PredictionError(
                    f"{prediction.id!r} has two labels, {sample.label!r} and {prediction.gt!r}: name the "
                    "corpus (--dataset) or the label file (--labels) that is right, or give the files sources"
                )
            sample.readings.append(prediction.pred)
    return list(samples.values())


def judge(samples: Sequence[Sample], threshold: float = THRESHOLD) -> list[Judged]:
    """Judge every sample.

    Args:
        samples: with their readings.
        threshold: nats of suspicion from which a label is listed.

    Returns:
        One for each sample, in order.
    """
    rates = _edit_counts(samples)
    model = LabelModel(key(sample.label) for sample in samples)
    ink = StrokeModel((sample.label, sample.strokes) for sample in samples if sample.strokes is not None)
    by_label: dict[str, list[str]] = defaultdict(list)
    for sample in samples:
        by_label[key(sample.label)].append(sample.id)
    context = _Context(rates, model, ink, len(samples), by_label, threshold)
    return [_judge(sample, context) for sample in progress_over(samples, "samples judged")]


@dataclass(frozen=True, slots=True)
class _Context:
    """What a sample is judged by."""

    rates: Counter[str]
    model: LabelModel
    ink: StrokeModel
    total: int
    by_label: Mapping[str, list[str]]
    threshold: float


def _judge(sample: Sample, context: _Context) -> Judged:
    label = sample.label
    keys = [key(reading) for reading in sample.readings]
    own = key(label)
    right = sum(reading_key == own for reading_key in keys) / len(keys) if keys else 0.0
    difficulty = sum(_distance(reading, label) for reading in sample.readings) / len(keys) if keys else 0.0
    groups = Counter(keys)
    best = max(groups, key=lambda reading_key: groups[reading_key]) if groups else own
    agreement = groups[best] / len(keys) if keys else 0.0
    consensus = next((r for r, k in zip(sample.readings, keys, strict=True) if k == best), label)
    judged = Judged(sample, difficulty, right, agreement, consensus)
    bounds = strokes_bounds(label)
    if bounds is None:
        return _suspect(judged, Reason.NOT_TEX, math.inf, "")
    if sample.strokes is not None and not bounds[0] <= sample.strokes <= bounds[1]:
        note = f"{bounds[0]} to {bounds[1]} strokes would write it, and there are {sample.strokes}"
        return _suspect(judged, Reason.INK, math.inf, note)
    if right or best == own or agreement <= 0.5 or same_symbols(consensus, label):
        return judged
    suspicion = sum(
        -math.log(max(context.rates[edit] - 1, _FLOOR) / context.total)
        for edit in edits_between(label, consensus)
    )
    suspicion += context.model.advantage(best, own)
    if sample.strokes is not None:
        suspicion += context.ink.advantage(consensus, label, sample.strokes)
    others = [id for id in context.by_label.get(best, ()) if id != sample.id]
    if others and len(consensus.split()) >= _LONG and _distance(consensus, label) > 0.3:
        return _suspect(judged, Reason.ANOTHER, suspicion, f"it is the label of {', '.join(others[:3])}")
    alone = len(sample.readings) == 1
    suspicion *= _ALONE if alone else 1.0
    if suspicion < context.threshold:
        return judged
    return _suspect(judged, Reason.DIFFERS if alone else Reason.AGREE, suspicion, "")


def _suspect(judged: Judged, reason: Reason, suspicion: float, note: str) -> Judged:
    return replace(judged, reason=reason, suspicion=suspicion, note=note)


def edits_between(label: str, reading: str) -> list[str]:
    r"""The distinct edits that make the reading of the label: `x -> \times`, `-> +`, `^ { 2 } ->`."""
    a, b = key(label).split(), key(reading).split()
    return list(
        dict.fromkeys(
            f"{' '.join(a[s.start : s.stop])} -> {' '.join(b[s.right_start : s.right_stop])}".strip()
            for s in align(a, b)
        )
    )


def _edit_counts(samples: Sequence[Sample]) -> Counter[str]:
    """In how many samples some reading makes each edit."""
    counts: Counter[str] = Counter()
    for sample in samples:
        own = key(sample.label)
        wrong = {reading for reading in sample.readings if key(reading) != own}
        counts.update({edit for reading in wrong for edit in edits_between(sample.label, reading)})
    return counts


def _distance(a: str, b: str) -> float:
    return relative_distance((explicit(a) or a).split(), (explicit(b) or b).split())


def weight(judged: Judged) -> float:
    """How often a sample should be trained on, in copies: none of a suspicious one, one of an easy one, up
    to two of a hard one."""
    return 0.0 if judged.reason is not None else round(1.0 + judged.difficulty, 4)
