"""The tables of grammar/commands.toml, read once: which command takes what, which names exist."""

from dataclasses import dataclass
from functools import cache

from hmer_tasks.utils.grammar_files import read_toml
from hmer_tasks.utils.pickling import reduce_dataclass


@dataclass(frozen=True, slots=True)
class Signature:
    """What a command takes: the relation of its option (None: no option) and of each argument.

    `attributes`: the kinds of the arguments without ink that stand before these (see attributes.py).
    """

    option: str | None
    arguments: tuple[str, ...]
    attributes: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return reduce_dataclass(self)


@dataclass(frozen=True)
class Tables:
    """commands.toml as sets and dicts. `known`: every command that stands in some table."""

    signatures: dict[str, Signature]
    operators: frozenset[str]
    fences: frozenset[str]
    scripts: dict[str, str]
    environments: frozenset[str]
    column_environments: frozenset[str]
    reserved: frozenset[str]
    symbols: frozenset[str]
    registers: frozenset[str]
    known: frozenset[str]  # a field: mypyc works a cached property out each time

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return reduce_dataclass(self)


def _section(data: dict[str, object], name: str) -> dict[str, object]:
    section = data[name]
    assert isinstance(section, dict), name
    return section


def _words(section: dict[str, object], name: str) -> frozenset[str]:
    return frozenset(str(section[name]).split())


@cache
def tables() -> Tables:
    """The tables of the language."""
    data = read_toml("commands.toml")
    signatures: dict[str, Signature] = {}
    for group in _section(data, "arguments").values():
        assert isinstance(group, dict)
        option = group.get("option")
        signature = Signature(
            None if option is None else str(option),
            tuple(group["arguments"]),
            tuple(group.get("attributes", ())),
        )
        for command in str(group["commands"]).split():
            signatures[command] = signature
    nodes, environments = _section(data, "nodes"), _section(data, "environments")
    sections = _section(data, "symbols")
    symbols = _words(sections, "letters") | _words(sections, "marks")
    operators, fences = _words(nodes, "operators"), _words(nodes, "fences")
    scripts = {str(name): str(mark) for name, mark in _section(data, "scripts").items()}
    return Tables(
        signatures=signatures,
        operators=operators,
        fences=fences,
        scripts=scripts,
        environments=_words(environments, "plain"),
        column_environments=_words(environments, "columns"),
        reserved=_words(_section(data, "reserved"), "tokens"),
        symbols=symbols,
        registers=_words(sections, "registers"),
        known=(symbols | operators | fences).union(signatures, scripts, ("\\\\", "\\begin", "\\end")),
    )
