"""`build --exclude FILE`: samples to leave out, usually those that `hmer-tasks audit` reported.

The file has JSON lines `{source, id, reason, with}`; only `id` is required. Without a source (an audit of
plain label files has none) the id is left out of every split that holds it.
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
    """The samples to leave out: the reason, by source and id."""

    path: Path
    reasons: Mapping[tuple[str, str], str]

    def why(self, source: str, id: str) -> str:
        """The reason why a sample is left out; empty if it is not."""
        return self.reasons.get((source, id)) or self.reasons.get(("", id)) or ""

    def compare(self, inputs: "Mapping[str, Inputs]") -> None:
        """Warn of ids that the corpus does not have: the file may belong to another corpus.

        Entries of splits that are not built are ignored. A file without entries is that of an audit that met
        nothing. Raises UsageError if no entry matches.
        """
        if not self.reasons:
            return
        sources: set[str] = set()
        unmatched = dict(self.reasons)
        for split in inputs.values():
            for source, id in split.names():
                sources.add(source)
                unmatched.pop((source, id), None)
                unmatched.pop(("", id), None)
        unknown = [key for key in unmatched if key[0] in sources or not key[0]]
        if len(unmatched) == len(self.reasons):
            known_sources = ", ".join(sorted(sources))
            raise UsageError(
                f"--exclude {self.path}: of its {len(unmatched):,} samples none is of {known_sources}: "
                f"another corpus?"
            )
        if unknown:
            first = "/".join(part for part in unknown[0] if part)
            echo(
                f"hmer-tasks: {self.path}: {len(unknown):,} of {len(self.reasons):,} samples are not in the "
                f"corpus (the first: {first!r})",
                err=True,
            )


def read_exclusions(path: Path, renamed: Mapping[str, str] = {}) -> Exclusions:
    """Read an exclusion file.

    Args:
        path: The file.
        renamed: What corpora of a recipe are called, by the names that an audit of each alone has.

    Returns:
        The samples to leave out.

    Raises:
        UsageError: It cannot be read; the message has the line number.
    """
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
        corpus, slash, split = source.partition("/")
        reasons.setdefault((f"{renamed.get(corpus, corpus)}{slash}{split}", record["id"]), reason)
    return Exclusions(path, reasons)
