"""Read pictures with a model: a folder, a corpus or shards in, JSON lines out (docs/formats.md, section 6).

# A folder of pictures
python -m trainer.predict --model runs/3b --pictures photos --out photos.jsonl

# A test set, from its corpus or from its shards; then: hmer-tasks evaluate 2014.jsonl
python -m trainer.predict --model runs/3b --corpus crohme --split 2014 --out 2014.jsonl
python -m trainer.predict --model runs/3b --data build/crohme:2014 --out 2014.jsonl

# By another task's prompt, greedily; five samples a picture, to vote
python -m trainer.predict --model runs/3b --data build/crohme:2014 --task tree_cot --temperature 0 \\
    --out tree.jsonl
python -m trainer.predict --model runs/3b --data build/crohme:2014 --samples 5 --temperature 0.7 \\
    --out five.jsonl

# Have the model's own error tasks look at each answer, and keep what they correct cleanly
python -m trainer.predict --model runs/3b --data build/crohme:2014 --refine --out refined.jsonl

# The same by hand: find and mend what a first reading got wrong
python -m trainer.predict --model runs/3b --data build/crohme:2014 --task error_detection \\
    --candidates 2014.jsonl --out marked.jsonl
python -m trainer.predict --model runs/3b --data build/crohme:2014 --task error_correction \\
    --candidates marked.jsonl --out mended.jsonl

The same command goes on where it was interrupted. Temperature 0.2, top-p 0.8, top-k 50 and 2,048 new
tokens are the published settings. An answer stuck in a repetition is cut, and its `stop` says so.
"""

import argparse
import json
import operator
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from datasets import disable_progress_bars
from transformers.utils import logging

from hmer_tasks.tasks import TASK_NAMES, Task, all_tasks
from hmer_tasks.tasks.prompts import prompt_set
from hmer_tasks.utils.progress import progress_of
from hmer_tasks.utils.terminal import printable
from trainer.decoding import Answer, Question, Sampling
from trainer.engines import ENGINES, QUESTIONS, choose_engine, open_engine
from trainer.faults import TrainError, UsageError, run
from trainer.inputs import ERROR_TASKS, Asked, Item, asked, of_corpus, of_folder, of_shards
from trainer.mixing import read_folds
from trainer.model import check_model_path
from trainer.refine import refine


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command_line = argparse.ArgumentParser(
        prog="trainer.predict",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    default = Sampling()
    add = command_line.add_argument
    add("--model", required=True, help="a folder with a model, or its name on the Hub")
    add("--data", nargs="+", help="builds, BUILD:SPLIT or shards")
    add("--corpus", help="a corpus by its name, as in `hmer-tasks build --dataset`")
    add("--root", type=Path, help="where the corpus lies")
    add("--split", help="one split of the corpus; all by default")
    add("--pictures", type=Path, help="a folder of pictures")
    add("--out", type=Path, required=True, help="the predictions, JSON lines")
    add("--task", choices=TASK_NAMES, default="recognition")
    add("--prompts", default="uni-mumer", help="a prompt set, or a TOML file of one")
    add("--system_prompt", default="")
    add("--candidates", type=Path, help="predictions that an error task is asked about")
    add("--folds", type=Path, help="JSON lines {source, id, fold}")
    add("--fold", type=int, default=0)
    add("--side", choices=("train", "held"), default="held")
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
    return command_line


def items_of(given: argparse.Namespace, ask: Asked) -> Iterator[Item]:
    """The pictures to be read, in order. Raises UsageError, TrainError."""
    if sum(source is not None for source in (given.data, given.corpus, given.pictures)) != 1:
        raise UsageError("say one of --data, --corpus and --pictures")
    if ask.task in ERROR_TASKS and not ask.candidates and not given.data:
        raise UsageError(f"--task {ask.task} needs --candidates, or shards that hold its rows")
    if given.data:
        items = of_shards(given.data, ask)
    elif given.corpus:
        items = of_corpus(given.corpus, given.root, given.split, ask)
    else:
        items = of_folder(given.pictures, ask)
    if given.folds:
        folds = read_folds(given.folds)
        held = given.side == "held"
        items = (item for item in items if (folds.get((item.source, item.id)) == given.fold) == held)
    return islice(items, given.limit)


def record(item: Item, task: Task, number: int, answer: Answer) -> dict[str, object]:
    """A line of the predictions."""
    return {
        "source": item.source,
        "img_id": item.id,
        "gt": item.gt,
        "pred": task.read(answer.raw) or "",
        "task": task.name,
        "sample": number,
        "raw": answer.raw,
        "stop": answer.stop,
    }


def whole_batches(out: Path, lines_a_batch: int) -> int:
    """How many batches an interrupted run wrote whole; what it wrote after them is cut off."""
    if not out.exists():
        return 0
    data = out.read_bytes()
    ends = [at + 1 for at, byte in enumerate(data) if byte == 0x0A]
    batches = len(ends) // lines_a_batch
    with out.open("r+b") as file:
        file.truncate(ends[batches * lines_a_batch - 1] if batches else 0)
    return batches


def same_run(out: Path, settings: dict[str, str]) -> None:
    """Raise TrainError where OUT was begun with other settings; else note them beside it."""
    beside = out.with_name(f".{out.name}.run.json")
    if out.exists() and beside.exists():
        recorded = json.loads(beside.read_text(encoding="utf-8"))
        for name, here in settings.items():
            if recorded.get(name) != here:
                raise TrainError(
                    f"{out} was begun with another {name} ({recorded.get(name)}, now {here}): delete it"
                )
    elif out.exists() and out.stat().st_size:
        raise TrainError(f"{out} is there and no run of this command began it: choose another --out")
    out.parent.mkdir(parents=True, exist_ok=True)
    beside.write_text(json.dumps(settings), encoding="utf-8")


def predict(given: argparse.Namespace) -> None:
    """The whole run. Raises UsageError, TrainError."""
    given.engine = choose_engine(given.engine)
    given.batch = QUESTIONS[given.engine] if given.batch is None else given.batch
    for name in ("batch", "samples", "max_new_tokens"):
        if getattr(given, name) < 1:
            raise UsageError(f"--{name} must be at least 1")
    if given.temperature < 0 or (given.temperature == 0 and given.samples > 1):
        raise UsageError("--temperature must be at least 0; several samples need one above 0")
    if given.refine and (given.samples > 1 or given.task in ERROR_TASKS):
        raise UsageError("--refine corrects one answer of a task about a label: no --samples, no error task")
    if not sys.stderr.isatty():
        disable_progress_bars()
        logging.disable_progress_bar()
    check_model_path(given.model)
    ask = asked(given.task, given.prompts, given.system_prompt, given.candidates)
    total = sum(1 for _ in items_of(given, ask))
    if not total:
        raise TrainError("no picture to read: --folds, --limit or --candidates leave none")
    sampling = Sampling(given.temperature, given.top_p, given.top_k, given.max_new_tokens, given.samples)
    settings = {
        name: str(value) for name, value in sorted(vars(given).items()) if name not in ("out", "engine")
    }
    same_run(given.out, settings)
    done = whole_batches(given.out, given.batch * given.samples)
    how = {"max_pixels": given.max_pixels, "dtype": given.dtype, "seed": given.seed}
    engine = open_engine(given.engine, given.model, sampling, **how)
    stops: Counter[str] = Counter()
    exact = exact_at_first = read = 0
    task = all_tasks()[given.task]
    batches, begun = _batches(items_of(given, ask), given.batch), time.monotonic()
    with (
        given.out.open("a", encoding="utf-8") as out,
        ThreadPoolExecutor() as pool,
        progress_of(total, "pictures") as show,
    ):
        for number, batch, questions in _loaded(None if given.corpus else pool, enumerate(batches), done):
            answers = engine(questions, str(number))
            lines = [
                record(item, task, sample, answer)
                for item, said in zip(batch, answers, strict=True)
                for sample, answer in enumerate(said)
            ]
            if given.refine:

                def reread(asked: Sequence[Question], name: str, key: int = number) -> list[str]:
                    return [said[0].raw for said in engine(asked, f"{key}/{name}")] if asked else []

                readings = [str(line["pred"]) for line in lines]
                refined = refine(
                    reread, prompt_set(given.prompts, ERROR_TASKS), given.system_prompt, questions, readings
                )
                lines = [
                    {**line, "pred": better, "first": str(line["pred"])}
                    for line, better in zip(lines, refined, strict=True)
                ]
            out.write("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
            out.flush()
            show(number * given.batch + len(batch))
            stops.update(str(line["stop"]) for line in lines)
            firsts = [line for line in lines if line["sample"] == 0 and line["gt"]]
            read += len(firsts)
            exact += sum(str(line["pred"]).split() == str(line["gt"]).split() for line in firsts)
            wanted = [str(line["gt"]).split() for line in firsts]
            was = [str(line.get("first", line["pred"])).split() for line in firsts]
            exact_at_first += sum(map(operator.eq, was, wanted))
    outcome = (
        ", ".join(f"{stop} {count:,}" for stop, count in stops.most_common()) or "nothing was left to do"
    )
    rate = stops.total() / given.samples / (time.monotonic() - begun)
    outcome += f"; {rate:,.1f} pictures/s" if stops else ""
    before = f", {exact_at_first:,} before refining" if given.refine else ""
    print(printable(f"{given.out}: {outcome}" + (f"; {exact:,} of {read:,} exact{before}" if read else "")))


def _batches(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    while batch := list(islice(items, size)):
        yield batch


def _loaded(
    pool: ThreadPoolExecutor | None, batches: Iterator[tuple[int, list[Item]]], done: int
) -> Iterator[tuple[int, list[Item], list[Question]]]:
    """The batches from number `done` on, their pictures decoded while the batch before is read.

    Without a pool, when they are asked for: an archive of a corpus is read by one thread alone.
    """
    waiting: deque[tuple[int, list[Item], list[Future[Question]]]] = deque()
    for number, batch in batches:
        if number < done:
            continue
        if pool is None:
            yield number, batch, [item.load() for item in batch]
            continue
        waiting.append((number, batch, [pool.submit(item.load) for item in batch]))
        if len(waiting) == 2:
            at, ready, questions = waiting.popleft()
            yield at, ready, [question.result() for question in questions]
    for at, ready, questions in waiting:
        yield at, ready, [question.result() for question in questions]


def main() -> None:
    """The command line."""
    predict(parser().parse_args())


if __name__ == "__main__":
    run("trainer.predict", main)
