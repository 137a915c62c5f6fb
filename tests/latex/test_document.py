r"""The profile `latex`: the formula out of its document, and what is refused; tokens come through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_tasks.exceptions import LabelError, RejectReason
from hmer_tasks.latex.document import formula, with_scripts, without_comments
from hmer_tasks.latex.normalize import normalize
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import to_label
from tests.conftest import read_labels
from tests.latex.expressions import LABELS, explicit_form

GOLDEN = [
    (r"$x^2$", "x ^ { 2 }"),
    (r"\[x\]", "x"),
    (r"\(a_1\)", "a _ { 1 }"),
    ("$$x$$", "x"),
    (r"\text{if $x$}", r"\text { i f x }"),
    ("x % c", "x"),
    ("x % c\n+ y", "x + y"),
    ("5%\n+ 2", "5 + 2"),
    (r"100\% % all", r"1 0 0 \%"),
    (r"\label{eq:a_b_c}x", "x"),
    (r"x\tag{1}\nonumber\notag", "x"),
    (r"x\tag*{$*$}", "x"),
    (r"\begin{equation}x=1\label{eq:1}\end{equation}", "x = 1"),
    (r"\begin{displaymath}x\end{displaymath}", "x"),
    (r"\begin{math}x\end{math}", "x"),
    (r"\begin{align*}a&=b\\c&=d\nonumber\end{align*}", r"\begin {aligned} a & = b \\ c & = d \end {aligned}"),
    (r"\begin { a l i g n } a & b \end { a l i g n }", r"\begin {aligned} a & b \end {aligned}"),
    (r"\begin{align}a=b\end{align}", "a = b"),
    (r"\begin{gather}a\\b\end{gather}", r"\begin {gathered} a \\ b \end {gathered}"),
    (r"\begin{alignat}{2}a&b\end{alignat}", r"\begin {aligned} a & b \end {aligned}"),
    (r"\begin{eqnarray*}a\end{eqnarray*}", "a"),
    (r"\begin{eqnarray}a&=&b\end{eqnarray}", r"\begin {eqnarray} a & = & b \end {eqnarray}"),
    (r"\begin{align}\begin{cases}1\\2\end{cases}\end{align}", r"\begin {cases} 1 \\ 2 \end {cases}"),
    (r"\[a\]\[b\].", r"a \\ b ."),
    (r"\begin{equation}x\end{equation}\begin{equation}y\end{equation}", r"x \\ y"),
    (r"x \\[2pt] y", r"x \\ y"),
    (r"x \\ [ a ] y", r"x \\ [ a ] y"),
    (r"\$5 \# 1", r"\$ 5 \# 1"),
    ("x² + y₁² ≤ α→β", r"x ^ { 2 } + y _ { 1 } ^ { 2 } \leq \alpha \rightarrow \beta"),
    ("x⁻¹²ⁿ", "x ^ { - 1 2 n }"),
    ("½ 90° x̄", r"\frac { 1 } { 2 } 9 0 ^ { \circ } \bar { x }"),
    ("√2 中 ① é", "√ 2 中 ① é"),
    (r"\frac12 \textcolor{red}{x} \hspace{1cm}", r"\frac { 1 } { 2 } \textcolor { red } { x } \hspace { 1 c m }"),
    (r"\farc{a}{b}", r"\farc { a } { b }"),
]  # fmt: skip


@pytest.mark.parametrize(("latex", "label"), GOLDEN, ids=[case[0] for case in GOLDEN])
def test_golden(latex, label):
    assert normalize(latex, "latex") == label
    assert normalize(label, "latex") == label


@pytest.mark.parametrize(
    ("latex", "reason", "position"),
    [
        ("$x", RejectReason.NOT_MATHEMATICS, 0),
        ("50% of", RejectReason.NOT_MATHEMATICS, 2),
        ("x %", RejectReason.NOT_MATHEMATICS, 1),
        ("a # b", RejectReason.NOT_MATHEMATICS, 1),
        (r"\ref{a}", RejectReason.NOT_MATHEMATICS, 0),
        (r"x \cite{b}", RejectReason.NOT_MATHEMATICS, 1),
        (r"\includegraphics[width=2cm]{a}", RejectReason.NOT_MATHEMATICS, 0),
        (r"\def\a{b}", RejectReason.NOT_MATHEMATICS, 0),
        (r"\newcommand{\a}{b} \a", RejectReason.NOT_MATHEMATICS, 0),
        (r"x\]", RejectReason.NOT_MATHEMATICS, 1),
        (r"\(x\]", RejectReason.NOT_MATHEMATICS, 2),
        (r"\begin{equation} x", RejectReason.UNBALANCED_ENVIRONMENT, 3),
        (r"\label{a", RejectReason.UNBALANCED_BRACE, 1),
        (r"\begin{figure}x\end{figure}", RejectReason.UNKNOWN_ENVIRONMENT, 1),
        ("x^2²", RejectReason.DOUBLE_SCRIPT, 3),
        ("$ $", RejectReason.EMPTY_LABEL, 0),
    ],
)
def test_refusals_name_the_place(latex, reason, position):
    with pytest.raises(LabelError) as caught:
        normalize(latex, "latex")
    assert (caught.value.reason, caught.value.position) == (reason, position)


@given(LABELS)
def test_a_tokenised_label_comes_through_token_for_token(label):
    explicit = explicit_form(label)
    if explicit is not None:
        assert normalize(label, "latex") == explicit
        for around in (
            "$ {} $",
            r"\[ {} \]",
            r"\begin {{equation}} {} \end {{equation}} % c",
            "{} \\label {{ a _ b _ c }}",
        ):
            assert normalize(around.format(label), "latex") == explicit


def test_a_bracket_that_is_printed_after_a_row_break_stays():
    assert normalize(r"a \\[2pt][2pt] b", "latex") == r"a \\ { } [ 2 p t ] b"
    assert normalize(r"a \\\nonumber[2pt] b", "latex") == r"a \\ { } [ 2 p t ] b"


_PIECES = st.sampled_from([*"x1{}&%$#²₁½°", r"\\", r"\[", r"\]", r"\(", r"\)", r"\label{a_b}", r"\tag", r"\begin{align}",
                           r"\end{align}", r"\begin{equation}", r"\end{equation}", r"\begin{cases}", r"\end{cases}",
                           r"\begin{alignat}{2}", r"\end{alignat}", r"\ref{a}", "[2pt]", "\n", " ", "\u0304"])  # fmt: skip


@given(st.lists(_PIECES, max_size=25).map("".join))
def test_any_text_is_a_label_or_refused_by_name(text):
    try:
        label = normalize(text, "latex")
    except LabelError as error:
        assert 0 <= error.position <= len(error.tokens)
        return
    assert to_label(parse(label)) == label
    assert normalize(label, "latex") == label
    assert not {"$", "%", "#", r"\label", r"\ref", "{align}", "{equation}"} & set(label.split())


def test_the_steps_are_linear_passes():
    """Each step looks at a token a bounded number of times: what comes out of the halves is the whole."""
    tokens = ["x", "²", "\\\\", "&"] * 1000
    assert with_scripts(tokens) == with_scripts(tokens[:4]) * 1000
    assert formula(["x", "\\label", "{", "a", "}"] * 1000) == ["x"] * 1000
    assert without_comments("x % c\n" * 1000 + "y").split() == ["x"] * 1000 + ["y"]


@pytest.mark.corpora
@pytest.mark.parametrize(
    ("name", "differ"),
    [
        ("crohme/captions_train.tsv", 0),
        ("hme100k/test_half_a.tsv", 0),
        ("mathwriting/test_half_a.tsv", 0),
        ("crohme2023/test_half_a.tsv", 0),
        ("mne/N1.tsv", 0),
        ("im2latex/validate.tsv", 32),  # 26 \nonumber, 5 \label, a picture's \put
    ],
)
def test_real_labels_come_through_token_for_token(corpora, name, differ):
    labels = read_labels(corpora / name)
    assert sum(_said(label, "latex") != _said(label, None) for label in labels) == differ


def _said(label, profile):
    try:
        return to_label(parse(label)) if profile is None else normalize(label, profile)
    except LabelError as error:
        return error.reason
