r"""Edit distance and BLEU as UniMERNet reports them (Wang et al., arXiv 2404.15254), from its published
test script.

Both texts first lose the white space that separates no letters (`\frac { a } { b }` is `\frac{a}{b}`). The
edit distance is the mean of character distance / longer length. BLEU is that of the `evaluate` library:
tokens by mteval-v13a, at most four-grams, no smoothing.
"""

import re
from collections import Counter
from functools import lru_cache

ORDERS = (1, 2, 3, 4)
_UPRIGHT = re.compile(r"\\(?:operatorname|mathrm|text|mathbf)\s?\*? \{.*?\}")
# so many blanks come to the same as any more
_BLANK_RUN = re.compile(r"[^\S\n]{101,}")
# white space between two signs of which one at least is no letter; a control space stays
_NOT_LETTERS = re.compile(r"(?!\\ )([\W_\d])\s+?([\W_\d])")
_LETTER_AFTER = re.compile(r"(?!\\ )([\W_\d])\s+?([a-zA-Z])")
_LETTER_BEFORE = re.compile(r"([a-zA-Z])\s+?([\W_\d])")
# mteval-v13a
_PUNCTUATION = re.compile(r"[{-~\[-` -&(-+:-@/]")
_POINT_AFTER_OTHER = re.compile(r"([^0-9])([.,])")
_POINT_BEFORE_OTHER = re.compile(r"([.,])([^0-9])")
_DASH_AFTER_DIGIT = re.compile(r"([0-9])(-)")


def without_spaces(text: str) -> str:
    """A formula without the white space that TeX does not need."""
    text = "\n".join(
        map(_upright_closed, _BLANK_RUN.sub(lambda run: run[0][:50] + run[0][-50:], text).split("\n"))
    )
    while True:
        shorter = text
        for pattern in (_NOT_LETTERS, _LETTER_AFTER, _LETTER_BEFORE):
            shorter = pattern.sub(r"\1\2", shorter)
        if shorter == text:
            return text
        text = shorter


def _upright_closed(line: str) -> str:
    """A line whose upright words stand without spaces. Behind its last brace none ends: to look for one from
    every place there would take quadratic time."""
    end = line.rfind("}") + 1
    return _UPRIGHT.sub(lambda match: match[0].replace(" ", ""), line[:end]) + line[end:]


@lru_cache(maxsize=20_000)
def compact(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without spaces, and its tokens for BLEU."""
    shorter = without_spaces(text.strip())
    return shorter, tuple(mteval_tokens(shorter))


def mteval_tokens(text: str) -> list[str]:
    """The tokens of NIST's mteval-v13a: punctuation stands alone, points and commas stay within numbers."""
    text = text.replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, sign in (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")):
        text = text.replace(entity, sign)
    text = _PUNCTUATION.sub(r" \g<0> ", f" {text} ")
    text = _POINT_AFTER_OTHER.sub(r"\1 \2 ", text)
    text = _POINT_BEFORE_OTHER.sub(r" \1 \2", text)
    return _DASH_AFTER_DIGIT.sub(r"\1 \2 ", text).split()


def clipped(label: tuple[str, ...], read: tuple[str, ...]) -> tuple[list[int], list[int]]:
    """BLEU's clipped matches and n-grams of the prediction, for each order."""
    totals = [max(0, len(read) - n + 1) for n in ORDERS]
    if label == read:
        return totals, totals
    matched = [
        sum((Counter(_ngrams(label, n)) & Counter(_ngrams(read, n))).values()) if total else 0
        for n, total in zip(ORDERS, totals, strict=True)
    ]
    return matched, totals


def _ngrams(tokens: tuple[str, ...], n: int) -> list[tuple[str, ...]]:
    return [tokens[i : i + n] for i in range(len(tokens) - n + 1)]
