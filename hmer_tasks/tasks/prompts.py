"""Prompt sets: templates by task, from prompts.toml or a user's file, filled in one pass.

A task has one template or a list of paraphrases, of which each sample draws one by (seed, source, id, task).
A set may leave out tasks that are not asked for, and may be in any language: only its slots are looked at.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

from hmer_tasks.exceptions import PromptError
from hmer_tasks.utils.bounded_reading import read_toml
from hmer_tasks.utils.keyed_random import keyed_random

Templates = Mapping[str, str | Sequence[str]]  # by task: a template, or paraphrases

NAMES = ("recognition", "tree_cot", "counting", "error_detection", "error_correction")
DEFAULT = "uni-mumer"
_SHIPPED = Path(__file__).parent / "prompts.toml"
_SLOT = re.compile(r"\{(\w+)\}")
_SLOTS = {"error_detection": "candidate", "error_correction": "marked"}


def fill(template: str, **slots: str) -> str:
    """Put each slot's text in its place, all at once, so that braces in a text are never slots."""
    pieces = list(_pieces(template))
    for place in range(1, len(pieces), 2):
        name = pieces[place]
        pieces[place] = slots.get(name, f"{{{name}}}")
    return "".join(pieces)


@lru_cache(maxsize=256)
def _pieces(template: str) -> tuple[str, ...]:
    """The text of a template, and between every two pieces of it the name of a slot."""
    return tuple(_SLOT.split(template))


def draw(templates: Templates, seed: int, source: str, id: str) -> Mapping[str, str]:
    """A sample's templates.

    Args:
        templates: The set.
        seed: The seed of the build.
        source: The sample's source.
        id: Its id. In a build of several corpora the source stands before it, and is left out of the key.

    Returns:
        One template for each task of the set.
    """
    drawn = {task: given for task, given in templates.items() if isinstance(given, str)}
    if len(drawn) < len(templates):
        key = source, id.removeprefix(f"{source}/")
        for task, given in templates.items():
            if not isinstance(given, str):
                drawn[task] = keyed_random(seed, "prompt", *key, task).choice(given)
    return drawn


def prompts_digest(prompts: Templates) -> str:
    """What build.json names a set by: the SHA-256 of its templates."""
    return sha256(json.dumps(dict(prompts), sort_keys=True).encode()).hexdigest()


def shipped_sets() -> dict[str, dict[str, str]]:
    """The sets of prompts.toml, by name."""
    sets: dict[str, dict[str, str]] = tomllib.loads(_SHIPPED.read_text(encoding="utf-8"))
    return sets


def shipped_set(digest: str) -> dict[str, str] | None:
    """The shipped set of this fingerprint; None where there is none: the set came from a user's file."""
    return next((prompts for prompts in shipped_sets().values() if prompts_digest(prompts) == digest), None)


def set_name(digest: str, given: str = "") -> str:
    """What a set is called: a shipped one by its name, one of a file by the name `given` in build.json."""
    names = (name for name, prompts in shipped_sets().items() if prompts_digest(prompts) == digest)
    return next(names, given or "of your own")


def set_names(digest: str, given: str, of_corpora: Mapping[str, str]) -> str:
    """What the sets of a build are called: that of all, and of the corpora that have their own."""
    own = "".join(f"; {corpus}: {name}" for corpus, name in of_corpora.items())
    return f"{set_name(digest, given)}{own}"


def named_in_file(name: str) -> str:
    """What a set of `--prompts NAME` is called: the file's name without its ending."""
    return Path(name).stem if _is_file(name) else name


def prompt_set(
    name: str, tasks: Iterable[str] = NAMES, own: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str]:
    """One template for each task of a set: of paraphrases the first.

    Args:
        name: A shipped set by name, or a TOML file by path.
        tasks: The tasks that it must have.
        own: Templates that tasks of plug-ins bring, for those that the set has none for.

    Returns:
        The templates by task.

    Raises:
        PromptError: There is no such set, it is broken, or a task is missing.
    """
    templates = read_prompts(name, tasks, own)
    return {task: given if isinstance(given, str) else given[0] for task, given in templates.items()}


def read_prompts(
    name: str, tasks: Iterable[str] = NAMES, own: Mapping[str, str] = MappingProxyType({})
) -> Templates:
    """A whole set.

    Args:
        name: A shipped set by name, or a TOML file by path.
        tasks: The tasks that it must have.
        own: Templates that tasks of plug-ins bring, for those that the set has none for.

    Returns:
        Templates and paraphrases by task.

    Raises:
        PromptError: There is no such set, it is broken, or a task is missing.
    """
    if _is_file(name):
        return _from_file(Path(name), tasks, own)
    sets = shipped_sets()
    if name not in sets:
        near = get_close_matches(name, sets, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sets)}; or give a .toml file"
        raise PromptError(f"no prompt set named {name!r}: {hint}")
    return _checked(sets[name], f"prompt set {name}", tasks, own)


def _is_file(name: str) -> bool:
    return name.endswith(".toml") or "/" in name


def _from_file(path: Path, tasks: Iterable[str], own: Mapping[str, str]) -> Templates:
    try:
        data = read_toml(path)
    except OSError as error:
        raise PromptError(f"cannot read the prompts {path}: {error.strerror}") from error
    except ValueError as error:
        raise PromptError(f"the prompts {path} are not TOML: {error}") from error
    return _checked(data, str(path), tasks, own)


def _checked(
    given_set: Mapping[str, object], where: str, tasks: Iterable[str], own: Mapping[str, str]
) -> Templates:
    data = {**own, **given_set}
    known = (*NAMES, *own)
    unknown, missing = sorted(set(data) - set(known)), [name for name in tasks if name not in data]
    if unknown or missing:
        raise PromptError(
            f"{where}: a set is a template or a list of them for each task ({', '.join(known)}); "
            + "; ".join(
                f"{what}: {', '.join(names)}"
                for what, names in (("missing", missing), ("unknown", unknown))
                if names
            )
        )
    templates: dict[str, str | list[str]] = {}
    for name in (name for name in known if name in data):
        given = data[name]
        paraphrases = [
            _template(text, name, where) for text in (given if isinstance(given, list) else [given])
        ]
        if not paraphrases or len(set(paraphrases)) < len(paraphrases):
            raise PromptError(f"{where}: {name} must be a text, or a list of different texts")
        templates[name] = paraphrases if len(paraphrases) > 1 else paraphrases[0]
    return templates


def _template(text: object, name: str, where: str) -> str:
    """A template that can be filled. Raises PromptError."""
    if not isinstance(text, str) or not text.strip():
        raise PromptError(f"{where}: {name} must be a text that is not empty")
    slots, required = set(_SLOT.findall(text)), _SLOTS.get(name)
    if required and required not in slots:
        raise PromptError(f"{where}: {name} lacks its slot {{{required}}}")
    strange = sorted(slots & {"candidate", "marked"} - {required or ""})
    if strange:
        raise PromptError(f"{where}: {name} cannot have the slot {{{strange[0]}}}")
    return text
