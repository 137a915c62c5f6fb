"""What an answer to one of the five prompts holds, and whether its parts agree: shared by the vote and
by the rewards."""

from hmer_tasks.errors.markup import DELETED, ERROR_END, ERROR_START, apply_corrections, strip_marks
from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.canonical import canonicalize
from hmer_tasks.latex.counts import count_text
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import to_label
from hmer_tasks.latex.tree_text import parse_tree_text
from hmer_tasks.latex.uni_mumer_tree import released_tree_text
from hmer_tasks.tasks import DIALECTS
from hmer_tasks.tasks.base import last_line


def label_in(answer: str, task: str) -> str:
    """The label of an answer: its last line; the whole of a recognition; none of an error detection."""
    if task == "error_detection":
        return ""
    return answer.strip("\n") if task == "recognition" else last_line(answer.strip("\n"))


def reasoning_of(answer: str) -> str:
    """What stands before the last line: the tree, the counts, or the log."""
    return answer.strip("\n").rpartition("\n")[0]


def label_of_tree(tree: str) -> str | None:
    """The label that a tree's text form gives; None where no label has this tree."""
    try:
        return to_label(parse_tree_text(tree))
    except LabelError:
        return None


def tree_agrees(tree: str, label: str) -> bool:
    """Whether a tree's text form, in either dialect, is that of the label."""
    given = label_of_tree(tree)
    if given is not None and (given.split() == label.split() or given == explicit(label)):
        return True
    return tree == released_tree_of(label)


def released_tree_of(label: str) -> str | None:
    """The published tool's tree of a label; None where it writes none."""
    try:
        return released_tree_text(explicit(label) or label)
    except LabelError:
        return None


def explicit(label: str) -> str | None:
    """The label in explicit form; None where it is not TeX."""
    try:
        return to_label(parse(label))
    except LabelError:
        return None


def counts_agree(counts: str, label: str) -> bool:
    """Whether a count text is that of the label, as written or in explicit form; the order is free."""
    return counts_key(counts) in counts_of(label)


def counts_key(counts: str) -> tuple[str, ...]:
    """What count texts share that differ in order alone."""
    return tuple(sorted(counts.split(", ")))


def counts_of(label: str) -> set[tuple[str, ...]]:
    """The keys of the count texts that a label has, in either dialect: as written, and in explicit form."""
    written = explicit(label)
    forms = [form for form in (label, written) if form]
    keys = {counts_key(count_text(form, how)) for form in forms for how in DIALECTS}
    # `{ { {` has nothing to count: saying nothing of it must not pay
    return keys if written is not None else {key for key in keys if any(part.strip() for part in key)}


def marks_valid(marked: str, candidate: str) -> bool:
    """Whether marks are well formed and what is marked is the candidate."""
    if strip_marks(marked).split() != candidate.split():
        return False
    inside: int | None = None
    for token in marked.split():
        if token == ERROR_START:
            if inside is not None:
                return False
            inside = 0
        elif token == ERROR_END:
            if not inside:
                return False
            inside = None
        elif inside is not None:
            if token == DELETED:
                return False
            inside += 1
    return inside is None


def corrections_agree(marked: str, log: str, label: str) -> bool:
    """Whether the log, done at the marks, gives the label."""
    try:
        return apply_corrections(marked, log).split() == label.split()
    except LabelError:
        return False


def key(label: str) -> str:
    """What labels that are the same on paper share: the standard spelling; the tokens where not TeX."""
    try:
        return canonicalize(label)
    except LabelError:
        return " ".join(label.split())
