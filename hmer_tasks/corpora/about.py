"""What is known of a corpus beyond its layout: collection, annotation, biases, personal data.

The facts are in about.toml. They go into the metadata that a build writes (`shards/croissant.py`).
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FACTS = Path(__file__).with_name("about.toml")
_UNKNOWN = "Not known to hmer-tasks: whoever publishes these rows should state it here."


@dataclass(frozen=True, slots=True)
class About:
    """The facts of a corpus, a sentence or two each; `synthetic`: whether a program made any of it."""

    collection: str = _UNKNOWN
    annotation: str = _UNKNOWN
    biases: str = _UNKNOWN
    personal: str = "Not known to hmer-tasks; handwriting may identify its writer."
    synthetic: bool = False


@cache
def _facts() -> dict[str, About]:
    data = tomllib.loads(_FACTS.read_text(encoding="utf-8"))
    return {name: About(**facts) for name, facts in data.items()}


def about(name: str) -> About:
    """The facts of a corpus by its name; where nothing is known, it is said so."""
    return _facts().get(name, About())


def about_build(arguments: Mapping[str, object]) -> About:
    """The facts of a build's corpus, or of its several corpora one after another.

    Args:
        arguments: The arguments of the build, as build.json has them.

    Returns:
        The facts.
    """
    corpora = arguments.get("corpora")
    if not isinstance(corpora, list):
        return about(str(arguments["dataset"]))
    facts = [(corpus["name"], about(corpus["dataset"])) for corpus in corpora]

    def joined(of: str) -> str:
        return " ".join(f"{name}: {getattr(own, of)}" for name, own in facts)

    return About(
        collection=joined("collection"),
        annotation=joined("annotation"),
        biases=joined("biases"),
        personal=joined("personal"),
        synthetic=any(own.synthetic for _, own in facts),
    )
