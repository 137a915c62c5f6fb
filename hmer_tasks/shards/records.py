"""A sample as it is written: one picture, one label, a row for each task."""

from dataclasses import dataclass

from hmer_tasks.images import Change
from hmer_tasks.shards.repairs import Repair
from hmer_tasks.tasks import Row


@dataclass(slots=True, unsafe_hash=True)  # not frozen, as Row is not: made once a sample
class SampleRows:
    """A sample with its rows: one picture (no bytes: none), the owners' label, a row a task.

    `no_candidate`: error tasks are asked for, and it has no wrong candidate; `clean`: it also has the
    rows whose candidate is right; `picture_changes`: what the gate did to the picture.
    """

    id: str
    source: str
    gt: str
    picture: bytes
    picture_name: str
    rows: tuple[Row, ...]
    no_candidate: bool = False
    clean: bool = False
    repair: Repair | None = None
    picture_changes: tuple[Change, ...] = ()
