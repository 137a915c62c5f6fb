"""Names say what a thing is: words of prose that could stand for anything are no names.

The list is that of the project's design. A comprehension's variable counts as a name like any other.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BANNED = frozenset({"each", "found", "told", "there", "one", "made"})
PACKAGES = ("hmer_tasks", "trainer", "examples", "bench", "tests")  # grammar holds no Python


def bindings(source: str) -> Iterator[tuple[int, str]]:
    """Every name that a module binds, with its line: variables, parameters, functions, attributes, aliases."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.arg(arg=name):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.ExceptHandler(name=str(name)) | ast.alias(asname=str(name)):
                yield node.lineno, name
            case (
                ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name))
            ):
                yield node.lineno, name


def banned(source: str) -> list[str]:
    return [f"{line}: {name}" for line, name in bindings(source) if name.strip("_") in BANNED]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_name_is_a_riddle(package):
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    riddles = [
        f"{path.relative_to(ROOT)}:{line}" for path in files for line in banned(path.read_text("utf-8"))
    ]
    assert not riddles, "\n".join(riddles)


@pytest.mark.parametrize(
    "source",
    (
        "each = 1", "for one in x: pass", "[found for found in x]", "lambda told: 0", "def made(): pass",
        "def f(*, there=1): pass", "class one: pass", "import x as made", "self.found = 1", "(one := 1)",
        "with x as there: pass", "try: pass\nexcept E as told: pass", "match x:\n case [*one]: pass",
        "match x:\n case {**made}: pass", "match x:\n case found: pass", "_each = 1",
    ),
)  # fmt: skip
def test_every_way_to_bind_a_name_is_seen(source):
    assert len(banned(source)) == 1


def test_other_names_pass():
    assert not banned("reached = founded = 1\nx.made\none")
