r"""Repair of labels that are nearly TeX and have exactly one repair: `--repair`, opt-in.

Each repair has a kind. The table [rules] of grammar/repairs.toml says which kinds apply to all labels, and
which only to those of one corpus. Missing braces are only restored in a corpus that is known to have lost
its braces in one particular way. A label that parses is not changed, except for signs that are not TeX
(full-width forms, √, `[object Object]`). The time is linear in the length of the label.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Final

from hmer_tasks.exceptions import LabelError, RejectReason
from hmer_tasks.latex.environment_names import ENVIRONMENT, repair_environment_names
from hmer_tasks.latex.tables import tables
from hmer_tasks.latex.unicode import to_commands
from hmer_tasks.latex.words import is_token, split_glued
from hmer_tasks.utils.grammar_files import read_toml

Parses = Callable[[str], bool]
KINDS: Final = (
    "full_width",
    "root_sign",
    "stray_object",
    "environment_name",
    "script_closed",
    "closers_at_end",
)
_NO_FIRST_SIGN: Final = frozenset(["{", "}", "_", "^", "&", "\\\\", "'"])
_MARKS: Final = frozenset(["_", "^", "\\sp", "\\sb"])
_MOST_PASSES: Final = 8  # one repair may expose the need for another; no known label takes more than two


@dataclass(frozen=True, slots=True)
class RepairedLabel:
    """A repaired label (white-space-separated tokens) and the kinds of its repairs, in order."""

    label: str
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Table:
    any_label: tuple[str, ...]
    of_corpus: dict[str, tuple[str, ...]]
    wide: frozenset[str]
    root: str
    enders: frozenset[str]
    stray: tuple[str, ...]
    longest: int
    most_tried: int


@cache
def _table() -> _Table:
    data = read_toml("repairs.toml")

    def of(section: str, name: str) -> str:
        table = data[section]
        assert isinstance(table, dict)
        return str(table[name])

    rules = data["rules"]
    assert isinstance(rules, dict)
    kinds = {str(corpus): tuple(str(words).split()) for corpus, words in rules.items()}
    first, last = ord(of("signs", "first")), ord(of("signs", "last"))
    return _Table(
        any_label=kinds.pop("any"),
        of_corpus=kinds,
        wide=frozenset(map(chr, range(first, last + 1))),
        root=of("root", "sign"),
        enders=frozenset(of("root", "enders").split()),
        stray=tuple(split_glued(of("stray", "text"))),
        longest=int(of("braces", "longest")),
        most_tried=int(of("braces", "most_tried")),
    )


def own_rules(corpus: str) -> tuple[str, ...]:
    """The kinds of repairs for the labels of this corpus only; most corpora have none."""
    return _table().of_corpus.get(corpus, ())


def rules_of(corpus: str) -> tuple[str, ...]:
    """The kinds of repairs for labels of a corpus; for an empty name, those for all labels."""
    return (*_table().any_label, *own_rules(corpus))


def repair(label: str, parses: Parses, corpus: str = "") -> RepairedLabel | None:
    r"""Repair a label that is nearly TeX.

    Args:
        label: The label.
        parses: Whether a text is a valid label. It may normalize raw LaTeX first.
        corpus: The name of the corpus. Some have repairs of their own.

    Returns:
        The repaired label; None if nothing is wrong with it, or if it has no unique repair.

    Raises:
        LabelError: Text is lost that no repair can restore (`lost_text`).

    Examples:
        >>> repair("√ { x }", lambda text: text.startswith("\\sqrt"))
        RepairedLabel(label='\\sqrt { x }', kinds=('root_sign',))
    """
    if ("%" in label and "\n" in label) or not tables().reserved.isdisjoint(label.split()):
        return None  # a comment ends with its line, and a label of tokens has no lines
    rules = rules_of(corpus)
    repaired, kinds = label, dict[str, None]()
    for _ in range(_MOST_PASSES):
        step = _repair_once(repaired, parses, rules)
        if step is None:
            return RepairedLabel(repaired, tuple(kinds)) if kinds else None
        repaired = step.label
        kinds.update(dict.fromkeys(step.kinds))
    return None


def _repair_once(label: str, parses: Parses, rules: tuple[str, ...]) -> RepairedLabel | None:
    words = _tokens(label)
    kinds = []
    for kind, step in _STEPS.items():
        changed = step(words) if kind in rules else words
        if changed != words:
            kinds.append(kind)
            words = changed
    repaired = " ".join(words)
    if parses(repaired if kinds else label):
        return RepairedLabel(repaired, tuple(kinds)) if kinds else None
    if "closers_at_end" in rules and (closed := _closers_moved_back(words, parses)) is not None:
        return RepairedLabel(closed.label, (*kinds, *closed.kinds))
    return None


def _tokens(label: str) -> list[str]:
    tokens: list[str] = []
    for word in label.split():
        named = tokens[-1:] in (["\\begin"], ["\\end"]) and ENVIRONMENT.fullmatch(word)
        tokens += [word] if named or is_token(word) else split_glued(word)
    return tokens


# ---------------------------------------------------------------- signs that are no TeX


def _narrow(words: list[str]) -> list[str]:
    """Replace full-width forms by the signs that they stand for."""
    wide = _table().wide
    if wide.isdisjoint(words):
        return words
    return [new for word in words for new in (to_commands(word) if word in wide else (word,))]


def _roots(words: list[str]) -> list[str]:
    r"""Replace √ by \sqrt where its argument is unambiguous."""
    table = _table()
    if table.root not in words:
        return words
    out: list[str] = []
    for i, word in enumerate(words):
        after = words[i + 1] if i + 1 < len(words) else ""
        if out and out[-1] == "\\sqrt" and words[i - 1] == table.root and word != "{":
            out += "{", word, "}"
        elif word == table.root and (after == "{" or _ends_after(words, i + 1)):
            out.append("\\sqrt")
        else:
            out.append(word)
    return out


def _ends_after(words: list[str], i: int) -> bool:
    """Whether the sign at `i` is one letter, digit or symbol, and a root must end after it."""
    if i >= len(words) or words[i] in tables().signatures or words[i] in tables().operators:
        return False
    is_single = words[i].isalnum() or (words[i][0] == "\\" and words[i] in tables().symbols)
    enders = _table().enders
    return is_single and words[i] not in enders and (i + 1 == len(words) or words[i + 1] in enders)


def _without_strays(words: list[str]) -> list[str]:
    """Remove `[object Object]`. Raises LabelError where it replaced the index of a root."""
    stray = list(_table().stray)
    size = len(stray)
    if words.count(stray[-1]) == 0:
        return words
    out: list[str] = []
    for word in words:
        out.append(word)
        if word != stray[-1] or out[-size:] != stray:
            continue
        del out[-size:]
        before = out[-2:-1] if out[-1:] == ["["] else out[-1:]
        owner = tables().signatures.get(before[0]) if before else None
        if before == [_table().root] or (owner is not None and owner.option):
            detail = f"{''.join(stray)} stands where {before[0]} had its index, and nothing tells which"
            raise LabelError(RejectReason.LOST_TEXT, len(out), detail, tuple(words))
    return out


_STEPS: Final[dict[str, Callable[[list[str]], list[str]]]] = {
    "full_width": _narrow,
    "stray_object": _without_strays,
    "root_sign": _roots,
    "environment_name": repair_environment_names,
}


# ---------------------------------------------------------------- braces


def _closers_moved_back(words: list[str], parses: Parses) -> RepairedLabel | None:
    """Restore the closing braces of scripts of one sign, if exactly one choice of scripts parses.

    Such labels lost these braces, and one of them is at the end of the label."""
    if words[-1:] != ["}"] or len(words) > _table().longest:
        return None
    missing = words.count("{") - words.count("}")
    choices = _closings(words[:-1], missing + 1, parses, again=True)
    # Such labels lost all of them: a choice that leaves another script closed is not the cause.
    if len(choices) != 1 or _scripts_of_one_sign(choices[0].split()) != missing + 1:
        return None
    # If the last brace can stay in its place, only one script had lost its brace.
    kind = "script_closed" if _closings(words, missing, parses, again=False) == choices else "closers_at_end"
    return RepairedLabel(choices[0], (kind,))


def _scripts_of_one_sign(words: list[str]) -> int:
    return sum(
        words[i] in _MARKS
        and words[i + 1] == "{"
        and words[i + 2] not in _NO_FIRST_SIGN
        and words[i + 3] == "}"
        for i in range(len(words) - 3)
    )


def _closings(words: list[str], count: int, parses: Parses, again: bool) -> list[str]:
    """The labels that result from closing `count` scripts after their first sign: at most two of them.

    `again`: also close scripts that are followed by a brace already, which then closes an outer group.
    Empty if there are too many choices to try.
    """
    places = [
        i + 1
        for i in range(len(words) - 2)
        if words[i] in _MARKS
        and words[i + 1] == "{"
        and words[i + 2] not in _NO_FIRST_SIGN
        and (again or words[i + 3 : i + 4] != ["}"])
    ]
    if not 0 < count <= len(places):
        return []
    labels: dict[str, None] = {}
    for tried, chosen in enumerate(combinations(places, count)):
        if tried == _table().most_tried:
            return []
        label = _closed(words, chosen)
        if label not in labels and parses(label):
            labels[label] = None
            if len(labels) == 2:
                break
    return list(labels)


def _closed(words: list[str], places: tuple[int, ...]) -> str:
    out: list[str] = []
    start = 0
    for place in places:
        out += words[start : place + 2]
        out.append("}")
        start = place + 2
    return " ".join(out + words[start:])
