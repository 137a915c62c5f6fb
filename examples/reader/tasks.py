"""What is asked of a picture, and the right answer: the rows that a build makes, of labels alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from hmer_tasks.errors.noise.model import NoiseModel, model_of
from hmer_tasks.errors.noise.noise_file import read_noise
from hmer_tasks.errors.noise.synthesize import synthesize
from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.parser import parse
from hmer_tasks.predictions import explicit_or_raw, read_predictions
from hmer_tasks.tasks import all_tasks, labelled
from hmer_tasks.tasks.prompts import prompt_set
from hmer_tasks.utils.keyed_random import keyed_random

Text = tuple[str, str]  # prompt and answer


@dataclass(frozen=True, slots=True)
class Mistakes:
    """What wrong candidates are taken from. `mined`: those of a label; `noise`: what makes those of the others, by
    default the shipped noise model."""

    mined: Mapping[str, Sequence[str]] = field(default_factory=dict)
    noise: NoiseModel | None = None


@cache
def read_mistakes(mined: str | None, noise: str | None) -> Mistakes:
    """From a file of `hmer-tasks errors mine` and one of `hmer-tasks errors fit`."""
    of_label: dict[str, list[str]] = {}
    for prediction in read_predictions(Path(mined)) if mined else ():
        label = explicit_or_raw(prediction.gt)
        of_label.setdefault(label, []).append(explicit_or_raw(prediction.pred))
    return Mistakes(of_label, model_of(read_noise(Path(noise))) if noise else None)


def texts_of(
    labels: Sequence[str], tasks: Sequence[str], seed: int, mistakes: Mistakes | None = None
) -> list[list[Text]]:
    """The rows of each label: one a task, in the order of `tasks`."""
    known: dict[str, list[Text]] = {}
    mistakes = mistakes or Mistakes()
    return [
        known.setdefault(label, []) or _fill(known[label], label, tasks, seed, mistakes) for label in labels
    ]


def _fill(rows: list[Text], label: str, tasks: Sequence[str], seed: int, mistakes: Mistakes) -> list[Text]:
    prompts, every = prompt_set("uni-mumer"), all_tasks()
    try:
        tree = None if tuple(tasks) == ("recognition",) else parse(label)
    except LabelError:  # a symbol alone that is no expression: the bar of a fraction
        tree = None
    if tree is None:
        rows.append((prompts["recognition"], label))
        return rows
    chance = keyed_random(seed, "reader error", label)
    try:
        mined = mistakes.mined.get(label)
        wrong = chance.choice(mined) if mined else synthesize(label, chance, mistakes.noise)
    except LabelError:
        wrong = None
    of_label = labelled(label, tree, wrong)
    for name in tasks:
        row = every[name].row(of_label, prompts)
        if row is not None:
            rows.append((row.prompt, row.target))
    return rows
