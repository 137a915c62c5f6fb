"""Where an export goes: a folder that is whole or not there.

Everything is written into `.<name>.partial` beside it, a shard at a time, with a mark for each that
is done, and renamed at the end. So a half export is never taken for a whole one, and a stopped export goes
on where it was.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hmer_tasks._version import __version__
from hmer_tasks.exceptions import BuildError
from hmer_tasks.exporting.source import checked
from hmer_tasks.shards.manifest import Summary
from hmer_tasks.utils.files import atomic_write, fsync_folder, sha256_of
from hmer_tasks.utils.processes import raise_on_signal
from hmer_tasks.utils.progress import progress_of

EXPORT = "export.json"
_DONE = ".done"


@dataclass(frozen=True, slots=True)
class Done:
    """What one shard came to: rows by configuration, and the rows left out, each with its reason."""

    rows: dict[str, int]
    left_out: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Layout:
    """How an export is written. `kind`: what `--to` says, with its options. `shard` writes one
    shard's files into a folder; `finish` what describes the whole, given all rows by configuration."""

    kind: str
    shard: Callable[[Path, str, Path, Summary], Done]
    finish: Callable[[Path, Summary, dict[str, int]], None]


@dataclass(frozen=True, slots=True)
class Written:
    """How an export ended."""

    target: Path
    rows: dict[str, int]
    left_out: int
    already: bool = False


def export(out: Path, target: Path, layout: Layout, overwrite: bool = False) -> Written:
    """Write a finished build in another layout. Goes on with what an earlier run left.

    Raises BuildError (no finished build, a folder that holds something else, a full disk), Stopped.
    """
    if target.resolve().is_relative_to(out.resolve()) or out.resolve().is_relative_to(target.resolve()):
        raise BuildError(f"{target} and {out} lie inside each other: choose another -o")
    with raise_on_signal():
        summary = checked(out)
        if summary["made_by"]["arguments"].get("no_images"):
            raise BuildError(f"{out} was built with --no-images: there are no pictures to export")
        made_of = {
            "to": layout.kind,
            "build_sha256": sha256_of(out / "build.json"),
            "hmer-tasks": __version__,
        }
        try:
            existing = _existing_export(target, made_of, overwrite)
            if existing is not None:
                return existing
            with _partial(target, made_of) as partial:
                if (written := _completed(target, partial, made_of)) is not None:
                    _replace(partial, target)
                    return written
                rows, left_out = _shards(out, partial, layout, summary)
                layout.finish(partial, summary, rows)
                written = Written(target, rows, len(left_out))
                _complete(partial, written, left_out, made_of)
                _replace(partial, target)
                return written
        except OSError as error:
            raise BuildError(
                f"{error.filename or target}: {error.strerror or error}; mend it and run the same command "
                "to go on"
            ) from error


def _existing_export(target: Path, made_of: dict[str, str], overwrite: bool) -> Written | None:
    """The export that stands in the folder already, if it is this one. Raises BuildError for others."""
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
        record = json.loads((target / EXPORT).read_text(encoding="utf-8"))
        same = record["made_of"] == made_of
        rows, left_out, entries = dict(record["rows"]), int(record["left_out"]), set(record["entries"])
    except (ValueError, KeyError, TypeError) as error:
        raise BuildError(f"{target / EXPORT} is damaged: remove the folder, or choose another -o") from error
    if same and not overwrite:
        return Written(target, rows, left_out, already=True)
    if not overwrite:
        raise BuildError(f"{target} is the export of another build: pass --overwrite, or choose another -o")
    if strangers := sorted(set(names) - entries - {EXPORT}):
        raise BuildError(f"{target} holds files that no export made ({strangers[0]} …): choose another -o")
    return None


@contextmanager
def _partial(target: Path, made_of: dict[str, str]) -> Iterator[Path]:
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
        plan = partial / _DONE / "plan.json"
        try:
            same = json.loads(plan.read_text(encoding="utf-8")) == made_of
        except (OSError, ValueError):
            same = False
        if not same and _completed(target, partial, made_of) is None:
            for entry in list(partial.iterdir()):
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
            plan.parent.mkdir()
            atomic_write(plan, json.dumps(made_of))
        yield partial
    finally:
        os.close(handle)


def _completed(target: Path, partial: Path, made_of: dict[str, str]) -> Written | None:
    """What stands in the partial folder, if all of it was written and only its name is missing."""
    try:
        record = json.loads((partial / EXPORT).read_text(encoding="utf-8"))
        if record["made_of"] != made_of:
            return None
        written = Written(target, dict(record["rows"]), int(record["left_out"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if (partial / _DONE).exists():
        shutil.rmtree(partial / _DONE)
    return written


def _shards(
    out: Path, partial: Path, layout: Layout, summary: Summary
) -> tuple[dict[str, int], list[dict[str, str]]]:
    """Write every shard that is not written yet: rows by configuration, and what was left out."""
    rows: dict[str, int] = {}
    left_out: list[dict[str, str]] = []
    total = sum(shard["rows"] for shard in summary["shards"].values())
    read = 0
    with progress_of(total, "rows") as show:
        for name, shard in summary["shards"].items():
            done = _shard(out, partial, layout, summary, name)
            for config, count in done.rows.items():
                rows[config] = rows.get(config, 0) + count
            left_out += done.left_out
            read += shard["rows"]
            show(read)
    return rows, left_out


def _complete(
    partial: Path, written: Written, left_out: list[dict[str, str]], made_of: dict[str, str]
) -> None:
    """Clear the marks away, and say in export.json what is there."""
    if left_out:
        lines = (json.dumps(line, ensure_ascii=False) + "\n" for line in left_out)
        atomic_write(partial / "left_out.jsonl", "".join(lines))
    entries = sorted(path.name for path in partial.iterdir() if path.name not in (EXPORT, _DONE))
    record = {"made_of": made_of, "rows": written.rows, "left_out": written.left_out, "entries": entries}
    atomic_write(partial / EXPORT, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    shutil.rmtree(partial / _DONE)


def _replace(partial: Path, target: Path) -> None:
    """Give the folder its name; an earlier export steps aside first and goes last."""
    old = target.absolute().with_name(f".{target.name}.old")
    if old.exists():
        shutil.rmtree(old)
    if target.exists():
        target.rename(old)
    partial.rename(target)
    fsync_folder(target.absolute().parent)
    if old.exists():
        shutil.rmtree(old)


def _shard(out: Path, partial: Path, layout: Layout, summary: Summary, name: str) -> Done:
    """One shard written, or what its mark says of it."""
    mark = partial / _DONE / f"{Path(name).stem}.json"
    if mark.exists():
        record = json.loads(mark.read_text(encoding="utf-8"))
        return Done(record["rows"], record["left_out"])
    done = layout.shard(out / name, name, partial, summary)
    atomic_write(mark, json.dumps({"rows": done.rows, "left_out": done.left_out}, ensure_ascii=False))
    return done
