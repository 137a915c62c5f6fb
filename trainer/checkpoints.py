"""Checkpoints: which one a run goes on from, and whether it is the same run.

`trainer_state.json` is written last, so a checkpoint without a whole one was cut off while it was
written; it is passed over, and the user is told. `run.json` says what the run is: going on with other
data or another learning rate would be neither run.
"""

import json
import re
import shutil
from pathlib import Path

from trainer.faults import TrainError

_NAME = re.compile(r"checkpoint-(\d+)")
Identity = dict[str, object]


def checkpoints(out: Path) -> list[Path]:
    """All checkpoints of a run, the newest first, half-written ones included."""
    paths = [path for path in out.glob("checkpoint-*") if _NAME.fullmatch(path.name)]
    return sorted(paths, key=lambda path: int(path.name.partition("-")[2]), reverse=True)


def missing_of(checkpoint: Path, processes: int) -> str:
    """What a checkpoint lacks to be gone on from; empty if it is whole."""
    states = ["rng_state.pth"] if processes == 1 else [f"rng_state_{rank}.pth" for rank in range(processes)]
    for name in ("trainer_state.json", "scheduler.pt", *states):
        if not (checkpoint / name).is_file():
            return f"no {name}"
    try:
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except ValueError:
        return "trainer_state.json is cut off"
    return ""


def last_complete_checkpoint(out: Path, processes: int) -> tuple[Path | None, list[str]]:
    """The checkpoint to go on from, and a line for each newer one that is passed over."""
    lines: list[str] = []
    for checkpoint in checkpoints(out):
        missing = missing_of(checkpoint, processes)
        if not missing:
            return checkpoint, lines
        lines.append(f"{checkpoint} is passed over: {missing}, so it was not written whole")
    return None, lines


def same_run(out: Path, identity: Identity) -> None:
    """Raise TrainError, naming what differs, where OUT holds the checkpoints of another run."""
    path = out / "run.json"
    if not path.exists() or not checkpoints(out):
        return
    try:
        recorded = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TrainError(f"{path} is damaged ({error}): pass --restart to begin anew") from error
    for name, here in identity.items():
        if recorded.get(name) != here:
            raise TrainError(
                f"{out} holds another run ({name}: {recorded.get(name)} there, {here} here): pass --restart"
                " to delete its checkpoints, or choose another --output_dir"
            )


def begin(out: Path, identity: Identity, restart: bool) -> None:
    """Write what the run is. With `restart`, the checkpoints that are there go first."""
    if restart:
        for checkpoint in checkpoints(out):
            shutil.rmtree(checkpoint)
    out.mkdir(parents=True, exist_ok=True)
    temporary = out / ".run.json.tmp"
    temporary.write_text(json.dumps(identity, indent=1) + "\n", encoding="utf-8")
    temporary.replace(out / "run.json")
