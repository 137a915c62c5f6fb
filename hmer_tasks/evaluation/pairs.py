"""What is scored: one answer a picture, out of prediction files."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from hmer_tasks.evaluation.references import References, resolve
from hmer_tasks.exceptions import PredictionError, did_you_mean
from hmer_tasks.predictions import Prediction, read_predictions
from hmer_tasks.tasks import task_names


def read_answers(
    paths: Iterable[Path], together: bool = False, references: References | None = None
) -> list[Prediction]:
    """All answers of the files, in order; where a file names no source, its name is the source.

    Args:
        paths: The files.
        together: The files are answers to the same pictures, to be voted on. Those that name no source
            share one, and what an earlier file has answered already counts as a further sample.
        references: The labels, if they are not those of the files. Answers then take their ids, with
            `together` their sources too: files may spell them in different ways.

    Returns:
        The answers.

    Raises:
        PredictionError: A file cannot be read, or holds no predictions.
    """
    answers: list[Prediction] = []
    numbers: dict[tuple[str, str, str, str], int] = {}
    known = {"", *task_names()}
    for path in paths:
        predictions = list(read_predictions(path))
        if references is not None:
            predictions = list(resolve(predictions, references, sources=together))
        if not predictions:
            raise PredictionError(f"{path} holds no predictions")
        for prediction in predictions:
            if prediction.task not in known:
                hint = did_you_mean(prediction.task, known)
                raise PredictionError(
                    f"{path}: {prediction.id!r} answers no task that is known, {prediction.task!r}: {hint}"
                    "a plug-in's task needs --plugin"
                )
        if together:
            first = dict(numbers)
            for i, prediction in enumerate(predictions):
                label = prediction.gt if references is None else ""  # else the ids say all
                key = (prediction.source, prediction.id, label, prediction.task)
                predictions[i] = replace(prediction, sample=prediction.sample + first.get(key, 0))
                numbers[key] = max(numbers.get(key, 0), predictions[i].sample + 1)
        else:
            predictions = [
                prediction if prediction.source else replace(prediction, source=path.stem)
                for prediction in predictions
            ]
        answers += predictions
    return answers


def first_answers(answers: Iterable[Prediction]) -> list[Prediction]:
    """The answers that are scored without a vote: sample 0, and of several tasks the first of the five.

    A line that repeats (source, id, task, sample) is scored again, so that n is the file's.
    """
    kept = [answer for answer in answers if answer.sample == 0]
    best: dict[tuple[str, str], int] = {}
    for answer in kept:
        key = (answer.source, answer.id)
        best[key] = min(best.get(key, len(task_names())), _rank(answer.task))
    return [answer for answer in kept if _rank(answer.task) == best[answer.source, answer.id]]


def _rank(task: str) -> int:
    names = task_names()
    return names.index(task) if task in names else 0
