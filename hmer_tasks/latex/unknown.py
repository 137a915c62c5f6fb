r"""Commands that are in no table: counted label by label, reported with the one probably meant."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypedDict

from rapidfuzz.distance import OSA

from hmer_tasks.latex.parser import unknown_commands
from hmer_tasks.latex.tables import tables

_SHOWN = 12


class Seen(TypedDict):
    """In how many labels an unknown command stands, and the id of the first sample that has it."""

    labels: int
    first: str


@dataclass(slots=True)
class UnknownCommands:
    """The unknown commands of many labels."""

    labels: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, label: str, id: str) -> None:
        """Count those of a sample's label (explicit form)."""
        if "\\" not in label:
            return
        for command in unknown_commands(label):
            self.labels[command] += 1
            self.first.setdefault(command, id)

    def update(self, seen: Mapping[str, Seen]) -> None:
        """Count those of later labels in, as `as_json` gives them."""
        for command, entry in seen.items():
            self.labels[command] += entry["labels"]
            self.first.setdefault(command, entry["first"])

    def as_json(self) -> dict[str, Seen]:
        """The commonest first; equally common ones by name."""
        order = sorted(self.labels, key=lambda command: (-self.labels[command], command))
        return {command: Seen(labels=self.labels[command], first=self.first[command]) for command in order}


def lines(seen: Mapping[str, Seen]) -> list[str]:
    """The lines that report them, the commonest first."""
    if not seen:
        return []
    shown = list(seen.items())[:_SHOWN]
    counts = ", ".join(f"{entry['labels']:,} {command}" for command, entry in shown)
    more = f", and {len(seen) - _SHOWN:,} more" if len(seen) > _SHOWN else ""
    out = [f"unknown commands: {counts}{more} (read as symbols; --strict refuses them)"]
    for command, entry in shown:
        labels = f"{entry['labels']:,} label{'s' * (entry['labels'] != 1)}"
        out.append(f"  {command} in {labels}, first {entry['first']}{did_you_mean(command)}")
    return out


@lru_cache(maxsize=1024)
def did_you_mean(command: str) -> str:
    r"""``: did you mean \frac?`` where a known command is a letter or two away; else nothing."""
    most = 1 if len(command) <= 5 else 2
    takes = tables().signatures
    # neighbours exchanged count as one step: \farc is one step from \frac; commands with arguments come first
    near = (
        (OSA.distance(command, known, score_cutoff=most), known not in takes, known)
        for known in tables().known
        if len(known) > 2
    )
    distance, _, name = min(near)
    return f": did you mean {name}?" if distance <= most else ""
