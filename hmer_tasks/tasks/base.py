"""The contract every task keeps: a sample becomes a row, a row is proven, an answer is read back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from hmer_tasks.errors.markup import mark_errors
from hmer_tasks.exceptions import ProofError
from hmer_tasks.latex.tree import ExprTree

if TYPE_CHECKING:
    from hmer_tasks.corpora.base import Picture


# These two are made seven times a sample. They never change, but are not declared frozen: the constructor of
# a frozen dataclass takes five times as long.
@dataclass(slots=True, unsafe_hash=True)
class Labelled:
    """What a task makes its row of. `candidate`, `marked` and `log` are None where a sample has no candidate.

    Attributes:
        label: The label in explicit form.
        tree: Its tree.
        candidate: A wrong reading of the picture.
        marked: The candidate with its mistakes marked.
        log: The corrections of these mistakes.
        image: The picture, not read yet, as the corpus has it: for a task that knows how it was made.
    """

    label: str
    tree: ExprTree
    candidate: str | None = None
    marked: str | None = None
    log: str | None = None
    image: "Picture | None" = None


def labelled(label: str, tree: ExprTree, candidate: str | None, image: "Picture | None" = None) -> Labelled:
    """A label together with its candidate, marked.

    Args:
        label: The label in explicit form.
        tree: Its tree.
        candidate: A wrong reading of the picture, if there is one.
        image: The picture, not read yet.

    Returns:
        What tasks make rows of.

    Raises:
        LabelError: `reserved_token`: label or candidate holds a mark of the error tasks.
    """
    if candidate is None:
        return Labelled(label, tree, image=image)
    return Labelled(label, tree, candidate, *mark_errors(candidate, label), image)


@dataclass(slots=True, unsafe_hash=True)
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


@runtime_checkable
class Task(Protocol):
    """One of the five tasks, or a plug-in's."""

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
        """Prove a row (docs/formats.md, section 4).

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


@runtime_checkable
class PluginTask(Task, Protocol):
    """A task of a plug-in, which brings its own prompt: no shipped set has one for it."""

    @property
    def prompt(self) -> str: ...


@runtime_checkable
class PictureTask(Protocol):
    """A task whose rows are also proven against the picture."""

    def check_picture(self, row: Row, picture: bytes) -> None:
        """Prove a row against its picture, when it is built and again by `verify`.

        Args:
            row: The row.
            picture: The picture as the row holds it, encoded.

        Raises:
            ProofError: The row is not true of the picture.
        """
        ...


@runtime_checkable
class ScoredTask(Protocol):
    """A task with scores of its own in `evaluate`."""

    def score(self, answer: str, label: str) -> Mapping[str, float]:
        """Score an answer.

        Args:
            answer: What the model wrote.
            label: The sample's label.

        Returns:
            Numbers from 0 to 1 by name; `evaluate` prints their means in percent.
        """
        ...


def prove_row(task: Task, row: Row, picture: bytes) -> None:
    """Prove a row by its task; against the picture too if the task does that and there is one.

    Args:
        task: The task.
        row: The row.
        picture: The picture as the row holds it; empty in a build of labels alone.

    Raises:
        ProofError: The row is not what the task promises.
    """
    task.check(row)
    # `hasattr` first: to ask a protocol for an instance takes as long as to prove a row.
    if picture and hasattr(task, "check_picture") and isinstance(task, PictureTask):
        task.check_picture(row, picture)


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
