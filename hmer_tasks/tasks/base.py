"""The contract every task keeps: a sample becomes a row, a row is proven, an answer is read back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from hmer_tasks.errors.markup import mark_errors
from hmer_tasks.exceptions import ProofError
from hmer_tasks.latex.tree import ExprTree


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a task makes its row of. The last three are None where a sample has no candidate.

    Attributes:
        label: The label in explicit form.
        tree: Its tree.
        candidate: A wrong reading of the picture.
        marked: The candidate with its mistakes marked.
        log: The corrections of these mistakes.
    """

    label: str
    tree: ExprTree
    candidate: str | None = None
    marked: str | None = None
    log: str | None = None


def labelled(label: str, tree: ExprTree, candidate: str | None) -> Labelled:
    """A label together with its candidate, marked.

    Args:
        label: The label in explicit form.
        tree: Its tree.
        candidate: A wrong reading of the picture, if there is one.

    Returns:
        What tasks make rows of.

    Raises:
        LabelError: `reserved_token`: label or candidate holds a mark of the error tasks.
    """
    if candidate is None:
        return Labelled(label, tree)
    return Labelled(label, tree, candidate, *mark_errors(candidate, label))


@dataclass(frozen=True, slots=True)
class Row:
    """A task's part of a row.

    Attributes:
        task: The name of the task.
        label: The label.
        prompt: What the model is asked.
        target: What it is to answer.
        candidate: The wrong reading (error tasks).
        marked: The marked candidate (error correction).
    """

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
        """The task's row of a sample.

        Args:
            labelled: The sample.
            prompts: The prompt templates by task.

        Returns:
            The row; None where the sample has none (an error task without a candidate).

        Raises:
            LabelError: The task cannot be built of this label (released trees).
        """
        ...

    def check(self, row: Row) -> None:
        """Prove a row, as section 4 of docs/formats.md says.

        Args:
            row: The row.

        Raises:
            ProofError: The row is not what the task promises.
        """
        ...

    def read(self, target: str) -> str | None:
        """The label that an answer holds.

        Args:
            target: An answer of this task.

        Returns:
            The label; None where this task's answers hold none.
        """
        ...


def prove(holds: bool, task: str, what: str) -> None:
    """Raise ProofError unless a condition holds.

    Args:
        holds: The condition.
        task: The name of the task, for the message.
        what: What is wrong if it does not hold.

    Raises:
        ProofError: It does not hold.
    """
    if not holds:
        raise ProofError(f"{task}: {what}")


def last_line(target: str) -> str:
    """The last line of an answer, which is its label.

    Args:
        target: An answer.

    Returns:
        What follows the last LF.
    """
    return target.rpartition("\n")[2]
