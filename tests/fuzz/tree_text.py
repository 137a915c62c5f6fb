"""`parse_tree_text`: a text is refused by name, or it is exactly what its tree prints."""

from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import to_label
from hmer_tasks.latex.tree_text import parse_tree_text, tree_text
from tests.fuzz.common import check_label_error, words

_RELATIONS = (
    "right sub sup above below inside nextline begin_cases end_cases begin_array{cc} begin_array{c|@{x}c} end_array "
    "begin_matrix end_matrix begin_align* end_align*"
).split()
WORDS = words("\n", "\t", "\n\t", " (", ")", "<none>", "{}", "\\begin", "\\end",
              *(f" ({relation})\n" for relation in _RELATIONS), *(f"\nx ({relation})" for relation in _RELATIONS))  # fmt: skip


def run(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    try:
        tree = parse_tree_text(text)
    except LabelError as error:
        check_label_error(error)
        return
    assert tree_text(tree) == text
    assert parse(to_label(tree)) == tree
