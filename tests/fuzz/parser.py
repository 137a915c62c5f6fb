"""`parse`: a label is refused by name, or its tree gives everything back."""

from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.canonical import canonicalize, visually_equal
from hmer_tasks.latex.counts import count_text
from hmer_tasks.latex.parser import parse, unknown_commands
from hmer_tasks.latex.tree import to_label
from hmer_tasks.latex.tree_text import parse_tree_text, tree_text
from hmer_tasks.latex.uni_mumer_tree import released_tree_text
from tests.fuzz.common import check_label_error, words

WORDS = words()
REAL = "label"  # further seeds, where there are real corpora


def run(data: bytes) -> None:
    label = data.decode("utf-8", "surrogateescape")
    try:
        tree = parse(label)
    except LabelError as error:
        check_label_error(error)
        return
    explicit = to_label(tree)
    assert to_label(parse(explicit)) == explicit
    text = tree_text(tree)
    assert parse_tree_text(text) == tree
    assert tree.to_networkx().number_of_nodes() == text.count("\n") + 1
    count_text(explicit)
    unknown_commands(explicit)
    try:
        released_tree_text(explicit)
    except LabelError as error:
        check_label_error(error)
    try:
        spelled = canonicalize(explicit)
    except LabelError as error:
        check_label_error(error)
        return
    assert canonicalize(spelled) == spelled
    assert visually_equal(explicit, spelled)
