"""Marking what differs between a candidate and its label, and correcting it again.

Alignment is a shortest token edit script (align.py); edits with no common token between them are one
span. The markup is Uni-MuMER's (``<error_start>`` … ``<error_end>``, ``<deleted>``; REPLACE,
INSERT, DELETE); several operations on several lines and the meaning of an INSERT's position are this
project's, because the released builder is not public.
"""

from functools import lru_cache
from typing import Final

from hmer_tasks.errors.align import align
from hmer_tasks.exceptions import LabelError, RejectReason
from hmer_tasks.latex.tables import tables
from hmer_tasks.utils.check_types import require_type

ERROR_START: Final = "<error_start>"
ERROR_END: Final = "<error_end>"
DELETED: Final = "<deleted>"
START: Final = "<start>"
_MARKS: Final = frozenset([ERROR_START, ERROR_END, DELETED])


def mark_errors(candidate: str, label: str) -> tuple[str, str]:
    """Mark the mistakes of a candidate, and list the corrections.

    The marks follow a shortest edit script; edits with no common token between them are one mistake.

    Args:
        candidate: What a recogniser wrote: tokens separated by white space. It may be empty and need not
            parse.
        label: What it should have written.

    Returns:
        The marked candidate (``<error_start>`` … ``<error_end>`` around wrong tokens, ``<deleted>`` where
        tokens are missing), and the correction log, one operation a line.

    Raises:
        LabelError: `reserved_token`: one of the strings holds a mark already.
        TypeError: An argument is no string.

    Examples:
        >>> marked, log = mark_errors("x + 1", "x - 1 2")
        >>> print(marked)
        x <error_start> + <error_end> 1 <deleted>
        >>> print(log)
        REPLACE:+ -> -
        INSERT:2 after 1
    """
    require_type(candidate, str, "a candidate")
    require_type(label, str, "a label")
    return marked_errors(candidate, label)


@lru_cache(maxsize=256)  # a row's proof asks again what the row was made of
def marked_errors(candidate: str, label: str) -> tuple[str, str]:
    """What `mark_errors` returns; the types are right."""
    wrong, right = candidate.split(), label.split()
    for tokens in (wrong, right):
        _refuse_reserved(tokens)
    marked: list[str] = []
    log: list[str] = []
    done = 0
    for start, stop, right_start, right_stop in align(wrong, right):
        marked += wrong[done:start]
        span, correct = wrong[start:stop], right[right_start:right_stop]
        if span:
            marked += [ERROR_START, *span, ERROR_END]
            log.append(
                f"REPLACE:{' '.join(span)} -> {' '.join(correct)}" if correct else f"DELETE:{' '.join(span)}"
            )
        else:
            marked.append(DELETED)
            log.append(f"INSERT:{' '.join(correct)} after {wrong[start - 1] if start else START}")
        done = stop
    marked += wrong[done:]
    return " ".join(marked), "\n".join(log)


def strip_marks(marked: str) -> str:
    """The candidate that was marked."""
    return " ".join([token for token in marked.split() if token not in _MARKS])


def apply_corrections(marked: str, log: str) -> str:
    """Apply a correction log to a marked candidate: the inverse of `mark_errors`.

    Args:
        marked: The marked candidate.
        log: One operation a line, in the order of the marks.

    Returns:
        The label.

    Raises:
        LabelError: `bad_markup`: marks that are not well formed, an operation that does not fit its mark, or
            more of the ones than of the others. `position` is an index into the tokens of `marked`.
        TypeError: An argument is no string.

    Examples:
        >>> apply_corrections("x <error_start> + <error_end> 1", "REPLACE:+ -> -")
        'x - 1'
    """
    require_type(marked, str, "a marked candidate")
    require_type(log, str, "a correction log")
    return corrected_label(marked, log)


@lru_cache(maxsize=256)  # both error tasks prove by it
def corrected_label(marked: str, log: str) -> str:
    """What `apply_corrections` returns; the types are right."""
    tokens = marked.split()
    operations = log.split("\n") if log else []
    out: list[str] = []
    before, used, done = START, 0, 0
    for i in [place for place, token in enumerate(tokens) if token in _MARKS]:
        if i < done:
            continue  # the mark that ends the last span
        if i > done:
            out += tokens[done:i]
            before = tokens[i - 1]
        if used >= len(operations):
            raise _bad(i, "a mark without an operation in the log", tokens)
        operation, used = operations[used], used + 1
        if tokens[i] == DELETED:
            out += _inserted(operation, before, i, tokens)
            done = i + 1
            continue
        end = _span_end(i, tokens)
        span = tokens[i + 1 : end]
        out += _replaced(operation, " ".join(span), i, tokens)
        before, done = span[-1], end + 1
    out += tokens[done:]
    if used < len(operations):
        raise _bad(len(tokens), f"an operation without a mark: {operations[used]!r}", tokens)
    return " ".join(out)


def _inserted(operation: str, before: str, place: int, tokens: list[str]) -> list[str]:
    start, end = "INSERT:", f" after {before}"
    if not (
        operation.startswith(start) and operation.endswith(end) and len(operation) > len(start) + len(end)
    ):
        raise _bad(place, f"{operation!r} does not insert after {before}", tokens)
    return operation[len(start) : -len(end)].split()


def _replaced(operation: str, span: str, place: int, tokens: list[str]) -> list[str]:
    start = f"REPLACE:{span} -> "
    if operation == f"DELETE:{span}":
        return []
    if not operation.startswith(start) or len(operation) == len(start):
        raise _bad(place, f"{operation!r} does not correct {span!r}", tokens)
    return operation[len(start) :].split()


def _span_end(start: int, tokens: list[str]) -> int:
    for i in range(start + 1, len(tokens)):
        if tokens[i] == ERROR_END and i > start + 1 and tokens[start] == ERROR_START:
            return i
        if tokens[i] in _MARKS:
            break
    raise _bad(start, f"{ERROR_START} … {ERROR_END} is not well formed", tokens)


def _refuse_reserved(tokens: list[str]) -> None:
    reserved = tables().reserved
    if reserved.isdisjoint(tokens):
        return
    for place, token in enumerate(tokens):
        if token in reserved:
            raise LabelError(
                RejectReason.RESERVED_TOKEN, place, f"{token} is a mark of the error tasks", tuple(tokens)
            )


def _bad(place: int, detail: str, tokens: list[str]) -> LabelError:
    return LabelError(RejectReason.BAD_MARKUP, place, detail, tuple(tokens))
