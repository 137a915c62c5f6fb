r"""Raw LaTeX to labels: properties, golden cases of each profile, and the field's captions for CROHME."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.raw_to_caption import compare
from hmer_tasks.exceptions import LabelError, RejectReason
from hmer_tasks.latex.normalize import normalize
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import to_label
from tests.conftest import read_labels
from tests.latex.expressions import LABELS, SOUP, explicit_form
from tests.latex.strategies import texts

PROFILES = ["plain", "crohme", "mathwriting", "im2latex"]

# ---------------------------------------------------------------- properties


@given(LABELS)
def test_plain_is_the_explicit_form_and_no_more(label):
    explicit = explicit_form(label)
    if explicit is None:
        return
    assert normalize(label) == explicit
    assert normalize(label.replace(" ", "  ")) == explicit
    assert normalize(f" ${label}$ ") == explicit
    assert normalize(f"\\[ {label} \\]") == explicit


@given(st.one_of(SOUP, LABELS, texts), st.sampled_from(PROFILES))
def test_a_normalised_label_parses_to_itself_and_is_normal(text, profile):
    try:
        label = normalize(text, profile)
    except LabelError as error:
        assert 0 <= error.position <= len(error.tokens)
        return
    if explicit_form(normalize(text)) is None:
        return
    assert to_label(parse(label)) == label
    assert normalize(label, profile) == label


# ---------------------------------------------------------------- golden cases

PLAIN = [
    (r"$\phi(x)$", r"\phi ( x )"),
    (r" $$x^2_1$$ ", "x ^ { 2 } _ { 1 }"),
    (r"\(a\)", "a"),
    (r"\[\frac12\]", r"\frac { 1 } { 2 }"),
    (r"\begin{equation} x=1 \end{equation}", "x = 1"),
    (r"\begin{equation}x\end{equation}\begin{equation}y\end{equation}",
     r"\begin {equation} x \end {equation} \begin {equation} y \end {equation}"),
    (r"\begin{array}{c|c}a&b\\c&d\end{array}", r"\begin {array} { c | c } a & b \\ c & d \end {array}"),
    (r"\left(x\right)", r"\left ( x \right )"),
    ("a \\\\[2pt] b", r"a \\ [ 2 p t ] b"),
    (r"\$5", r"\$ 5"),
    ("x % a remark\n+ y", "x + y"),
    ("x \\% y\n+ z", r"x \% y + z"),
    ("50% of x", "5 0 % o f x"),
    ("a≤b", "a ≤ b"),
]  # fmt: skip

CROHME = [
    (r"$\left| $\frac{a x_0}{b} \right|$", r"| \frac { a x _ { 0 } } { b } |"),
    (r" { \frac { \mbox { e } } { { \mbox { gS } } _ { \mbox { c } } } } ", r"\frac { e } { g S _ { c } }"),
    (r"${x_1}^2$", "x _ { 1 } ^ { 2 }"),
    (r"${x^2}^3$", "{ x ^ { 2 } } ^ { 3 }"),
    (r"$M\ltN$", "M < N"),
    (r"$a\ltimes b$", r"a \ltimes b"),
    (r"$1 {0^{( l o g x ) / 2}}$", r"1 0 ^ { ( \log x ) / 2 }"),
    (r"$a_{tan} = r$", "a _ { t a n } = r"),
    (r"$\lim\limits_{x\to0}f^{'}$", r"\lim \limits _ { x \rightarrow 0 } f ^ { \prime }"),
    (r"$\!\mathrm{F^1_0}\!$", "F ^ { 1 } _ { 0 }"),
    (r"$299\ 792$", "2 9 9 7 9 2"),
    (r"$d(y _ {}, z)$", "d ( y , z )"),
    (r"$\Bigg[x\Bigg]$", "[ x ]"),
    (r"$\left. x \right\}$", r"x \}"),
    ("$a≤b−c$", r"a \leq b - c"),
    (r"$| x \parallel y |$", "| x | | y |"),
]

MATHWRITING = [
    (r"\mathbb{R}^n \ni \log_2 x", r"R ^ { n } \ni l o g _ { 2 } x"),
    (r"\left\|x\right\|\leq\cdots", r"\parallel x \parallel \le \cdot \cdot \cdot"),
    (r"f'^2_1", r"f _ { 1 } ^ { \prime 2 }"),
    (r"\operatorname{Tr}(\overline{A})", r"T r ( \bar { A } )"),
    ("{ Y _ { b u s } } ^ { - 1 }",) * 2,
]

IM2LATEX = [
    (r"{\cal L}=\frac12\,\mathrm{tr}\left(F\right) .", r"{ \cal L } = \frac { 1 } { 2 } \, \mathrm { t r } \left ( F \right ) ."),
    ("α ⩽ ß", r"\alpha \leqslant ß"),
]  # fmt: skip

ALL = [
    (name, *case)
    for name, cases in zip(PROFILES, (PLAIN, CROHME, MATHWRITING, IM2LATEX), strict=True)
    for case in cases
]


@pytest.mark.parametrize(("profile", "latex", "label"), ALL, ids=[f"{case[0]} {case[1]}" for case in ALL])
def test_golden(profile, latex, label):
    assert normalize(latex, profile) == label


UNICODE = {
    "≥": r"\geq", "α": r"\alpha", "∑": r"\sum", "→": r"\rightarrow", "ℝ": r"\mathbb { R }", "（": "(", "％": r"\%",
    "𝑥": "x", "𝛼": r"\alpha", "⋯": r"\cdots", "√": "√", "中": "中", "ж": "ж", "²": "²", "é": "é",
    "↑": r"\uparrow", "†": r"\dagger", "•": r"\bullet", "⟂": r"\perp", "≔": ": =", "⊨": r"\vDash", "⊧": r"\models",
    "∯": r"\oiint", "⋙": r"\ggg", "≌": "≌", "⊶": "⊶", "ℿ": "ℿ",
}  # fmt: skip


@pytest.mark.parametrize("character", UNICODE)
def test_characters_that_have_a_command_and_those_that_have_none(character):
    assert normalize(character, "im2latex") == UNICODE[character]
    assert normalize(character, "plain") == character


@pytest.mark.parametrize(
    ("latex", "reason", "position"),
    [
        ("", RejectReason.EMPTY_LABEL, 0),
        ("$ $", RejectReason.EMPTY_LABEL, 0),
        ("$x^{2$", RejectReason.UNBALANCED_BRACE, 2),
        (r"$\lim_{z}} (z)$", RejectReason.UNBALANCED_BRACE, 5),
        (r"\frac{1}", RejectReason.MISSING_ARGUMENT, 4),
        ("x^2^3", RejectReason.DOUBLE_SCRIPT, 3),
        ("x <none> y", RejectReason.RESERVED_TOKEN, 1),
    ],
)
def test_refusals_name_the_place(latex, reason, position):
    with pytest.raises(LabelError) as error:
        normalize(latex)
    assert (error.value.reason, error.value.position) == (reason, position)


def test_an_unknown_profile_is_named_with_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'crohme'"):
        normalize("x", "chrome")


# ---------------------------------------------------------------- real pairs and labels


@pytest.mark.corpora
@pytest.mark.parametrize(("split", "bar", "pairs"), [("train", 0.996, 8835), ("2014", 0.995, 986)])
def test_the_crohme_profile_reproduces_the_fields_captions(corpora, split, bar, pairs):
    result = compare(corpora, split)
    assert result.pairs == pairs
    assert result.left_out.total() <= 25, result.left_out
    assert result.share >= bar, result.differing


@pytest.mark.corpora
@pytest.mark.parametrize(
    ("name", "profile", "least"),
    [
        ("crohme/captions_train.tsv", "crohme", 0.998),  # 14 write a prime as '
        ("crohme/captions_2014.tsv", "crohme", 1.0),
        ("mne/N1.tsv", "crohme", 1.0),
        ("mathwriting/test_half_a.tsv", "mathwriting", 1.0),
        ("im2latex/validate.tsv", "im2latex", 1.0),
        ("hme100k/train_labels_59452.tsv", "plain", 1.0),
    ],
)
def test_a_corpus_own_labels_are_normal_already(corpora, name, profile, least):
    labels = []
    for label in read_labels(corpora / name):
        try:
            labels.append(to_label(parse(label)))
        except LabelError:
            continue
    same = sum(normalize(label, profile) == label for label in labels)
    assert same / len(labels) >= least
