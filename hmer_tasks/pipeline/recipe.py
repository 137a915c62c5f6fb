"""Several corpora in one build: which, from where, and which share of each."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hmer_tasks.corpora import CORPORA
from hmer_tasks.corpora.columns import Columns
from hmer_tasks.exceptions import UsageError, did_you_mean
from hmer_tasks.storage.urls import PathOrUrl, parse_location
from hmer_tasks.utils.files import sha256_of

NAME = "mixture"  # of a recipe without a name
_GOOD_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Member:
    """A corpus of a recipe.

    Attributes:
        name: The first part of its sources, and of its ids.
        dataset: The corpus, as in `build --dataset`.
        root: Where it is; None: where it usually lies.
        splits: For each split of the build, the corpus's splits that go into it. Empty: all, by their names.
        weight: The share of its samples that is taken, over 0, at most 1.
        limit: Only the first inputs of each split; the weight draws among these.
        columns: As `--columns`.
        profile: As `--profile`.
        prompts: Its prompt set, if it is not that of the build.
        count: Of a generated corpus, how many samples.
        look: Of a generated corpus, its look.
        like: Of a generated corpus, the label file that it follows.
    """

    name: str
    dataset: str
    root: PathOrUrl | None = None
    splits: tuple[tuple[str, tuple[str, ...]], ...] = ()
    weight: float = 1.0
    limit: int | None = None
    columns: Columns | None = None
    profile: str | None = None
    prompts: str = ""
    count: int | None = None
    look: str | None = None
    like: Path | None = None

    def record(self) -> dict[str, object]:
        """The corpus as build.json has it: all that the bytes depend on, and no path of this machine."""
        settings: dict[str, object] = {"name": self.name, "dataset": self.dataset}
        if isinstance(self.root, str) and self.root.startswith("hf://"):
            settings["root"] = self.root
        settings["splits"] = {split: list(own) for split, own in self.splits}
        settings["weight"] = self.weight
        for key in ("limit", "profile", "count", "look"):
            if getattr(self, key) is not None:
                settings[key] = getattr(self, key)
        if self.columns is not None:
            settings["columns"] = self.columns.chosen()
        if self.like is not None:
            settings["like"] = f"sha256:{sha256_of(self.like)}"
        return settings


@dataclass(frozen=True, slots=True)
class Recipe:
    """Several corpora in one build."""

    name: str
    members: tuple[Member, ...]


def renamed_corpora(recipe: Recipe | None) -> dict[str, str]:
    """What corpora of a recipe are called, by their dataset: those that are the only one of it, renamed.

    Args:
        recipe: The recipe. None: there is none.

    Returns:
        The names.
    """
    members = () if recipe is None else recipe.members
    datasets = Counter(member.dataset for member in members) + Counter(member.name for member in members)
    return {
        member.dataset: member.name
        for member in members
        if member.name != member.dataset and datasets[member.dataset] == 1
    }


def recipe_of(name: str, members: Sequence[Member], roots: Sequence[str] = ()) -> Recipe:
    """A recipe of corpora.

    Args:
        name: Its name.
        members: The corpora.
        roots: `NAME=PATH` for corpora that lie elsewhere.

    Returns:
        The recipe.

    Raises:
        UsageError: A name is used twice or cannot be one, or a root is of no corpus.
    """
    if not _GOOD_NAME.fullmatch(name) or name in CORPORA:
        raise UsageError(f"name {name!r}: letters, digits, _ . and -, and not the name of a corpus")
    by_name: dict[str, Member] = {}
    for member in members:
        if member.name in by_name:
            raise UsageError(f"two corpora are called {member.name}: give one of them a name of its own")
        if not _GOOD_NAME.fullmatch(member.name):
            raise UsageError(f"corpus name {member.name!r}: letters, digits, _ . and - only")
        by_name[member.name] = member
    for root in roots:
        of, equals, place = root.partition("=")
        if not equals or not place:
            raise UsageError(f"--root {root}: with several corpora it is NAME=PATH")
        if of not in by_name:
            raise UsageError(f"--root {root}: no corpus {of!r}: {did_you_mean(of, by_name)}there are "
                             f"{', '.join(by_name)}")  # fmt: skip
        by_name[of] = replace(by_name[of], root=parse_location(place))
    return Recipe(name, tuple(by_name.values()))
