"""`hmer-tasks errors mine`: the wrong candidates of prediction files, without what teaches nothing.

Each is left out, or kept, by the first rule that holds, and the summary counts them all by name.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from hmer_tasks.errors.align import align
from hmer_tasks.errors.equivalence import is_equivalent
from hmer_tasks.errors.rejection_rules import FARTHEST, RejectionRule, rejection_rule
from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tables import tables
from hmer_tasks.predictions import Prediction, explicit_or_raw, read_predictions
from hmer_tasks.utils.files import atomic_write
from hmer_tasks.utils.progress import progress_over


class LeftOut(StrEnum):
    """Why a prediction is no candidate, besides the rules of `rejection_rules`."""

    RIGHT = "right"
    LABEL_REFUSED = "label_refused"
    RESERVED_TOKEN = "reserved_token"
    UNPRINTABLE = "unprintable"  # control characters, or bytes of a tokenizer that make no character
    DUPLICATE = "duplicate"
    LONG_EDIT = "long_edit"
    SAMPLE_CAP = "sample_cap"
    KIND_CAP = "kind_cap"


@dataclass(frozen=True, slots=True)
class Caps:
    """How much of what is kept."""

    per_sample: int = 3
    per_kind: int = 200  # candidates with the very same mistakes: 1 for 7, and nothing else
    longest_edit: int = 20  # tokens of one span, on either side
    farthest: float = FARTHEST  # distance, as a share of the longer of candidate and label


@dataclass(slots=True)
class Mined:
    """What was kept, and how much was left out by which rule."""

    kept: list[Prediction] = field(default_factory=list)
    predictions: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    samples: set[tuple[str, str]] = field(default_factory=set)


def mine(predictions: Iterable[Prediction], caps: Caps) -> Mined:
    """The wrong candidates among predictions, in order."""
    mined = Mined()
    seen: set[tuple[str, str, str]] = set()
    of_sample: Counter[tuple[str, str]] = Counter()
    of_kind: Counter[tuple[tuple[str, str], ...]] = Counter()
    for prediction in predictions:
        mined.predictions += 1
        sample = prediction.source, prediction.id
        candidate, label = explicit_or_raw(prediction.pred), explicit_or_raw(prediction.gt)
        reason = _wrong(candidate, label, caps)
        spans = [] if reason else _spans(candidate.split(), label.split())
        kind = tuple(sorted(spans))
        if reason is None:
            if (*sample, candidate) in seen:
                reason = LeftOut.DUPLICATE
            elif any(max(len(a.split()), len(b.split())) > caps.longest_edit for a, b in spans):
                reason = LeftOut.LONG_EDIT
            elif of_sample[sample] >= caps.per_sample:
                reason = LeftOut.SAMPLE_CAP
            elif of_kind[kind] >= caps.per_kind:
                reason = LeftOut.KIND_CAP
        if reason is not None:
            mined.left_out[reason] += 1
            continue
        seen.add((*sample, candidate))
        of_sample[sample] += 1
        of_kind[kind] += 1
        mined.samples.add(sample)
        mined.kept.append(prediction)
    return mined


def _wrong(candidate: str, label: str, caps: Caps) -> LeftOut | RejectionRule | None:
    """Why a prediction has no place among wrong candidates, caps aside."""
    try:
        parse(label)
    except LabelError:
        return LeftOut.LABEL_REFUSED
    if not tables().reserved.isdisjoint(candidate.split()):
        return LeftOut.RESERVED_TOKEN
    if not candidate.isprintable() or "\ufffd" in candidate:
        return LeftOut.UNPRINTABLE
    if is_equivalent(candidate, label):
        return LeftOut.RIGHT
    return rejection_rule(candidate.split(), label.split(), caps.farthest)


def _spans(candidate: list[str], label: list[str]) -> list[tuple[str, str]]:
    return [
        (" ".join(candidate[start:stop]), " ".join(label[right_start:right_stop]))
        for start, stop, right_start, right_stop in align(candidate, label)
    ]


def mine_files(paths: list[Path], out: Path, caps: Caps) -> Mined:
    """Keep what prediction files hold of mistakes to learn from.

    Args:
        paths: Prediction files.
        out: Where to: JSON lines for `build --errors`.
        caps: How many are kept of a picture, and of a kind.

    Returns:
        What was kept, and how many were left out by which rule.

    Raises:
        PredictionError: A prediction file is invalid.
        OSError: A file cannot be read or written.
    """

    def every() -> Iterator[Prediction]:
        for path in paths:
            yield from progress_over(list(read_predictions(path)), "predictions")

    mined = mine(every(), caps)
    lines = []
    for prediction in mined.kept:
        record: dict[str, str | int] = {"source": prediction.source} if prediction.source else {}
        record |= {
            "img_id": prediction.id,
            "gt": prediction.gt,
            "pred": prediction.pred,
            "task": prediction.task,
        }
        record |= {"sample": prediction.sample, "stop": prediction.stop}
        lines.append(json.dumps(record, ensure_ascii=False) + "\n")
    atomic_write(out, "".join(lines))
    return mined
