"""Which column of a table holds what: chosen by the user (`--columns image=…,label=…`), or by name.

A role that is not chosen is taken by the names that data sets commonly use. Where two of them could be meant,
nothing is guessed: the user is asked to choose.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from hmer_tasks.exceptions import CorpusError, UsageError, did_you_mean

ROLES = ("image", "label", "id", "split")
# The commonest first. Two names of one role are an error, but for the picture of a label file: there the
# first counts.
IMAGE_NAMES = ("image", "img", "picture", "file_name", "filename", "image_path", "imagefile", "path", "file")
LABEL_NAMES = ("label", "latex", "latex_formula", "formula", "tex", "text", "gt", "ground_truth")
ID_NAMES = ("id", "sample_id", "image_id", "img_id", "uid")


@dataclass(frozen=True, slots=True)
class Columns:
    """The user's choice of columns; None: found by name."""

    image: str | None = None
    label: str | None = None
    id: str | None = None
    split: str | None = None

    def chosen(self) -> dict[str, str]:
        """The roles that were chosen, as build.json holds them."""
        named = ((role, getattr(self, role)) for role in ROLES)
        return {role: str(name) for role, name in named if name is not None}


BY_NAME = Columns()  # nothing chosen


def parse_columns(text: str) -> Columns:
    """The columns of `--columns image=…,label=…,id=…,split=…`.

    Args:
        text: What follows the flag.

    Returns:
        The columns that were chosen.

    Raises:
        UsageError: It is not of that form, or names a role twice or one that does not exist.
    """
    roles: dict[str, str] = {}
    for part in text.split(","):
        role, equals, name = (piece.strip() for piece in part.partition("="))
        if not equals or not name:
            raise UsageError(f"--columns is image=NAME,label=NAME,id=NAME,split=NAME, not {text!r}")
        if role not in ROLES:
            hint = did_you_mean(role, ROLES)
            roles_there = ", ".join(f"{known}=NAME" for known in ROLES)
            raise UsageError(f"--columns: no role {role!r}: {hint}it is {roles_there}")
        if role in roles:
            raise UsageError(f"--columns names the {role} column twice")
        roles[role] = name
    if len(set(roles.values())) < len(roles):
        raise UsageError(f"--columns gives one column two roles: {text}")
    return Columns(**roles)


def one_of(role: str, names: Iterable[str], candidates: Iterable[str], where: str) -> str | None:
    """The one column with a usual name.

    Args:
        role: What it holds, for messages.
        names: The usual names, in lower case.
        candidates: The columns of the table.
        where: The file, for messages.

    Returns:
        The column whose name, in any case, is among `names`; None where there is none.

    Raises:
        CorpusError: Several are there.
    """
    matching = [column for column in candidates if column.lower() in names]
    if len(matching) > 1:
        raise CorpusError(
            f"{where}: {' and '.join(matching)} could each be the {role} column; "
            f"choose with --columns {role}={matching[0]}"
        )
    return matching[0] if matching else None
