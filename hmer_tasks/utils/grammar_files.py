"""Where the grammar's data files are: inside the installed package, or at the top of the repository."""

import tomllib
from pathlib import Path

_PACKAGED = Path(__file__).parent.parent / "grammar"
_REPOSITORY = Path(__file__).parent.parent.parent / "grammar"


def grammar_path(name: str) -> Path:
    """The path of a file of grammar/; FileNotFoundError where the installation lacks it."""
    for folder in (_PACKAGED, _REPOSITORY):
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"grammar/{name} is missing from this installation of hmer-tasks: reinstall it")


def read_toml(name: str) -> dict[str, object]:
    """A TOML file of grammar/, parsed."""
    with grammar_path(name).open("rb") as file:
        return tomllib.load(file)
