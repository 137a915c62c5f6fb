"""The contract every task keeps: a sample becomes a row, a row is proven, an answer is read back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from hmer_tasks.errors.markup import mark_errors
from hmer_tasks.exceptions import ProofError
from hmer_tasks.latex.tree import ExprTree


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a task makes its row of: a sample's label (explicit form), its tree, a wrong candidate
    with its mistakes marked and the log that mends them (all three None where there is none)."""

    label: str
    tree: ExprTree
    candidate: str | None = None
    marked: str | None = None
    log: str | None = None


def labelled(label: str, tree: ExprTree, candidate: str | None) -> Labelled:
    """A label with its candidate marked. Raises LabelError where either holds a reserved token."""
    if candidate is None:
        return Labelled(label, tree)
    return Labelled(label, tree, candidate, *mark_errors(candidate, label))


@dataclass(frozen=True, slots=True)
class Row:
    """A task's part of a row: prompt, target, and the columns of the error tasks."""

    task: str
    label: str
    prompt: str
    target: str
    candidate: str | None = None
    marked: str | None = None


class Task(Protocol):
    """One of the five tasks."""

    @property
    def name(self) -> str: ...

    def row(self, labelled: Labelled, prompts: Mapping[str, str]) -> Row | None:
        """The task's row, or None where it has none (an error task without a candidate).

        Raises LabelError where the task cannot be built of this label (released trees)."""
        ...

    def check(self, row: Row) -> None:
        """The proof of docs/formats.md, section 4; raises ProofError."""
        ...

    def read(self, target: str) -> str | None:
        """The label that an answer holds; None where this task's answers hold none."""
        ...


def prove(holds: bool, task: str, what: str) -> None:
    """Raise ProofError unless it holds."""
    if not holds:
        raise ProofError(f"{task}: {what}")


def last_line(target: str) -> str:
    """What follows the last LF: the label of an answer."""
    return target.rpartition("\n")[2]
