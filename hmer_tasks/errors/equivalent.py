r"""Whether a candidate looks the same on paper as its label: then it is no mistake.

Beyond the standard spelling (latex/spelling.py): `\sin` and `s i n`, `\iint` and `\int \int`,
`a \over b` and `\frac { a } { b }`, a row break before the end: these are told apart there because a
normaliser must not join or split what its owners wrote.
"""

from hmer_tasks.errors.sorts import tokens_of
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.spelling import same_on_paper
from hmer_tasks.latex.tree import to_label
from hmer_tasks.reasons import LabelError

_SPELLED = {name: tuple(name[1:]) for name in tokens_of("function")} | {
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
    "''": ("'", "'"),
}  # fmt: skip
_ROW = "\\\\"
_TELLING = _SPELLED.keys() | {r"\over", _ROW}


def looks_the_same(a: str, b: str) -> bool:
    """Whether the two cannot be told apart on paper."""
    if same_on_paper(a, b):
        return True
    left, right = a.split(), b.split()
    if _TELLING.isdisjoint(left) and _TELLING.isdisjoint(right):
        return False  # nothing would be spelled otherwise
    if len(left) == len(right) and _TELLING.isdisjoint(set(left) ^ set(right)):
        return False
    return same_on_paper(_spelled_out(left), _spelled_out(right))


def _spelled_out(tokens: list[str]) -> str:
    out: list[str] = []
    for token, following in zip(tokens, [*tokens[1:], ""], strict=True):
        if token != _ROW or following != r"\end":  # a row break with no row after it
            out += _SPELLED.get(token, (token,))
    return _without_over(out)


def _without_over(tokens: list[str]) -> str:
    r"""`{ a \over b }` as `\frac { a } { b }`, at the top as well."""
    if r"\over" not in tokens:
        return " ".join(tokens)
    tokens = ["{", *tokens, "}"]
    while r"\over" in tokens:
        at = tokens.index(r"\over")
        start, end = _edge(tokens, at, -1), _edge(tokens, at, 1)
        if start < 0 or end >= len(tokens):
            break
        above, below = tokens[start + 1 : at], tokens[at + 1 : end]
        tokens[start : end + 1] = ["{", r"\frac", "{", *above, "}", "{", *below, "}", "}"]
    text = " ".join(tokens)
    try:
        return to_label(parse(text))
    except LabelError:
        return text


def _edge(tokens: list[str], at: int, step: int) -> int:
    depth, place = 0, at + step
    opening, closing = ("}", "{") if step < 0 else ("{", "}")
    while 0 <= place < len(tokens):
        if tokens[place] == closing and depth == 0:
            return place
        depth += (tokens[place] == opening) - (tokens[place] == closing)
        place += step
    return place
