"""Formulas as MathML: what is drawn, and that nothing of a label gets into the markup."""

from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_tasks.reports.mathml import mathml
from tests.conftest import read_labels


def test_a_fraction():
    root = fromstring(mathml(r"\frac { a ^ { 2 } } { b }"))
    assert [element.tag for element in root.iter()] == ["math", "mfrac", "msup", "mi", "mn", "mi"]


@pytest.mark.parametrize(
    "label",
    (
        r"\href { javascript:alert(1) } { x }",
        r"\text { <script>alert(1)</script> }",
        r"x < y & <img src=x onerror=alert(1)>",
        r"\style { background:url(//x) } { x }",
        r"\class { a\" onclick=\"alert(1) } { x }",
    ),
)
def test_a_label_stays_text(label):
    markup = mathml(label)
    if markup is not None:
        for element in fromstring(markup).iter():
            assert element.tag.startswith("m") and not any(name.startswith("on") for name in element.attrib)
            assert "url" not in element.get("style", "") and "href" not in element.attrib


@given(st.text(max_size=80))
def test_any_text_is_markup_or_none(text):
    markup = mathml(text)
    assert markup is None or fromstring(markup).tag == "math"


def test_too_long_a_label():
    assert mathml("x " * 1_501) is None


@pytest.mark.corpora
@pytest.mark.parametrize(
    ("name", "share"), (("hme100k/test_half_a", 0.999), ("im2latex/validate", 0.96), ("mne/N1", 0.999))
)
def test_real_labels_are_drawn(corpora, name, share):
    labels = read_labels(corpora / f"{name}.tsv")[::5]
    assert sum(mathml(label) is not None for label in labels) >= share * len(labels)
