r"""How differently two sides spell: which entries of grammar/spellings.toml rewrite their labels, and
which of them are needed for labels of the one to coincide with labels of the other.

An entry is an alias (`\le` to `\leq`), a word list that is dropped or unwrapped, or a switch (primes,
script order, groups …).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.canonical import spell
from hmer_tasks.latex.rules import SWITCHES, Rules, standard
from hmer_tasks.utils.grammar_files import read_toml

_PAIRS = 2000  # joined pairs that are looked into; they are alike enough to stand for the rest
# A label without one of these is left alone by the switch.
_MARKS = {
    "groups": ("{",),
    "empty_scripts": ("{ }",),
    "limits": ("\\limits", "\\nolimits"),
    "primes": ("'",),
    "scripts": ("_",),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """`marks`: a label without any of them is left alone. `alone`: rules that are this entry and
    nothing else; `without`: the standard spelling but for this entry."""

    name: str
    marks: tuple[str, ...]
    alone: Rules
    without: Rules

    def may_touch(self, label: str) -> bool:
        """Whether a label holds what the entry is about."""
        if self.name in _MARKS:
            return any(mark in label for mark in self.marks)
        words = label.split()
        return any(mark in words for mark in self.marks)

    def rewrites(self, label: str) -> bool:
        """Whether the entry by itself changes a label (in explicit form)."""
        if not self.may_touch(label):
            return False
        try:
            return spell(label, self.alone) != label
        except LabelError:  # nothing is left of it
            return True


@dataclass(slots=True)
class Style:
    """What an audit found of spelling. `rewritten`: samples each side's entries rewrite, by the
    entry's name; `standard_form`: samples that hold an alias's other form already; `joined`: pairs
    of labels that only the standard spelling joins; `needed`: how many of those each entry is
    needed for; `looked_into`: of how many that was found out."""

    rewritten: list[Counter[str]] = field(default_factory=list)
    standard_form: list[Counter[str]] = field(default_factory=list)
    joined: int = 0
    looked_into: int = 0
    needed: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, object]:
        """All of it; dataclasses.asdict cannot copy a Counter."""
        return {
            "rewritten": [dict(counts.most_common()) for counts in self.rewritten],
            "standard_form": [dict(counts.most_common()) for counts in self.standard_form],
            "joined": self.joined,
            "looked_into": self.looked_into,
            "needed": dict(self.needed.most_common()),
        }


@cache
def entries() -> tuple[Entry, ...]:
    """All entries of the standard spelling."""
    rules = standard()
    off = {name: choices[0] for name, choices in SWITCHES.items()}
    bare = replace(
        rules, drop=frozenset(), unwrap=frozenset(), delimiter_sizes=frozenset(), alias={},
        groups=off["groups"], empty_scripts=off["empty_scripts"], limits=off["limits"],
        primes=off["primes"], scripts=off["scripts"],
    )  # fmt: skip
    entries_found = []
    for old, new in rules.alias.items():
        rest = {key: value for key, value in rules.alias.items() if key != old}
        entries_found.append(
            Entry(alias_name(old, new), (old,), replace(bare, alias={old: new}), replace(rules, alias=rest))
        )
    for name, words in _lists("drop"):
        alone, without = replace(bare, drop=words), replace(rules, drop=rules.drop - words)
        entries_found.append(Entry(f"drop: {name}", tuple(words), alone, without))
    for name, words in _lists("unwrap"):
        alone, without = replace(bare, unwrap=words), replace(rules, unwrap=rules.unwrap - words)
        entries_found.append(Entry(f"unwrap: {name}", tuple(words), alone, without))
    sizes = rules.delimiter_sizes
    alone, without = replace(bare, delimiter_sizes=sizes), replace(rules, delimiter_sizes=frozenset())
    entries_found.append(Entry("delimiter_sizes", tuple(sizes), alone, without))
    switched = {
        "groups": (replace(bare, groups=rules.groups), replace(rules, groups=off["groups"])),
        "empty_scripts": (
            replace(bare, empty_scripts=rules.empty_scripts),
            replace(rules, empty_scripts=off["empty_scripts"]),
        ),
        "limits": (replace(bare, limits=rules.limits), replace(rules, limits=off["limits"])),
        "primes": (replace(bare, primes=rules.primes), replace(rules, primes=off["primes"])),
        "scripts": (replace(bare, scripts=rules.scripts), replace(rules, scripts=off["scripts"])),
    }
    entries_found += [Entry(name, _MARKS[name], *both) for name, both in switched.items()]
    return tuple(entries_found)


def alias_name(old: str, new: Iterable[str]) -> str:
    r"""`\le → \leq`."""
    return f"{old} → {' '.join(new)}"


def _lists(key: str) -> list[tuple[str, frozenset[str]]]:
    """The named word lists of one key of [standard]."""
    tables = read_toml("spellings.toml")
    words, chosen = tables["words"], tables["standard"]
    assert isinstance(words, dict) and isinstance(chosen, dict)
    return [(name, frozenset(str(words[name]).split())) for name in chosen.get(key, [])]


def style_of(samples: Counter[str], spelled: dict[str, str]) -> tuple[Counter[str], Counter[str]]:
    """How many samples each entry rewrites, and how many hold the standard form of an alias.

    `samples` counts the labels of a side; `spelled` gives each its standard spelling.
    """
    rewritten, already = Counter[str](), Counter[str]()
    forms = [(alias_name(old, new), set(new)) for old, new in standard().alias.items()]
    for label, count in samples.items():
        words = set(label.split())
        for name, new in forms:
            if new <= words:
                already[name] += count
        if spelled[label] != label:
            for entry in entries():
                if entry.rewrites(label):
                    rewritten[entry.name] += count
    return rewritten, already


def join(left: dict[str, str], right: dict[str, str], style: Style) -> None:
    """Count the labels of `right` that stand in `left` only in standard spelling, and what joins them.

    Both map a label to its standard spelling.
    """
    of_spelling: dict[str, str] = {}
    for label, spelled in left.items():
        of_spelling.setdefault(spelled, label)
    pairs = [
        (of_spelling[spelled], label)
        for label, spelled in right.items()
        if label not in left and spelled in of_spelling
    ]
    style.joined = len(pairs)
    step = max(1, -(-len(pairs) // _PAIRS))
    for a, b in pairs[::step]:
        style.looked_into += 1
        for entry in entries():
            if (entry.may_touch(a) or entry.may_touch(b)) and not _same_without(entry, a, b):
                style.needed[entry.name] += 1


def _same_without(entry: Entry, a: str, b: str) -> bool:
    try:
        return spell(a, entry.without) == spell(b, entry.without)
    except LabelError:
        return False


def only_in(labels: Sequence[str], others: Iterable[str]) -> tuple[Counter[str], int]:
    """Tokens that no label of `others` has: how many of `labels` hold each, and how many hold any."""
    known = {token for label in others for token in label.split()}
    holders, samples = Counter[str](), 0
    for label in labels:
        new = set(label.split()) - known
        holders.update(new)
        samples += bool(new)
    # by count, then by name: the same order whatever the hash seed
    return Counter(dict(sorted(holders.items(), key=lambda item: (-item[1], item[0])))), samples
