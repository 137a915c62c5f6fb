"""Where a command's own file goes: checked before any work, and never over what it reads.

A rename replaces a file whatever its mode, and root may write to anything, so both are asked here.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from hmer_tasks.exceptions import BuildError, UsageError
from hmer_tasks.storage.urls import PathOrUrl, is_url

_WRITABLE = 0o222  # by anyone


def validate_output_path(
    out: Path, inputs: Iterable[PathOrUrl | None] = (), *, folder_made: bool = False
) -> Path:
    """Check that a file may be written.

    Args:
        out: The file.
        inputs: What the command reads: files, folders or corpora.
        folder_made: Whether a folder that is not there will be made.

    Returns:
        The path.

    Raises:
        UsageError: It is one of the inputs, lies in one, or is a URL.
        BuildError: It is a folder, is read-only, or lies in no folder and none is to be made.
    """
    if re.match(r"[a-z][a-z0-9+.-]+:/[^/]", str(out)):  # a URL, as a path has it
        url = str(out).replace(":/", "://", 1)
        raise UsageError(f"{url}: this file is written on this machine, not to a URL; name a path")
    for source in inputs:
        if source is not None and not is_url(source) and _is_of(out, Path(source)):
            where = "is what this command reads" if out.exists() else f"would be in {source}, which is read"
            raise UsageError(f"{out} {where}: write to another file")
    if out.is_dir():
        raise BuildError(f"{out} is a folder: name a file")
    if not folder_made and not out.parent.is_dir():
        raise BuildError(f"{out}: there is no folder {out.parent}")
    if out.is_file() and not out.stat().st_mode & _WRITABLE:
        raise BuildError(f"{out} is there already and read-only: write to another file")
    return out


def refuse_same_path(*outs: Path | None) -> None:
    """Refuse two outputs of a command in one file: the second would replace the first.

    Args:
        *outs: The files; None where an output was not asked for.

    Raises:
        UsageError: Two of them are one file.
    """
    given = [out.resolve() for out in outs if out is not None]
    for number, out in enumerate(given):
        if out in given[:number]:
            raise UsageError(f"{out} is given for two outputs: write one of them to another file")


def refuse_other_ending(out: Path, ending: str) -> None:
    """Refuse a name that says that a file is of another kind than what is written.

    Args:
        out: The file.
        ending: What its name must end with, in any case.

    Raises:
        UsageError: It does not.
    """
    if out.suffix.lower() != ending:
        raise UsageError(f"{out}: what is written is {ending[1:].upper()}: name it so (*{ending})")


def _is_of(out: Path, source: Path) -> bool:
    """Whether a file is the one given, or lies or would lie in the folder given; links are followed."""
    if not source.exists():
        return False
    same = out.exists() and out.samefile(source)
    return same or (source.is_dir() and out.resolve().is_relative_to(source.resolve()))
