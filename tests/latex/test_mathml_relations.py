r"""MathML as a tree, and the relations of our trees against CROHME's own MathML."""

from xml.etree.ElementTree import fromstring

import pytest

from bench.mathml import edges, mathml_tree, symbols
from bench.mathml_relations import compare
from hmer_tasks.latex.parser import parse

CASES = [
    ("<math><mrow><mi>x</mi><mrow><mo>+</mo><mn>1</mn></mrow></mrow></math>", "x + 1"),
    ("<math><msub><mi>x</mi><mn>1</mn></msub></math>", "x _ { 1 }"),
    ("<math><msup><mrow><mo>(</mo><mi>x</mi><mo>)</mo></mrow><mn>2</mn></msup></math>", "( x ) ^ { 2 }"),
    (
        "<math><msubsup><mo>\\int</mo><mn>0</mn><mn>1</mn></msubsup><mi>x</mi></math>",
        r"\int _ { 0 } ^ { 1 } x",
    ),
    ("<math><munderover><mo>sum</mo><mi>i</mi><mi>n</mi></munderover></math>", r"\sum _ { i } ^ { n }"),
    ("<math><mfrac><mn>1</mn><mn>2</mn></mfrac></math>", r"\frac { 1 } { 2 }"),
    ("<math><msqrt><mn>1</mn><mn>5</mn></msqrt></math>", r"\sqrt { 1 5 }"),
    ("<math><mroot><mi>x</mi><mn>3</mn></mroot></math>", r"\sqrt [ 3 ] { x }"),
    ("<math><msub><mi>x</mi></msub><mo>&lt;</mo><mi>alpha</mi><mn>15</mn></math>", r"x < \alpha 1 5"),
    ('<m:math xmlns:m="http://www.w3.org/1998/Math/MathML"><m:mi>x</m:mi></m:math>', "x"),
]


@pytest.mark.parametrize(("mathml", "label"), CASES)
def test_mathml_and_label_have_the_same_edges(mathml, label):
    theirs, ours = mathml_tree(fromstring(mathml)), parse(label)
    assert edges(theirs) == edges(ours)
    assert symbols(theirs) == symbols(ours)


def test_edges_name_first_sign_and_neighbour():
    assert edges(parse(r"\frac { a ^ { 2 } } { b } c")) == {
        ("\\frac", "above", "a"): 1,
        ("a", "sup", "2"): 1,
        ("\\frac", "below", "b"): 1,
        ("\\frac", "right", "c"): 1,
    }


def test_over_and_under_are_kept_apart_from_scripts():
    edges_read = edges(mathml_tree(fromstring("<math><mover><mi>x</mi><mo>-</mo></mover></math>")))
    assert edges_read == {("x", "above", "-"): 1}


def test_an_element_that_is_not_known_is_refused():
    with pytest.raises(ValueError, match="mtable"):
        mathml_tree(fromstring("<math><mtable><mi>x</mi></mtable></math>"))


@pytest.mark.corpora
@pytest.mark.parametrize(("split", "all_files"), [("train", 0.99), ("2014", 0.985)])
def test_relations_agree_with_crohmes_mathml(corpora, split, all_files):
    result = compare(corpora, split)
    files = result.every.files + sum(result.skipped.values())
    # what is left out of the bar: files whose two truths do not hold the same signs
    assert result.same_signs.files / files >= 0.98
    assert result.same_signs.precision >= 0.99
    assert result.same_signs.recall >= 0.99
    assert result.every.precision >= all_files
    assert result.every.recall >= all_files
