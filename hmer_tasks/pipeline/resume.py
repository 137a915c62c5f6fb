"""What OUT holds already: nothing, a build of the same arguments, or something else."""

import json

from hmer_tasks.exceptions import BuildError
from hmer_tasks.pipeline.markers import PLAN, write_plan
from hmer_tasks.pipeline.plan import Plan
from hmer_tasks.shards.manifest import Summary, check_summary, damage_of
from hmer_tasks.storage.store import WORK, Store

BUILD = "build.json"
_TEXTS = (BUILD, "README.md", "croissant.json", "rejects.jsonl", "repairs.jsonl")
_OURS = {"data", WORK, *_TEXTS, *(f".{name}.tmp" for name in _TEXTS)}
_FILES = ("prompts", "noise", "exclude")  # options that build.json knows by their digests


def finished(store: Store, plan: Plan, writing: bool = False) -> Summary | None:
    """The build.json of a finished build with the same arguments.

    Args:
        store: OUT.
        plan: The plan of this build.
        writing: Other processes may be writing, so a leftover work folder is kept.

    Returns:
        The contents of build.json; None if no build is finished.

    Raises:
        BuildError: OUT holds another build, or other files.
    """
    existing = store.names()
    name = BUILD if BUILD in existing else PLAN
    if name == PLAN and store.size(PLAN) is None:
        strangers = [entry for entry in existing if entry not in (WORK, f".{BUILD}.tmp")]
        if strangers:
            left = set(strangers) <= _OURS
            hint = ", or pass --overwrite if they are what an interrupted --overwrite left" if left else ""
            raise BuildError(
                f"{store} holds other files ({strangers[0]} …) and no build: choose another --out{hint}"
            )
        return None
    try:
        summary: Summary = json.loads(store.read(name))
        differing = _first_difference(summary["made_by"], plan.fingerprint)
        if name == BUILD and not differing:
            check_summary(summary)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"{store}/{name} is damaged ({damage_of(error)})"
        raise BuildError(f"{what}: pass --overwrite to build anew") from error
    if differing:
        raise BuildError(
            f"{store} was built differently ({differing}): pass --overwrite, or choose another --out"
        )
    if name != BUILD:
        return None
    if WORK in existing and not writing:  # killed just before the end
        store.remove(WORK)
    return summary


def _first_difference(existing: object, requested: object, name: str = "") -> str:
    """The first argument, version or input in which two builds differ; empty if there is none."""
    if isinstance(existing, dict) and isinstance(requested, dict):
        keys = {*existing, *requested}
        for key in sorted(keys, key=lambda key: (key == "prompts", key)):  # those follow the tasks
            difference = _first_difference(
                existing.get(key), requested.get(key), f"{name}.{key}" if name else key
            )
            if difference:
                return difference
        return ""
    if existing == requested:
        return ""
    group, _, what = name.partition(".")
    if group == "inputs" and what.endswith(".sha256"):
        return f"the labels of {what.removesuffix('.sha256')} are others now"
    if group == "arguments" and not what.startswith("corpora"):  # those of a recipe are no options
        option = "split" if what == "splits" else what.partition(".")[0].replace("_", "-")
        name = f"--{option}"
        if what in _FILES:
            return f"{name} is another one"
    return f"{name}: {existing} there, {requested} asked for"


def clear(store: Store, plan: Plan) -> None:
    """Remove an earlier build, and no other files.

    An unfinished build of the same arguments is kept, and resumed.

    Args:
        store: OUT.
        plan: The plan of this build.

    Raises:
        BuildError: OUT holds files that no build wrote.
    """
    existing = store.names()
    strangers = [entry for entry in existing if entry not in _OURS]
    if strangers:
        raise BuildError(f"{store} holds files that no build made ({strangers[0]} …): choose another --out")
    if BUILD not in existing and _is_same_build(store, plan):
        return
    for name in (BUILD, WORK, "data", *sorted(_OURS)):  # without build.json nothing is finished
        if name in existing:
            store.remove(name)


def _is_same_build(store: Store, plan: Plan) -> bool:
    """Whether the unfinished build in OUT has the same arguments."""
    try:
        existing = json.loads(store.read(PLAN))
    except (OSError, ValueError):
        return False
    return bool(existing == {"made_by": plan.fingerprint})


def prepare(store: Store, plan: Plan) -> None:
    """Write the plan, then make the folder for shards: without a plan they would count as other files."""
    write_plan(store, plan)
    store.prepare()
