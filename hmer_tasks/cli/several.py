"""`build` of several corpora: by a recipe, or by repeated --dataset."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hmer_tasks.exceptions import UsageError
from hmer_tasks.pipeline.plan import BuildOptions
from hmer_tasks.pipeline.recipe import NAME, Member, recipe_of
from hmer_tasks.pipeline.recipe_files import changed_flags, read_recipe


def of_several(
    options: BuildOptions,
    datasets: Sequence[str],
    roots: Sequence[str],
    recipe: Path | None,
    *,
    default_tasks: bool,
) -> BuildOptions:
    """The options of a build that is not of one corpus.

    Args:
        options: What the flags say, without the corpora.
        datasets: --dataset, none or several times.
        roots: --root, as NAME=PATH.
        recipe: --recipe.
        default_tasks: Whether the tasks are those that a build has by default.

    Returns:
        The options with the recipe.

    Raises:
        UsageError: No corpus is named, or the flags and the recipe say the same thing twice.
    """
    if recipe is None:
        if not datasets:
            raise UsageError("name a corpus with --dataset, or a recipe with --recipe")
        return _by_flags(options, datasets, roots)
    if datasets:
        raise UsageError("--recipe names the corpora: leave --dataset out")
    changed = changed_flags(options, BuildOptions(""))
    if changed or not default_tasks:
        flags = ", ".join(changed or ["--tasks"])
        raise UsageError(f"the recipe says what is built: set {flags} in its [options] or its [[corpus]]")
    return read_recipe(recipe, options, roots)


def _by_flags(options: BuildOptions, datasets: Sequence[str], roots: Sequence[str]) -> BuildOptions:
    splits: dict[str, list[str]] = {}
    for split in options.splits:
        name, slash, own = split.partition("/")
        if not slash or name not in datasets:
            raise UsageError(
                f"--split {split}: with several corpora it is NAME/SPLIT, as {datasets[0]}/train"
            )
        splits.setdefault(name, []).append(own)
    members = [
        Member(
            name=dataset,
            dataset=dataset,
            splits=tuple((split, (split,)) for split in dict.fromkeys(splits.get(dataset, ()))),
            limit=options.limit,
        )
        for dataset in datasets
    ]
    single = [
        flag for flag in ("columns", "profile", "count", "look", "like", "hands") if getattr(options, flag)
    ]
    if single:
        raise UsageError(f"--{single[0]} is about one corpus: with several, write a recipe (--recipe)")
    return replace(options, recipe=recipe_of(NAME, members, roots), dataset=NAME, splits=(), limit=None)
