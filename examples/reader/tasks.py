"""What is asked of a picture, and the right answer: the rows that a build makes, of labels alone."""

from collections.abc import Sequence

from hmer_tasks.errors.noise.synthesize import synthesize
from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.parser import parse
from hmer_tasks.tasks import all_tasks, labelled
from hmer_tasks.tasks.prompts import prompt_set
from hmer_tasks.utils.keyed_random import keyed_random

Text = tuple[str, str]  # prompt and answer


def texts_of(labels: Sequence[str], tasks: Sequence[str], seed: int) -> list[list[Text]]:
    """The rows of each label: one a task, in the order of `tasks`."""
    known: dict[str, list[Text]] = {}
    return [known.setdefault(label, []) or _fill(known[label], label, tasks, seed) for label in labels]


def _fill(rows: list[Text], label: str, tasks: Sequence[str], seed: int) -> list[Text]:
    prompts, every = prompt_set("uni-mumer"), all_tasks()
    if tuple(tasks) == ("recognition",):
        rows.append((prompts["recognition"], label))
        return rows
    tree = parse(label)
    try:
        wrong = synthesize(label, keyed_random(seed, "reader error", label))
    except LabelError:
        wrong = None
    of_label = labelled(label, tree, wrong)
    for name in tasks:
        row = every[name].row(of_label, prompts)
        if row is not None:
            rows.append((row.prompt, row.target))
    return rows
