"""Read pictures with a model: a folder or shards in, JSON lines out (docs/formats.md, section 6).

# A folder of pictures
python -m trainer.predict --model runs/3b --pictures photos --out photos.jsonl

# A test set (hmer-tasks build --dataset crohme); then: hmer-tasks evaluate 2014.jsonl
python -m trainer.predict --model runs/3b --data build/crohme:2014 --out 2014.jsonl

# By another task's prompt, greedily; five samples a picture, to vote
python -m trainer.predict --model runs/3b --data build/crohme:2014 --task tree_cot --temperature 0 \\
    --out tree.jsonl
python -m trainer.predict --model runs/3b --data build/crohme:2014 --samples 5 --temperature 0.7 \\
    --out five.jsonl

# Have the model's own error tasks look at each answer, and keep what they correct cleanly
python -m trainer.predict --model runs/3b --data build/crohme:2014 --refine --out refined.jsonl

# The same by hand: find and correct what a first reading got wrong
python -m trainer.predict --model runs/3b --data build/crohme:2014 --task error_detection \\
    --candidates 2014.jsonl --out marked.jsonl
python -m trainer.predict --model runs/3b --data build/crohme:2014 --task error_correction \\
    --candidates marked.jsonl --out mended.jsonl

The same command goes on where it was interrupted. Temperature 0.2, top-p 0.8, top-k 50 and 2,048 new
tokens are the published settings. An answer stuck in a repetition is cut, and its `stop` says so.
"""

import argparse
import json
import math
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from itertools import islice
from pathlib import Path

from datasets import disable_progress_bars
from transformers.utils import logging

from hmer_tasks.pipeline.resume import BUILD
from hmer_tasks.plugins import load_plugins
from hmer_tasks.tasks import TASK_NAMES, all_tasks, check_task
from hmer_tasks.tasks.prompts import prompt_set
from hmer_tasks.utils.progress import progress_of
from hmer_tasks.utils.terminal import printable
from trainer.checkpoints import Identity, difference
from trainer.decoding import Question, Sampling
from trainer.engines import ENGINES, QUESTIONS, Engine, choose_engine, open_engine
from trainer.faults import TrainError, UsageError, run
from trainer.inputs import ERROR_TASKS, Asked, Item, asked, of_folder, of_shards, picture_paths
from trainer.mixing import check_fold, of_sample, read_samples
from trainer.model import check_model_path, system_of
from trainer.refine import refine
from trainer.shards import find_shards

Line = dict[str, object]
Batch = tuple[int, list[Item], Iterable[Question]]


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command = argparse.ArgumentParser(
        prog="trainer.predict",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    default = Sampling()
    add = command.add_argument
    add("--model", required=True, help="a folder with a model, or its name on the Hub")
    add("--data", nargs="+", help="builds, BUILD:SPLIT or shards")
    add("--pictures", type=Path, help="a folder of pictures")
    add("--out", type=Path, required=True, help="the predictions, JSON lines")
    add("--task", default="recognition", help=f"{', '.join(TASK_NAMES)}, or a plug-in's")
    add("--plugin", type=Path, nargs="+", default=[], help="Python files with tasks of your own")
    add("--prompts", default="uni-mumer", help="a prompt set, or a TOML file of one")
    add("--system_prompt", help="a system turn; by default what the model was trained with")
    add("--candidates", type=Path, help="predictions that an error task is asked about")
    add("--folds", type=Path, help="JSON lines {source, id, fold}")
    add("--fold", type=int, help="with --folds: which one; by default 0")
    add("--side", choices=("train", "held"), help="with --folds: that fold (held, the default) or all others")
    add("--limit", type=int, help="only the first so many pictures")
    add("--batch", type=int, help=f"pictures at a time; by default {QUESTIONS}")
    add("--refine", action="store_true", help="correct each answer by the model's own error tasks")
    add("--samples", type=int, default=default.samples, help="answers a picture")
    add("--temperature", type=float, default=default.temperature, help="0: greedy")
    add("--top_p", type=float, default=default.top_p)
    add("--top_k", type=int, default=default.top_k)
    add("--max_new_tokens", type=int, default=default.max_new_tokens)
    add("--max_pixels", type=int, help="the picture cap; by default what the model was trained with")
    add("--dtype", choices=("auto", "bfloat16", "float16", "float32"), default="auto")
    add("--engine", choices=ENGINES, default="auto")
    add("--seed", type=int, default=0)
    return command


def check(given: argparse.Namespace) -> None:
    """Raise UsageError for arguments that cannot be."""
    if (given.data is None) == (given.pictures is None):
        raise UsageError("say one of --data and --pictures")
    check_task(given.task)
    if given.task in ERROR_TASKS and not given.candidates and not given.data:
        raise UsageError(f"--task {given.task} needs --candidates, or shards that hold its rows")
    for name in ("batch", "samples", "max_new_tokens", "limit"):
        if (number := getattr(given, name)) is not None and number < 1:
            raise UsageError(f"--{name} must be at least 1")
    if given.folds is None and (given.fold is not None or given.side is not None):
        raise UsageError("--fold and --side go with --folds")
    given.fold, given.side = given.fold or 0, given.side or "held"
    if not 0 < given.top_p <= 1:
        raise UsageError("--top_p must be over 0 and at most 1")
    if given.top_k < 0:
        raise UsageError("--top_k must be at least 0 (0: all tokens)")
    if not 0 <= given.temperature < math.inf or (given.temperature == 0 and given.samples > 1):
        raise UsageError("--temperature must be at least 0; several samples need one above 0")
    if given.refine and (given.samples > 1 or given.task in ERROR_TASKS):
        raise UsageError("--refine corrects one answer of a task about a label: no --samples, no error task")


def items_of(given: argparse.Namespace, ask: Asked) -> Iterator[Item]:
    """The pictures to be read, in order. Raises UsageError, TrainError."""
    items = of_shards(given.data, ask) if given.data else of_folder(given.pictures, ask)
    if given.folds:
        folds = read_samples(given.folds, "fold")
        check_fold(folds, given.fold)
        held = given.side == "held"
        items = (item for item in items if (of_sample(folds, item.source, item.id) == given.fold) == held)
    return islice(items, given.limit)


def whole_batches(out: Path, lines_a_batch: int) -> int:
    """How many batches an interrupted run wrote whole; what it wrote after them is cut off."""
    if not out.exists():
        return 0
    lines = out.read_bytes().splitlines(keepends=True)
    batches = sum(line.endswith(b"\n") for line in lines) // lines_a_batch
    with out.open("r+b") as file:
        file.truncate(sum(map(len, lines[: batches * lines_a_batch])))
    return batches


def digests(given: argparse.Namespace) -> Identity:
    """Of the model's weights, of the rows or pictures, and of the files that the command names.

    A model that was trained anew since, or another build in the same place, is another run, though the
    command is the same.
    """
    weights = sha256()
    for file in sorted(Path(given.model).glob("*.safetensors")):  # gigabytes: their dates must do
        weights.update(f"{file.name} {file.stat().st_size} {file.stat().st_mtime_ns}\n".encode())
    rows = sha256()
    for shard in find_shards(given.data) if given.data else []:
        built = shard.parent.parent / BUILD
        rows.update(f"{shard.name} {shard.stat().st_size}\n".encode())
        rows.update(built.read_bytes() if built.is_file() else str(shard.stat().st_mtime_ns).encode())
    if given.pictures:
        for path in picture_paths(given.pictures):
            rows.update(f"{path.relative_to(given.pictures)} {path.stat().st_size}\n".encode())
    files = sha256()
    for path in (given.candidates, given.folds, Path(given.prompts)):
        if path is not None and path.is_file():
            files.update(path.read_bytes())
    return {
        "digest of the files": files.hexdigest()[:16],
        "digest of the weights": weights.hexdigest()[:16],
        "digest of the rows": rows.hexdigest()[:16],
    }


def check_same(out: Path, settings: Identity) -> None:
    """Raise TrainError where OUT was begun with other settings; else note them beside it."""
    beside = out.with_name(f".{out.name}.run.json")
    if out.exists() and beside.exists():
        if other := difference(beside, settings):
            raise TrainError(f"{out} holds another run ({other}): delete it, or choose another --out")
    elif out.exists() and out.stat().st_size:
        raise TrainError(f"{out} is there and no run of this command began it: choose another --out")
    out.parent.mkdir(parents=True, exist_ok=True)
    beside.write_text(json.dumps(settings), encoding="utf-8")


def predict(given: argparse.Namespace) -> None:
    """The whole run. Raises UsageError, TrainError."""
    load_plugins(given.plugin)
    given.engine = choose_engine(given.engine)
    given.batch = QUESTIONS[given.engine] if given.batch is None else given.batch
    check(given)
    if not sys.stderr.isatty():
        disable_progress_bars()
        logging.disable_progress_bar()
    check_model_path(given.model)
    if given.system_prompt is None:
        given.system_prompt = system_of(given.model)
    ask = asked(given.task, given.prompts, given.system_prompt, given.candidates)
    total = sum(1 for _ in items_of(given, ask))
    if not total:
        raise TrainError("no picture to read: --folds, --limit or --candidates leave none")
    settings = {key: str(value) for key, value in vars(given).items() if key not in ("out", "engine")}
    check_same(given.out, {**settings, **digests(given)})
    done = whole_batches(given.out, given.batch * given.samples)
    sampling = Sampling(given.temperature, given.top_p, given.top_k, given.max_new_tokens, given.samples)
    how = {"max_pixels": given.max_pixels, "dtype": given.dtype, "seed": given.seed}
    engine, begun = open_engine(given.engine, given.model, sampling, **how), time.monotonic()
    with (
        given.out.open("a", encoding="utf-8") as out,
        ThreadPoolExecutor() as pool,
        progress_of(total, "pictures") as show,
    ):
        for number, batch, questions in loaded(items_of(given, ask), given.batch, done, pool):
            lines = read(engine, given, number, batch, list(questions))
            out.write("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
            out.flush()
            show(number * given.batch + len(batch))
    rate = max(0, total - done * given.batch) / (time.monotonic() - begun)
    print(printable(f"{given.out}: {summary(given.out, rate)}"))


def loaded(items: Iterator[Item], size: int, done: int, pool: ThreadPoolExecutor) -> Iterator[Batch]:
    """Batches of items, their pictures decoded while the batch before is read.

    Args:
        items: What is asked.
        size: How many make a batch.
        done: How many batches an earlier run wrote: they are left out.
        pool: Where pictures are decoded.

    Yields:
        A batch's number, its items and their questions.
    """
    ahead: deque[Batch] = deque()
    batches = iter(lambda: list(islice(items, size)), [])
    for number, batch in islice(enumerate(batches), done, None):
        ahead.append((number, batch, pool.map(Item.load, batch)))
        if len(ahead) == 2:
            yield ahead.popleft()
    yield from ahead


def read(
    engine: Engine, given: argparse.Namespace, number: int, batch: list[Item], questions: Sequence[Question]
) -> list[Line]:
    """The lines of a batch's answers."""
    task = all_tasks()[given.task]
    lines: list[Line] = [
        {
            "source": item.source,
            "img_id": item.id,
            "gt": item.gt,
            "pred": task.read(answer.raw) or "",
            "task": task.name,
            "sample": sample,
            "raw": answer.raw,
            "stop": answer.stop,
            **item.about,
        }
        for item, answers in zip(batch, engine(questions, str(number)), strict=True)
        for sample, answer in enumerate(answers)
    ]
    if not given.refine:
        return lines

    def reread(asked: Sequence[Question], name: str) -> list[str]:
        return [answers[0].raw for answers in engine(asked, f"{number}/{name}")] if asked else []

    first = [str(line["pred"]) for line in lines]
    refined = refine(reread, prompt_set(given.prompts, ERROR_TASKS), given.system_prompt, questions, first)
    return [
        {**line, "pred": better, "first": before}
        for line, better, before in zip(lines, refined, first, strict=True)
    ]


def summary(out: Path, rate: float) -> str:
    """The last line of a run: how all answers ended, the rate of this call, and how many are exact."""
    with out.open(encoding="utf-8") as file:
        lines = list(map(json.loads, file))
    stops = Counter(line["stop"] for line in lines).most_common()
    text = ", ".join(f"{stop} {count:,}" for stop, count in stops) + f"; {rate:,.1f} pictures/s"
    labels = [(line, line["gt"].split()) for line in lines if line["sample"] == 0 and line["gt"]]
    if labels:
        text += f"; {sum(line['pred'].split() == gt for line, gt in labels):,} of {len(labels):,} exact"
    if labels and "first" in lines[0]:
        text += f", {sum(line['first'].split() == gt for line, gt in labels):,} before refining"
    return text


def main() -> None:
    """The command line."""
    predict(parser().parse_args())


if __name__ == "__main__":
    run("trainer.predict", main)
