"""The names that `hmer_tasks` exports: all there, listed, and the old ones warn."""

import pytest

import hmer_tasks


def test_each_name_is_there_and_listed():
    assert dir(hmer_tasks) == sorted(hmer_tasks.__all__)
    for name in hmer_tasks.__all__:
        assert getattr(hmer_tasks, name) is not None


def test_a_name_of_an_earlier_release_warns():
    with pytest.warns(DeprecationWarning, match="RejectReason"):
        assert hmer_tasks.Reason is hmer_tasks.RejectReason


def test_a_name_that_is_none():
    with pytest.raises(AttributeError, match="parze"):
        hmer_tasks.parze  # noqa: B018 - the look-up is what is tried


@pytest.mark.parametrize(
    ("call", "arguments", "message"),
    (
        (hmer_tasks.parse, (None,), "a label must be a str, not NoneType"),
        (hmer_tasks.count_text, (3,), "a label must be a str, not int"),
        (hmer_tasks.count_text, (["x"],), "a label must be a str, not list"),
        (hmer_tasks.mark_errors, ("a", 3), "a label must be a str, not int"),
        (hmer_tasks.mark_errors, (["a"], "a"), "a candidate must be a str, not list"),
        (hmer_tasks.apply_corrections, (["a"], ""), "a marked candidate must be a str, not list"),
        (hmer_tasks.tree_text, ("a + b",), "a tree must be a ExprTree, not str"),
        (hmer_tasks.to_label, ("a + b",), "a tree must be a ExprTree, not str"),
    ),
)
def test_a_wrong_type_says_what_is_wanted(call, arguments, message):
    with pytest.raises(TypeError, match=message):
        call(*arguments)


def test_a_tree_shows_itself():
    tree = hmer_tasks.parse(r"x ^ { 2 } + \frac { a } { b }")
    assert str(tree) == "x\n  2 (sup)\n+ (right)\n\\frac (right)\n  a (above)\n  b (below)"
    drawing = tree._repr_svg_()
    assert drawing.startswith("<svg") and "<style>" in drawing and drawing.count("<text") > 6


def test_metrics_show_themselves():
    html = hmer_tasks.evaluate([("a", "a"), ("b", "c")])._repr_html_()
    assert "2 pairs" in html and "50.00" in html and html.count("<tr>") > 5
