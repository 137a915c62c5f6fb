"""Hypothesis strategies: labels that use every construct that rewriting touches, and token soup."""

from hypothesis import strategies as st

from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import to_label

SYMBOLS = r"""a b x 1 2 + = ( ) [ ] . < | * \alpha \sum \lim \le \ge \to \dots \vert \prime \ast \, \! ~ \quad
\rm \cal \displaystyle \over \choose \limits \left \right \big & \\ ' ' l o g \{ \lbrack \rbrack \unknown""".split()
_ONE = r"\mathrm \mathbb \mbox \hat \underline \operatorname \operatorname* \phantom \boxed \mathop \overbrace".split()
_TWO = r"\frac \dfrac \binom \overset \stackrel \underset".split()

_leaf = st.sampled_from(SYMBOLS)


def _construct(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    line = st.lists(inner, max_size=4).map(" ".join)
    script = st.sampled_from(
        ["_ {{ {0} }}", "^ {{ {0} }}", "_ {{ {0} }} ^ {{ {1} }}", "^ {{ {0} }} _ {{ {1} }}"]
    )
    return st.one_of(
        st.builds(lambda a, form, b, c: f"{a} {form.format(b, c)}", inner, script, line, line),
        st.builds(lambda form, b, c: form.format(b, c), script, line, line),
        st.builds(lambda a: f"{{ {a} }}", line),
        st.builds(lambda name, a: f"{name} {{ {a} }}", st.sampled_from(_ONE), line),
        st.builds(lambda name, a, b: f"{name} {{ {a} }} {{ {b} }}", st.sampled_from(_TWO), line, line),
        st.builds(lambda a, b: f"\\sqrt [ {a} ] {{ {b} }}", line, line),
        st.builds(lambda a: f"\\begin {{matrix}} {a} \\end {{matrix}}", line),
        st.builds(lambda a: f"\\begin {{array}} {{ c | c }} {a} \\end {{array}}", line),
        st.builds(lambda a: f"\\left . {a} \\right |", line),
    )


# Most of these parse; two scripts of one kind or an option's stray bracket make some that do not.
LABELS = st.lists(st.recursive(_leaf, _construct, max_leaves=12), min_size=1, max_size=6).map(" ".join)

# Anything: what a recogniser, a careless annotator or another tool may hand over.
SOUP = st.lists(
    st.sampled_from([*SYMBOLS, *_ONE, *_TWO, *"{}{}_^$%", "\\sqrt", "\\begin{matrix}", "\\end{matrix}", "≤"])
).map(" ".join)


def explicit_form(label: str) -> str | None:
    """A label in explicit form; None where it is none."""
    try:
        return to_label(parse(label))
    except LabelError:
        return None
