"""The examples in docstrings give what they say."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WITH_EXAMPLES = sorted(
    path for path in (ROOT / "hmer_tasks").rglob("*.py") if ">>> " in path.read_text("utf-8")
)


def test_there_are_examples():
    assert len(WITH_EXAMPLES) > 10


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_of_a_module(path):
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    assert doctest.testmod(import_module(name)).failed == 0


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: path.stem)
def test_the_api_page_shows_examples_as_code(path):
    """mkdocstrings knows the section `Examples:`; under `Example:` its lines run together as prose."""
    assert "Example:" not in [line.strip() for line in path.read_text("utf-8").split("\n")]
