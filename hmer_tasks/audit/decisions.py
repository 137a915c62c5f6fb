"""What the audit of labels hands on: an exclude file, a weight file, and the decisions of the review page."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
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
    """What somebody decided of a sample; `label` is the right one where it is to be mended."""

    decision: str
    label: str


def read_decisions(path: Path) -> dict[tuple[str, str], Decision]:
    """The decisions that the review page saved. Raises UsageError, OSError."""
    try:
        records = json.loads(read_whole(path, _MAX_BYTES))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}") from error
    found: dict[tuple[str, str], Decision] = {}
    for number, record in enumerate(records if isinstance(records, list) else [None], start=1):
        fields = record if isinstance(record, dict) else {}
        source, id, decision, label = (fields.get(name) for name in ("source", "id", "decision", "label"))
        if (
            not all(isinstance(one, str) for one in (source, id, decision, label))
            or decision not in _DECISIONS
        ):
            raise UsageError(
                f"{path}: decision {number} is not {{source, id, decision, label}} with one of "
                f"{', '.join(_DECISIONS)}: save it from the page of audit --review"
            )
        found[str(source), str(id)] = Decision(str(decision), str(label))
    return found


def suspects(judged: Sequence[Judged], decisions: Mapping[tuple[str, str], Decision]) -> list[Judged]:
    """The suspicious samples, the worst first, without those that somebody said to keep."""
    kept = []
    for one in judged:
        decision = decisions.get((one.sample.source, one.sample.id))
        if one.reason is not None and (decision is None or decision.decision != "keep"):
            kept.append(one)
    return sorted(kept, key=lambda one: -one.suspicion)


def write_exclusions(
    path: Path, judged: Sequence[Judged], decisions: Mapping[tuple[str, str], Decision]
) -> int:
    """Write a line for `build --exclude` of every suspicious sample that nobody said to keep; a mended one
    is among them, with the label it should have, for its file still has the wrong one. Returns how many."""
    lines = []
    for one in suspects(judged, decisions):
        record: dict[str, object] = {
            "source": one.sample.source, "id": one.sample.id, "reason": str(one.reason), "with": [],
        }  # fmt: skip
        decision = decisions.get((one.sample.source, one.sample.id))
        if decision is not None and decision.decision == "mend":
            record["label"] = decision.label
        lines.append(json.dumps(record, ensure_ascii=False) + "\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, "".join(lines))
    return len(lines)


def write_weights(path: Path, judged: Sequence[Judged], decisions: Mapping[tuple[str, str], Decision]) -> int:
    """Write a line `{source, id, weight}` a sample, for the trainer's --sample_weights. Returns how many."""
    lines = []
    for one in judged:
        decision = decisions.get((one.sample.source, one.sample.id))
        copies = weight(one)
        if decision is not None:
            copies = round(1.0 + one.difficulty, 4) if decision.decision == "keep" else 0.0
        record = {"source": one.sample.source, "id": one.sample.id, "weight": copies}
        lines.append(json.dumps(record, ensure_ascii=False) + "\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, "".join(lines))
    return len(lines)


def summary(judged: Sequence[Judged], decisions: Mapping[tuple[str, str], Decision]) -> dict[str, object]:
    """The audit in numbers, for --json."""
    listed = suspects(judged, decisions)
    bins = Counter(min(int(one.difficulty * 5), 4) for one in judged)
    return {
        "samples": len(judged),
        "readings": sum(len(one.sample.readings) for one in judged),
        "all_readings_right": sum(one.right == 1 for one in judged),
        "no_reading_right": sum(one.right == 0 for one in judged),
        "difficulty": {f"{i / 5:.1f} to {(i + 1) / 5:.1f}": bins[i] for i in range(5)},
        "suspicious": dict(Counter(str(one.reason) for one in listed)),
        "decided": dict(Counter(one.decision for one in decisions.values())),
        "suspects": [
            {
                "source": one.sample.source, "id": one.sample.id, "reason": str(one.reason),
                "label": one.sample.label, "reading": one.consensus, "note": one.note,
                "suspicion": None if one.suspicion == float("inf") else round(one.suspicion, 2),
                "difficulty": round(one.difficulty, 4), "agreement": round(one.agreement, 4),
            }
            for one in listed
        ],
    }  # fmt: skip
