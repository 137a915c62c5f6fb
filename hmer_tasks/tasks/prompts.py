"""Prompt sets: five templates each, from prompts.toml or a user's file, filled in one pass."""

import json
import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path

from hmer_tasks.exceptions import PromptError
from hmer_tasks.utils.bounded_reading import read_toml

NAMES = ("recognition", "tree_cot", "counting", "error_detection", "error_correction")
_SHIPPED = Path(__file__).parent / "prompts.toml"
_SLOT = re.compile(r"\{(\w+)\}")
_SLOTS = {"error_detection": "candidate", "error_correction": "marked"}


def fill(template: str, **slots: str) -> str:
    """Put each slot's text in its place, all at once, so that braces in a text are never slots."""
    return _SLOT.sub(lambda match: slots.get(match[1], match[0]), template)


def prompts_digest(prompts: Mapping[str, str]) -> str:
    """What build.json names a set by: the SHA-256 of its five templates."""
    return sha256(json.dumps(dict(prompts), sort_keys=True).encode()).hexdigest()


def shipped_sets() -> dict[str, dict[str, str]]:
    """The sets of prompts.toml, by name."""
    sets: dict[str, dict[str, str]] = tomllib.loads(_SHIPPED.read_text(encoding="utf-8"))
    return sets


def shipped_set(digest: str) -> dict[str, str] | None:
    """The shipped set of this fingerprint; None where there is none: the set came from a user's file."""
    return next((prompts for prompts in shipped_sets().values() if prompts_digest(prompts) == digest), None)


def prompt_set(name: str) -> dict[str, str]:
    """A shipped set by name, or the set in a TOML file by path. Raises PromptError."""
    if name.endswith(".toml") or "/" in name:
        return _from_file(Path(name))
    sets = shipped_sets()
    if name not in sets:
        near = get_close_matches(name, sets, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sets)}; or give a .toml file"
        raise PromptError(f"no prompt set named {name!r}: {hint}")
    return _checked(sets[name], f"prompt set {name}")


def _from_file(path: Path) -> dict[str, str]:
    try:
        data = read_toml(path)
    except OSError as error:
        raise PromptError(f"cannot read the prompts {path}: {error.strerror}") from error
    except ValueError as error:
        raise PromptError(f"the prompts {path} are not TOML: {error}") from error
    return _checked(data, str(path))


def _checked(data: Mapping[str, object], where: str) -> dict[str, str]:
    unknown, missing = sorted(set(data) - set(NAMES)), [name for name in NAMES if name not in data]
    if unknown or missing:
        raise PromptError(
            f"{where}: a set is five templates ({', '.join(NAMES)}); "
            + "; ".join(
                f"{what}: {', '.join(names)}"
                for what, names in (("missing", missing), ("unknown", unknown))
                if names
            )
        )
    for name in NAMES:
        template = data[name]
        if not isinstance(template, str) or not template.strip():
            raise PromptError(f"{where}: {name} must be a text that is not empty")
        slots, fields = set(_SLOT.findall(template)), _SLOTS.get(name)
        if fields and fields not in slots:
            raise PromptError(f"{where}: {name} lacks its slot {{{fields}}}")
        strange = sorted(slots & {"candidate", "marked"} - {fields or ""})
        if strange:
            raise PromptError(f"{where}: {name} cannot have the slot {{{strange[0]}}}")
    return {name: str(data[name]) for name in NAMES}
