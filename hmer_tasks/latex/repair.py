r"""Labels that are nearly TeX, repaired where there is one way to repair them: `--repair`, opt-in.

A repair has a name, its kind; which kinds hold for any label and which only for the labels of one corpus is
the table [rules] of grammar/repairs.toml. Nothing guesses where a brace goes but in a corpus known to have
lost its braces in one way. A label that parses is never touched, except for signs that are no TeX at all
(full-width forms, √, `[object Object]`). Linear in the label.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import combinations

from hmer_tasks.exceptions import LabelError, RejectReason
from hmer_tasks.latex.environment_names import ENVIRONMENT, mend_environments
from hmer_tasks.latex.tables import tables
from hmer_tasks.latex.unicode import to_commands
from hmer_tasks.latex.words import is_token, split_glued
from hmer_tasks.utils.grammar_files import read_toml

Parses = Callable[[str], bool]
KINDS = ("full_width", "root_sign", "stray_object", "environment_name", "script_closed", "closers_at_end")
_NO_FIRST_SIGN = frozenset(["{", "}", "_", "^", "&", "\\\\", "'"])
_MARKS = frozenset(["_", "^", "\\sp", "\\sb"])
_MOST_PASSES = 8  # one repair may show what another is needed for; no label known takes more than two


@dataclass(frozen=True, slots=True)
class RepairedLabel:
    """A mended label (white-space-separated tokens) and the kinds of mends, in the order made."""

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
        found = data[section]
        assert isinstance(found, dict)
        return str(found[name])

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
    """The kinds of repairs that are made in the labels of this corpus alone; none for most."""
    return _table().of_corpus.get(corpus, ())


def rules_of(corpus: str) -> tuple[str, ...]:
    """The kinds of repairs that are made in labels of a corpus; an empty name: of no corpus that is known."""
    return (*_table().any_label, *own_rules(corpus))


def mend(label: str, parses: Parses, corpus: str = "") -> RepairedLabel | None:
    """The label mended; None where nothing is wrong with it, or where more than one mend would do.

    `parses` tells whether a label is one (it may normalise raw LaTeX first); `corpus` is the name of
    the corpus, some of which have a defect of their own. Raises LabelError (`lost_text`) where the
    label lacks something that no mend can bring back.
    """
    if ("%" in label and "\n" in label) or not tables().reserved.isdisjoint(label.split()):
        return None  # a comment ends with its line, and a label of tokens has no lines
    rules = rules_of(corpus)
    mended, kinds = label, dict[str, None]()
    for _ in range(_MOST_PASSES):
        found = _mend_once(mended, parses, rules)
        if found is None:
            return RepairedLabel(mended, tuple(kinds)) if kinds else None
        mended = found.label
        kinds.update(dict.fromkeys(found.kinds))
    return None


def _mend_once(label: str, parses: Parses, rules: tuple[str, ...]) -> RepairedLabel | None:
    words = _tokens(label)
    kinds = []
    for kind, step in _STEPS.items():
        changed = step(words) if kind in rules else words
        if changed != words:
            kinds.append(kind)
            words = changed
    mended = " ".join(words)
    if parses(mended if kinds else label):
        return RepairedLabel(mended, tuple(kinds)) if kinds else None
    if "closers_at_end" in rules and (found := _closers_moved_back(words, parses)) is not None:
        return RepairedLabel(found.label, (*kinds, *found.kinds))
    return None


def _tokens(label: str) -> list[str]:
    tokens: list[str] = []
    for word in label.split():
        named = tokens[-1:] in (["\\begin"], ["\\end"]) and ENVIRONMENT.fullmatch(word)
        tokens += [word] if named or is_token(word) else split_glued(word)
    return tokens


# ---------------------------------------------------------------- signs that are no TeX


def _narrow(words: list[str]) -> list[str]:
    """Full-width forms as the signs they are."""
    wide = _table().wide
    if wide.isdisjoint(words):
        return words
    return [new for word in words for new in (to_commands(word) if word in wide else (word,))]


def _roots(words: list[str]) -> list[str]:
    r"""√ as \sqrt where it is plain how far it reaches."""
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
    """Whether the sign at `i` is a letter, a digit or a command alone, and a root must end after it."""
    if i >= len(words) or words[i] in tables().signatures or words[i] in tables().operators:
        return False
    plain = words[i].isalnum() or (words[i][0] == "\\" and words[i] in tables().symbols)
    enders = _table().enders
    return plain and words[i] not in enders and (i + 1 == len(words) or words[i + 1] in enders)


def _without_strays(words: list[str]) -> list[str]:
    """Labels without a program's words. Raises LabelError where they stand for a root's index."""
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


_STEPS: dict[str, Callable[[list[str]], list[str]]] = {
    "full_width": _narrow,
    "stray_object": _without_strays,
    "root_sign": _roots,
    "environment_name": mend_environments,
}


# ---------------------------------------------------------------- braces


def _closers_moved_back(words: list[str], parses: Parses) -> RepairedLabel | None:
    """A label whose scripts of one sign lost their closing braces, of which one stands at the very end:
    the braces moved back, where just one choice of scripts makes a label."""
    if words[-1:] != ["}"] or len(words) > _table().longest:
        return None
    missing = words.count("{") - words.count("}")
    found = _closings(words[:-1], missing + 1, parses, again=True)
    # They lost them all: a choice that leaves another one closed is not what happened.
    if len(found) != 1 or _scripts_of_one_sign(found[0].split()) != missing + 1:
        return None
    # Where the last brace may as well have been in its place, one script alone wanted closing.
    kind = "script_closed" if _closings(words, missing, parses, again=False) == found else "closers_at_end"
    return RepairedLabel(found[0], (kind,))


def _scripts_of_one_sign(words: list[str]) -> int:
    return sum(
        words[i] in _MARKS
        and words[i + 1] == "{"
        and words[i + 2] not in _NO_FIRST_SIGN
        and words[i + 3] == "}"
        for i in range(len(words) - 3)
    )


def _closings(words: list[str], count: int, parses: Parses, again: bool) -> list[str]:
    """The labels that come of closing `count` scripts after their first sign: none, one or two of them.

    `again`: also those that a brace closes there already (it then closes what stands around). None
    of them where there are too many choices to try.
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
    found: dict[str, None] = {}
    for tried, chosen in enumerate(combinations(places, count)):
        if tried == _table().most_tried:
            return []
        label = _closed(words, chosen)
        if label not in found and parses(label):
            found[label] = None
            if len(found) == 2:
                break
    return list(found)


def _closed(words: list[str], places: tuple[int, ...]) -> str:
    out: list[str] = []
    start = 0
    for place in places:
        out += words[start : place + 2]
        out.append("}")
        start = place + 2
    return " ".join(out + words[start:])
