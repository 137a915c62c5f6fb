"""Where an export goes: a folder that is whole or not there.

Everything is written into `.<name>.partial` beside it, a shard at a time, with a mark for each that
is done, and renamed at the end. So a half export is never taken for a whole one, and a stopped export goes
on where it was. A build that is added to an export is written beside hard links to what is there already.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from hmer_tasks._version import __version__
from hmer_tasks.corpora import CORPORA
from hmer_tasks.corpora.about import about
from hmer_tasks.exceptions import BuildError
from hmer_tasks.exporting.source import Config, checked, configs, relabelled
from hmer_tasks.shards import croissant
from hmer_tasks.shards.manifest import Summary
from hmer_tasks.utils.files import atomic_write, fsync_folder, sha256_of
from hmer_tasks.utils.processes import raise_on_signal
from hmer_tasks.utils.progress import progress_of

EXPORT = "export.json"
LEFT_OUT = "left_out.jsonl"
_DONE = ".done"


@dataclass(frozen=True, slots=True)
class Done:
    """What one shard came to: rows by configuration, and the rows left out, each with its reason."""

    rows: dict[str, int]
    left_out: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Layout:
    """How an export is written. `kind`: what `--to` says, with its options. `shard` writes one
    shard's files into a folder; `finish` what describes the whole, given all configurations by name."""

    kind: str
    shard: Callable[[Path, str, Path, Summary], Done]
    finish: Callable[[Path, Mapping[str, Config]], None]


@dataclass(frozen=True, slots=True)
class Written:
    """How an export ended. `rows`: by configuration; `already`: nothing was to do."""

    target: Path
    rows: dict[str, int]
    left_out: int
    already: bool = False
    configs: dict[str, Config] = field(default_factory=dict)


_Plan = dict[str, str]  # what a run writes: the export's `made_of`, or one of its `added`


class _Export(TypedDict):
    """export.json. `added`: what was put beside the first build, in order."""

    made_of: _Plan
    rows: dict[str, int]
    left_out: int
    entries: list[str]
    configs: dict[str, dict[str, str]]
    added: list[_Plan]


def parts_folder(folder: Path) -> Path:
    """A folder for pieces that `finish` joins; it goes when the export is whole."""
    return folder / _DONE / "parts"


def export(out: Path, target: Path, layout: Layout, overwrite: bool = False, add: bool = False) -> Written:
    """Write a finished build in another layout. Goes on with what an earlier run left.

    Args:
        out: The build.
        target: The export's folder.
        layout: How the export is written.
        overwrite: Replace an earlier export.
        add: Put the build beside those that the folder holds already.

    Returns:
        What the folder holds.

    Raises:
        BuildError: There is no finished build, the folder holds something else, or the disk is full.
        Stopped: SIGINT or SIGTERM was received.
    """
    if target.resolve().is_relative_to(out.resolve()) or out.resolve().is_relative_to(target.resolve()):
        raise BuildError(f"{target} and {out} lie inside each other: choose another -o")
    with raise_on_signal():
        summary = checked(out)
        if summary["made_by"]["arguments"].get("no_images"):
            raise BuildError(f"{out} was built with --no-images: there are no pictures to export")
        plan: _Plan = {
            "to": layout.kind,
            "build_sha256": sha256_of(out / "build.json"),
            "hmer-tasks": __version__,
        }
        try:
            _put_back(target)
            earlier = _read_export(target)
            if earlier is not None and add:
                if (written := _already_added(target, earlier, plan)) is not None:
                    return written
                plan |= _addition(target, earlier, summary)
            elif earlier is not None and not overwrite:
                return _same(target, earlier, plan)
            elif earlier is not None:
                _refuse_strangers(target, earlier)
            else:
                add = False
            with _partial(target, plan) as partial:
                if (written := _completed(target, partial, plan)) is None:
                    if earlier is not None and add:
                        _link(target, partial, earlier)
                    base = earlier if add else None
                    written = _write(out, partial, target, layout, summary=summary, plan=plan, earlier=base)
                _replace(partial, target)
                return written
        except OSError as error:
            raise BuildError(
                f"{error.filename or target}: {error.strerror or error}; correct this and run the same "
                "command to go on"
            ) from error


def _read_export(target: Path) -> _Export | None:
    """What stands in the folder already; None where it is empty or not there. Raises BuildError where it
    holds anything but an export."""
    if not target.exists():
        return None
    if not target.is_dir():
        raise BuildError(f"{target} is a file: choose another -o")
    names = sorted(path.name for path in target.iterdir())
    if not names:
        return None
    if EXPORT not in names:
        raise BuildError(f"{target} holds files that no export made ({names[0]} …): choose another -o")
    try:
        return _parsed(target)
    except (ValueError, KeyError, TypeError) as error:
        raise BuildError(f"{target / EXPORT} is damaged: remove the folder, or choose another -o") from error


def _parsed(folder: Path) -> _Export:
    """export.json of a folder. Raises OSError, ValueError, KeyError, TypeError."""
    data = json.loads((folder / EXPORT).read_text(encoding="utf-8"))
    return {
        "made_of": dict(data["made_of"]),
        "rows": dict(data["rows"]),
        "left_out": int(data["left_out"]),
        "entries": list(data["entries"]),
        "configs": dict(data.get("configs", {})),
        "added": list(data.get("added", [])),
    }


def _written(target: Path, export: _Export, already: bool = False) -> Written:
    exported = {
        name: Config(config["split"], config["task"], export["rows"][name])
        for name, config in export["configs"].items()
    }
    return Written(target, export["rows"], export["left_out"], already, exported)


def _same(target: Path, earlier: _Export, plan: _Plan) -> Written:
    if earlier["made_of"] != plan:
        raise BuildError(
            f"{target} is the export of another build: pass --overwrite, --add to put this one beside it, "
            "or choose another -o"
        )
    return _written(target, earlier, already=True)


def _refuse_strangers(target: Path, earlier: _Export) -> None:
    names = {path.name for path in target.iterdir()}
    if strangers := sorted(names - set(earlier["entries"]) - {EXPORT}):
        raise BuildError(f"{target} holds files that no export made ({strangers[0]} …): choose another -o")


def _already_added(target: Path, earlier: _Export, plan: _Plan) -> Written | None:
    """The export, if it holds this build already. Raises BuildError for an export of another kind."""
    if earlier["made_of"]["to"] != plan["to"]:
        raise BuildError(
            f"{target} is an export to {earlier['made_of']['to']}, and --add was asked for {plan['to']}: "
            "choose another -o"
        )
    if not earlier["configs"]:
        raise BuildError(
            f"{target} was written by an earlier version: export it again with --overwrite first"
        )
    digests = {entry["build_sha256"] for entry in (earlier["made_of"], *earlier["added"])}
    return _written(target, earlier, already=True) if plan["build_sha256"] in digests else None


def _addition(target: Path, earlier: _Export, summary: Summary) -> _Plan:
    """What an added build is called in the export, and what it is added to.

    Two builds of one corpus must not share a name: the second is `crohme-2`, with its own configurations.
    """
    _refuse_strangers(target, earlier)
    dataset = str(summary["made_by"]["arguments"]["dataset"])
    taken = {name.rsplit(f"_{config['split']}", 1)[0] for name, config in earlier["configs"].items()} | {
        entry["as"] for entry in earlier["added"]
    }
    label, number = dataset, 2
    while label in taken:
        label, number = f"{dataset}-{number}", number + 1
    return {"as": label, "added_to": sha256_of(target / EXPORT)}


def _link(target: Path, partial: Path, earlier: _Export) -> None:
    """The export as it is, by hard links, or by copies where the file system has none."""
    for name in earlier["entries"]:
        for path in sorted((target / name).rglob("*")) if (target / name).is_dir() else [target / name]:
            copy = partial / path.relative_to(target)
            if path.is_dir() or copy.exists():
                continue
            copy.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(path, copy)
            except OSError:
                shutil.copy2(path, copy)


@contextmanager
def _partial(target: Path, plan: _Plan) -> Iterator[Path]:
    """The folder that is being written, held by a lock; what was left of another export goes."""
    target = target.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    partial.mkdir(exist_ok=True)
    handle = os.open(partial, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BuildError(f"{target} is being written by another export: wait for it") from None
        names = {path.name for path in partial.iterdir()}
        if names and not names & {_DONE, EXPORT}:
            raise BuildError(f"{partial} holds files that no export made: move it away")
        said = partial / _DONE / "plan.json"
        try:
            same = json.loads(said.read_text(encoding="utf-8")) == plan
        except (OSError, ValueError):
            same = False
        if not same and _completed(target, partial, plan) is None:
            for entry in list(partial.iterdir()):
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
            said.parent.mkdir()
            atomic_write(said, json.dumps(plan))
        yield partial
    finally:
        os.close(handle)


def _completed(target: Path, partial: Path, plan: _Plan) -> Written | None:
    """What stands in the partial folder, if all of it was written and only its name is missing."""
    try:
        export = _parsed(partial)
        if [export["made_of"], *export["added"]][-1] != plan:
            return None
        written = _written(target, export)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if (partial / _DONE).exists():
        shutil.rmtree(partial / _DONE)
    return written


def _write(
    out: Path,
    partial: Path,
    target: Path,
    layout: Layout,
    *,
    summary: Summary,
    plan: _Plan,
    earlier: _Export | None,
) -> Written:
    """Write all that is not written yet, what describes the whole, and export.json last."""
    names = list(summary["shards"])
    if earlier is not None:
        summary = relabelled(summary, plan["as"])
    rows, left_out = _shards(out, partial, layout, summary, names)
    exported = configs(summary, rows)
    lines = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in left_out)
    if earlier is not None:
        exported = _written(target, earlier).configs | exported
        if earlier["left_out"]:
            lines = (target / LEFT_OUT).read_text(encoding="utf-8") + lines
    layout.finish(partial, exported)
    if lines:
        atomic_write(partial / LEFT_OUT, lines)
    builds = [_metadata(out, summary)]
    if earlier is not None:
        builds.insert(0, json.loads((target / croissant.FILE).read_text(encoding="utf-8")))
    total = sum(config.rows for config in exported.values())
    metadata = croissant.of_export(builds, layout.kind, partial, total)
    atomic_write(partial / croissant.FILE, croissant.as_text(metadata))
    export: _Export = {
        "made_of": plan if earlier is None else earlier["made_of"],
        "rows": {name: config.rows for name, config in exported.items()},
        "left_out": len(left_out) + (0 if earlier is None else earlier["left_out"]),
        "entries": sorted(path.name for path in partial.iterdir() if path.name not in (EXPORT, _DONE)),
        "configs": {name: {"split": config.split, "task": config.task} for name, config in exported.items()},
        "added": [] if earlier is None else [*earlier["added"], plan],
    }
    atomic_write(partial / EXPORT, json.dumps(export, indent=1, ensure_ascii=False) + "\n")
    shutil.rmtree(partial / _DONE)
    return _written(target, export)


def _metadata(out: Path, summary: Summary) -> Mapping[str, object]:
    """The metadata of a build: its croissant.json; made on the spot for a build of an earlier version."""
    path = out / croissant.FILE
    if path.is_file():
        metadata: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
        return metadata
    name = str(summary["made_by"]["arguments"]["dataset"])
    corpus = CORPORA.get(name)
    licence, origin = ("not known", name) if corpus is None else (corpus.licence, corpus.origin)
    return croissant.croissant(summary, licence, origin, about(name))


def _shards(
    out: Path, partial: Path, layout: Layout, summary: Summary, paths: list[str]
) -> tuple[dict[str, int], list[dict[str, str]]]:
    """Write every shard that is not written yet: rows by configuration, and what was left out. `paths`: where
    the shards lie, which an added build calls by other names."""
    rows: dict[str, int] = {}
    left_out: list[dict[str, str]] = []
    total = sum(shard["rows"] for shard in summary["shards"].values())
    read = 0
    with progress_of(total, "rows") as show:
        for path, (name, shard) in zip(paths, summary["shards"].items(), strict=True):
            done = _shard(out / path, partial, layout, summary, name)
            for config, count in done.rows.items():
                rows[config] = rows.get(config, 0) + count
            left_out += done.left_out
            read += shard["rows"]
            show(read)
    return rows, left_out


def _aside(target: Path) -> Path:
    """Where an earlier export waits while another takes its name."""
    return target.absolute().with_name(f".{target.name}.old")


def _put_back(target: Path) -> None:
    """Give an earlier export its name again where a run was killed before another had it."""
    if _aside(target).exists() and not target.exists():
        _aside(target).rename(target)


def _replace(partial: Path, target: Path) -> None:
    """Give the folder its name; an earlier export steps aside first and goes last."""
    old = _aside(target)
    if old.exists():
        shutil.rmtree(old)
    if target.exists():
        target.rename(old)
    partial.rename(target)
    fsync_folder(target.absolute().parent)
    if old.exists():
        shutil.rmtree(old)


def _shard(path: Path, partial: Path, layout: Layout, summary: Summary, name: str) -> Done:
    """One shard written, or what its mark says of it."""
    mark = partial / _DONE / f"{Path(name).stem}.json"
    if mark.exists():
        said = json.loads(mark.read_text(encoding="utf-8"))
        return Done(said["rows"], said["left_out"])
    done = layout.shard(path, name, partial, summary)
    atomic_write(mark, json.dumps({"rows": done.rows, "left_out": done.left_out}, ensure_ascii=False))
    return done
