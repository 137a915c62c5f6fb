"""Checkpoints: which one a run goes on from, and whether it is the same run.

`trainer_state.json` is written last, so a checkpoint without a whole one was cut off while it was
written; it is passed over, with a line for the user. `run.json` says what the run is: going on with other
data or another learning rate would be neither run. `log.jsonl` is written when the run is finished.
"""

import json
import re
import shutil
from pathlib import Path

from hmer_tasks.utils.files import atomic_write
from trainer.faults import TrainError

Identity = dict[str, object]


def checkpoints(out: Path) -> list[Path]:
    """All checkpoints of a run, the newest first, half-written ones included."""
    paths = [path for path in out.glob("checkpoint-*") if re.fullmatch(r"checkpoint-\d+", path.name)]
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
        lines.append(f"{checkpoint} is passed over: {missing}, so it is incomplete")
    return None, lines


def difference(path: Path, identity: Identity) -> str:
    """What the run that wrote this file was otherwise; empty if it was the same. Raises TrainError."""
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TrainError(f"{path} is damaged ({error}): delete what the run wrote to begin anew") from error
    for name, value in identity.items():
        if (was := before.get(name, value)) != value:  # a run of an earlier version knows fewer
            if name == "rows":  # known by their digest
                return "its rows were others"
            return f"its {name} was {was}, not {value}"
    return ""


def begin(out: Path, identity: Identity, restart: bool) -> bool:
    """Write what the run is, after a check that OUT holds no other.

    Args:
        out: The folder of the run.
        identity: What the run is.
        restart: Delete the checkpoints in OUT first.

    Returns:
        Whether the run is finished already.

    Raises:
        TrainError: OUT holds another run, finished or not; the message names what differs.
    """
    path, log = out / "run.json", out / "log.jsonl"
    if restart:
        for checkpoint in checkpoints(out):
            shutil.rmtree(checkpoint)
    elif path.exists() and (checkpoints(out) or log.exists()):
        if other := difference(path, identity):
            raise TrainError(
                f"{out} holds another run ({other}): pass --restart to delete its checkpoints, or choose"
                " another --output_dir"
            )
        if log.exists():
            return True
    out.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    atomic_write(path, json.dumps(identity, indent=1) + "\n")
    return False
