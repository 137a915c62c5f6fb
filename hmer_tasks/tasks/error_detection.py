"""Error detection: picture and candidate to the candidate with its mistakes marked."""

from collections.abc import Mapping
from dataclasses import dataclass

from hmer_tasks.errors.markup import apply_corrections, mark_errors, strip_marks
from hmer_tasks.exceptions import LabelError, ProofError
from hmer_tasks.tasks.base import Labelled, Row, prove
from hmer_tasks.tasks.prompts import fill


@dataclass(frozen=True, slots=True)
class ErrorDetection:
    """The target is the marked candidate."""

    name: str = "error_detection"

    def row(self, labelled: Labelled, prompts: Mapping[str, str]) -> Row | None:
        candidate, marked = labelled.candidate, labelled.marked
        if candidate is None or marked is None:
            return None
        prompt = fill(prompts[self.name], candidate=candidate)
        return Row(self.name, labelled.label, prompt, marked, candidate, marked)

    def check(self, row: Row) -> None:
        prove(
            row.candidate is not None and row.marked == row.target,
            self.name,
            "the target is not what is marked",
        )
        prove(
            strip_marks(row.target) == row.candidate,
            self.name,
            "without its marks the target is not the candidate",
        )
        prove((row.candidate or "") in row.prompt, self.name, "the prompt does not show the candidate")
        try:
            _, log = mark_errors(row.candidate or "", row.label)
            prove(
                apply_corrections(row.target, log) == row.label, self.name, "its log does not give the label"
            )
        except LabelError as error:
            raise ProofError(f"{self.name}: {error}") from error

    def read(self, target: str) -> None:
        return None
