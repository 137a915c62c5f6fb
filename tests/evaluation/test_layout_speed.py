"""ziamath made faster draws the very boxes that ziamath draws."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hmer_tasks.typeset.faster import install
from hmer_tasks.typeset.layout import lay_out
from tests.conftest import read_labels

LABELS = [
    r"\left ( \frac { a } { b } \right ) ^ { 2 }", r"\left [ \left ( \left | x \right | ^ { 2 } \right ) \right ]",
    r"\hat { x } + \tilde { \partial } _ { i }", r"\sum _ { i = 1 } ^ { n } \sqrt [ 3 ] { \frac { a } { \left ( b \right ) } }",
    r"\begin {pmatrix} a & b \\ \frac { c } { d } & e \end {pmatrix}", r"a \rightarrow b \Rightarrow c", r"\mathbb { R } ^ { n } \mathcal { L }",
    r"\overline { a b } \underline { c } \vec { v }", r"\lim _ { x \rightarrow 0 } \frac { \sin x } { x }", r"\Sigma \Theta \phi",
    r"\left \{ \begin {array} { l l } a & b \\ c & d \end {array} \right .", r"\binom { n } { k } x ^ { y ^ { z } } _ { w }",
]  # fmt: skip
AS_IT_IS = """
import json, sys
import hmer_tasks.typeset.faster as faster
faster.install = lambda: None
from hmer_tasks.typeset.layout import lay_out
print(json.dumps([repr(lay_out(label)) for label in json.load(sys.stdin)]))
"""


def as_it_is(labels):
    """The layouts of ziamath itself, in a process of its own."""
    run = [sys.executable, "-c", AS_IT_IS]
    done = subprocess.run(
        run, input=json.dumps(labels), capture_output=True, text=True, check=True, timeout=300
    )
    return json.loads(done.stdout)


def test_the_same_boxes():
    twice = LABELS * 2  # the second time from what is remembered
    assert [repr(lay_out(label)) for label in twice] == as_it_is(LABELS) * 2


@pytest.mark.corpora
def test_the_same_boxes_of_real_labels(corpora: Path):
    names = ("im2latex/validate", "mathwriting/test_half_a", "mne/N1", "crohme/captions_2014")
    labels = [label for name in names for label in read_labels(corpora / f"{name}.tsv")[::97]][:120]
    assert [repr(lay_out(label)) for label in labels] == as_it_is(labels)


def test_it_is_in_place():
    from ziamath.nodes import mnode

    install()
    assert mnode.parse_style.__module__ == "hmer_tasks.typeset.faster"
