"""What is read by the predictor: a folder of pictures or shards, each picture with its prompt."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hmer_tasks.corpora import CORPORA
from hmer_tasks.evaluation.inputs import comparable_label
from hmer_tasks.exceptions import PictureError
from hmer_tasks.images import EXTENSIONS, gate
from hmer_tasks.predictions import read_predictions
from hmer_tasks.storage.files import is_junk
from hmer_tasks.tasks import PLUGIN_TASKS
from hmer_tasks.tasks.prompts import fill, prompt_set
from trainer.decoding import Question
from trainer.faults import TrainError
from trainer.lengths import Turns, with_system
from trainer.pictures import decode
from trainer.shards import find_shards, load_shards

if TYPE_CHECKING:
    from datasets import Dataset

ERROR_TASKS = {"error_detection": "candidate", "error_correction": "marked"}


@dataclass(frozen=True, slots=True)
class Item:
    """A picture to be read.

    Attributes:
        source: `corpus/split`; empty for a folder of pictures.
        id: The id in it.
        gt: The label, if there is one.
        picture: Reads the picture's file.
        prompt: What is asked of it.
        about: The candidate, or the marked one, that an error task is asked about.
    """

    source: str
    id: str
    gt: str
    picture: Callable[[], bytes]
    prompt: Turns
    about: Mapping[str, str] = field(default_factory=dict)

    def load(self) -> Question:
        """The question, its picture decoded."""
        return Question(decode(self.picture(), self.id), self.prompt)


@dataclass(frozen=True, slots=True)
class Asked:
    """How a picture is asked: the task, its template, a system turn; candidates for the error tasks."""

    task: str
    template: str
    system: str
    candidates: Mapping[tuple[str, str], str]

    def item(self, source: str, id: str, gt: str, picture: Callable[[], bytes]) -> Iterator[Item]:
        """The item of a picture; none where an error task has no candidate for it."""
        about: dict[str, str] = {}
        if slot := ERROR_TASKS.get(self.task):
            candidate = self.candidates.get((source, id), self.candidates.get(("", id)))
            if candidate is None:
                return
            about[slot] = candidate
        prompt = [{"role": "user", "content": fill(self.template, **about)}]
        yield Item(source, id, gt, picture, with_system(prompt, self.system), about)


def asked(task: str, prompts: str, system: str, candidates: Path | None) -> Asked:
    """The way to ask.

    Args:
        task: The task whose prompt is asked.
        prompts: The prompt set, by name or file.
        system: A system turn; empty: none.
        candidates: For the error tasks, a prediction file: detection takes the answers of a recognition,
            correction those of a detection. None: the candidates of the rows.

    Returns:
        What makes a question of a row.

    Raises:
        PromptError: The prompt set has no such task.
        PredictionError: The prediction file is invalid.
    """
    texts = {
        (answer.source, answer.id): answer.raw if answer.task == "error_detection" else answer.pred
        for answer in (read_predictions(candidates) if candidates else ())
        if answer.sample == 0
    }
    own = {name: plugin.prompt for name, plugin in PLUGIN_TASKS.items()}
    return Asked(task, prompt_set(prompts, (task,), own)[task], system, texts)


def picture_paths(folder: Path) -> list[Path]:
    """The pictures below a folder, by name. Raises TrainError where there is none."""
    paths = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in EXTENSIONS
        and path.is_file()
        and not is_junk(path.relative_to(folder).as_posix())
    )
    if not paths:
        raise TrainError(f"no pictures in {folder}: looked for {' '.join(EXTENSIONS)}")
    return paths


def of_folder(folder: Path, ask: Asked) -> Iterator[Item]:
    """Every picture below a folder, by name. Raises TrainError where there is none."""
    for path in picture_paths(folder):
        yield from ask.item("", path.relative_to(folder).as_posix(), "", partial(_file, path))


def _file(path: Path) -> bytes:
    data = path.read_bytes()
    with suppress(PictureError):  # a blank page is read too; what is no picture is named when it is decoded
        data = gate(data, str(path)).data  # dark ink on light paper, as in the rows that were trained on
    return data


def of_shards(paths: list[str], ask: Asked) -> Iterator[Item]:
    """Each sample of shards once. An error task takes its rows' own prompts, unless candidates are given.

    The other tasks need no row of their own: the picture is asked with their template. Pictures that do not
    show their label (a person's mistake, of which the label is the corrected form) are not asked for it.
    """
    table = load_shards(find_shards(paths))
    own = ask.task in ERROR_TASKS and not ask.candidates
    seen = set() if own else _not_showing_label(table)
    hidden = len(seen)
    for at, row in enumerate(table.remove_columns("images")):
        key = row["source"], row["id"]
        if key in seen or (own and row["task"] != ask.task):
            continue
        seen.add(key)
        gt, picture = comparable_label(row["gt"], row["label"]), partial(_picture, table, at)
        if own:
            about = {name: row[name] for name in ERROR_TASKS.values()}
            yield Item(*key, gt, picture, with_system(row["prompt"], ask.system), about)
        else:
            yield from ask.item(*key, gt, picture)
    if len(seen) == hidden:
        raise TrainError(f"no row of {ask.task} in {', '.join(paths)}")


def _not_showing_label(table: "Dataset") -> set[tuple[str, str]]:
    """The samples whose picture does not show the label.

    These are those of corpora that have no rows about it, and, where others have such rows, those without.
    """
    keys = list(zip(table["source"], table["id"], strict=True))
    shown = {key for key, task in zip(keys, table["task"], strict=True) if task not in ERROR_TASKS}
    corpora = {source.partition("/")[0] for source, _ in keys}
    own_tasks = {name for name in corpora if name in CORPORA and CORPORA[name].tasks}
    return {key for key in keys if (shown and key not in shown) or key[0].partition("/")[0] in own_tasks}


def _picture(table: "Dataset", at: int) -> bytes:
    row = table[at]
    if not row["images"]:
        raise TrainError(f"{row['id']}: no picture to read: was this built with --no-images?")
    data: bytes = row["images"][0]["bytes"]
    return data
