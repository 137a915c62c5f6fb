"""The tables of grammar/commands.toml, read once: which command takes what, which names exist."""

from dataclasses import dataclass
from functools import cache, cached_property

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
    """commands.toml as sets and dicts."""

    signatures: dict[str, Signature]
    operators: frozenset[str]
    fences: frozenset[str]
    scripts: dict[str, str]
    environments: frozenset[str]
    column_environments: frozenset[str]
    reserved: frozenset[str]
    symbols: frozenset[str]
    registers: frozenset[str]

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return reduce_dataclass(self)

    @cached_property
    def known(self) -> frozenset[str]:
        """Every command that stands in some table."""
        names = (self.signatures, self.scripts, ("\\\\", "\\begin", "\\end"))
        return (self.symbols | self.operators | self.fences).union(*names)


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
        registers=_words(symbols, "registers"),
    )
