"""Corpora, tasks and exporters of others: from installed packages, or from a script.

An installed package names objects as entry points of the groups `hmer_tasks.corpora` (a `Corpus`),
`hmer_tasks.tasks` (a `PluginTask`) and `hmer_tasks.exporters` (an `Exporter`); the command line loads them.
A script, for `--plugin my.py`, has them in the lists `CORPORA`, `TASKS` and `EXPORTERS`. Loaded, they stand
beside the built-in ones in the same tables. docs/extending.md has an example.
"""

import importlib.util
import re
import shlex
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path

from hmer_tasks.corpora import CORPORA, Corpus
from hmer_tasks.exceptions import UsageError
from hmer_tasks.exporting.exporters import EXPORTERS, Exporter
from hmer_tasks.tasks import PLUGIN_TASKS, TASK_NAMES, PluginTask
from hmer_tasks.utils.files import sha256_of

GROUPS = ("hmer_tasks.corpora", "hmer_tasks.tasks", "hmer_tasks.exporters")
_LISTS = ("CORPORA", "TASKS", "EXPORTERS")
# What a plug-in's own code may fail with while it is read.
_FAULTS = (
    ImportError, SyntaxError, NameError, AttributeError, TypeError, ValueError, LookupError, OSError,
    ArithmeticError, AssertionError, RuntimeError, SystemExit,
)  # fmt: skip
# A line of a traceback; those of a worker process come as text.
_FRAME = re.compile(r'^ *File "(.+)", line (\d+), in (.+)$', re.MULTILINE)
_loaded: set[str] = set()
_scripts: list[Path] = []
_code: list[str] = []  # the files of plug-ins, and the folders of their packages


def load_plugins(scripts: Iterable[Path] = ()) -> None:
    """Load what installed packages bring, and scripts; each once.

    Args:
        scripts: Python files with `CORPORA`, `TASKS` or `EXPORTERS`.

    Raises:
        UsageError: A plug-in cannot be loaded, is not of its kind, or has the name of something that exists.
    """
    for group in GROUPS:
        for entry in entry_points(group=group):
            where = f"{group} of {entry.dist.name if entry.dist else 'a package'}"
            if f"{group}:{entry.name}" not in _loaded:
                try:
                    loaded = entry.load()
                except _FAULTS as error:
                    raise _unloadable(where, error) from error
                _register(loaded, where)
                _loaded.add(f"{group}:{entry.name}")
                package = sys.modules[entry.module.partition(".")[0]]
                _code.extend(getattr(package, "__path__", [package.__file__]))
    for script in scripts:
        if str(script.resolve()) not in _loaded:
            _load_script(script)
            _loaded.add(str(script.resolve()))
            _scripts.append(script)


def plugin_loader() -> Callable[[], None]:
    """What loads the same plug-ins in another process, which must find the scripts where they are here."""
    return partial(load_plugins, tuple(_scripts))


def script_digests() -> tuple[str, ...]:
    """SHA-256 of each script that was loaded: what a build is made by, besides this package."""
    return tuple(sha256_of(script) for script in _scripts)


def plugin_options() -> str:
    """The options with which another command loads the same scripts, a blank before each."""
    return "".join(f" --plugin {shlex.quote(str(script))}" for script in _scripts)


def plugin_fault(error: BaseException) -> str | None:
    """Where the code of a plug-in failed.

    Args:
        error: An error, of this process or of a worker.

    Returns:
        `FILE, line N, in FUNCTION`, the innermost; None where no plug-in's code took part.
    """
    frames = _FRAME.findall("".join(traceback.format_exception(error)))
    for file, line, function in reversed(frames):
        if any(file == code or file.startswith(f"{code}/") for code in _code):
            return f"{file}, line {line}, in {function}"
    return None


def _load_script(path: Path) -> None:
    if not path.is_file():
        raise UsageError(f"--plugin {path}: {'a folder: name a file' if path.is_dir() else 'no such file'}")
    name = f"hmer_tasks_plugin_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"--plugin {path}: not a Python file (its name must end in .py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    _code.append(spec.origin or str(path))
    try:
        spec.loader.exec_module(module)
    except _FAULTS as error:
        del sys.modules[name]
        raise _unloadable(str(path), error) from error
    lists = [getattr(module, listed, ()) for listed in _LISTS]
    if not any(lists):
        raise UsageError(f"--plugin {path}: it has none of the lists {', '.join(_LISTS)}")
    for objects in lists:
        if not isinstance(objects, Sequence):
            raise UsageError(f"--plugin {path}: {', '.join(_LISTS)} must be lists")
        for loaded in objects:
            _register(loaded, str(path))


def _register(loaded: object, where: str) -> None:
    """Put an object into the table of its kind."""
    if isinstance(loaded, Corpus):
        _refuse_taken("corpus", loaded.name, CORPORA, where)
        CORPORA[loaded.name] = loaded
    elif isinstance(loaded, Exporter):
        _refuse_taken("exporter", loaded.name, EXPORTERS, where)
        EXPORTERS[loaded.name] = loaded
    elif isinstance(loaded, PluginTask) and not isinstance(loaded, type):
        _refuse_taken("task", loaded.name, (*TASK_NAMES, *PLUGIN_TASKS), where)
        PLUGIN_TASKS[loaded.name] = loaded
    else:
        raise UsageError(
            f"plug-in {where}: {loaded!r} is no Corpus, no Exporter, and no task "
            "(a task has name, prompt, row, check and read)"
        )


def _refuse_taken(kind: str, name: str, taken: Iterable[str], where: str) -> None:
    if not name.isidentifier() and not name.replace("-", "_").isidentifier():
        raise UsageError(f"plug-in {where}: {name!r} is no name for a {kind}: use letters, digits and _")
    if name in taken:
        raise UsageError(f"plug-in {where}: a {kind} named {name!r} exists already")


def _unloadable(where: str, error: BaseException) -> UsageError:
    why = " ".join(str(error).split())[:200]
    return UsageError(f"plug-in {where} cannot be loaded: {type(error).__name__}: {why}")
