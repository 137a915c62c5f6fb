"""The tables of grammar/commands.toml, read once: which command takes what, which names exist."""

from dataclasses import dataclass
from functools import cache

from hmer_tasks.grammar_files import read_toml


@dataclass(frozen=True, slots=True)
class Signature:
    """What a command takes: the relation of its option (None: no option) and of each argument."""

    option: str | None
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """commands.toml as sets and dicts."""

    signatures: dict[str, Signature]
    operators: frozenset[str]
    fences: frozenset[str]
    scripts: dict[str, str]
    environments: frozenset[str]
    column_environments: frozenset[str]
    reserved: frozenset[str]
    symbols: frozenset[str]


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
        signature = Signature(None if option is None else str(option), tuple(group["arguments"]))
        for command in str(group["commands"]).split():
            signatures[command] = signature
    nodes, environments = _section(data, "nodes"), _section(data, "environments")
    symbols = _section(data, "symbols")
    return Tables(
        signatures=signatures,
        operators=_words(nodes, "operators"),
        fences=_words(nodes, "fences"),
        scripts={str(name): str(mark) for name, mark in _section(data, "scripts").items()},
        environments=_words(environments, "plain"),
        column_environments=_words(environments, "columns"),
        reserved=_words(_section(data, "reserved"), "tokens"),
        symbols=_words(symbols, "letters") | _words(symbols, "marks"),
    )
