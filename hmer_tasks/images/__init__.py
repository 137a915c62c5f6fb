"""Pictures: one gate and one decoder for every corpus, the trainer, `show`, the pages and the exports.

`gate` makes an owner's file fit to stand in a row, `prove` checks a row's picture again, `decode` gives
the pixels. Which rules hold is said in gate.py.
"""

from hmer_tasks.exceptions import PictureError
from hmer_tasks.images.containers import kind_of
from hmer_tasks.images.decoding import (
    EXTENSIONS,
    FORMATS,
    MAX_ASPECT,
    MAX_PIXELS,
    MIN_SIDE,
    check_size,
    size_of,
)
from hmer_tasks.images.gate import CHANGES, Change, GatedPicture, decode, gate, is_clean, png, prove
from hmer_tasks.images.polarity import MIN_CONTRAST, Polarity, polarity

__all__ = [
    "CHANGES",
    "EXTENSIONS",
    "FORMATS",
    "MAX_ASPECT",
    "MAX_PIXELS",
    "MIN_CONTRAST",
    "MIN_SIDE",
    "Change",
    "GatedPicture",
    "PictureError",
    "Polarity",
    "check_size",
    "decode",
    "gate",
    "is_clean",
    "kind_of",
    "png",
    "polarity",
    "prove",
    "size_of",
]
