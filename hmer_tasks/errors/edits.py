"""Edit distances and edit scripts in linear time: rapidfuzz's, but where both sides are very long.

Bit-parallel edit distance (Hyyrö 2003, in rapidfuzz) takes |a| · |b| / 64 steps. Where the shorter side has
at most EXACT elements, that is linear in the longer one, and the result is exact. Where both are longer they
are cut into as many blocks each, and block is held against block: a valid script, and a distance never below
the exact one. Of the labels and predictions at hand the longest has 1,027 tokens and 2,057 characters.
"""

from collections.abc import Hashable, Iterator, Sequence

from rapidfuzz.distance import Levenshtein, Opcode

EXACT = 4_096  # tokens, or characters of a text, of the shorter side, without what both begin and end with
_BLOCK = 1_024


def edit_distance(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    """How many elements must be changed, lost or added; an upper bound where `is_exact` does not hold."""
    if min(len(a), len(b)) <= EXACT:
        return Levenshtein.distance(a, b)
    head, a_stop, b_stop = _differing(a, b)
    a, b = a[head:a_stop], b[head:b_stop]
    if min(len(a), len(b)) <= EXACT:
        return Levenshtein.distance(a, b)
    return sum(Levenshtein.distance(a[i:k], b[j:m]) for i, k, j, m in _blocks(a, b))


def relative_distance(a: Sequence[Hashable], b: Sequence[Hashable]) -> float:
    """The edit distance as a share of the longer one's length, from 0 to 1; 0 of two that are empty."""
    longer = max(len(a), len(b))
    return edit_distance(a, b) / longer if longer else 0.0


def edit_script(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[Opcode]:
    """A shortest script that makes `b` of `a`, as rapidfuzz writes it; just a valid one where `is_exact` does
    not hold, in which two operations of one kind may stand side by side."""
    if min(len(a), len(b)) <= EXACT:
        return list(Levenshtein.opcodes(a, b))
    head, a_stop, b_stop = _differing(a, b)
    script = [Opcode("equal", 0, head, 0, head)] if head else []
    cut_a, cut_b = a[head:a_stop], b[head:b_stop]
    exact = min(len(cut_a), len(cut_b)) <= EXACT
    for i, k, j, m in [(0, len(cut_a), 0, len(cut_b))] if exact else _blocks(cut_a, cut_b):
        script += [
            Opcode(
                edit.tag,
                edit.src_start + head + i,
                edit.src_end + head + i,
                edit.dest_start + head + j,
                edit.dest_end + head + j,
            )
            for edit in Levenshtein.opcodes(cut_a[i:k], cut_b[j:m])
        ]
    if a_stop < len(a):
        script.append(Opcode("equal", a_stop, len(a), b_stop, len(b)))
    return script


def is_exact(a: Sequence[Hashable], b: Sequence[Hashable]) -> bool:
    """Whether the distance of the two is the exact one."""
    if min(len(a), len(b)) <= EXACT:
        return True
    head, a_stop, b_stop = _differing(a, b)
    return min(a_stop, b_stop) - head <= EXACT


def _differing(a: Sequence[Hashable], b: Sequence[Hashable]) -> tuple[int, int, int]:
    """Where the two begin to differ, and where in each what both end with begins."""
    shared = min(len(a), len(b))
    head = tail = 0
    while head < shared and a[head] == b[head]:
        head += 1
    while tail < shared - head and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    return head, len(a) - tail, len(b) - tail


def _blocks(a: Sequence[Hashable], b: Sequence[Hashable]) -> Iterator[tuple[int, int, int, int]]:
    """As many blocks of both: start and stop in `a`, start and stop in `b`."""
    count = -(-max(len(a), len(b)) // _BLOCK)
    for i in range(count):
        yield (
            len(a) * i // count, len(a) * (i + 1) // count, len(b) * i // count, len(b) * (i + 1) // count,
        )  # fmt: skip
