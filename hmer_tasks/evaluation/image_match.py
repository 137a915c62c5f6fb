"""Image match: how alike two formulas look in print, from 0 to 1, without TeX.

In the manner of Im2Markup's image edit distance (Deng et al., "Image-to-Markup Generation with Coarse-to-Fine
Attention", 2017) and of the Image Matching Score by which reward models of 2026 are trained: both formulas
are laid out and drawn at low resolution (`typeset/raster.py`), and the sequences of their pictures' columns
are compared by edit distance: 1 − distance / longer length. What is equal in standard spelling is 1; what
cannot be laid out is 0. Their code is not public, and their pictures come from TeX: the numbers are akin,
not the same.
"""

from rapidfuzz.distance import Levenshtein

from hmer_tasks.latex.canonical import visually_equal
from hmer_tasks.typeset.raster import columns


def image_match(gt: str, pred: str) -> float | None:
    """The score of a pair; None where the label cannot be laid out, and so nothing can be said.

    Raises MissingLibraryError without ziamath.
    """
    if visually_equal(gt, pred):
        return 1.0
    label = columns(gt)
    if label is None:
        return None
    read = columns(pred)
    if not read or not label:
        return 0.0
    numbers: dict[int, int] = {}  # columns have thousands of bits: compared as small numbers
    left, right = ([numbers.setdefault(column, len(numbers)) for column in side] for side in (label, read))
    return float(Levenshtein.normalized_similarity(left, right))
