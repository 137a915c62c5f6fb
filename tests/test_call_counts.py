"""How many calls a row costs: counted, not timed, so that a regression shows on any machine and never flakes.

A call of a Python function or of a built-in one counts as one. The bounds are what was counted with Python 3.11 and a
tenth more; later Pythons make fewer calls (comprehensions are no functions). Where more calls are worth it, raise
a bound in the same commit and say why. `python -m tests.test_call_counts` prints what is counted now.

They are counted in a process of their own: what is remembered from one label to the next (the noise model's
neighbours of a token, say) would otherwise depend on the tests that ran before.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from hmer_tasks.corpora import Picture, Rejected, Sample
from hmer_tasks.errors.markup import mark_errors
from hmer_tasks.errors.noise.synthesize import synthesize
from hmer_tasks.label_generation.expressions import expression
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree_text import tree_text
from hmer_tasks.pipeline.expand import ExpansionConfig, expand, read_label
from hmer_tasks.shards.records import SampleRows
from hmer_tasks.tasks import TASK_NAMES, all_tasks
from hmer_tasks.tasks.prompts import prompt_set
from hmer_tasks.utils.keyed_random import keyed_random

ROOT = Path(__file__).parent.parent
LABELS = [expression("call counts", number) for number in range(400)]
WARM, COUNTED = LABELS[:200], LABELS[200:]
# Calls a label, at most.
BOUNDS = {
    "parse": 186,
    "tree_text": 27,
    "synthesize": 1140,
    "mark_errors": 132,
    "five rows": 2370,
    "five rows of a picture": 2130,  # of labels that were read already
}


def calls_of(work: Callable[[str], object], labels: list[str]) -> float:
    """Calls a label."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    for label in WARM:  # imports, tables, caches
        work(label)
    sys.setprofile(count)
    try:
        for label in labels:
            work(label)
    finally:
        sys.setprofile(None)
    return calls / len(labels)


class DrawnPicture:
    """A picture that is ready for a row."""

    def load(self) -> tuple[bytes, str]:
        return b"a picture", "picture.png"


class NoPicture:
    """A picture that is not asked for."""

    def load(self) -> tuple[bytes, str]:
        raise AssertionError("no picture is read without images")


def five_rows(label: str, picture: Picture | None = None) -> object:
    context = ExpansionConfig(
        tasks=tuple(all_tasks()[name] for name in TASK_NAMES),
        prompts=prompt_set("uni-mumer"),
        images=picture is not None,
    )
    sample = Sample(label, "sample/train", label, picture or NoPicture())
    read = read_label(sample, None, context)
    assert not isinstance(read, Rejected)
    rows = expand(sample, read, context)
    assert isinstance(rows, SampleRows) and len(rows.rows) == 5
    return rows


def measured() -> dict[str, float]:
    trees = {label: parse(label) for label in LABELS}
    wrong = {label: synthesize(label, keyed_random(0, label)) for label in LABELS}
    works: dict[str, Callable[[str], object]] = {
        "parse": parse,
        "tree_text": lambda label: tree_text(trees[label]),
        "synthesize": lambda label: synthesize(label, keyed_random(0, label)),
        "mark_errors": lambda label: mark_errors(wrong[label], label),
        "five rows": five_rows,
        "five rows of a picture": lambda label: five_rows(label, DrawnPicture()),
    }
    return {name: calls_of(work, COUNTED) for name, work in works.items()}


def test_no_step_makes_more_calls_than_it_did() -> None:
    if not hasattr(parse, "__code__"):
        pytest.skip("compiled: its calls cannot be counted")
    command = [sys.executable, "-m", "tests.test_call_counts"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    counted = {name: float(calls) for name, calls in (line.split("\t") for line in run.stdout.splitlines())}
    assert counted.keys() == BOUNDS.keys()
    over = {name: calls for name, calls in counted.items() if calls > BOUNDS[name]}
    assert not over, f"more calls a label than {BOUNDS}"


if __name__ == "__main__":
    for name, calls in measured().items():
        print(f"{name}\t{calls:.1f}")
