r"""Arguments without ink belong to their command's node, come back token for token, and count nothing."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hmer_tasks.exceptions import LabelError, RejectReason
from hmer_tasks.latex.attributes import ATTRIBUTED, HIDDEN, ink_tokens, symbol_end
from hmer_tasks.latex.counts import count_symbols, count_text
from hmer_tasks.latex.parser import parse, unknown_commands
from hmer_tasks.latex.tables import tables
from hmer_tasks.latex.tree import NONE, to_label
from hmer_tasks.latex.tree_text import parse_tree_text, tree_text
from hmer_tasks.latex.uni_mumer_tree import released_tree_text

# label, its tree's text with → for a TAB, its counts
CASES = [
    (r"\textcolor { red } { x }", "\\textcolor{red}\n→x (inside)", r"\textcolor: 1, x: 1"),
    (r"\textcolor { r e d } { x }", "\\textcolor{r e d}\n→x (inside)", r"\textcolor: 1, x: 1"),
    (r"\color { red } x", "\\color{red}\nx (right)", r"\color: 1, x: 1"),
    (r"\colorbox { b l u e ! 2 0 } { x }", "\\colorbox{blue!20}\n→x (inside)", r"\colorbox: 1, x: 1"),
    (r"\color [ R G B ] { 1 , 0 , 0 } x", "\\color[RGB]{1,0,0}\nx (right)", r"\color: 1, x: 1"),
    (r"a \hspace { 1 c m } b", "a\n\\hspace{1cm} (right)\nb (right)", r"a: 1, \hspace: 1, b: 1"),
    (r"\hspace* { - \parindent } x", "\\hspace*{-\\parindent}\nx (right)", r"\hspace*: 1, x: 1"),
    (r"\kern 1 p t", r"\kern1pt", r"\kern: 1"),
    (r"\kern - . 1 8 e m k", "\\kern-.18em\nk (right)", r"\kern: 1, k: 1"),
    (r"\hskip 1 e m p l u s 2 p t x", "\\hskip1emplus2pt\nx (right)", r"\hskip: 1, x: 1"),
    (r"\mkern 1 8 m u \mskip \medmuskip x", "\\mkern18mu\n\\mskip\\medmuskip (right)\nx (right)", r"\mkern: 1, \mskip: 1, x: 1"),
    (r"\raisebox { - 1 e x } [ 2 e x ] { x } ^ { 2 }", "\\raisebox{-1ex}[2ex]\n→x (inside)\n→2 (sup)", r"\raisebox: 1, x: 1, ^: 1, 2: 1"),
    (r"\raise 2 p t { x }", "\\raise2pt\n→x (inside)", r"\raise: 1, x: 1"),
    (r"\phantom { \alpha x ^ { 2 } } _ { 1 }", "\\phantom{\\alpha x^{2}}\n→1 (sub)", r"\phantom: 1, _: 1, 1: 1"),
    (r"\phantom { }", r"\phantom{}", r"\phantom: 1"),
    (r"\phantom { [ 0 , 1 ) \ x } y", "\\phantom{[0,1)\\ x}\ny (right)", r"\phantom: 1, y: 1"),
    (r"\rule [ 1 p t ] { 1 e m } { 2 p t }", r"\rule[1pt]{1em}{2pt}", r"\rule: 1"),
    (r"\definecolor { m } { r g b } { 1 , 0 , 0 } x", "\\definecolor{m}{rgb}{1,0,0}\nx (right)", r"\definecolor: 1, x: 1"),
    (r"\smash [ b ] { x }", "\\smash[b]\n→x (inside)", r"\smash: 1, x: 1"),
    (r"\genfrac { ( } { ) } { 0 p t } { 0 } { a } { b }", "\\genfrac{(}{)}{0pt}{0}\n→a (above)\n→b (below)",
     r"\genfrac: 1, (: 1, ): 1, a: 1, b: 1"),
    (r"a \above 1 p t b", "a\n\\above1pt (right)\nb (right)", r"a: 1, \above: 1, b: 1"),
    (r"\multicolumn { 2 } { c } { x }", "\\multicolumn{2}{c}\n→x (inside)", r"\multicolumn: 1, x: 1"),
    (r"\char 6 5 x", "\\char65\nx (right)", r"\char: 1, x: 1"),
]  # fmt: skip


@pytest.mark.parametrize(("label", "tree", "counts"), CASES, ids=[case[0] for case in CASES])
def test_tree_label_and_counts(label, tree, counts):
    read = parse(label)
    assert to_label(read) == label
    assert tree_text(read) == tree.replace("→", "\t")
    assert parse_tree_text(tree.replace("→", "\t")) == read
    assert count_text(label) == counts
    letters = [letter for token in label.split() for letter in (token if token == "red" else [token])]
    assert sum(count_symbols(label, "released").values()) == len([t for t in letters if t not in "{}"])


def test_what_is_glued_is_split():
    written = r"\textcolor { red } { x } \kern 1 p t \hspace { 1 c m }"
    for label in (r"\textcolor{red}{x}\kern1pt\hspace{1cm}", r"\textcolor {red} {x} \kern 1pt \hspace {1cm}"):
        assert to_label(parse(label)) == written
    for label in (r"\operatorname *{x}", r"\operatorname*{x}", r"\operatorname * { x }"):
        assert to_label(parse(label)) == r"\operatorname* { x }"
    assert to_label(parse(r"\phantom x \phantom { y ^ 2 }")) == r"\phantom { x } \phantom { y ^ { 2 } }"


@pytest.mark.parametrize(
    ("label", "reason", "position"),
    [
        (r"\kern x", RejectReason.MISSING_ARGUMENT, 1),
        (r"\kern 1 x", RejectReason.MISSING_ARGUMENT, 1),
        (r"x \hspace", RejectReason.MISSING_ARGUMENT, 2),
        (r"\textcolor { r e d }", RejectReason.MISSING_ARGUMENT, 6),
        (r"\hspace { 1 c m", RejectReason.UNBALANCED_BRACE, 1),
        (r"\color [ R G B { x }", RejectReason.UNBALANCED_BRACKET, 1),
        (r"x ^ \kern 1 p t", RejectReason.MISSING_ARGUMENT, 2),
        (r"\phantom { x _ }", RejectReason.MISSING_ARGUMENT, 4),
        (r"\hspace \frac { 1 } { 2 }", RejectReason.MISSING_ARGUMENT, 1),
        *((rf"\char ` {sign} y", RejectReason.MISSING_ARGUMENT, 1) for sign in ("\\", "{", "}", "[", "]")),
        (r"\char `", RejectReason.MISSING_ARGUMENT, 1),
    ],
)
def test_refusals_name_the_reason_and_the_place(label, reason, position):
    with pytest.raises(LabelError) as caught:
        parse(label)
    assert (caught.value.reason, caught.value.position) == (reason, position)


@pytest.mark.parametrize(
    "text",
    [
        "\\textcolor\n\tx (inside)", "\\textcolor{red}", "\\hspace{1cm", "\\hspace", "\\kern\n1 (right)", "\\kern1xx",
        "\\phantom\n\tx (inside)", "\\phantom{x_}", "\\phantom{x^2}", "\\hspace{1 cm}", "\\smash{b}\n\tx (inside)",
        "\\hspace{1cm}x", "\\textcolor{red}{x}",
    ],
)  # fmt: skip
def test_what_is_no_tree_is_refused(text):
    with pytest.raises(LabelError):
        parse_tree_text(text)


def test_the_released_dialect_reads_every_token():
    reds = [released_tree_text(rf"\color {{ {name} }} x") for name in ("red", "r e d")]
    assert reds[0] == reds[1]
    assert released_tree_text(r"\kern 1 p t") == "\\kern\n1 (right)\np (right)\nt (right)"
    assert count_text(r"\kern 1 p t", "released") == r"\kern: 1, 1: 1, p: 1, t: 1"


# ---------------------------------------------------------------- properties

_CHARACTERS = st.sampled_from(
    [*"abc019.-+,=[]", r"\alpha", r"\parindent", "\\", r"\{", "'", "*", "中", r"\,"]
)
_GROUPS = st.recursive(
    st.lists(_CHARACTERS, max_size=4).map(" ".join),
    lambda inner: st.builds(lambda a, b: f"{a} {{ {b} }}".strip(), inner, inner),
    max_leaves=4,
)
_SIZES = st.sampled_from(["1 p t", "- 0 . 5 e m", ". 1 8 c m", "2 t r u e i n", r"\parskip", r"- 2 \parindent",
                          "1 e m p l u s 1 f i l l m i n u s 2 m u", "{ 1 p t }"])  # fmt: skip
_LINES = st.sampled_from(["x", "x ^ { 2 }", r"\frac { a } { b }", r"\alpha b", "( 1 ]", ""])
_NUMBERS = st.sampled_from(["6 5", '" 4 1', "' 1 0 1", "` a"])
_KINDS = {
    "model": st.sampled_from(["", "[ R G B ]", "[ n a m e d ]", "[ ]"]),
    "name": st.sampled_from(["{ red }", "{ Blue2 }", "{ r e d }", "{ 1 , 0 , 0 }", "{ a ! 2 0 }", "{ }"]),
    "group": _GROUPS.map(lambda a: f"{{ {a} }}"),
    "delimiter": st.sampled_from(["{ ( }", "{ }", r"{ \langle }"]),
    "option": st.one_of(st.just(""), _GROUPS.filter(lambda a: not set("[]") & set(a.split())).map("[ {} ]".format)),
    "dimension": _SIZES,
    "number": _NUMBERS,
    "line": _LINES.map("{{ {} }}".format),
}  # fmt: skip


@st.composite
def commands(draw):
    """A command with all that it takes, and what may follow it."""
    name = draw(st.sampled_from(sorted(ATTRIBUTED | HIDDEN)))
    takes = tables().signatures[name]
    kinds = [
        "model" if kind == "option" and "name" in takes.attributes else kind for kind in takes.attributes
    ]
    parts = [draw(_KINDS[kind]) for kind in kinds]
    parts += [f"{{ {draw(_LINES)} }}" for _ in takes.arguments]
    after = draw(st.sampled_from(["", "", "_ { 1 }", "x", "^ { 2 } _ { 1 } y"]))
    return " ".join(" ".join([name, *parts, after]).split())


@given(
    st.lists(commands(), min_size=1, max_size=3).map(" ".join),
    st.sampled_from(["{}", "a _ {{ {} }}", r"\sqrt {{ {} }} b"]),
)
def test_they_come_back_token_for_token(label, around):
    label = around.format(label)
    tree = parse(label)
    assert to_label(tree) == label
    text = tree_text(tree)
    assert parse_tree_text(text) == tree
    assert len(text.split("\n")) == sum(1 for _ in nodes(tree.line))
    assert unknown_commands(label) == []
    assert set(count_symbols(label)) <= set(label.split())


def nodes(line):
    for node in line:
        yield node
        for _, child in node.children:
            yield from nodes(child)


@given(commands())
@example(r"\genfrac { ( } { ( } { } { } { x ^ { 2 } } { x ^ { 2 } } ^ { 2 } _ { 1 } y")
def test_what_is_no_ink_counts_nothing(label):
    # the command, two delimiters, two arguments of three symbols, five symbols behind it
    assert sum(count_symbols(label).values()) <= 1 + 2 + 2 * 3 + 5
    kept = ink_tokens(label.split())
    assert kept[0] == label.split()[0]
    assert ink_tokens([*kept[:1], *label.split()[1:]]) == kept


@given(st.lists(st.sampled_from([*"{}[]x1pt_^", *sorted(ATTRIBUTED | HIDDEN)]), max_size=30).map(" ".join))
def test_any_tokens_parse_or_are_refused_by_name(label):
    count_text(label)
    try:
        tree = parse(label)
    except LabelError:
        return
    assert parse_tree_text(tree_text(tree)) == tree
    assert parse(to_label(tree)) == tree


def test_where_a_symbol_ends():
    assert symbol_end("x (right)") == 1
    assert symbol_end("( (right)") == 1
    assert symbol_end(r"\phantom{\alpha x} (right)") == len(r"\phantom{\alpha x}")
    assert symbol_end(r"\phantom{\{ (}") == -1
    assert symbol_end("[ (sub)") == 1


# ---------------------------------------------------------------- TeX's meaning


@pytest.mark.parametrize(
    ("label", "written"),
    [
        (r"x ^ \Bbb { 2 }", r"x ^ { \Bbb { 2 } }"),
        (r"x ^ \set { 2 }", r"x ^ { \set { 2 } }"),
        (r"a \mod 4 5", r"a \mod { 4 } 5"),
        (r"x _ \bold y z", r"x _ { \bold { y } } z"),
        (r"x ^ \textcolor { r e d } { y } z", r"x ^ { \textcolor { r e d } { y } } z"),
        (r"x ^ \prescript a b c d", r"x ^ { \prescript { a } { b } { c } } d"),
        (r"x ^ \genfrac ( ) { 0 p t } 0 a b", r"x ^ { \genfrac { ( } { ) } { 0 p t } { 0 } { a } { b } }"),
        (r"x ^ \not = y", r"x ^ { \not } = y"),  # TeX's \not is a sign of its own
    ],
)
def test_a_command_brings_its_arguments_along(label, written):
    assert to_label(parse(label)) == written


@pytest.mark.parametrize(
    "command",
    [
        r"\rm",
        r"\displaystyle",
        r"\big",
        r"\cal",
        r"\color { r e d }",
        r"\buildrel",
        r"\sideset",
        r"\mathchoice",
        r"\ketbra",
        r"\dv",
        r"\pdv",
    ],
)
def test_what_tex_takes_no_script_of_is_refused(command):
    assert parse(f"{command} ( x )").line[0].symbol != NONE
    with pytest.raises(LabelError) as caught:
        parse(f"x ^ {command} {{ d }}")
    assert caught.value.reason is RejectReason.MISSING_ARGUMENT
