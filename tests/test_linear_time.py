r"""The time of everything that a stranger's line goes through grows with its length, and no faster.

Measured are steps, the lines of Python that run, not seconds. A line is a short period of tokens repeated: ten
times the repetitions may take ten times the steps. What is bounded and refused by name takes fewer.
`bench/linear_time.py` measures the seconds, of C code too.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hmer_tasks.errors.equivalence import is_equivalent, without_groups
from hmer_tasks.errors.markup import corrected_label, marked_errors
from hmer_tasks.errors.mine import Caps, mine
from hmer_tasks.errors.noise.fit import Measured, add
from hmer_tasks.evaluation.confusions import mistakes
from hmer_tasks.evaluation.metrics import evaluate
from hmer_tasks.evaluation.trees import graph_of
from hmer_tasks.evaluation.unimernet import compact
from hmer_tasks.evaluation.vote import vote
from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.canonical import canonicalize
from hmer_tasks.latex.counts import count_text, written_counts
from hmer_tasks.latex.normalize import normalize
from hmer_tasks.latex.parser import parse, unknown_commands
from hmer_tasks.latex.repair import repair
from hmer_tasks.latex.tree import to_label
from hmer_tasks.latex.tree_text import parse_tree_text, tree_text
from hmer_tasks.latex.uni_mumer_tree import released_tree_text
from hmer_tasks.predictions import Prediction

SHORT, TIMES = 40, 6
# Lists grow in leaps and a first call looks up what later ones have at hand; quadratic would be 36.
MOST = 1.4 * TIMES
FEW = 2_000  # steps that are too few to compare

WORDS = r"""
{ } { } _ ^ & \\ ' [ ] x 1 + ( ) . \sum \frac \sqrt \hat \mathrm \mbox \rm \left \right \big \limits \over \choose
\begin {cases} \end {array} \begin{cases} \end{cases} \begin{pmatrix} \end{pmatrix} \, \le \dots √ ≤ （ \prime l o g
\sin \iint \foo \operatorname* \overset ~ \displaystyle $ % \hspace \label \mathbb \sp \cfrac \ll [object Object]
""".split()


def steps(run: Callable[[], object]) -> int:
    """How many lines of Python a call runs; a refusal ends it."""
    count = 0

    def trace(frame: FrameType, event: str, arg: object) -> object:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    except LabelError:
        pass
    finally:
        sys.settrace(before)
    return count


def parses(label: str) -> bool:
    try:
        parse(label)
    except LabelError:
        return False
    return True


def as_tree_lines(label: str) -> str:
    first, *rest = label.split() or ["x"]
    return "\n".join([first, *(f"{word} (right)" for word in rest)])


def changed(label: str) -> str:
    """Every tenth token another."""
    return " ".join("q" if i % 10 == 3 else word for i, word in enumerate(label.split()))


LABEL_FUNCTIONS: dict[str, Callable[[str], object]] = {
    "parse": parse,
    "to_label": lambda label: to_label(parse(label)),
    "tree_text": lambda label: tree_text(parse(label)),
    "parse_tree_text": lambda label: parse_tree_text(tree_text(parse(label))),
    "parse_tree_text of lines": lambda label: parse_tree_text(as_tree_lines(label)),
    "released_tree_text": released_tree_text,
    "count_text": lambda label: written_counts.__wrapped__(label, "canonical"),
    "unknown_commands": unknown_commands,
    "normalize plain": normalize,
    "normalize crohme": lambda label: normalize(label, "crohme"),
    "normalize mathwriting": lambda label: normalize(label, "mathwriting"),
    "repair": lambda label: repair(label, parses),
    "repair of CROHME 2023": lambda label: repair(label, parses, "crohme2023"),
    "standard_spelling": canonicalize,
    "without_groups": without_groups,
    "looks_the_same": lambda label: is_equivalent(label, changed(label)),
    "compact": compact.__wrapped__,
}
# These choose among edit scripts while a pair is short, whatever that costs up to a bound: longer pairs tell.
PAIR_FUNCTIONS: dict[str, Callable[[str, str], object]] = {
    "mark_errors": lambda label, other: marked_errors.__wrapped__(other, label),
    "apply_corrections": lambda label, other: corrected_label.__wrapped__(
        *marked_errors.__wrapped__(other, label)
    ),
    "evaluate": lambda label, other: evaluate([(label, other)], resamples=0),
    "mistakes": mistakes,
    "errors mine": lambda label, other: mine([Prediction("", "1", label, other)], Caps()),
    "errors fit": lambda label, other: add(Measured(), label, other),
}


def growth(run: Callable[[int], object], short: int, times: int) -> float:
    """How many times the steps of the short line the long one takes."""
    with suppress(LabelError):
        run(2)  # what is looked up once, imports too
    few, many = steps(lambda: run(short)), steps(lambda: run(short * times))
    return many / few if many > FEW else 0.0


@settings(max_examples=10)
@given(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=5), st.sampled_from(["", "x", "{", r"\sum", "}"])
)
@example(["}"], "")
@example([r"\limits", "_", "a"], "")
@example([r"\limits", "_", "a"], "x")
@example([r"\limits"], "")
@example(["√", "≤"], "")
@example(["a", r"\\"], "")
@example([r"\\"], "")
@example(["{", "}", "_", "{", "a", "}"], "x")
@example(["{", "a", r"\over", "b", "}"], "")
@example(["a", r"\over", "b"], "")
@example(["[object", "Object]"], "")
@example(["x", "^", "{", "2", "+"], "")
@example([r"\begin", "c", "a", "s", "e", "s"], "")
@example([r"\begin", "{cases}", "x", r"\\", "y", r"\end", "{cases}"], "")
@example([r"\mathrm", "{"], "")
def test_a_label_takes_steps_by_its_length(period, before):
    def line(count: int) -> str:
        return " ".join([before, *period * count])

    for name, function in LABEL_FUNCTIONS.items():
        assert growth(lambda count, of=function: of(line(count)), SHORT, TIMES) <= MOST, name


@pytest.mark.parametrize("name", PAIR_FUNCTIONS)
@pytest.mark.parametrize(
    "period",
    ("x +", r"\begin {cases} x \\ y \end {cases}", r"x _ { a } ^ { 2 }", "}"),
)
def test_a_pair_takes_steps_by_its_length(name, period):
    def run(count: int) -> object:
        graph_of.cache_clear()
        label = " ".join([period] * count)
        return PAIR_FUNCTIONS[name](label, changed(label))

    short = 1200 // len(period.split())
    assert growth(run, short, 4) <= 1.4 * 4


def test_a_vote_takes_steps_by_the_number_of_answers():
    def run(count: int) -> object:
        words = [f"x _ {{ {number} }}".replace("{ ", "{ a ") for number in range(count)]
        return vote(
            Prediction("", "1", "x", word, task, number, f"{work}\n{word}")
            for number, word in enumerate(words)
            for task, work in (("counting", count_text(word)), ("tree_cot", "x\n1"))
        )

    assert growth(run, SHORT, TIMES) <= MOST
