"""Measuring the noise model from prediction files.

First counts (`measure`): which patterns of mistakes, around what, how many. Then rates: a candidate is
made by drawing among all that its label could suffer, so a rate is a count over the chances there
were, and those depend on the rates of all else; a few rounds are enough. calibrate.py then
draws candidates and corrects what is left.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from hmer_tasks.errors.equivalence import is_equivalent, respelt, without_groups
from hmer_tasks.errors.noise.context import mistake_features, mistake_kind
from hmer_tasks.errors.noise.noise_file import Misread, NoiseFile
from hmer_tasks.errors.noise.patterns import GAP, Mistake, Pattern, apply, mistakes, start_of, written
from hmer_tasks.errors.rejection_rules import rejection_rule
from hmer_tasks.errors.token_classes import START, token_class
from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tables import tables
from hmer_tasks.predictions import explicit_or_raw, read_predictions
from hmer_tasks.utils.progress import progress_over

MAX_NUMBER = 8  # mistakes in a candidate
MAX_RUN = 24  # tokens
_LONGEST = 5  # tokens of one side of a pattern; longer ones are runs
_MOST_GAPS = 2
_ROUNDS = 12
_PRIOR = 5.0  # so many chances at its sort's rate are added to what was measured of a symbol
_MOST_READ = 200_000  # tokens read for one candidate: all of its label, for each mistake
_NEVER = 20  # a symbol never misread is worth a line if it had so many chances


@dataclass(slots=True)
class Seen:
    """Mistakes, counted."""

    lefts: Counter[str] = field(default_factory=Counter)
    features: Counter[str] = field(default_factory=Counter)
    number: Counter[int] = field(default_factory=Counter)
    total: int = 0

    def add(self, label: list[str], mistakes_of_label: list[Mistake]) -> None:
        """Count the mistakes of one candidate."""
        tokens = [START, *label]
        self.number[number_of(mistakes_of_label)] += 1
        for mistake in mistakes_of_label:
            self.total += 1
            self.lefts[written(mistake.pattern.old)] += 1
            self.features.update(mistake_features(tokens, mistake.place, mistake.pattern))


def number_of(candidate_mistakes: list[Mistake]) -> int:
    """How many mistakes a candidate counts as having: at least one, and many are MAX_NUMBER."""
    return min(max(1, len(candidate_mistakes)), MAX_NUMBER)


@dataclass(slots=True)
class Measured:
    """What prediction files say, in counts."""

    labels: list[list[str]] = field(default_factory=list)
    misread: int = 0
    hopeless: int = 0
    same: int = 0
    broken: int = 0
    further: int = 0  # mistakes after the first of their candidate
    repeated: int = 0  # of these, how many were made in it before
    number: Counter[int] = field(default_factory=Counter)
    patterns: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    gaps: Counter[int] = field(default_factory=Counter)
    runs: Counter[tuple[int, int]] = field(default_factory=Counter)
    seen: Seen = field(default_factory=Seen)


def measure(paths: list[Path]) -> Measured:
    """Counts over all predictions of the files. Raises PredictionError."""
    measured = Measured()
    for path in paths:
        for prediction in progress_over(list(read_predictions(path)), "predictions"):
            add(measured, prediction.gt, prediction.pred)
    return measured


def add(measured: Measured, gt: str, pred: str) -> None:
    """Count one prediction in. A label that does not parse counts for nothing."""
    if not _parses(gt):
        return
    label = without_groups(explicit_or_raw(gt)).split()
    measured.labels.append(label)
    if gt == pred:
        return
    candidate = read_as(explicit_or_raw(pred), label)
    if is_equivalent(" ".join(candidate), " ".join(label)):
        measured.same += 1
        return
    text = " ".join(candidate)
    if (
        rejection_rule(candidate, label)
        or not text.isprintable()
        or not tables().reserved.isdisjoint(candidate)
    ):
        measured.hopeless += 1
        return
    candidate_mistakes = mistakes(label, candidate)
    if len(candidate_mistakes) * len(label) > _MOST_READ:
        measured.hopeless += 1
        return
    measured.misread += 1
    measured.broken += not _parses(pred)
    seen = [mistake for mistake in candidate_mistakes if is_seen(mistake, label)]
    measured.number[number_of(seen)] += 1
    measured.seen.add(label, seen)
    patterns = [mistake.pattern for mistake in seen]
    measured.further += max(0, len(seen) - 1)
    measured.repeated += len(patterns) - len(set(patterns))
    for mistake in seen:
        _count(measured, mistake)


def read_as(candidate: str, label: list[str]) -> list[str]:
    """A candidate, spelled as its label is where that leaves the ink alone: groups and matrices."""
    tokens = without_groups(candidate).split()
    return respelt(tokens, set(tokens) - set(label))


def _parses(text: str) -> bool:
    try:
        parse(text)
    except LabelError:
        return False
    return True


def is_seen(mistake: Mistake, label: list[str]) -> bool:
    """Whether the mistake alone changes what stands on paper."""
    return not is_equivalent(" ".join(apply([START, *label], list(mistake.edits))), " ".join(label))


def _count(measured: Measured, mistake: Mistake) -> None:
    shape, edits = mistake.pattern, mistake.edits
    old, new = sum(map(len, shape.old)), sum(map(len, shape.new))
    if max(old, new) > _LONGEST or not _travels(shape):
        gaps = sum(after[0] - before[1] for before, after in pairwise(edits))
        measured.runs[min(MAX_RUN, edits[-1][1] - edits[0][0]), min(MAX_RUN, new + gaps)] += 1
        return
    measured.patterns[written(shape.old)][written(shape.new)] += 1
    if len(shape.old) > 1 and not shape.old[-1]:
        measured.gaps[min(MAX_NUMBER, edits[-1][0] - edits[-2][1])] += 1


def _travels(shape: Pattern) -> bool:
    """Whether a pattern may be met with elsewhere: after a gap only braces, and few gaps."""
    if GAP in (token for piece in shape.old + shape.new for token in piece):
        return False  # a label may hold that very sign
    if mistake_kind(shape) == "add" and token_class(shape.old[0][0]) in ("command", "script"):
        return False  # between a command and its argument
    return len(shape.old) <= _MOST_GAPS + 1 and all(
        token in ("{", "}") for piece in shape.old[1:] for token in piece
    )


def noise_of(measured: Measured) -> NoiseFile:
    """The noise file of what was measured, not calibrated yet."""
    over = chances(measured)
    counts: Counter[str] = Counter()
    for old, read_as in measured.patterns.items():
        counts[start_of(old)] += read_as.total()
    seen_of, over_of = Counter[str](), Counter[str]()
    for start, chance in over.items():
        if " " not in start:
            seen_of[token_class(start)] += counts[start]
            over_of[token_class(start)] += chance  # type: ignore[assignment]
    sorts = {sort: (seen_of[sort] + 0.1) / (over_of[sort] + _PRIOR) for sort in over_of}
    patterns = {}
    for start, chance in over.items():
        if not counts[start] and chance >= _NEVER:
            patterns[start] = Misread(_PRIOR * sorts[token_class(start)] / (chance + _PRIOR), {})
    for old, read_as in measured.patterns.items():
        start = start_of(old)
        at_sort = 0.0 if " " in old else _PRIOR * sorts[token_class(old)]
        patterns[old] = Misread((read_as.total() + at_sort) / (over[start] + _PRIOR), read_as)
    runs, total = measured.runs.total(), sum(counts.values())
    return NoiseFile(
        number=[measured.number[n] for n in range(1, MAX_NUMBER + 1)],
        broken=measured.broken / max(1, measured.misread),
        repeated=measured.repeated / max(1, measured.further),
        gaps=[measured.gaps[n] for n in range(1, MAX_NUMBER + 1)],
        run_share=runs / max(1, total + runs),
        runs=[(old, new, count) for (old, new), count in sorted(measured.runs.items())],
        sorts=sorts,
        context={},
        patterns=patterns,
    )


def chances(measured: Measured) -> dict[str, float]:
    """Over how many chances patterns were seen, by what they begin with; symbols never misread too."""
    counts: Counter[str] = Counter({START: 0} | {token: 0 for label in measured.labels for token in label})
    for old, read_as in measured.patterns.items():
        counts[start_of(old)] += read_as.total()
    numbers = {tuple(start.split()): i for i, start in enumerate(counts)}
    longer: dict[tuple[str, str], set[int]] = defaultdict(set)
    for start in numbers:
        if len(start) > 1:
            longer[start[0], start[1]].add(len(start))
    rows: list[int] = []
    columns: list[int] = []
    for row, label in enumerate(measured.labels):
        tokens = (START, *label)
        columns += [numbers[token,] for token in tokens]
        for place, pair in enumerate(pairwise(tokens)):
            for length in longer.get(pair, ()):
                number = numbers.get(tokens[place : place + length])
                if number is not None:
                    columns.append(number)
        rows += [row] * (len(columns) - len(rows))
    seen = np.array(list(counts.values()), float)
    row_of, column_of = np.array(rows, int), np.array(columns, int)
    # A label suffers as many mistakes as are drawn, however few chances it has.
    mean = seen.sum() / max(1, len(measured.labels))
    over = np.bincount(column_of, minlength=len(numbers)).astype(float)
    for _ in range(_ROUNDS):
        rates = (seen + 0.01) / (over + _PRIOR)
        of_label = np.bincount(row_of, weights=rates[column_of], minlength=len(measured.labels))
        over = np.bincount(column_of, weights=mean / of_label[row_of], minlength=len(numbers))
    return dict(zip(counts, over.tolist(), strict=True))
