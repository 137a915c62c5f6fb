"""`build --exclude FILE`: samples that the user leaves out, mostly those that `hmer-tasks audit` found.

The file: JSON lines `{source, id, reason, with}`, of which only `id` must be there. Without a source
(an audit of plain label files knows none) the id is left out of whatever split holds it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hmer_tasks.exceptions import UsageError
from hmer_tasks.utils.bounded_reading import read_whole
from hmer_tasks.utils.terminal import echo

if TYPE_CHECKING:
    from hmer_tasks.pipeline.plan import Inputs

MAX_BYTES = 256 << 20  # of such a file: millions of lines


@dataclass(frozen=True, slots=True)
class Exclusions:
    """What to leave out: why, by source and id."""

    path: Path
    reasons: Mapping[tuple[str, str], str]

    def why(self, source: str, id: str) -> str:
        """Why a sample is left out; empty where it is not."""
        return self.reasons.get((source, id)) or self.reasons.get(("", id)) or ""

    def compare(self, inputs: "Mapping[str, Inputs]") -> None:
        """Warn in one line of ids that the corpus does not have: the file may be another corpus's.

        Entries of splits that are not built now are nobody's business. Raises UsageError where
        not one entry is of this corpus.
        """
        sources: set[str] = set()
        left = dict(self.reasons)
        for each in inputs.values():
            reader = each.reader
            source = reader[0].source  # open_inputs lets no empty split through
            sources.add(source)
            for index in range(len(reader)):
                id = reader.id(index)
                left.pop((source, id), None)
                left.pop(("", id), None)
        unknown = [key for key in left if key[0] in sources or not key[0]]
        if len(left) == len(self.reasons):
            there = ", ".join(sorted(sources))
            raise UsageError(
                f"--exclude {self.path}: of its {len(left):,} samples none is of {there}: another corpus?"
            )
        if unknown:
            first = "/".join(part for part in unknown[0] if part)
            echo(
                f"hmer-tasks: {self.path}: {len(unknown):,} of {len(self.reasons):,} samples are not in the "
                f"corpus (the first: {first!r})",
                err=True,
            )


def read_exclusions(path: Path) -> Exclusions:
    """Read such a file. Raises UsageError with the line's number."""
    try:
        lines = read_whole(path, MAX_BYTES).decode("utf-8-sig").split("\n")
    except OSError as error:
        raise UsageError(f"--exclude {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"--exclude {path}: not UTF-8 (byte {error.start})") from error
    reasons: dict[tuple[str, str], str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        if not isinstance(record, dict) or not isinstance(record.get("id"), str) or not record["id"]:
            raise UsageError(f'--exclude {path}:{number}: not a JSON object with an "id"')
        source, reason = record.get("source") or "", record.get("reason") or "asked for"
        if not isinstance(source, str) or not isinstance(reason, str):
            raise UsageError(f"--exclude {path}:{number}: source and reason must be texts")
        reasons.setdefault((source, record["id"]), reason)
    if not reasons:
        raise UsageError(f"--exclude {path}: names no sample")
    return Exclusions(path, reasons)
