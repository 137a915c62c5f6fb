r"""Labels that are nearly TeX, mended where there is one way to mend them: `--repair`, opt-in.

A mend has a name, its kind; the table is grammar/repairs.toml. A label that parses is never touched,
except for signs that are no TeX at all (full-width forms, √, `[object Object]`).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations

from hmer_tasks.grammar_files import read_toml
from hmer_tasks.latex.environment_names import ENVIRONMENT, mend_environments
from hmer_tasks.latex.tables import tables
from hmer_tasks.latex.unicode import to_commands
from hmer_tasks.latex.words import is_token, split_glued
from hmer_tasks.reasons import LabelError, Reason

Parses = Callable[[str], bool]
KINDS = (
    "full_width",
    "root_sign",
    "stray_object",
    "environment_name",
    "script_closed",
    "closers_at_end",
    "surplus_brace",
)
_NO_FIRST_SIGN = frozenset(["{", "}", "_", "^", "&", "\\\\", "'"])
_MARKS = frozenset(["_", "^", "\\sp", "\\sb"])


@dataclass(frozen=True, slots=True)
class Mended:
    """A mended label (white-space-separated tokens) and the kinds of mends, in the order made."""

    label: str
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Table:
    wide: frozenset[str]
    root: str
    enders: frozenset[str]
    stray: tuple[str, ...]
    closers_at_end: frozenset[str]
    leading: frozenset[str]
    most_tried: int


@cache
def _table() -> _Table:
    data = read_toml("repairs.toml")

    def of(section: str, name: str) -> str:
        found = data[section]
        assert isinstance(found, dict)
        return str(found[name])

    first, last = ord(of("signs", "first")), ord(of("signs", "last"))
    return _Table(
        wide=frozenset(map(chr, range(first, last + 1))),
        root=of("root", "sign"),
        enders=frozenset(of("root", "enders").split()),
        stray=tuple(split_glued(of("stray", "text"))),
        closers_at_end=frozenset(of("braces", "closers_at_end").split()),
        leading=frozenset(of("braces", "leading").split()),
        most_tried=int(of("braces", "most_tried")),
    )


def mend(label: str, parses: Parses, corpus: str = "") -> Mended | None:
    """The label mended; None where nothing is wrong with it, or where more than one mend would do.

    `parses` tells whether a label is one (it may normalise raw LaTeX first); `corpus` is the name of
    the corpus, some of which have a defect of their own. Raises LabelError (`lost_text`) where the
    label lacks something that no mend can bring back.
    """
    if ("%" in label and "\n" in label) or not tables().reserved.isdisjoint(label.split()):
        return None  # a comment ends with its line, and a label of tokens has no lines
    mended, kinds = label, dict[str, None]()
    # Again and again: one mend may show what another is needed for. Each takes something away.
    while (found := _mend_once(mended, parses, corpus)) is not None:
        mended = found.label
        kinds.update(dict.fromkeys(found.kinds))
    return Mended(mended, tuple(kinds)) if kinds else None


def _mend_once(label: str, parses: Parses, corpus: str) -> Mended | None:
    words = _tokens(label)
    kinds = []
    for kind, step in (
        ("full_width", _narrow),
        ("stray_object", _without_strays),
        ("root_sign", _roots),
        ("environment_name", mend_environments),
    ):
        changed = step(words)
        if changed != words:
            kinds.append(kind)
            words = changed
    mended = " ".join(words)
    if parses(mended if kinds else label):
        return Mended(mended, tuple(kinds)) if kinds else None
    for kind, found in _brace_mends(words, parses, corpus):
        return Mended(found, (*kinds, kind))
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
    out: list[str] = []
    i = 0
    while i < len(words):
        if words[i] != stray[0] or words[i : i + len(stray)] != stray:
            out.append(words[i])
            i += 1
            continue
        before = out[-2:-1] if out[-1:] == ["["] else out[-1:]
        owner = tables().signatures.get(before[0]) if before else None
        if before == [_table().root] or (owner is not None and owner.option):
            detail = f"{''.join(stray)} stands where {before[0]} had its index, and nothing tells which"
            raise LabelError(Reason.LOST_TEXT, len(out), detail, tuple(words))
        i += len(stray)
    return out


# ---------------------------------------------------------------- braces


def _brace_mends(words: list[str], parses: Parses, corpus: str) -> Iterator[tuple[str, str]]:
    """The one mend of a label's braces, if there is just one: its kind and the label."""
    missing = words.count("{") - words.count("}")
    if missing < 0:
        found = _distinct((_without(words, i) for i, w in enumerate(words) if w == "}"), parses)
        if missing == -1 and len(found) == 1:
            yield "surplus_brace", found[0]
        return
    given_back = _closings(words, missing, parses, again=False)
    moved: list[str] | None = []
    if words[-1:] == ["}"]:
        moved = _closings(words[:-1], missing + 1, parses, again=True)
    if given_back is None or moved is None:
        return
    if corpus in _table().closers_at_end and len(moved) == 1:
        kind = "script_closed" if given_back == moved else "closers_at_end"
        yield kind, moved[0]
    elif (
        len(given_back) == 1
        and moved in ([], given_back)
        and _leading_scripts(given_back[0].split()) == _leading_scripts(words)
    ):
        yield "script_closed", given_back[0]


def _leading_scripts(words: list[str]) -> int:
    """How many scripts are one sign that hardly is a whole script: `e ^ { - }` means that more followed."""
    leading = _table().leading
    return sum(
        words[i] in leading and words[i - 1] == "{" and words[i + 1] == "}" and words[i - 2] in _MARKS
        for i in range(2, len(words) - 1)
    )


def _closings(words: list[str], count: int, parses: Parses, again: bool) -> list[str] | None:
    """The labels that come of closing `count` scripts after their first sign: none, one or two of them.

    `again`: also those that a brace closes there already (it then closes what stands around). None
    where there are too many choices to try.
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
            return None
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


def _without(words: list[str], i: int) -> str:
    return " ".join(words[:i] + words[i + 1 :])


def _distinct(labels: Iterable[str], parses: Parses) -> list[str]:
    return [label for label in dict.fromkeys(labels) if parses(label)]
