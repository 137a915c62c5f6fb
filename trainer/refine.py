"""Refining (`--refine`): the model's own error tasks look at what it read and correct it.

A reading is handed to error detection; where that answers with the same reading, marked, the marked one is
handed to error correction. A correction is kept where its log applies cleanly to the marks, gives the label
that stands below it, and that label parses. Anything else leaves the reading as it was.
"""

from collections.abc import Callable, Mapping, Sequence

from hmer_tasks.errors.markup import strip_marks
from hmer_tasks.exceptions import LabelError, ProofError
from hmer_tasks.latex.parser import parse
from hmer_tasks.tasks.base import Row, last_line
from hmer_tasks.tasks.error_correction import ErrorCorrection
from hmer_tasks.tasks.prompts import fill
from trainer.decoding import Question
from trainer.lengths import Turns, with_system

Read = Callable[[Sequence[Question], str], list[str]]


def refine(
    read: Read, templates: Mapping[str, str], system: str, questions: Sequence[Question], readings: list[str]
) -> list[str]:
    """The readings, corrected where that is safe.

    Args:
        read: Questions and a name of the round to the model's raw answers.
        templates: Of error_detection and error_correction, at least.
        system: The system prompt, if any.
        questions: With the pictures of the readings; their prompts are not used.
        readings: The first answers.

    Returns:
        As many readings, in order.
    """

    def turns(text: str) -> Turns:
        return with_system([{"role": "user", "content": text}], system)

    refined, asked = list(readings), [at for at, reading in enumerate(readings) if reading]
    prompts = [fill(templates["error_detection"], candidate=readings[at]) for at in asked]
    first = [Question(questions[at].picture, turns(text)) for at, text in zip(asked, prompts, strict=True)]
    marks = read(first, "detect")
    marked = {at: mark for at, mark in zip(asked, marks, strict=True) if is_marking(mark, readings[at])}
    prompts = [fill(templates["error_correction"], marked=mark) for mark in marked.values()]
    again = [Question(questions[at].picture, turns(text)) for at, text in zip(marked, prompts, strict=True)]
    for at, answer in zip(marked, read(again, "correct"), strict=True):
        refined[at] = corrected(marked[at], answer) or readings[at]
    return refined


def is_marking(marked: str, reading: str) -> bool:
    """Whether an answer of error detection is the reading with at least one mark."""
    return strip_marks(marked).split() == reading.split() != marked.split()


def corrected(marked: str, answer: str) -> str:
    """The label that an answer of error correction gives; empty where it does not apply cleanly."""
    label = last_line(answer)
    try:
        ErrorCorrection().check(Row("error_correction", label, marked, answer, marked=marked))
        parse(label)
    except (LabelError, ProofError):
        return ""
    return label
