"""The standard spelling of a label: what looks the same on paper is written one way.

Opt-in (`--normalize`); the tables are in grammar/spellings.toml.
"""

from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.rewrite import rewrite
from hmer_tasks.latex.rules import Rules, standard
from hmer_tasks.latex.tree import to_label
from hmer_tasks.reasons import LabelError, Reason


def standard_spelling(label: str) -> str:
    """The label in standard spelling, in explicit form; spelling it again changes nothing.

    Raises LabelError as `parse` does, and with EMPTY_LABEL where nothing that leaves ink remains.
    """
    return spell(label, standard())


def same_on_paper(a: str, b: str) -> bool:
    """Whether two labels are equal token for token, or in standard spelling.

    A string that does not parse is compared by its tokens only.
    """
    if a.split() == b.split():
        return True
    try:
        return standard_spelling(a) == standard_spelling(b)
    except LabelError:
        return False


def spell(label: str, rules: Rules) -> str:
    """The label after the rules, repeated until they change nothing more."""
    tree = parse(label)
    written = to_label(tree)
    if rules.change_nothing:
        return written
    while True:
        rewritten = rewrite(tree, rules)
        if rewritten == written:
            return written
        if not rewritten:
            raise LabelError(Reason.EMPTY_LABEL, 0, "nothing in it leaves ink", tuple(label.split()))
        tree = parse(rewritten)
        written = rewritten
