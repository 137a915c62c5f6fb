"""InkML that we write: our own reader reads back strokes, label, groups and the tree."""

import random
import re

import numpy as np
import pytest

from hmer_tasks.handwriting.inkml import parse as parse_ink
from hmer_tasks.handwriting.inkml_writer import inkml_document
from hmer_tasks.handwriting.parts import INKLESS, expression_of, read_documents
from hmer_tasks.handwriting.writer import writer
from hmer_tasks.handwriting.writing import drawable, write_ink, write_inkml
from hmer_tasks.storage.opening import open_files
from tests.conftest import read_labels

LABELS = (
    "x ^ { 2 } < \\frac { a } { b } & 1",
    "x ^ { 2 } _ { 1 } + \\sqrt [ 3 ] { b + 1 } = \\hat { y }",
    "\\sum _ { i = 1 } ^ { n } \\int _ { 0 } ^ { 1 } f ( x ) d x",
    "\\left ( \\frac { a } { b } \\right ) ^ { n } \\leq \\lim _ { x \\rightarrow 0 } \\sin x",
    "\\overline { A B } , \\textcircled { 1 } , \\binom { n } { k }",
    "\\begin {pmatrix} a & b \\\\ c & d \\end {pmatrix} = \\begin {cases} 1 & x < 0 \\\\ 2 & x > 0 \\end {cases}",
)


@pytest.mark.parametrize("label", [label for label in LABELS if drawable(label)])
def test_strokes_label_and_groups_are_read_back(label):
    ink, cells = write_ink(label, writer(3), 1)
    read = parse_ink(inkml_document("a<b", label, ink, "Ann & Bob"), "a")
    assert read.truth == label
    assert (read.annotations["UI"], read.annotations["writer"]) == ("a<b", "Ann & Bob")
    assert len(read.strokes) == len(ink.strokes)
    for ours, theirs in zip(ink.strokes, read.strokes, strict=True):
        np.testing.assert_allclose(ours, np.array(theirs)[:, :2], atol=0.006)
    named = [truth for truth, _ in read.groups]
    inked = [cells[number].symbol for number in sorted(set(ink.numbers))]
    assert named == ["-" if symbol == "\\frac" else symbol for symbol in inked]
    assert sorted(int(id) for _, ids in read.groups for id in ids) == list(range(len(ink.strokes)))


def agree(folder, labels: dict[str, str]) -> int:
    count = 0
    with open_files(folder) as files:
        for document in read_documents(files, files.names(suffix=".inkml")):
            expression = expression_of(document)
            if expression is not None:
                count += 1
                assert len(expression.strokes) == sum(c.symbol not in INKLESS for c in expression.cells)
    return count


def test_the_tree_is_found_again_in_the_mathml(tmp_path):
    labels = [label for label in LABELS[1:4] if drawable(label)]
    for number, label in enumerate(labels):
        (tmp_path / f"{number}.inkml").write_bytes(write_inkml(label, writer(number), number))
    assert agree(tmp_path, {}) == len(labels) == 3


@pytest.mark.corpora
def test_real_labels_come_back(corpora, tmp_path):
    labels = [
        label for label in random.Random(5).sample(read_labels(corpora / "crohme" / "captions_2014.tsv"), 80)
        if drawable(label)
    ]  # fmt: skip
    for number, label in enumerate(labels):
        (tmp_path / f"{number}.inkml").write_bytes(write_inkml(label, writer(number), number))
    assert agree(tmp_path, {}) > 0.95 * len(labels)


@pytest.mark.parametrize(
    ("label", "tag"),
    (
        (r"\overset { a } { = } b", "<mover>"),
        (r"\stackrel { a } { = }", "<mover>"),
        (r"\underset { a } { = }", "<munder>"),
        (r"\underrightarrow { a }", "<munder>"),
        (r"a + \phantom { b } c", "<mrow>"),
    ),
)
def test_mathml_names_every_trace_group_once(label, tag):
    ink, _ = write_ink(label, writer(3), 1)
    document = inkml_document("a", label, ink, "Ann").decode()
    math = document[document.index("<math") : document.index("</math>")]
    names = re.findall(r'xml:id="([^"]+)"', math)
    assert sorted(names) == sorted(re.findall(r'href="([^"]+)"', document))
    assert len(set(names)) == len(names)
    assert tag in math and "<mrow/>" not in math
