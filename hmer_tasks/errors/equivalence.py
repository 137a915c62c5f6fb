r"""Whether a candidate looks the same on paper as its label: then it is no mistake.

Beyond the standard spelling (latex/canonical.py): `\sin` and `s i n`, `\iint` and `\int \int`,
`a \over b` and `\frac { a } { b }`, a row break before the end, `{bmatrix}` and `{matrix}` in brackets, a
group that bears a script (`{ 1 0 } ^ { 2 }` and `1 0 ^ { 2 }`): these are distinguished there because a
normaliser must not join or split what its owners wrote. `\lim _ { x }` and letters with a subscript are the
same here, as a hand may write limits beside their operator: what may be right is no mistake. Scores are
stricter (evaluation/letters.py).
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from itertools import zip_longest
from typing import Final

from hmer_tasks.errors.token_classes import tokens_of
from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.attributes import ATTRIBUTED
from hmer_tasks.latex.canonical import spell, visually_equal
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.rewrite import DOTS
from hmer_tasks.latex.rules import Rules, standard
from hmer_tasks.latex.tables import tables
from hmer_tasks.latex.tree import to_label

SPELLED: Final = {name: tuple(name[1:]) for name in tokens_of("function")} | {
    r"\lim": ("l", "i", "m"),
    r"\arg": ("a", "r", "g"),
    r"\deg": ("d", "e", "g"),
    r"\dim": ("d", "i", "m"),
    r"\ker": ("k", "e", "r"),
    r"\gcd": ("g", "c", "d"),
    r"\mod": ("m", "o", "d"),
    r"\bmod": ("m", "o", "d"),
    r"\Pr": ("P", "r"),
    r"\iint": (r"\int", r"\int"),
    r"\iiint": (r"\int", r"\int", r"\int"),
    r"\ldots": (".", ".", "."),
    r"\dots": (".", ".", "."),
    r"\cdots": (r"\cdot", r"\cdot", r"\cdot"),
    r"\dotsc": (".", ".", "."),
    r"\ll": ("<", "<"),
    r"\gg": (">", ">"),
    r"\|": ("|", "|"),
    r"\parallel": ("|", "|"),
    r"\Vert": ("|", "|"),
}  # fmt: skip
# Negated signs that are drawn as the sign and a stroke through it, as `\not` draws it.
_NEGATED: Final = {
    r"\neq": (r"\not", "="),
    r"\notin": (r"\not", r"\in"),
    r"\notni": (r"\not", r"\ni"),
    r"\nmid": (r"\not", "|"),
    r"\nparallel": (r"\not", "|", "|"),
    r"\nless": (r"\not", "<"),
    r"\ngtr": (r"\not", ">"),
    r"\nleq": (r"\not", r"\leq"),
    r"\ngeq": (r"\not", r"\geq"),
    r"\nsim": (r"\not", r"\sim"),
    r"\ncong": (r"\not", r"\cong"),
    r"\nsubseteq": (r"\not", r"\subseteq"),
    r"\nsupseteq": (r"\not", r"\supseteq"),
    r"\nexists": (r"\not", r"\exists"),
}
_DRAWN: Final = {**SPELLED, **_NEGATED, r"\ne": _NEGATED[r"\neq"]}
_ROW: Final = "\\\\"
_SCRIPTS: Final = frozenset(["_", "^"])
# Environments that are another one in delimiters.
_FENCED: Final = {
    "{pmatrix}": ("(", "{matrix}", ")"),
    "{bmatrix}": ("[", "{matrix}", "]"),
    "{Bmatrix}": (r"\{", "{matrix}", r"\}"),
    "{vmatrix}": ("|", "{matrix}", "|"),
    "{Vmatrix}": (r"\|", "{matrix}", r"\|"),
    "{smallmatrix}": ("", "{matrix}", ""),
}
# Accents that over a single symbol cannot be distinguished from a narrow one.
_WIDE: Final = {
    r"\widehat": r"\hat",
    r"\widetilde": r"\tilde",
    r"\overline": r"\bar",
    r"\overrightarrow": r"\vec",
}
_ALIGNMENTS: Final = frozenset("lcr")  # of a column: on paper they are no sign
_TELLING: Final = _DRAWN.keys() | _FENCED.keys() | _WIDE.keys() | {r"\over", _ROW, "{array}", "{matrix}"}


def is_equivalent(a: str, b: str) -> bool:
    """Whether the two cannot be distinguished on paper."""
    return are_equivalent(a.split(), b.split())


def are_equivalent(left: list[str], right: list[str]) -> bool:
    """The same of their tokens."""
    if left == right:
        return True
    if _other_signs(left, right):
        return False
    a, b = " ".join(left), " ".join(right)
    if visually_equal(a, b):
        return True
    if not (_TELLING.isdisjoint(left) and _TELLING.isdisjoint(right)):
        a, b = _spelled_out(left), _spelled_out(right)
        if visually_equal(a, b):
            return True
    if _grouped(left) == _grouped(right) and not (_may_bear(left) or _may_bear(right)):
        return False
    return _without_groups(a, _dissolving()) == _without_groups(b, _dissolving())


def _other_signs(left: list[str], right: list[str]) -> bool:
    """Whether the two certainly differ: of some sign that every rule leaves alone there are more on one
    side. What both begin and end with needs no counting, which makes this a cheap way out.
    """
    signs, swallows = _signs()
    if not (swallows.isdisjoint(left) and swallows.isdisjoint(right)):
        return False
    shared = min(len(left), len(right))
    head = tail = 0
    while head < shared and left[head] == right[head]:
        head += 1
    while tail < shared - head and left[-1 - tail] == right[-1 - tail]:
        tail += 1
    a = [sign for token in left[head : len(left) - tail] for sign in signs.get(token, ())]
    b = [sign for token in right[head : len(right) - tail] for sign in signs.get(token, ())]
    return sorted(a) != sorted(b)


@cache
def _signs() -> tuple[dict[str, tuple[str, ...]], frozenset[str]]:
    """The signs that a token stands for, where rules at most spell them otherwise; and the tokens that
    may take others with them when they go."""
    t, rules = tables(), standard()
    known = (t.symbols | t.operators).union(t.signatures, map(chr, range(0x21, 0x7F)))
    moved = (rules.drop | rules.unwrap | rules.delimiter_sizes | rules.scoped).union(t.scripts)
    moved |= {*"{}_^'.", r"\prime", r"\limits", r"\nolimits", r"\frac", r"\over", _ROW}
    spelled = {}
    for token in known.union(rules.alias, _DRAWN):
        signs = [
            _WIDE.get(sign, sign)
            for alias in rules.alias.get(token, (token,))
            for sign in _DRAWN.get(alias, (alias,))
        ]
        spelled[token] = () if token in moved else tuple(sign for sign in signs if sign not in moved)
    # A command that is taken from around its argument takes its options with it (the colour of \textcolor),
    # and \dots is low or centred as what follows asks.
    return spelled, rules.drop | (rules.unwrap & ATTRIBUTED) | {r"\begin", r"\dots"}


def _grouped(tokens: list[str]) -> int:
    """How many braces there are: a group's may be on one side alone."""
    return tokens.count("{")


def _may_bear(tokens: list[str]) -> bool:
    """Whether a group that is no argument may bear a script: its braces can be written in several ways."""
    commands = tables().signatures
    open_groups: list[bool] = []
    before = ""
    for token, after in zip_longest(tokens, tokens[1:], fillvalue=""):
        if token == "{":
            open_groups.append(before not in _SCRIPTS and before not in commands)
        elif token == "}" and open_groups and open_groups.pop() and after in _SCRIPTS:
            return True
        before = token
    return False


@cache
def _dissolving() -> Rules:
    return replace(standard(), groups="dissolve")


@cache
def _braces_alone() -> Rules:
    none: frozenset[str] = frozenset()
    kept = replace(_dissolving(), drop=none, unwrap=none, delimiter_sizes=none, alias={}, join={})
    return replace(kept, unicode="keep", empty_scripts="keep", limits="keep", primes="keep", scripts="keep")


def _without_groups(label: str, rules: Rules) -> str:
    try:
        return spell(label, rules)
    except LabelError:
        return label


def without_groups(label: str) -> str:
    r"""The label without the braces that leave no ink (`\bar { { x } }`, `{ 1 0 } ^ { 2 }`), and without a
    row break that no row follows; nothing else changes. One that does not parse keeps its braces."""
    tokens = label.split()
    if _ROW in tokens:
        label = " ".join(_without_last_breaks(tokens))
    return _without_groups(label, _braces_alone())


def _without_last_breaks(tokens: list[str]) -> list[str]:
    pairs = zip_longest(tokens, tokens[1:], fillvalue="")
    return [token for token, following in pairs if token != _ROW or following not in ("", r"\end")]


def _spelled_out(tokens: list[str]) -> str:
    out: list[str] = []
    tokens = _without_last_breaks(respelt(_without_columns(_narrowed(tokens)), _FENCED.keys()))
    for token, after in zip_longest(tokens, tokens[1:], fillvalue=""):
        if token == DOTS:  # low or centred, as amsmath sets it
            out += SPELLED[r"\cdots" if after in standard().centred_dots else r"\ldots"]
        else:
            out += _DRAWN.get(token, (token,))
    return _without_over(_without_single_cells(out))


def _without_single_cells(tokens: list[str]) -> list[str]:
    r"""The label without `\begin {matrix}` and its `\end` around one cell: alone they leave no ink."""
    if "{matrix}" not in tokens:
        return tokens
    cells: list[list[str]] = [[]]  # of each environment that is open its tokens, from `\begin` on
    for token in tokens:
        before = cells[-1][-1:]
        if token == r"\begin":
            cells.append([token])
        elif before == [r"\end"] and len(cells) > 1:
            cell = [*cells.pop(), token]
            single = cell[1:2] == ["{matrix}"] == cell[-1:] and _ROW not in cell and "&" not in cell
            cells[-1] += cell[2:-2] if single else cell
        else:
            cells[-1].append(token)
    return [token for cell in cells for token in cell]


def _narrowed(tokens: list[str]) -> list[str]:
    r"""`\widehat { x }` as `\hat { x }`: over one symbol both are as wide as it is."""
    if _WIDE.keys().isdisjoint(tokens):
        return tokens
    return [
        _WIDE[token]
        if token in _WIDE and tokens[at + 1 : at + 2] == ["{"] and tokens[at + 3 : at + 4] == ["}"]
        else token
        for at, token in enumerate(tokens)
    ]


def _without_columns(tokens: list[str]) -> list[str]:
    r"""`\begin {array} { c c }` as `\begin {matrix}`, where no rule stands between its columns."""
    if "{array}" not in tokens:
        return tokens
    out: list[str] = []
    plain: list[bool] = []  # of each array that is open: whether it became a matrix
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token == "{array}" and out[-1:] == [r"\begin"] and tokens[at + 1 : at + 2] == ["{"]:
            stop = at + 2
            while stop < len(tokens) and tokens[stop] in _ALIGNMENTS:
                stop += 1
            plain.append(tokens[stop : stop + 1] == ["}"])
            if plain[-1]:
                out.append("{matrix}")
                at = stop + 1
                continue
        elif token == "{array}" and out[-1:] == [r"\end"] and plain and plain.pop():
            token = "{matrix}"
        out.append(token)
        at += 1
    return out


def respelt(tokens: list[str], names: Iterable[str]) -> list[str]:
    """The label with environments of these names as `{matrix}` in delimiters, where they are that."""
    environments = _FENCED.keys() & set(names)
    if environments.isdisjoint(tokens):
        return tokens
    out: list[str] = []
    for token, before in zip(tokens, ["", *tokens], strict=False):
        if token in environments and before in (r"\begin", r"\end"):
            opening, name, closing = _FENCED[token]
            if before == r"\end":
                out += [name, closing] if closing else [name]
            else:
                out[-1:] = [opening, before, name] if opening else [before, name]
        else:
            out.append(token)
    return out


def _without_over(tokens: list[str]) -> str:
    r"""`{ a \over b }` as `\frac { a } { b }`, at the top and between `\left` and `\right` as well.

    Braces that do not match leave it be.
    """
    text = " ".join(tokens)
    if r"\over" not in tokens:
        return text
    open_groups: list[list[list[str]]] = [[[]]]  # of each group its parts between one \over and the next
    openers = [""]  # of each group
    for before, token in zip(["", *tokens], tokens, strict=False):
        if before == r"\left":  # the delimiter stands before the group that it opens
            open_groups[-1][-1].append(token)
            open_groups.append([[]])
            openers.append(before)
        elif token == "{":
            open_groups.append([[]])
            openers.append(token)
        elif token == r"\over":
            open_groups[-1].append([])
        elif token not in ("}", r"\right"):
            open_groups[-1][-1].append(token)
        elif openers.pop() == ("{" if token == "}" else r"\left"):
            inside = _as_fraction(open_groups.pop())
            open_groups[-1][-1] += ["{", *inside, "}"] if token == "}" else [*inside, token]
        else:
            return text
    if len(open_groups) > 1:
        return text
    text = " ".join(["{", *_as_fraction(open_groups[0]), "}"])
    try:
        return to_label(parse(text))
    except LabelError:
        return text


def _as_fraction(parts: list[list[str]]) -> list[str]:
    r"""The parts between one \over and the next, each next one in the denominator."""
    *above, last = parts
    out: list[str] = []
    for part in above:
        out += [r"\frac", "{", *part, "}", "{"]
    return [*out, *last, *["}"] * len(above)]
