"""Hypothesis strategies: labels drawn from our own grammar, and any tokens at all."""

from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark
from lark import Lark

from hmer_tasks.utils.grammar_files import grammar_path

_SYMBOLS = ["x", "1", "+", "'", "(", "]", "[", r"\alpha", r"\sum", r"\lim", r"\foo", "->", "中", ",", "\\"]
TOKENS = [
    *_SYMBOLS[:-4], "{", "}", "_", "^", "&", r"\\", r"\frac", r"\sqrt", r"\hat", r"\overset", r"\left", r"\limits",
    r"\begin", r"\end", "{cases}", "{array}", r"\sp", r"\choose", r"\textcolor", r"\kern", r"\phantom", "{}", "12", r"\left(",
]  # fmt: skip


def _spaced(*words: str) -> st.SearchStrategy[str]:
    return st.sampled_from([f" {word} " for word in words])


_TERMINALS = {
    "SYMBOL": _spaced("x", "1", "+", "'", "(", r"\alpha", r"\sum", r"\lim", r"\foo", "中", "]"),
    "FENCE": _spaced("&", r"\left", r"\limits", r"\over", r"\hspace { 1 c m }", r"\kern - . 1 e m", r"\rm"),
    "BREAK": _spaced(r"\\"),
    "LBRACE": _spaced("{"),
    "RBRACE": _spaced("}"),
    "SUB": _spaced("_", r"\sb"),
    "SUP": _spaced("^"),
    "ONE": _spaced(r"\hat", r"\mathbb", r"\underline", r"\phantom", r"\textcolor { r e d }", r"\raise 2 p t"),
    "TWO": _spaced(r"\frac", r"\overset", r"\underset", r"\genfrac { ( } { ) } { } { 0 }"),
    "THREE": _spaced(r"\prescript", r"\underoverset"),
    "OPTIONAL": _spaced(r"\sqrt", r"\xrightarrow", r"\xlongequal"),
    "OPEN": _spaced("["),
    "CLOSE": _spaced("]"),
    "BEGIN": _spaced(r"\begin"),
    "END": _spaced(r"\end"),
    "NAME": _spaced("{cases}", "{array}"),
    "ARRAY": _spaced("{array}"),
    "COLUMNS": _spaced("{ c | c }", r"{ @ { \quad c } l }"),
}

# Sentences of grammar/latex.lark itself. Environment names may not match; the parser says so then.
grammar_labels = from_lark(
    Lark(grammar_path("latex.lark").read_text(encoding="utf-8"), start="start", parser="lalr"),
    explicit=_TERMINALS,
)
token_lists = st.lists(st.sampled_from(TOKENS), max_size=30).map(" ".join)
texts = st.text(max_size=60)
