"""What is scored: one answer a picture, out of prediction files."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from hmer_tasks.exceptions import PredictionError
from hmer_tasks.predictions import Prediction, read_predictions
from hmer_tasks.tasks import TASK_NAMES


def read_answers(paths: Iterable[Path], together: bool = False) -> list[Prediction]:
    """All answers of the files, in order; where a file names no source, its name is the source.

    `together`: the files are answers to the same pictures, to be voted on. Those that name no source
    share one, and what an earlier file has answered already counts as a further sample.
    Raises PredictionError.
    """
    answers: list[Prediction] = []
    numbers: dict[tuple[str, str, str, str], int] = {}
    for path in paths:
        found = list(read_predictions(path))
        if not found:
            raise PredictionError(f"{path} holds no predictions")
        if together:
            first = dict(numbers)
            for i, one in enumerate(found):
                key = (one.source, one.id, one.gt, one.task)
                found[i] = replace(one, sample=one.sample + first.get(key, 0))
                numbers[key] = max(numbers.get(key, 0), found[i].sample + 1)
        else:
            found = [one if one.source else replace(one, source=path.stem) for one in found]
        answers += found
    return answers


def first_answers(answers: Iterable[Prediction]) -> list[Prediction]:
    """The answers that are scored without a vote: sample 0, and of several tasks the first of the five.

    A line that repeats (source, id, task, sample) is scored again, so that n is the file's.
    """
    kept = [one for one in answers if one.sample == 0]
    best: dict[tuple[str, str], int] = {}
    for one in kept:
        key = (one.source, one.id)
        best[key] = min(best.get(key, len(TASK_NAMES)), _rank(one.task))
    return [one for one in kept if _rank(one.task) == best[one.source, one.id]]


def _rank(task: str) -> int:
    return TASK_NAMES.index(task) if task in TASK_NAMES else 0
