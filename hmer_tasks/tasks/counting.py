"""Symbol counting: picture to counts, then the label."""

from collections.abc import Mapping
from dataclasses import dataclass

from hmer_tasks.latex.counts import count_text
from hmer_tasks.tasks.base import Labelled, Row, last_line, prove


@dataclass(frozen=True, slots=True)
class Counting:
    """The target is the counts, LF, the label. `dialect`: canonical or released."""

    dialect: str = "canonical"
    name: str = "counting"

    def row(self, labelled: Labelled, prompts: Mapping[str, str]) -> Row:
        target = f"{count_text(labelled.label, self.dialect)}\n{labelled.label}"
        return Row(self.name, labelled.label, prompts[self.name], target)

    def check(self, row: Row) -> None:
        counts, _, label = row.target.rpartition("\n")
        prove(label == row.label, self.name, "the last line is not the label")
        prove(counts == count_text(row.label, self.dialect), self.name, "the counts are not the label's")

    def read(self, target: str) -> str:
        return last_line(target)
