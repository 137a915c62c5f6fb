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
