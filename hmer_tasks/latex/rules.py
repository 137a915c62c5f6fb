"""Tables of rewriting rules: a profile of grammar/profiles.toml, or grammar/spellings.toml."""

import difflib
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from hmer_tasks.latex.nodes import GROUP, NONE
from hmer_tasks.utils.grammar_files import read_toml

Table = dict[str, object]

# What each switch of a table may say; the first is what a table that is silent means.
SWITCHES: Final = {
    "unicode": ("keep", "commands", "scripts"),
    "document": ("keep", "strip"),
    "groups": ("keep", "careful", "dissolve"),
    "empty_scripts": ("keep", "drop"),
    "limits": ("keep", "drop"),
    "primes": ("keep", "superscripts"),
    "scripts": ("keep", "sub_first"),
    "dots": ("keep", "resolve"),
}
_OF_TOKENS: Final = frozenset(["unicode", "document"])  # done before there is a tree
_WORD_LISTS: Final = ("drop", "unwrap", "delimiter_sizes")
_OWN_LISTS: Final = ("join", "spell_out", "glued")


@dataclass(frozen=True, slots=True)
class Rules:
    """What a rewriting does. `drop` goes with its arguments, `unwrap` leaves its argument, an alias
    is replaced by its tokens; `join` makes one operator of letters. The rest are switches."""

    drop: frozenset[str]
    unwrap: frozenset[str]
    delimiter_sizes: frozenset[str]
    alias: dict[str, tuple[str, ...]]
    join: dict[str, str]
    glued: tuple[str, ...]
    # a group that holds one of these keeps its braces: infixes, and fonts that stay
    scoped: frozenset[str]
    # an operator whose scripts move when braces are taken from around it
    stacked: frozenset[str]
    # before these \\dots is \\cdots
    centred_dots: frozenset[str]
    unicode: str
    document: str
    groups: str
    empty_scripts: str
    limits: str
    primes: str
    scripts: str
    dots: str
    touched: frozenset[str] = field(init=False)  # symbols that may change; all others stay as they are

    def __post_init__(self) -> None:
        touched = self.drop | self.unwrap | self.delimiter_sizes | {GROUP, NONE, "'", *self.alias}
        object.__setattr__(self, "touched", touched)

    @property
    def change_nothing(self) -> bool:
        """Whether every label is left as it is, once its tokens are."""
        tables = self.drop or self.unwrap or self.delimiter_sizes or self.alias or self.join
        switches = SWITCHES.keys() - _OF_TOKENS
        return not tables and all(getattr(self, name) == SWITCHES[name][0] for name in switches)


@cache
def profile(name: str) -> Rules:
    """The rules of a profile. ValueError with the nearest name if there is none of that name."""
    profiles = read_toml("profiles.toml")
    if name not in profiles:
        near = difflib.get_close_matches(name, profiles, n=1, cutoff=0)
        raise ValueError(
            f"unknown profile {name!r}: did you mean {near[0]!r}? (there are {', '.join(profiles)})"
        )
    return _rules(name, _table(profiles, name))


@cache
def standard() -> Rules:
    """The rules of the standard spelling."""
    return _rules("standard", _table(read_toml("spellings.toml"), "standard"))


def _rules(name: str, table: Table) -> Rules:
    words = {
        key: frozenset(str(text).split())
        for key, text in _table(read_toml("spellings.toml"), "words").items()
    }
    unknown = table.keys() - {*SWITCHES, *_WORD_LISTS, *_OWN_LISTS, "alias"}
    if unknown:
        raise ValueError(f"grammar: {name} has no rule called {', '.join(sorted(unknown))}")

    def union(key: str) -> frozenset[str]:
        names = table.get(key, [])
        assert isinstance(names, list), f"{name}.{key} is a list of word lists"
        return frozenset[str]().union(*(words[str(word_list)] for word_list in names))

    def own(key: str) -> list[str]:
        return str(table.get(key, "")).split()

    def switch(key: str) -> str:
        value = str(table.get(key, SWITCHES[key][0]))
        if value not in SWITCHES[key]:
            raise ValueError(f"grammar: {name}.{key} is one of {', '.join(SWITCHES[key])}, not {value!r}")
        return value

    alias = {str(old): tuple(str(new).split()) for old, new in _table(table, "alias").items()}
    alias |= {operator: tuple(operator[1:]) for operator in own("spell_out")}
    drop = union("drop")
    return Rules(
        drop=drop,
        unwrap=union("unwrap"),
        delimiter_sizes=union("delimiter_sizes"),
        alias=alias,
        join={operator[1:]: operator for operator in own("join")},
        glued=tuple(own("glued")),
        scoped=words["infixes"] | ((words["switches"] | words["shown_switches"] | words["sizes"]) - drop),
        stacked=words["stacked"],
        centred_dots=words["centred_dots"],
        **{key: switch(key) for key in SWITCHES},
    )


def _table(data: Table, name: str) -> Table:
    table = data.get(name, {})
    assert isinstance(table, dict), name
    return table
