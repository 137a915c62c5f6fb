"""The option `--plugin my.py`, which every command about corpora, tasks and exports takes."""

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated

import typer

_Plugins = Annotated[
    list[Path] | None,
    typer.Option(help="A Python file with corpora, tasks or exporters of your own; can be repeated."),
]


def with_plugins(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the option `--plugin`: it loads installed plug-ins, and those scripts, first."""

    @wraps(command)
    def run(*, plugin: list[Path] | None = None, **arguments: object) -> None:
        from hmer_tasks.plugins import load_plugins

        load_plugins(plugin or ())
        command(**arguments)

    signature = inspect.signature(command)
    parameters = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in signature.parameters.values()
    ]
    option = inspect.Parameter("plugin", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_Plugins)
    run.__dict__["__signature__"] = signature.replace(parameters=[*parameters, option])
    run.__annotations__ = {**command.__annotations__, "plugin": _Plugins}
    return run
