r"""Names of environments that are misspelled in one of a few ways, spelled as the table has them.

``\begin cases``, ``\begin \{ c a s e s \}`` and ``\begin {Cases}``; how names may be spelled without
being wrong (``\begin { c a s e s }``) is the lexer's business.
"""

import re
from functools import cache
from typing import Final

from hmer_tasks.latex.tables import tables

ENVIRONMENT: Final = re.compile(r"\{([A-Za-z]+\*?)\}")
_BRACES: Final = {"{": "}", "\\{": "\\}"}


def repair_environment_names(words: list[str]) -> list[str]:
    """The tokens with such names spelled right; those that may be meant in two ways stay."""
    if "\\begin" not in words and "\\end" not in words:
        return words
    out: list[str] = []
    i = 0
    while i < len(words):
        out.append(words[i])
        i += 1
        if out[-1] not in ("\\begin", "\\end") or i == len(words):
            continue
        name, after = _named(words, i)
        if name:
            out.append(f"{{{name}}}")
            i = after
    return out


@cache
def _known() -> dict[str, tuple[str, ...]]:
    """The known names by their letters in lower case."""
    names: dict[str, tuple[str, ...]] = {}
    for name in sorted(tables().environments | tables().column_environments):
        names[name.lower()] = (*names.get(name.lower(), ()), name)
    return names


def _named(words: list[str], i: int) -> tuple[str, int]:
    """The name that is meant at `i`, where it is misspelled and can be identified; and the place after it."""
    glued = ENVIRONMENT.fullmatch(words[i])
    if glued:
        return _other_case(glued[1]), i + 1
    start = i + (words[i] in _BRACES)
    end = start
    while end < len(words) and re.fullmatch(r"[A-Za-z*]", words[end]):
        end += 1
    letters = "".join(words[start:end])
    if start > i:
        if words[end : end + 1] != [_BRACES[words[i]]]:
            return "", i
        name = _other_case(letters)
        if not name and words[i] == "\\{" and _is_known(letters):
            name = letters
        return name, end + 1
    # without braces: the one known name that the letters begin with
    fitting = [name for names in _known().values() for name in names if letters.startswith(name)]
    return (fitting[0], i + len(fitting[0])) if len(fitting) == 1 else ("", i)


def _is_known(name: str) -> bool:
    return name in tables().environments or name in tables().column_environments


def _other_case(name: str) -> str:
    """The one known name that differs in capitals alone; empty for a name that is known as it stands."""
    names = _known().get(name.lower(), ())
    return names[0] if len(names) == 1 and not _is_known(name) else ""
