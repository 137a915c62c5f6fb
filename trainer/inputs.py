"""What is read by the predictor: a folder of pictures, a corpus, or shards, each picture with its prompt."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hmer_tasks.corpora import Sample, find, open_corpus
from hmer_tasks.exceptions import PictureError
from hmer_tasks.images import EXTENSIONS, gate
from hmer_tasks.predictions import read_predictions
from hmer_tasks.tasks.prompts import fill, prompt_set
from trainer.decoding import Question
from trainer.faults import TrainError
from trainer.lengths import Turns, with_system
from trainer.pictures import decode
from trainer.shards import load_shards, shards_of

if TYPE_CHECKING:
    from datasets import Dataset

ERROR_TASKS = {"error_detection": "candidate", "error_correction": "marked"}


@dataclass(frozen=True, slots=True)
class Item:
    """One picture to be read. It and its prompt are fetched when its batch is made."""

    source: str
    id: str
    gt: str
    load: Callable[[], Question]


@dataclass(frozen=True, slots=True)
class Asked:
    """How a picture is asked: the task, its template, a system turn; candidates for the error tasks."""

    task: str
    template: str
    system: str
    candidates: Mapping[tuple[str, str], str]

    def prompt(self, source: str, id: str) -> Turns | None:
        """The prompt for one picture; None where an error task has no candidate for it."""
        text = self.template
        slot = ERROR_TASKS.get(self.task)
        if slot:
            candidate = self.candidates.get((source, id), self.candidates.get(("", id)))
            if candidate is None:
                return None
            text = fill(text, **{slot: candidate})
        return with_system([{"role": "user", "content": text}], self.system)


def asked(task: str, prompts: str, system: str, candidates: Path | None) -> Asked:
    """The way to ask. Detection takes the answers of a recognition, correction those of a detection.

    Raises TrainError.
    """
    template, answers = prompt_set(prompts, (task,))[task], {}
    for prediction in read_predictions(candidates) if candidates else ():
        if prediction.sample == 0:
            answers[prediction.source, prediction.id] = (
                prediction.raw if prediction.task == "error_detection" else prediction.pred
            )
    return Asked(task, template, system, answers)


def of_folder(folder: Path, ask: Asked) -> Iterator[Item]:
    """Every picture below a folder, by name. Raises TrainError where there is none."""
    if not folder.is_dir():
        raise TrainError(f"no pictures: {folder} is not a folder")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in EXTENSIONS)
    if not paths:
        raise TrainError(f"no pictures in {folder}: looked for {' '.join(EXTENSIONS)}")
    for path in paths:
        id = path.relative_to(folder).as_posix()
        prompt = ask.prompt("", id)
        if prompt:
            yield Item("", id, "", partial(_file, path, prompt))


def of_corpus(name: str, root: Path | None, split: str | None, ask: Asked) -> Iterator[Item]:
    """Every sample of a corpus's split, or of all its splits. Raises CorpusError."""
    corpus = find(name)
    with open_corpus(corpus, root) as files:
        splits = corpus.available(files)
        for split_name in [split] if split else splits:
            if split_name not in splits:
                raise corpus.absent(files.root, split_name, splits)
            reader = corpus.open_split(files, split_name)
            for sample in map(reader.__getitem__, range(len(reader))):
                if isinstance(sample, Sample) and (prompt := ask.prompt(sample.source, sample.id)):
                    yield Item(sample.source, sample.id, sample.label, partial(_sample, sample, prompt))


def of_shards(paths: list[str], ask: Asked) -> Iterator[Item]:
    """Each sample of shards once. An error task takes its rows' own prompts, unless candidates are given.

    The other tasks need no row of their own: the picture is asked with their template.
    """
    table = load_shards([shard for path in paths for shard in shards_of(path)])
    own = ask.task in ERROR_TASKS and not ask.candidates
    seen: set[tuple[str, str]] = set()
    tasks, keys = table["task"], zip(table["source"], table["id"], strict=True)
    for at, (task, key) in enumerate(zip(tasks, keys, strict=True)):
        if key in seen or (own and task != ask.task):
            continue
        seen.add(key)
        prompt = ask.prompt(*key)
        if not own and prompt is None:
            continue
        gt = table[at]["gt"]
        yield Item(*key, gt, partial(_row, table, at, prompt, ask.system))
    if not seen:
        raise TrainError(f"no row of {ask.task} in {', '.join(paths)}")


def _row(table: "Dataset", at: int, prompt: Turns | None, system: str) -> Question:
    row = table[at]
    if not row["images"]:
        raise TrainError(f"{row['id']}: no picture to read: was this built with --no-images?")
    return _question(row["images"][0]["bytes"], row["id"], prompt or with_system(row["prompt"], system))


def _file(path: Path, prompt: Turns) -> Question:
    data = path.read_bytes()
    with suppress(PictureError):  # a blank page is read too; what is no picture is named when it is decoded
        data = gate(data, str(path)).data  # dark ink on light paper, as in the rows that were trained on
    return _question(data, path, prompt)


def _sample(sample: Sample, prompt: Turns) -> Question:
    return _question(sample.image.load()[0], sample.id, prompt)


def _question(data: bytes, where: object, prompt: Turns) -> Question:
    return Question(decode(data, str(where)), prompt)
