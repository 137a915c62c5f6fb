"""`apply_corrections` and `mark_errors`. The input's first line is the marked expression, the rest the log.

The two lines also serve as any two token lists: marking one against the other is always undone.
"""

from hmer_tasks.errors.markup import apply_corrections, mark_errors, strip_marks
from hmer_tasks.exceptions import LabelError, RejectReason
from hmer_tasks.latex.tables import tables
from tests.fuzz.common import check_label_error, words

WORDS = words("\n", "REPLACE:", "INSERT:", "DELETE:", " -> ", " after ", "<start>", " <error_start> ",
              " <error_end> ", " <deleted> ", "REPLACE:a -> b\n", "INSERT:a after <start>\n", "DELETE:a\n")  # fmt: skip
LONGEST = 240  # bytes: alignment grows with the square, and fuzzing wants many calls


def run(data: bytes) -> None:
    marked, _, log = data.decode("utf-8", "surrogateescape").partition("\n")
    try:
        apply_corrections(marked, log)
    except LabelError as error:
        check_label_error(error)
    for candidate, label in ((marked, log), (log, marked)):
        try:
            new, corrections = mark_errors(candidate, label)
        except LabelError as error:
            check_label_error(error)
            assert error.reason is RejectReason.RESERVED_TOKEN
            assert not tables().reserved.isdisjoint([*candidate.split(), *label.split()])
            continue
        assert apply_corrections(new, corrections) == " ".join(label.split())
        assert strip_marks(new) == " ".join(candidate.split())
