"""What stands in OUT already: nothing, a build of these very arguments, or something else."""

import json

from hmer_tasks.exceptions import BuildError
from hmer_tasks.pipeline.markers import PLAN, write_plan
from hmer_tasks.pipeline.plan import Plan
from hmer_tasks.shards.manifest import Summary
from hmer_tasks.storage.store import WORK, Store

BUILD = "build.json"
_TEXTS = (BUILD, "README.md", "rejects.jsonl", "repairs.jsonl")
_OURS = {"data", WORK, *_TEXTS, *(f".{name}.tmp" for name in _TEXTS)}


def finished(store: Store, plan: Plan, writing: bool = False) -> Summary | None:
    """The build.json of a finished build of these very arguments; None where none is finished.

    What a build that was killed at its very end left beside it is removed, unless others may be `writing`.
    Raises BuildError where OUT holds another build, or other files.
    """
    there = store.names()
    name = BUILD if BUILD in there else PLAN
    if name == PLAN and store.size(PLAN) is None:
        strangers = [entry for entry in there if entry not in (WORK, f".{BUILD}.tmp")]
        if strangers:
            raise BuildError(
                f"{store} holds other files ({strangers[0]} …) and no build: choose another --out"
            )
        return None
    try:
        summary: Summary = json.loads(store.read(name))
        differing = _differing(summary["made_by"], plan.made_by)
    except (ValueError, KeyError, TypeError) as error:
        raise BuildError(f"{store}/{name} is damaged ({error}): pass --overwrite to build anew") from error
    if differing:
        raise BuildError(
            f"{store} was built differently ({differing}): pass --overwrite, or choose another --out"
        )
    if name != BUILD:
        return None
    if WORK in there and not writing:  # killed at the very end
        store.remove(WORK)
    return summary


def _differing(there: object, here: object, name: str = "") -> str:
    """The first argument, version or input in which two builds differ; empty where none does."""
    if isinstance(there, dict) and isinstance(here, dict):
        for key in sorted({*there, *here}):
            found = _differing(there.get(key), here.get(key), f"{name}.{key}" if name else key)
            if found:
                return found
        return ""
    return "" if there == here else f"{name}: {there} there, {here} asked for"


def clear(store: Store, plan: Plan) -> None:
    """Remove an earlier build, and nothing that is not one's.

    What an unfinished build of these very arguments left is kept: it is this one, to be gone on with.
    """
    there = store.names()
    strangers = [entry for entry in there if entry not in _OURS]
    if strangers:
        raise BuildError(f"{store} holds files that no build made ({strangers[0]} …): choose another --out")
    if BUILD not in there and _left_by(store, plan):
        return
    for name in (BUILD, WORK, "data", *sorted(_OURS)):  # without build.json nothing is finished
        if name in there:
            store.remove(name)


def _left_by(store: Store, plan: Plan) -> bool:
    """Whether the unfinished build in OUT is of these very arguments."""
    try:
        there = json.loads(store.read(PLAN))
    except (OSError, ValueError):
        return False
    return bool(there == {"made_by": plan.made_by})


def prepare(store: Store, plan: Plan) -> None:
    """Say what OUT is being built from, then make room for shards: without a plan they are strangers."""
    write_plan(store, plan)
    store.prepare()
