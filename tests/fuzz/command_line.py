"""The whole command line on random flags, values and files: it ends in a known way, and never in a traceback.

`python -m tests.fuzz.command_line --minutes 3` goes on as long as it is told; `make test` makes a few calls.
Each call is a process of its own (a fork, so that imports are paid for once), in a folder of its own, with
bounded memory.
"""

import argparse
import os
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path
from random import Random

import typer
import typer.core

from hmer_tasks.cli.app import app, main
from tests.fuzz import TARGETS
from tests.fuzz.mutate import mutate
from tests.fuzz.seeds import seeds

CODES = (0, 1, 2, 130)
MEMORY = 8 << 30  # bytes of address space
PATIENCE = 120.0  # seconds
LEFT_OUT = ("push",)  # it talks to a server
NAMES = {
    "parser": ("labels.txt",), "ink": ("train/a.inkml", "b.inkml"), "label_files": ("caption.txt", "labels.csv", "labels.json", "labels.jsonl"),
    "predictions": ("predictions.jsonl", "predictions.tsv"), "prompts": ("prompts.toml",), "noise": ("noise.toml",),
    "archives": ("x.zip", "x.tar", "x.tar.gz"), "normalizer": ("train/train_labels.txt",),
}  # fmt: skip
VALUES = (
    "", "-", "--", "-1", "0", "1", "3", "007", "1e9", "9" * 30, "nan", "inf", "0.5", "-0.5", "x ^ { 2 }", "\\frac", "<none>", "a\nb", "é中",
    "\udce9", "sample", "hme100k", "crohme", "mathwriting", "synthetic", "train", "2014", "valid", "recognition", "recognition,counting",
    "canonical", "released", "uni-mumer", "plain", "tree", "png", "ink", "photo", ".", "..", "/dev/null", "/dev/zero", "/dev/full",
    "missing.txt", "train", "out", "out/x.png", "a" * 300,
)  # fmt: skip
_NUMBERS = ("0", "1", "2", "7", "0.5")
_LABELS = (
    "x ^ { 2 }",
    "\\frac { a } { b }",
    "y = \\begin {cases} 1 & x \\\\ 2 \\end {cases}",
    "中",
    "x _",
    "{ " * 120,
)
LIKELY: dict[str, tuple[str, ...]] = {  # by a parameter's name; files for every other
    "dataset": ("sample", "sample", "hme100k", "crohme", "mathwriting", "synthetic", "crohm"),
    "tasks": ("recognition", "tree_cot,counting", "error_detection, error_correction", ","),
    "task": ("recognition", "tree_cot", "tree"),
    "split": ("train", "test", "2014", "valid"),
    "errors": ("synthetic", "predictions.jsonl", "predictions.tsv,synthetic"),
    "prompts": ("uni-mumer", "prompts.toml"),
    "tree_format": ("canonical", "released"),
    "profile": ("plain", "crohme", "mathwriting", "im2latex"),
    "as_": ("tree", "text", "counts", "json", "dot", "png"),
    "look": ("ink", "photo"),
    "label": _LABELS,
    "out": ("out", "out.png", "out/x.jsonl", "train", "labels.csv"),
    "limit": ("1", "2"),
    "count": ("1", "2"),
} | dict.fromkeys(("valid_share", "clean_share", "seed", "workers", "k", "writer", "top", "per_sample", "per_kind", "longest_edit", "farthest",
                   "rank", "world_size"), _NUMBERS)  # fmt: skip


def commands() -> dict[tuple[str, ...], typer.core.TyperCommand]:
    """Every command by the words that call it."""
    by_words: dict[tuple[str, ...], typer.core.TyperCommand] = {}
    groups = [((), typer.main.get_command(app))]
    while groups:
        words, group = groups.pop()
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                groups.append(((*words, name), command))
            elif name not in LEFT_OUT:
                by_words[*words, name] = command
    return dict(sorted(by_words.items()))


def files(folder: Path, random: Random) -> list[str]:
    """Files of every kind, half of them damaged, under names that readers go by."""
    words = []
    for target in TARGETS:
        for name in NAMES.get(target, ()):
            known = seeds(target)
            data = random.choice(known)
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(mutate(data, random, (), known) if random.random() < 0.5 else data)
            words.append(name)
    return words


def arguments(command: typer.core.TyperCommand, random: Random, paths: list[str]) -> list[str]:
    """Random arguments, mostly of the right kind."""
    words: list[str] = []
    for parameter in command.params:
        for _ in range(random.choice((1, 1, 2)) if parameter.multiple or parameter.nargs != 1 else 1):
            if random.random() > (0.95 if parameter.required else 0.2):
                continue
            value = random.choice(LIKELY.get(parameter.name, paths) if random.random() < 0.7 else VALUES)
            if isinstance(parameter, typer.core.TyperArgument):
                words.append(value)
            else:
                words += (
                    [random.choice(parameter.opts)]
                    if parameter.is_flag
                    else [random.choice(parameter.opts), value]
                )
    if random.random() < 0.05:
        words.insert(random.randrange(len(words) + 1), random.choice(("--nosuch", "-x", "extra", "--help")))
    if random.random() < 0.05:
        random.shuffle(words)
    return words


def call(words: list[str], folder: Path) -> tuple[int, str, float]:
    """Exit code (negative: a signal), what was said on both streams, and seconds."""
    began, said = time.monotonic(), folder.with_suffix(".said")
    process = os.fork()
    if process == 0:
        os.setsid()
        os.chdir(folder)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        output, nothing = (
            os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
            os.open("labels.txt", os.O_RDONLY),
        )
        for old, new in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(old, new)
        sys.stdin = open(0)  # noqa: SIM115 - as Python itself opens them
        sys.stdout, sys.stderr = open(1, "w"), open(2, "w")  # noqa: SIM115
        sys.argv = ["hmer-tasks", *words]
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:  # noqa: BLE001 - as Python itself does it
            sys.excepthook(*sys.exc_info())
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    while (done := os.waitpid(process, os.WNOHANG))[0] == 0:
        if time.monotonic() - began > PATIENCE:
            os.killpg(process, signal.SIGKILL)
        time.sleep(0.01)
    text = said.read_text(encoding="utf-8", errors="replace")
    said.unlink()
    return os.waitstatus_to_exitcode(done[1]), text, time.monotonic() - began


def run_once(random: Random, folder: Path) -> tuple[list[str], int, str, float]:
    """One random call in a fresh folder, which goes again."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        paths = [*files(Path(place), random), "train", "."]
        words, command = random.choice(list(commands().items()))
        chosen = [*words, *arguments(command, random, paths)]
        return (chosen, *call(chosen, Path(place)))


def fault(code: int, text: str) -> str:
    """What is wrong with how a call ended; empty if nothing is."""
    if code not in CODES:
        return f"exit code {code}"
    return next((what for what in ("Traceback", "please report it") if what in text), "")


def forever() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--minutes", type=float, default=3.0)
    chosen = options.parse_args()
    end, seed, ends = time.monotonic() + 60 * chosen.minutes, int(time.time()), dict.fromkeys(CODES, 0)
    with tempfile.TemporaryDirectory(prefix="hmer-fuzz-") as folder:
        while time.monotonic() < end:
            seed += 1
            words, code, text, seconds = run_once(Random(seed), Path(folder))
            ends[code] = ends.get(code, 0) + 1
            if (what := fault(code, text)) or seconds > PATIENCE / 4:
                print(f"seed {seed}: {what or f'{seconds:.0f} s'}: {words!r}\n{text[-2000:]}\n", flush=True)
    print(f"calls by exit code: {ends}")


if __name__ == "__main__":
    forever()
