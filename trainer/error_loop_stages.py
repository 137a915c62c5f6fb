"""The stages of the error loop: each is done once, and its mark, written last, says so with its figures.

OUT/.loop/run.json says what the loop is; OUT/.loop/<stage>.json is a stage's mark. OUT/loop.json joins
them for the reader. A command that a stage runs dies with the loop (on Linux), and holds OUT's lock until
it has, so that two of them never write the same file.
"""

import fcntl
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hmer_tasks.whole import write_whole
from trainer.error_loop_figures import Figures, told
from trainer.faults import TrainError

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
        stages_done = [each for each in (out / MARKS).glob("*.json") if each != path]
        if path.exists() and stages_done:
            there = json.loads(path.read_text(encoding="utf-8"))
            for name in here:
                if there.get(name) != here[name]:
                    raise TrainError(
                        f"{out} was begun with another {name} ({there.get(name)}, now {here[name]}):"
                        " choose another --out, or delete it"
                    )
        elif not path.exists():
            strangers = [each.name for each in out.iterdir() if each.name != MARKS]
            if strangers:
                raise TrainError(f"{out} holds other files ({strangers[0]} …): choose another --out")
        write_whole(path, json.dumps(here, indent=1) + "\n")
        self.arguments = here

    def run(self, name: str, work: Callable[[], Figures]) -> None:
        """Do a stage, unless it is done."""
        if self._is_done(name):
            return
        print(f"== {name}", flush=True)
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
                        print(f"== {step.name}", flush=True)
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
        print(f"== {name}: done before\n{told(self.done[name])}", flush=True)
        return True

    def _mark(self, name: str, figures: Figures) -> None:
        print(told(figures), flush=True)
        self.done[name] = figures
        write_whole(self.out / MARKS / f"{name.replace(' ', '-')}.json", json.dumps(figures, indent=1) + "\n")
        self._tell_all()

    def _tell_all(self) -> None:
        whole = {"arguments": self.arguments, "stages": self.done}
        write_whole(self.out / "loop.json", json.dumps(whole, indent=1) + "\n")


def launcher(text: str) -> list[str]:
    """What starts a Python module: the words of `text`, or this Python. Raises TrainError."""
    words = shlex.split(text)
    if not words:
        return [sys.executable]
    beside = Path(sys.executable).parent / words[0]  # `accelerate` of this environment, activated or not
    found = str(beside) if beside.exists() else shutil.which(words[0])
    if found is None:
        raise TrainError(f"--launch: no program {words[0]}")
    return [found, *words[1:]]


def start(command: list[str], lock: int, gpu: str | None) -> "subprocess.Popen[bytes]":
    """A command of a stage. It holds the lock, and is told to end when the loop dies."""
    environment = dict(os.environ)
    if gpu is not None:
        environment["CUDA_VISIBLE_DEVICES"] = gpu
    asking = [sys.executable, "-c", _DIES_WITH_PARENT, str(os.getpid())]
    return subprocess.Popen([*asking, *command], env=environment, pass_fds=(lock,))
