"""Error-driven learning in one command: folds, k models, what each reads of its held-out fold, rows.

# On a CPU, whole, with a tiny model on the embedded sample: make error-corpus
python examples/error_driven_learning.py --dataset sample -k 3 --recipe trainer/recipes/error-loop-cpu.yaml \\
    --max_new_tokens 160 --batch 32 --out build/error-corpus/sample

# On one GPU, with a real corpus and the published recipe
python examples/error_driven_learning.py --dataset hme100k -k 3 --out build/error-corpus/hme100k \\
    --recipe trainer/recipes/uni-mumer-qwen2.5-vl-3b.yaml --train_args "--gradient_accumulation_steps 128" \\
    --launch "accelerate launch --config_file trainer/accelerate/single_gpu.yaml"

# On eight: each model is trained on all of them, then three predictors read, each on a GPU of its own
python examples/error_driven_learning.py --dataset hme100k -k 3 --out build/error-corpus/hme100k \\
    --recipe trainer/recipes/uni-mumer-qwen2.5-vl-7b.yaml --predictors 3 \\
    --launch "accelerate launch --config_file trainer/accelerate/fsdp2_8gpu.yaml"

Stages, each with its figures on the terminal and in OUT/loop.json: the corpus cut into k folds, no
expression on two sides (OUT/folds.jsonl); its shards without mistakes (OUT/base); k models, each trained on
all folds but one (OUT/fold-I/model); several answers to each picture of the fold held out
(OUT/fold-I/predictions.jsonl); the wrong ones that can be learnt from (OUT/mined.jsonl); all five tasks'
rows, mined mistakes first and synthetic ones for the rest (OUT/build). At the end ten mined rows are shown
with their pictures (OUT/mined.png). Train on OUT/build then; OUT/base and the models may go.

The same command goes on where it was stopped, whatever stopped it (SIGKILL too). With other arguments it
is refused. Other caps without another training: `hmer-tasks errors mine OUT/fold-*/predictions.jsonl`.
"""

import argparse
import fcntl
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from examples.mined_sheet import show_mined
from hmer_tasks.errors.mine import Caps, Mined, mine_files
from hmer_tasks.errors.rejection_rules import FARTHEST
from hmer_tasks.pipeline import BuildOptions, BuildResult, build
from hmer_tasks.pipeline.folds import write_folds
from hmer_tasks.predictions import read_predictions
from hmer_tasks.tasks import TASK_NAMES
from hmer_tasks.utils.files import atomic_write
from hmer_tasks.utils.processes import raise_on_signal
from hmer_tasks.utils.terminal import echo
from trainer import faults
from trainer.faults import TrainError, UsageError
from trainer.options import recipe_keys

# What may differ when the loop goes on: where it is, and how it runs.
_ANYHOW = ("out", "launch", "predictors", "workers", "root", "recipe")
MARKS = ".loop"
_WAIT = 60  # seconds for what an earlier loop left running to end
# Becomes the command after asking for SIGTERM when its parent dies (PR_SET_PDEATHSIG of linux/prctl.h).
# Linux alone has that; elsewhere the lock must do.
_DIES_WITH_PARENT = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() == int(sys.argv[1]):  # else it died before it could be asked for
    os.execvp(sys.argv[2], sys.argv[2:])
"""
Figures = dict[str, object]  # numbers, lists of them, and counts by name: as they stand in loop.json


def parser() -> argparse.ArgumentParser:
    """The command line."""
    command_line = argparse.ArgumentParser(
        prog="error_driven_learning",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = command_line.add_argument
    add("--dataset", required=True, help="a corpus by its name, as in `hmer-tasks build --dataset`")
    add("--root", type=Path, help="where the corpus lies")
    add("--split", action="append", help="a split; can be repeated. Default: train")
    add("--limit", type=int, help="only the first so many inputs of each split")
    add("-k", "--folds", type=int, default=3, help="how many folds, and models")
    add("--seed", type=int, default=0, help="of the folds, the sampling and the synthetic candidates")
    add("--recipe", type=Path, required=True, help="what trainer.sft trains by: trainer/recipes/*.yaml")
    add("--trainer", default="trainer.sft", help="the module that trains: examples.reader.fold is another")
    add("--train_args", default="", help="further flags of the trainer, in one string")
    add("--tasks", default="recognition,tree_cot,counting", help="what the k models are trained on")
    add("--out", type=Path, required=True, help="where everything goes")
    add("--launch", default="", help="what starts a training, in one string; default: this Python")
    add("--predictors", type=int, default=1, help="how many folds are read at once, each on a GPU of its own")
    add("--samples", type=int, default=4, help="answers a picture")
    add("--temperature", type=float, default=0.7)
    add("--top_p", type=float, default=0.95)
    add("--top_k", type=int, default=50)
    add("--max_new_tokens", type=int, default=2048)
    add("--batch", type=int, default=16, help="pictures read at a time")
    add("--per_sample", type=int, default=3, help="at most so many candidates of one picture")
    add("--per_kind", type=int, default=200, help="at most so many with the very same mistakes")
    add("--longest_edit", type=int, default=20, help="at most so many tokens in one mistake")
    add("--farthest", type=float, default=FARTHEST, help="at most this distance, as a share of the length")
    add("--clean_share", type=float, default=0.1, help="share of samples that also get rows that are right")
    add("--workers", type=int, default=0, help="processes of a build; 0: one a core")
    return command_line


def settings_of(given: argparse.Namespace) -> dict[str, object]:
    """What makes a loop this loop. Raises UsageError."""
    if not given.recipe.is_file():
        raise UsageError(f"no recipe {given.recipe}: they are in trainer/recipes/")
    if given.folds < 2:
        raise UsageError(f"-k must be at least 2, not {given.folds}")
    for name in ("samples", "batch", "max_new_tokens", "predictors", "per_sample", "per_kind"):
        if getattr(given, name) < 1:
            raise UsageError(f"--{name} must be at least 1")
    if given.temperature <= 0:
        raise UsageError("--temperature must be above 0: the answers to a picture must differ")
    for name in given.tasks.split(","):
        if name not in TASK_NAMES or name.startswith("error_"):
            raise UsageError(f"--tasks: {name!r} is no task about a label; a model's mistakes come later")
    known = {name: value for name, value in sorted(vars(given).items()) if name not in _ANYHOW}
    keys = json.dumps(recipe_keys(given.recipe), sort_keys=True, default=str)  # those of its base among them
    return {**known, "recipe": sha256(keys.encode()).hexdigest()}


def loop(given: argparse.Namespace) -> None:
    """The whole loop. Raises what `main` makes a line of."""
    settings = settings_of(given)
    out, folds, mined = given.out, given.out / "folds.jsonl", given.out / "mined.jsonl"
    caps = Caps(given.per_sample, given.per_kind, given.longest_edit, given.farthest)
    options, numbers = _options(given), range(given.folds)
    with claimed(out) as lock:
        stages = Stages(out, settings, lock)

        def cut() -> Figures:
            sizes = write_folds(options, given.folds, folds)
            return {"pictures": sum(sizes), "folds": sizes}

        def base() -> Figures:
            tasks = tuple(given.tasks.split(","))
            return of_build(build(replace(options, out=out / "base", tasks=tasks)))

        def final() -> Figures:
            mistakes = replace(options, errors=f"{mined},synthetic", clean_share=given.clean_share)
            return of_build(build(replace(mistakes, out=out / "build")))

        stages.run("folds", cut)
        stages.run("base", base)
        stages.run_each([_training(given, fold) for fold in numbers], at_once=1)
        stages.run_each([_prediction(given, fold) for fold in numbers], at_once=given.predictors)
        read = [out / f"fold-{fold}" / "predictions.jsonl" for fold in numbers]
        stages.run("mine", lambda: of_mined(mine_files(read, mined, caps)))
        stages.run("build", final)
    shown = show_mined(out / "build", mined, out / "mined.png")
    echo(f"{shown} mined rows with their pictures: {out / 'mined.png'}" if shown else "no row was mined")
    echo(f"figures: {out / 'loop.json'}; train on {out / 'build'}")


def _options(given: argparse.Namespace) -> BuildOptions:
    splits = tuple(given.split or ("train",))
    return BuildOptions(
        given.dataset, given.root, splits, limit=given.limit, seed=given.seed, workers=given.workers
    )


def _side(given: argparse.Namespace, fold: int, side: str) -> list[str]:
    """The flags that name one side of a fold. A split is named: another may lie beside it."""
    data = [f"{given.out / 'base'}:{split}" for split in given.split or ("train",)]
    folds = given.out / "folds.jsonl"
    return ["--data", *data, "--folds", str(folds), "--fold", str(fold), "--side", side]


def _training(given: argparse.Namespace, fold: int) -> "Step":
    model = given.out / f"fold-{fold}" / "model"
    command = [
        *launcher(given.launch), "-m", given.trainer, "--config", str(given.recipe),
        *_side(given, fold, "train"), "--output_dir", str(model), *shlex.split(given.train_args),
    ]  # fmt: skip
    return Step(f"train {fold}", command, lambda: of_training(model))


def _prediction(given: argparse.Namespace, fold: int) -> "Step":
    place = given.out / f"fold-{fold}"
    out = place / "predictions.jsonl"
    names = ("samples", "temperature", "top_p", "top_k", "max_new_tokens", "batch", "seed")
    command = [
        *launcher(""), "-m", "trainer.predict", "--model", str(place / "model"), *_side(given, fold, "held"),
        *(word for name in names for word in (f"--{name}", str(getattr(given, name)))), "--out", str(out),
    ]  # fmt: skip
    return Step(f"predict {fold}", command, lambda: of_predictions(out))


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    given = parser().parse_args(arguments)
    with raise_on_signal():
        loop(given)


# Stages: each is done once, and its mark, written last, says so with its figures. OUT/.loop/run.json says
# what the loop is; OUT/.loop/<stage>.json is a mark. A command that a stage runs dies with the loop (on
# Linux), and holds the lock of OUT until it has, so that two of them never write the same file.


@dataclass(frozen=True, slots=True)
class Step:
    """A stage that is a command: what it runs, and where its figures are read when it has ended well."""

    name: str
    command: list[str]
    figures: Callable[[], Figures]


@contextmanager
def claimed(out: Path) -> Iterator[int]:
    """Hold OUT for this loop and the commands it starts; yields the lock. Raises TrainError."""
    (out / MARKS).mkdir(parents=True, exist_ok=True)
    handle = os.open(out / MARKS, os.O_RDONLY)
    try:
        until = time.monotonic() + _WAIT
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise TrainError(
                        f"another loop is at work in {out}: wait for it, or choose another --out"
                    ) from None
                time.sleep(0.2)
        yield handle
    finally:
        os.close(handle)


class Stages:
    """The stages of a loop, in the order in which they are run."""

    def __init__(self, out: Path, settings: dict[str, object], lock: int) -> None:
        self.out, self.settings, self.lock = out, settings, lock
        self.done: dict[str, Figures] = {}
        path = out / MARKS / "run.json"
        here = json.loads(json.dumps(settings, default=str))
        stages_done = [
            path_of_stage for path_of_stage in (out / MARKS).glob("*.json") if path_of_stage != path
        ]
        if path.exists() and stages_done:
            recorded = json.loads(path.read_text(encoding="utf-8"))
            for name in here:
                if recorded.get(name) != here[name]:
                    raise TrainError(
                        f"{out} was begun with another {name} ({recorded.get(name)}, now {here[name]}):"
                        " choose another --out, or delete it"
                    )
        elif not path.exists():
            strangers = [entry.name for entry in out.iterdir() if entry.name != MARKS]
            if strangers:
                raise TrainError(f"{out} holds other files ({strangers[0]} …): choose another --out")
        atomic_write(path, json.dumps(here, indent=1) + "\n")
        self.arguments = here

    def run(self, name: str, work: Callable[[], Figures]) -> None:
        """Do a stage, unless it is done."""
        if self._is_done(name):
            return
        echo(f"== {name}")
        start = time.monotonic()
        figures = work()
        self._mark(name, {**figures, "seconds": round(time.monotonic() - start, 1)})

    def run_each(self, steps: Sequence[Step], at_once: int) -> None:
        """Run the commands of stages that are not done yet, so many at a time.

        Where several run, each is given one GPU: its place in the row. Raises TrainError where one fails.
        """
        todo = [step for step in steps if not self._is_done(step.name)]
        running: dict[int, tuple[Step, subprocess.Popen[bytes], float]] = {}
        try:
            while todo or running:
                for place in range(at_once):
                    if todo and place not in running:
                        step = todo.pop(0)
                        echo(f"== {step.name}")
                        gpu = str(place) if at_once > 1 else None
                        running[place] = step, start(step.command, self.lock, gpu), time.monotonic()
                for place, (step, process, began) in list(running.items()):
                    if process.poll() is not None:
                        del running[place]
                        self._ended(step, process.returncode, time.monotonic() - began)
                time.sleep(0.1)
        finally:
            for _, process, _ in running.values():
                process.send_signal(signal.SIGTERM)  # a training saves a checkpoint and ends
            for _, process, _ in running.values():
                process.wait()

    def _ended(self, step: Step, code: int, seconds: float) -> None:
        if code:
            raise TrainError(
                f"{step.name} ended with {f'signal {-code}' if code < 0 else f'exit code {code}'}: what it"
                " said stands above; what is done is kept, and the same command goes on"
            )
        self._mark(step.name, {**step.figures(), "seconds": round(seconds, 1)})

    def _is_done(self, name: str) -> bool:
        path = self.out / MARKS / f"{name.replace(' ', '-')}.json"
        if not path.exists():
            return False
        self.done[name] = json.loads(path.read_text(encoding="utf-8"))
        self._tell_all()  # the loop may have been killed between a mark and loop.json
        echo(f"== {name}: done before\n{figure_lines(self.done[name])}")
        return True

    def _mark(self, name: str, figures: Figures) -> None:
        echo(figure_lines(figures))
        self.done[name] = figures
        atomic_write(
            self.out / MARKS / f"{name.replace(' ', '-')}.json", json.dumps(figures, indent=1) + "\n"
        )
        self._tell_all()

    def _tell_all(self) -> None:
        whole = {"arguments": self.arguments, "stages": self.done}
        atomic_write(self.out / "loop.json", json.dumps(whole, indent=1) + "\n")


def launcher(text: str) -> list[str]:
    """What starts a Python module: the words of `text`, or this Python. Raises TrainError."""
    words = shlex.split(text)
    if not words:
        return [sys.executable]
    beside = Path(sys.executable).parent / words[0]  # `accelerate` of this environment, activated or not
    program = str(beside) if beside.exists() else shutil.which(words[0])
    if program is None:
        raise TrainError(f"--launch: no program {words[0]}")
    return [program, *words[1:]]


def start(command: list[str], lock: int, gpu: str | None) -> "subprocess.Popen[bytes]":
    """A command of a stage. It holds the lock, and is told to end when the loop dies."""
    environment = dict(os.environ)
    if gpu is not None:
        mine = [device for device in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if device]
        environment["CUDA_VISIBLE_DEVICES"] = mine[int(gpu)] if int(gpu) < len(mine) else gpu
    asking = [sys.executable, "-c", _DIES_WITH_PARENT, str(os.getpid())]
    return subprocess.Popen([*asking, *command], env=environment, pass_fds=(lock,))


# Figures, read off what the stages wrote.


def of_build(built: BuildResult) -> Figures:
    """Samples, refusals and rows of each task, over all splits."""
    splits = built.summary["splits"].values()
    tasks: Counter[str] = Counter()
    for split in splits:
        tasks.update(split["tasks"])
    samples = sum(split["samples"] for split in splits)
    errors = sum(tasks[name] for name in ("error_detection", "error_correction"))
    figures: Figures = {
        "samples": samples,
        "refused": sum(split["rejected"] for split in splits),
        "without a candidate": sum(split["no_candidate"] for split in splits),
        "with a right candidate": sum(split["clean"] for split in splits),
        "rows": dict(tasks),
    }
    return {**figures, "error rows a label": round(errors / max(1, samples), 2)} if errors else figures


def of_training(model: Path) -> Figures:
    """Steps and loss of a finished training. Raises TrainError where it left no log."""
    path = model / "log.jsonl"
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    except (OSError, ValueError) as error:
        raise TrainError(f"the training left no log that can be read: {path}") from error
    losses = [(line["step"], line["loss"]) for line in lines if "loss" in line]
    if not losses:
        raise TrainError(f"the training logged no loss: {path}; lower logging_steps in the recipe")
    return {"steps": lines[-1]["step"], "first loss": losses[0][1], "last loss": losses[-1][1]}


def of_predictions(path: Path) -> Figures:
    """How many answers there are, how they ended, and how many are right, token for token."""
    stops: Counter[str] = Counter()
    right: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for answer in read_predictions(path):
        stops[answer.stop] += 1
        right[answer.source, answer.id].append(answer.pred.split() == answer.gt.split())
    answers = [is_right for several in right.values() for is_right in several]
    return {
        "pictures": len(right),
        "answers": len(answers),
        "right": sum(answers),
        "pictures with a right answer": sum(map(any, right.values())),
        "ended by": dict(stops.most_common()),
    }


def of_mined(mined: Mined) -> Figures:
    """What was kept, and what was left out by which rule."""
    return {
        "answers": mined.predictions,
        "kept": len(mined.kept),
        "of pictures": len(mined.samples),
        "left out": {str(reason): count for reason, count in mined.left_out.most_common()},
    }


def figure_lines(figures: Figures) -> str:
    """Figures as lines for the terminal."""
    return "\n".join(f"   {name}: {_value(value)}" for name, value in figures.items())


def _value(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(part)}" for name, part in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


if __name__ == "__main__":
    faults.run("error_driven_learning", main)
