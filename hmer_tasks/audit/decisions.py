"""What the audit of labels hands on: an exclude file, a weight file, and the decisions of the review page."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hmer_tasks.audit.label_noise import Judged, weight
from hmer_tasks.exceptions import UsageError
from hmer_tasks.utils.bounded_reading import read_whole
from hmer_tasks.utils.files import atomic_write

_MAX_BYTES = 64 << 20
_DECISIONS = ("keep", "mend", "drop")


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided of a sample; `label` is the right one where it is to be corrected."""

    decision: str
    label: str


def read_all_decisions(paths: Iterable[Path]) -> dict[tuple[str, str], Decision]:
    """The decisions of several files; of one sample the last counts. Raises UsageError, OSError."""
    decisions: dict[tuple[str, str], Decision] = {}
    for path in paths:
        decisions |= read_decisions(path)
    return decisions


def read_decisions(path: Path) -> dict[tuple[str, str], Decision]:
    """The decisions that the review page saved. Raises UsageError, OSError."""
    try:
        records = json.loads(read_whole(path, _MAX_BYTES))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}") from error
    decisions: dict[tuple[str, str], Decision] = {}
    for number, record in enumerate(records if isinstance(records, list) else [None], start=1):
        fields = record if isinstance(record, dict) else {}
        source, id, decision, label = (fields.get(name) for name in ("source", "id", "decision", "label"))
        if (
            not all(isinstance(field, str) for field in (source, id, decision, label))
            or decision not in _DECISIONS
        ):
            raise UsageError(
                f"{path}: decision {number} is not {{source, id, decision, label}} with one of "
                f"{', '.join(_DECISIONS)}: save it from the page of audit --review"
            )
        decisions[str(source), str(id)] = Decision(str(decision), str(label))
    return decisions


def suspects(judged: Sequence[Judged], decisions: Mapping[tuple[str, str], Decision]) -> list[Judged]:
    """The suspicious samples and those that somebody said to drop or to mend, the worst first, without those
    that somebody said to keep."""
    kept = []
    for item in judged:
        decision = decisions.get((item.sample.source, item.sample.id))
        if item.reason is not None if decision is None else decision.decision != "keep":
            kept.append(item)
    return sorted(kept, key=lambda item: -item.suspicion)


def reason_of(item: Judged) -> str:
    """Why a sample is listed."""
    return "decided" if item.reason is None else str(item.reason)


def write_exclusions(
    path: Path, judged: Sequence[Judged], decisions: Mapping[tuple[str, str], Decision]
) -> int:
    """Write the suspicious samples for `build --exclude`, one a line, without those that somebody keeps.

    A corrected sample is among them, with the label that it should have: its file still has the wrong one.

    Args:
        path: Where to; its folder is made.
        judged: All samples, judged.
        decisions: What was decided, by source and id.

    Returns:
        How many samples were written.
    """
    lines = []
    for item in suspects(judged, decisions):
        record: dict[str, object] = {
            "source": item.sample.source, "id": item.sample.id, "reason": reason_of(item), "with": [],
        }  # fmt: skip
        decision = decisions.get((item.sample.source, item.sample.id))
        if decision is not None and decision.decision == "mend":
            record["label"] = decision.label
        lines.append(json.dumps(record, ensure_ascii=False) + "\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, "".join(lines))
    return len(lines)


def write_weights(path: Path, judged: Sequence[Judged], decisions: Mapping[tuple[str, str], Decision]) -> int:
    """Write a line `{source, id, weight}` a sample, for the trainer's `--sample_weights`.

    Args:
        path: Where to; its folder is made.
        judged: All samples, judged.
        decisions: What was decided, by source and id. A sample that is left out or corrected weighs 0.

    Returns:
        How many samples were written.
    """
    lines = []
    for item in judged:
        decision = decisions.get((item.sample.source, item.sample.id))
        copies = weight(item)
        if decision is not None:
            copies = round(1.0 + item.difficulty, 4) if decision.decision == "keep" else 0.0
        record = {"source": item.sample.source, "id": item.sample.id, "weight": copies}
        lines.append(json.dumps(record, ensure_ascii=False) + "\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, "".join(lines))
    return len(lines)


def summary(judged: Sequence[Judged], decisions: Mapping[tuple[str, str], Decision]) -> dict[str, object]:
    """The audit in numbers, for --json."""
    listed = suspects(judged, decisions)
    bins = Counter(min(int(item.difficulty * 5), 4) for item in judged)
    return {
        "samples": len(judged),
        "readings": sum(len(item.sample.readings) for item in judged),
        "all_readings_right": sum(item.right == 1 for item in judged),
        "no_reading_right": sum(item.right == 0 for item in judged),
        "difficulty": {f"{i / 5:.1f} to {(i + 1) / 5:.1f}": bins[i] for i in range(5)},
        "suspicious": dict(Counter(map(reason_of, listed))),
        "decided": dict(Counter(item.decision for item in decisions.values())),
        "suspects": [
            {
                "source": item.sample.source, "id": item.sample.id, "reason": reason_of(item),
                "label": item.sample.label, "reading": item.consensus, "note": item.note,
                "suspicion": None if item.suspicion == float("inf") else round(item.suspicion, 2),
                "difficulty": round(item.difficulty, 4), "agreement": round(item.agreement, 4),
            }
            for item in listed
        ],
    }  # fmt: skip
