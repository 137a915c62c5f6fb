"""Data recipes: several corpora in one build, as a TOML file or another build's build.json says.

    name = "handwriting"              # of the build; build/handwriting

    [options]                         # what the flags of `build` of these names say
    tasks = ["recognition", "tree_cot"]
    valid_share = 0.02

    [[corpus]]
    dataset = "crohme"
    splits = { train = ["train"], test = ["2014", "2016"] }
    weight = 0.5

`weight` is the share of a corpus's samples that is taken: those whose own share, the first 64 bits of the
SHA-256 of (seed, `weight`, source, id) over 2^64, is below it. They are the same for any number of workers
and whatever else is in the recipe, and a larger weight only adds samples.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path

from hmer_tasks.corpora.columns import ROLES, Columns
from hmer_tasks.exceptions import UsageError, did_you_mean
from hmer_tasks.pipeline.plan import BuildOptions
from hmer_tasks.pipeline.recipe import NAME, Member, recipe_of
from hmer_tasks.storage.urls import parse_location
from hmer_tasks.tasks.prompts import set_name, shipped_set
from hmer_tasks.utils.bounded_reading import MAX_TOML, read_toml, read_whole

_GOOD_SPLIT = re.compile(r"\w+(\.\w+)*")
# What [options] may set: the flags of `build` that are not about one corpus, the output or the machine.
_TEXTS = ("errors", "tree_format", "prompts")
_SHARES = ("valid_share", "clean_share")
_SWITCHES = ("normalize", "keep_polarity", "repair", "no_images", "strict")
_PATHS = ("exclude", "noise")
_OPTIONS = ("tasks", "seed", *_TEXTS, *_SHARES, *_SWITCHES, *_PATHS)
_MEMBER = ("dataset", "name", "root", "splits", "weight", "limit", "columns", "profile", "prompts")
_GENERATED = ("count", "look", "like")


def read_recipe(path: Path, options: BuildOptions, roots: Sequence[str] = ()) -> BuildOptions:
    """The options of a build by a recipe.

    Args:
        path: The TOML file; or the build.json of a build of several corpora, which is made again.
        options: The options that are not the recipe's: output, workers. The others are the default ones.
        roots: `NAME=PATH` for corpora that lie elsewhere than the recipe says.

    Returns:
        The options, with the recipe.

    Raises:
        UsageError: The recipe cannot be read, or is none.
    """
    is_build = path.is_dir() or path.name == "build.json"
    try:
        data = _of_build(path) if is_build else read_toml(path)
    except OSError as error:
        raise UsageError(f"cannot read the recipe {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the recipe {path} is not {'JSON' if is_build else 'TOML'}: {error}") from error
    try:
        _known(data, ("name", "options", "corpus"), "")
        given = data.get("options", {})
        if not isinstance(given, dict):
            raise UsageError("[options] is no table")
        name = _text(data, "name", "") or NAME
        members = data.get("corpus")
        if not isinstance(members, list) or not members:
            raise UsageError("it names no corpus: [[corpus]] with dataset = …")
        recipe = recipe_of(name, [_member(table, number) for number, table in enumerate(members, 1)], roots)
        return replace(_with_options(options, given), recipe=recipe, dataset=recipe.name)
    except UsageError as error:
        raise UsageError(f"recipe {path}: {error}") from error


def _member(data: object, number: int) -> Member:
    where = f"corpus {number}: "
    if not isinstance(data, dict):
        raise UsageError(f"{where}no table")
    _known(data, (*_MEMBER, *_GENERATED), where)
    dataset = _text(data, "dataset", where)
    if not dataset:
        raise UsageError(f"{where}dataset is missing")
    weight = data.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight <= 1:
        more = (
            "; a sample is written once: to see some more often, weight them in the trainer (--data_weights)"
        )
        is_more = isinstance(weight, int | float) and weight > 1
        raise UsageError(f"{where}weight must be over 0 and at most 1, not {weight}{more if is_more else ''}")
    root, like = _text(data, "root", where), _text(data, "like", where)
    return Member(
        name=_text(data, "name", where) or dataset,
        dataset=dataset,
        root=parse_location(root) if root else None,
        splits=_splits(data.get("splits", {}), where),
        weight=float(weight),
        limit=_count(data, "limit", where),
        columns=_columns(data.get("columns"), where),
        profile=_text(data, "profile", where) or None,
        prompts=_text(data, "prompts", where),
        count=_count(data, "count", where),
        look=_text(data, "look", where) or None,
        like=Path(like) if like else None,
    )


def _splits(data: object, where: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """A list of splits, or a table of the build's splits."""
    table = {split: [split] for split in data} if isinstance(data, list) and _is_texts(data) else data
    if not isinstance(table, dict) or not all(_is_texts(own) and own for own in table.values()):
        raise UsageError(
            f'{where}splits is a list, or a table such as {{ train = ["train"], test = ["2014", "2016"] }}'
        )
    own = [split for splits in table.values() for split in splits]
    if len(set(own)) < len(own):
        raise UsageError(f"{where}splits names a split twice, and its samples would be in the build twice")
    for split in table:
        if not _GOOD_SPLIT.fullmatch(split):
            raise UsageError(f"{where}{split!r} cannot be a split: letters, digits and _, with dots between")
    return tuple((split, tuple(splits)) for split, splits in table.items())


def _columns(data: object, where: str) -> Columns | None:
    if data is None:
        return None
    if not isinstance(data, dict) or not all(isinstance(name, str) and name for name in data.values()):
        raise UsageError(f'{where}columns is a table such as {{ image = "scan", label = "solution" }}')
    _known(data, ROLES, f"{where}columns: ")
    return Columns(**data)


def _with_options(options: BuildOptions, data: Mapping[str, object]) -> BuildOptions:
    """The options that a recipe sets. Raises UsageError."""
    where = "[options] "
    _known(data, _OPTIONS, where)
    changes: dict[str, object] = {}
    for key, value in data.items():
        if key == "tasks":
            if not _is_texts(value) or not value:
                raise UsageError(f"{where}tasks is a list of names")
            assert isinstance(value, list)
            changes[key] = tuple(value)
        elif key in _SWITCHES:
            if not isinstance(value, bool):
                raise UsageError(f"{where}{key} is true or false, not {value!r}")
            changes[key] = value
        elif key in _SHARES or key == "seed":
            kinds = int if key == "seed" else int | float
            if isinstance(value, bool) or not isinstance(value, kinds):
                raise UsageError(f"{where}{key} is a number, not {value!r}")
            changes[key] = value
        else:
            text = _text(data, key, where)
            changes[key] = Path(text) if key in _PATHS else text
    return replace(options, **changes)  # type: ignore[arg-type]


def _of_build(path: Path) -> dict[str, object]:
    """The recipe that a build.json holds. Raises OSError, ValueError, UsageError."""
    path = path / "build.json" if path.is_dir() else path
    try:
        arguments = json.loads(read_whole(path, MAX_TOML))["made_by"]["arguments"]
        corpora, digest = arguments["corpora"], str(arguments["prompts"])
    except (KeyError, TypeError):
        raise UsageError(f"{path} is no build.json of a build of several corpora") from None
    errors = ",".join(arguments["errors"])
    files = {"errors": errors, "noise": arguments["noise"], "exclude": arguments["exclude"]}
    lacking = [key for key, value in files.items() if value and value != "synthetic"]
    if shipped_set(digest) is None:
        lacking.append("prompts")
    for corpus in corpora:
        if "prompts" in corpus:
            lacking += ["prompts"] if shipped_set(corpus["prompts"]) is None else []
            corpus["prompts"] = set_name(corpus["prompts"])
        lacking += ["like"] if "like" in corpus else []
    if lacking:
        what = ", ".join(dict.fromkeys(lacking))
        raise UsageError(f"it was made with files of its own ({what}): write a recipe that names them")
    named = {key: arguments[key] for key in ("tasks", "seed", "tree_format", *_SHARES)}
    switches = {key: True for key in _SWITCHES if arguments.get(key)}
    options = {**named, **switches, "prompts": set_name(digest)}
    return {"name": arguments["dataset"], "options": options, "corpus": corpora}


def _known(data: Mapping[str, object], keys: Sequence[str], where: str) -> None:
    for key in data:
        if key not in keys:
            raise UsageError(f"{where}no key {key!r}: {did_you_mean(key, keys)}there are {', '.join(keys)}")


def _text(data: Mapping[str, object], key: str, where: str) -> str:
    value = data.get(key, "")
    if not isinstance(value, str):
        raise UsageError(f"{where}{key} is a text, not {value!r}")
    return value


def _count(data: Mapping[str, object], key: str, where: str) -> int | None:
    value = data.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise UsageError(f"{where}{key} must be a number from 1 on, not {value!r}")
    return value


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def changed_flags(options: BuildOptions, default: BuildOptions) -> list[str]:
    """The flags of a build that a recipe sets by itself and that are not as they are by default.

    Args:
        options: What was asked for.
        default: What is so by default.

    Returns:
        The flags, as they are written.
    """
    own = {*_OPTIONS, *_GENERATED, "splits", "limit", "columns", "profile", "hands"} - {"tasks"}
    names = [field.name for field in fields(options) if field.name in own]
    return [
        f"--{name.replace('_', '-').replace('splits', 'split')}"
        for name in names
        if getattr(options, name) != getattr(default, name)
    ]
