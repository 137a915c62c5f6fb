"""Recognition: picture to label."""

from collections.abc import Mapping
from dataclasses import dataclass

from hmer_tasks.tasks.base import Labelled, Row, prove


@dataclass(frozen=True, slots=True)
class Recognition:
    """The target is the label."""

    name: str = "recognition"

    def row(self, labelled: Labelled, prompts: Mapping[str, str]) -> Row:
        return Row(self.name, labelled.label, prompts[self.name], labelled.label)

    def check(self, row: Row) -> None:
        prove(row.target == row.label, self.name, "the target is not the label")

    def read(self, target: str) -> str:
        return target
