"""How an input is changed: words of the target's language are put in, taken out, doubled and moved.

A mutation of bytes alone rarely writes `\\begin {array}`; one of words alone never writes half a UTF-8
character. So both, at random.
"""

import re
from collections.abc import Sequence
from random import Random

LONGEST = 4096  # bytes of an input
_WORD = re.compile(rb"\s+|[A-Za-z0-9_.-]+|\\[A-Za-z]+|.", re.DOTALL)
_BYTES = (0x00, 0x09, 0x0A, 0x0D, 0x20, 0x22, 0x2C, 0x7F, 0x80, 0xC3, 0xED, 0xFF)


def mutate(data: bytes, random: Random, words: Sequence[bytes], others: Sequence[bytes] = ()) -> bytes:
    """A changed input, at most LONGEST bytes; `others` are inputs to take pieces from."""
    for _ in range(1 + int(random.expovariate(0.7))):
        data = _once(data, random, words, others)
    return data[:LONGEST]


def _once(data: bytes, random: Random, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    pieces = _WORD.findall(data)
    at = random.randrange(len(pieces) + 1)
    length = min(1 + int(random.expovariate(0.4)), 40)
    some = pieces[at : at + length]
    what = random.randrange(9)
    if what == 0 and words:
        pieces.insert(at, random.choice(words))
    elif what == 1 and words:
        pieces[at : at + 1] = [random.choice(words)]
    elif what == 2:
        del pieces[at : at + length]
    elif what == 3:
        pieces[at:at] = some * random.choice((1, 1, 2, 5, 50))
    elif what == 4:
        to = random.randrange(len(pieces) + 1)
        pieces[to:to] = some
    elif what == 5 and others:
        other = _WORD.findall(random.choice(others))
        start = random.randrange(len(other) + 1)
        pieces[at:at] = other[start : start + 4 * length]
    elif what == 6:
        pieces[at : at + length] = reversed(some)
    else:
        return _bytes(data, random)
    return b"".join(pieces)


def _bytes(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    at = random.randrange(len(changed) + 1)
    what = random.randrange(4)
    if what == 0 or at == len(changed):
        changed.insert(at, random.choice(_BYTES))
    elif what == 1:
        changed[at] ^= 1 << random.randrange(8)
    elif what == 2:
        changed[at] = random.choice(_BYTES)
    else:
        del changed[at : at + random.randrange(1, 9)]
    return bytes(changed)
