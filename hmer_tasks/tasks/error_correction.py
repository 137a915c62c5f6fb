"""Error correction: picture and marked candidate to the log of corrections, then the label."""

from collections.abc import Mapping
from dataclasses import dataclass

from hmer_tasks.errors.markup import apply_corrections
from hmer_tasks.exceptions import LabelError, ProofError
from hmer_tasks.tasks.base import Labelled, Row, last_line, prove
from hmer_tasks.tasks.prompts import fill


@dataclass(frozen=True, slots=True)
class ErrorCorrection:
    """The target is the log, LF, the label."""

    name: str = "error_correction"

    def row(self, labelled: Labelled, prompts: Mapping[str, str]) -> Row | None:
        candidate, marked = labelled.candidate, labelled.marked
        if candidate is None or marked is None:
            return None
        prompt = fill(prompts[self.name], candidate=candidate, marked=marked)
        target = f"{labelled.log}\n{labelled.label}"
        return Row(self.name, labelled.label, prompt, target, candidate, marked)

    def check(self, row: Row) -> None:
        log, _, label = row.target.rpartition("\n")
        prove(label == row.label, self.name, "the last line is not the label")
        prove(
            row.marked is not None and row.marked in row.prompt,
            self.name,
            "the prompt does not show the marks",
        )
        try:
            corrected = apply_corrections(row.marked or "", log)
        except LabelError as error:
            raise ProofError(f"{self.name}: {error}") from error
        prove(corrected == row.label, self.name, "the corrections do not give the label")

    def read(self, target: str) -> str:
        return last_line(target)
