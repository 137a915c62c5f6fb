"""Labels to trees and back: properties first, then cases, then refusals by name and place."""

import sys

import pytest
from hypothesis import example, given

from hmer_tasks.exceptions import LabelError, RejectReason
from hmer_tasks.latex.parser import parse, unknown_commands
from hmer_tasks.latex.tokens import lex
from hmer_tasks.latex.tree import to_label
from hmer_tasks.latex.tree_text import parse_tree_text, tree_text
from tests.latex.strategies import grammar_labels, texts, token_lists


def explicit(label: str) -> str:
    return to_label(parse(label))


def round_trips(label: str) -> None:
    tree = parse(label)
    written = to_label(tree)
    assert parse(written) == tree
    assert to_label(parse(written)) == written
    text = tree_text(tree)
    assert parse_tree_text(text) == tree
    assert to_label(parse_tree_text(text)) == written
    symbols = [line.lstrip("\t").split(" ")[0] for line in text.split("\n")]
    assert not {"{", "}", "_", "^"} & set(symbols)


@given(grammar_labels)
@example(r"\begin {array} { _ \begin {cases} \end {cases} } x \end {array}")
def test_sentences_of_the_grammar_round_trip(label):
    try:
        tree = parse(label)
    except LabelError as error:
        # What the grammar leaves to the lexer: names that match, brackets that close, ink at all.
        assert error.reason in {
            RejectReason.UNBALANCED_ENVIRONMENT, RejectReason.UNBALANCED_BRACKET, RejectReason.MISSING_ARGUMENT, RejectReason.EMPTY_LABEL,
            RejectReason.UNBALANCED_BRACE, RejectReason.DOUBLE_SCRIPT, RejectReason.TOO_DEEP,
        }  # fmt: skip
        return
    assert tree.line
    round_trips(label)


@given(token_lists)
def test_any_tokens_parse_or_are_refused_by_name(label):
    try:
        parse(label)
    except LabelError as error:
        assert 0 <= error.position <= len(error.tokens) or error.reason is RejectReason.EMPTY_LABEL
        assert error.caret() or not error.tokens
        return
    round_trips(label)


@given(texts)
def test_any_text_parses_or_is_refused_by_name(text):
    try:
        parse(text)
    except LabelError:
        return
    round_trips(text)


@given(texts)
def test_any_text_is_a_tree_or_refused_by_name(text):
    try:
        tree = parse_tree_text(text)
    except LabelError:
        return
    assert tree_text(tree) == text
    assert parse(to_label(tree)) == tree


@pytest.mark.parametrize(
    "label",
    [
        r"| \frac { a x _ { 0 } } { \sqrt { a ^ { 2 } } } |",
        r"\sum _ { i = 1 } ^ { n } x",
        r"\sum ^ { n } _ { i = 1 } x",
        r"\sum \limits _ { i } ^ { n } x",
        r"x ^ { 2 } _ { 1 }",
        r"_ { 1 } x",
        r"{ } ^ { 2 } x",
        r"{ a } _ { 1 }",
        r"\frac { } { 2 }",
        r"x ^ { }",
        r"\hat { x } ^ { 2 }",
        r"\mathbb { R } ^ { n }",
        r"\overset { a } { b } \underset { c } { d }",
        r"\sqrt [ 3 ] { x }",
        r"\sqrt [ { ] } ] { x }",
        r"\sqrt { x } [ y ]",
        r"\frac { a } { b } { c }",
        r"a \\ b \\ c",
        r"a \\",
        r"\\ a",
        r"a \\ \\ b",
        r"a \\ ^ { 2 }",
        r"\\ _ { 2 } a",
        r"\begin {cases} 1 & x \\ 2 & y \end {cases} _ { k }",
        r"\begin {array} { c | c } a & b \\ \end {array}",
        r"\begin {array} { p { \quad c } @ { } l } a \end {array} \\ x",
        r"\begin {matrix} \end {matrix}",
        r"\left ( x \right ) ^ { 2 } _ { 1 }",
        r"n \choose k",
        r"f ' ^ { 2 }",
        r"x ^ { ' }",
        r"a \ b",
    ],
)
def test_explicit_labels_come_back_token_for_token(label):
    assert explicit(label) == label
    round_trips(label)


@pytest.mark.parametrize(
    ("label", "written"),
    [
        (r"\frac 1 2", r"\frac { 1 } { 2 }"),
        (r"x _ 1 ^ 2", r"x _ { 1 } ^ { 2 }"),
        (r"x ^ \frac { 1 } 2", r"x ^ { \frac { 1 } { 2 } }"),
        (r"\sqrt [ 3 ] 5", r"\sqrt [ 3 ] { 5 }"),
        (r"\sqrt \sqrt x", r"\sqrt { \sqrt { x } }"),
        (r"\begin{cases} a \end{cases}", r"\begin {cases} a \end {cases}"),
        (r"\begin { c a s e s } a \end { c a s e s }", r"\begin {cases} a \end {cases}"),
        (r"\left( x \right)", r"\left ( x \right )"),
        (r"x \sp 2 \sb i", r"x ^ { 2 } _ { i }"),
        (r"{} 12", r"{ } 1 2"),
        (r"\operatorname * { l i m }", r"\operatorname* { l i m }"),
        (r"x ^ \begin {matrix} a \end {matrix}", r"x ^ { \begin {matrix} a \end {matrix} }"),
    ],
)
def test_other_spellings_are_made_explicit(label, written):
    assert explicit(label) == written
    round_trips(label)


@pytest.mark.parametrize(
    ("label", "reason", "position"),
    [
        ("", RejectReason.EMPTY_LABEL, 0),
        ("   ", RejectReason.EMPTY_LABEL, 0),
        ("{ a", RejectReason.UNBALANCED_BRACE, 0),
        ("a { b { c }", RejectReason.UNBALANCED_BRACE, 1),
        ("a }", RejectReason.UNBALANCED_BRACE, 1),
        (r"x _ 1 _ 2", RejectReason.DOUBLE_SCRIPT, 3),
        (r"x ^ { 2 } _ 1 ^ { 3 }", RejectReason.DOUBLE_SCRIPT, 7),
        (r"\frac { 1 }", RejectReason.MISSING_ARGUMENT, 4),
        (r"\frac 1 & 2", RejectReason.MISSING_ARGUMENT, 2),
        (r"{ x ^ }", RejectReason.MISSING_ARGUMENT, 3),
        (r"x ^ _ 2", RejectReason.MISSING_ARGUMENT, 2),
        (r"x ^ \left ( 2", RejectReason.MISSING_ARGUMENT, 2),
        (r"x ^ \\ 2", RejectReason.MISSING_ARGUMENT, 2),
        (r"\sqrt \end {cases}", RejectReason.MISSING_ARGUMENT, 1),
        (r"\sqrt [ 3 { x }", RejectReason.UNBALANCED_BRACKET, 1),
        (r"\sqrt [ [ x ^ ] ] { x }", RejectReason.UNBALANCED_BRACKET, 1),
        (r"\sqrt [ [ x ^ ] ] { x } ]", RejectReason.UNBALANCED_BRACKET, 1),
        (r"\sqrt [ 3 ]", RejectReason.MISSING_ARGUMENT, 4),
        (r"\begin {foo} a \end {foo}", RejectReason.UNKNOWN_ENVIRONMENT, 1),
        (r"\begin {cases} a", RejectReason.UNBALANCED_ENVIRONMENT, 0),
        (r"a \end {cases}", RejectReason.UNBALANCED_ENVIRONMENT, 1),
        (r"\begin {cases} a \end {matrix}", RejectReason.UNBALANCED_ENVIRONMENT, 4),
        (r"\begin {array} a \end {array}", RejectReason.MISSING_ARGUMENT, 2),
        (r"\begin a", RejectReason.MISSING_ARGUMENT, 0),
        (r"a <deleted>", RejectReason.RESERVED_TOKEN, 1),
        (r"<none>", RejectReason.RESERVED_TOKEN, 0),
        ("a \x00", RejectReason.BAD_CHARACTER, 1),
        ("a \ud800", RejectReason.BAD_CHARACTER, 1),
    ],
)
def test_refusals_name_the_reason_and_the_place(label, reason, position):
    with pytest.raises(LabelError) as caught:
        parse(label)
    assert (caught.value.reason, caught.value.position) == (reason, position)


def test_the_caret_stands_under_the_place():
    with pytest.raises(LabelError) as caught:
        parse(r"x _ 1 _ 2")
    assert caught.value.caret() == "x _ 1 _ 2\n      ^"


def nested(depth: int) -> str:
    return r"\sqrt { " * depth + "x" + " }" * depth


@pytest.mark.parametrize("label", [nested(100), r"\sqrt " * 100 + "x", r" \\ ".join("a" * 101)])
def test_a_hundred_levels_parse(label):
    assert parse(label).depth() == 100
    round_trips(label)


@pytest.mark.parametrize(
    "label", [nested(101), nested(2000), nested(100_000), r"\sqrt " * 2000 + "x", r" \\ ".join("a" * 2000)]
)
def test_deeper_is_refused_by_name(label):
    with pytest.raises(LabelError) as caught:
        parse(label)
    assert caught.value.reason is RejectReason.TOO_DEEP


def calls(label: str) -> int:
    """Function calls, Python's and C's, that a label's tree and text cost: a clock that never jitters."""
    count = 0

    def hear(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(hear)
    try:
        tree_text(parse(label))
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(
    "unit", ["x", "x _ { 1 }", r"\frac { a } { b }", r"\sqrt [ 3 ] { x }", r"\begin {cases} a \end {cases}"]
)
def test_a_long_label_takes_linear_time(unit):
    tokens = len(unit.split())
    calls(unit)
    short = calls(" ".join([unit] * (10_000 // tokens)))
    long = calls(" ".join([unit] * (80_000 // tokens)))
    assert long < 8.1 * short


def test_unknown_commands_are_warnings():
    assert unknown_commands(r"\foo \alpha \frac { \bar { x } } { \foo } \begin {cases} \\ \end {cases}") == [
        r"\foo"
    ]


def test_glued_words_are_split():
    assert lex(r"\left(x^{12}").words == [r"\left", "(", "x", "^", "{", "1", "2", "}"]
