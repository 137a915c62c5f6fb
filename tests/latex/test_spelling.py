r"""The standard spelling: properties on labels of every construct, golden cases, real labels."""

import pytest
from hypothesis import given

from hmer_tasks.exceptions import LabelError, RejectReason
from hmer_tasks.latex.canonical import canonicalize, visually_equal
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.rules import SWITCHES, profile, standard
from hmer_tasks.latex.tables import tables
from hmer_tasks.latex.tree import to_label
from tests.conftest import read_labels
from tests.latex.expressions import LABELS, SOUP, explicit_form
from tests.latex.strategies import grammar_labels

# ---------------------------------------------------------------- properties


def check(label: str) -> None:
    if explicit_form(label) is None:
        return
    try:
        spelled = canonicalize(label)
    except LabelError as error:
        assert error.reason is RejectReason.EMPTY_LABEL
        return
    assert to_label(parse(spelled)) == spelled
    assert canonicalize(spelled) == spelled
    assert visually_equal(label, spelled)
    if "{array}" not in label:  # a column specification is left alone, space and all
        assert not standard().drop & set(spelled.split())


@given(LABELS)
def test_spelling_parses_to_itself_and_is_idempotent(label):
    check(label)


@given(grammar_labels)
def test_so_it_is_for_sentences_of_the_grammar(label):
    check(label)


@given(SOUP)
def test_so_it_is_for_any_tokens(label):
    check(label)


@given(SOUP, SOUP)
def test_same_on_paper_never_raises_and_is_symmetric(a, b):
    assert visually_equal(a, a)
    assert visually_equal(a, b) == visually_equal(b, a)


# ---------------------------------------------------------------- golden cases

CASES = [
    # aliases
    (r"a \le b \ne c \to d", r"a \leq b \neq c \rightarrow d"),
    (r"\lbrace x \rbrace \lvert y \rvert", r"\{ x \} | y |"),
    (r"\dfrac 1 2 \tbinom { n } { k }", r"\frac { 1 } { 2 } \binom { n } { k }"),
    (r"\stackrel { ! } { = }", r"\overset { ! } { = }"),
    # what looks different stays
    (r"a \leqslant b \ldots c \widehat { x } \overline { y }",) * 2,
    # dots, by the next token as written
    (r"a + \dots + b", r"a + \cdots + b"),
    (r"a , \dots , b", r"a , \ldots , b"),
    (r"a \dots = b", r"a \cdots = b"),
    (r"a \dots \le b", r"a \cdots \leq b"),
    (r"a \dots \int b", r"a \cdots \int b"),
    (r"a \dots \, + b", r"a \ldots + b"),
    (r"a \dots { + } b", r"a \ldots + b"),
    (r"\frac { a \dots } { b } + c", r"\frac { a \ldots } { b } + c"),
    (r"a \dots ^ { 2 } + b", r"a \ldots ^ { 2 } + b"),
    (r"( \dots \right ) + b", r"( \ldots ) + b"),
    (r"\mathbb { R } { \cal L } \mathcal { L } \star \varnothing",) * 2,
    # fonts, sizes and space
    (r"\mathrm { d } x \, \quad y ~ z", "d x y z"),
    (r"{ \rm Tr } \displaystyle x", "T r x"),
    (r"\phantom { x } y \hspace { 1 c m }", "y"),
    (r"\text { if } x", "i f x"),
    # a script that stood on space keeps its place
    (r"x \, ^ { 2 }", "x { } ^ { 2 }"),
    (r"\, ^ { 2 } x", "^ { 2 } x"),
    # groups
    ("{ x + 1 } = { { y } }", "x + 1 = y"),
    ("x ^ { { 2 } } { }", "x ^ { 2 }"),
    ("{ x } _ { 1 }", "x _ { 1 }"),
    ("{ x ^ { 2 } } ^ { 3 }",) * 2,
    ("{ a b } ^ { 2 }",) * 2,
    ("x { ^ { 2 } }",) * 2,
    (r"{ a \over b } + 1",) * 2,
    (r"x + { n \choose k }",) * 2,
    (r"x + { a \above 1 p t b }",) * 2,
    (r"{ a \atopwithdelims ( ) b } + c",) * 2,
    (r"{ a \overwithdelims [ ] b } + c",) * 2,
    (r"{ \underbracket { x } } _ { a }",) * 2,
    (r"{ \sum } _ { i } { \sum _ { i } }", r"{ \sum } _ { i } \sum _ { i }"),
    (
        r"\begin {matrix} { 1 } & { 2 } \\ { 3 } & 4 \end {matrix}",
        r"\begin {matrix} 1 & 2 \\ 3 & 4 \end {matrix}",
    ),
    (r"{ a \\ b } c",) * 2,
    (r"\frac { { a \over b } } { c }", r"\frac { a \over b } { c }"),
    (r"\sqrt [ { ] } ] { x } \sqrt [ { 3 } ] { x }", r"\sqrt [ { ] } ] { x } \sqrt [ 3 ] { x }"),
    # scripts
    ("x ^ { 2 } _ { 1 }", "x _ { 1 } ^ { 2 }"),
    ("x _ { } ^ { 2 } y ^ { }", "x ^ { 2 } y"),
    (r"\sum \limits ^ { n } _ { i }", r"\sum _ { i } ^ { n }"),
    # primes
    ("f '", r"f ^ { \prime }"),
    ("f ' '", r"f ^ { \prime \prime }"),
    ("f ^ { ' }", r"f ^ { \prime }"),
    ("f ' ^ { 2 }", r"f ^ { \prime 2 }"),
    ("x _ { 1 } '", r"x _ { 1 } ^ { \prime }"),
    ("x ^ { 2 } '",) * 2,
    # delimiters
    (r"\left ( x \right )", "( x )"),
    (r"\left . x \right | _ { 0 }", "x | _ { 0 }"),
    (r"\left \{ x \right . ^ { 2 }", r"\{ x { } ^ { 2 }"),
    (r"\left < x \right >", r"\langle x \rangle"),
    (r"\bigl ( x \bigr )", "( x )"),
    (r"\left ( a \over b \right ) c",) * 2,
    (r"\left ( a \above 1 p t b \right ) + 1",) * 2,
]


@pytest.mark.parametrize(("label", "spelled"), CASES, ids=[case[0] for case in CASES])
def test_golden(label, spelled):
    assert canonicalize(label) == spelled


@pytest.mark.parametrize(
    "label", [r"\,", r"{ } \quad ~", r"\left . \right .", "x ^ { } \\phantom { x }"[4:], ""]
)
def test_without_ink_there_is_no_label(label):
    with pytest.raises(LabelError) as error:
        canonicalize(label)
    assert error.value.reason is RejectReason.EMPTY_LABEL


def test_what_does_not_parse_is_refused_with_its_own_reason():
    with pytest.raises(LabelError) as error:
        canonicalize("x ^ { 2")
    assert error.value.reason is RejectReason.UNBALANCED_BRACE


def test_same_on_paper():
    assert visually_equal(r"\frac 1 2", r"\dfrac { 1 } { 2 }")
    assert visually_equal("x ^ {", "x  ^ {")  # no label, but the same tokens
    assert not visually_equal("x ^ {", "x ^ { 2 }")
    assert not visually_equal("x _ { 1 }", "x ^ { 1 }")
    assert not visually_equal(r"\,", r"\;")  # neither shows anything to be the same as


@given(grammar_labels)
def test_a_label_is_the_same_on_paper_as_its_spelling(label):
    try:
        spelled = canonicalize(label)
    except LabelError:
        return
    assert visually_equal(label, spelled)
    assert visually_equal(f"{{ {label} }}", spelled)
    assert not visually_equal(f"{label} 9", spelled)


# ---------------------------------------------------------------- the tables


@pytest.mark.parametrize("rules", [standard(), profile("crohme"), profile("mathwriting")])
def test_the_tables_name_what_exists_and_lead_to_an_end(rules):
    known = tables().symbols | tables().signatures.keys() | tables().fences | tables().operators | {"~"}
    assert rules.drop | rules.unwrap | rules.delimiter_sizes <= known
    for old, new in rules.alias.items():
        assert old in known
        assert not rules.alias.keys() & set(new)
        if old in tables().signatures:
            assert len(new) == 1
            was, becomes = tables().signatures[old], tables().signatures[new[0]]
            assert (was.option, was.arguments) == (becomes.option, becomes.arguments)
    for switch in SWITCHES:
        assert getattr(rules, switch) in SWITCHES[switch]


# ---------------------------------------------------------------- real labels

FILES = [
    "crohme/captions_train.tsv",
    "hme100k/train_labels_59452.tsv",
    "im2latex/validate.tsv",
    "mathwriting/test_half_a.tsv",
    "mne/N1.tsv",
    "predictions/hme100k_test_half_a.recogniser_a.tsv",
]


@pytest.mark.corpora
@pytest.mark.parametrize("name", FILES)
def test_real_labels_have_a_spelling(corpora, name):
    for label in read_labels(corpora / name)[::3]:
        check(label)
