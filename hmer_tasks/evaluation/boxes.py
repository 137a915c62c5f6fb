r"""Box F1: how much of the printed label is found in the printed prediction, box by box.

In the manner of CDM (Wang et al., "CDM: A Reliable Metric for Fair and Accurate Formula Recognition
Evaluation", arXiv 2409.03643): boxes of the two pictures are matched by the Hungarian method with a
cost of symbol, place and order; a match counts where the symbol is the same and the place fits.
CDM tests places by fitting shifts and scales of the picture; here places are compared pair by pair,
so that an expression that got longer on the left is not wrong on the right, and ``x ^ 2`` is never
``x _ 2``. The numbers are akin to CDM's, not the same: `cdm.py` writes its input for who must quote it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Levenshtein

from hmer_tasks.evaluation.trees import graph_of
from hmer_tasks.exceptions import MissingLibraryError
from hmer_tasks.typeset.boxes import BAR, Box
from hmer_tasks.typeset.layout import layout

Reals = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# Another symbol costs more than any place or order can: the rest decides among equal symbols.
_SYMBOL, _PLACE, _ORDER = 1.0, 0.1, 0.4
# In letter sizes. Scripts stand 0.36 above or 0.21 below, scripts of these 0.15 further down or 0.26 up;
# what stands further than _FAR above or below does so by a length that its neighbours make.
_LIFT, _FAR, _STACKED, _ASIDE, _NEAR_BAR = 0.13, 0.5, 0.8, 0.2, 1.5
_SIZES = 0.05  # in logarithms: letter sizes are few (1 and 0.72)


@dataclass(frozen=True, slots=True)
class BoxScore:
    """F1 of a pair, and the places in the layouts of the boxes that found no match.

    `label_boxes` and `pred_boxes` count the boxes; None where that side cannot be laid out (a label:
    the pair has no score, `f1` is 0 and not to be averaged; a prediction: the score is 0). Of a pair
    that is the same in standard spelling nothing is laid out: F1 is 1 and the counts are 0.
    """

    f1: float
    label_boxes: int | None
    pred_boxes: int | None
    unmatched_label: tuple[int, ...] = ()
    unmatched_pred: tuple[int, ...] = ()

    @property
    def perfect(self) -> bool:
        """Whether every box is matched."""
        return self.f1 == 1.0


def box_score(gt: str, pred: str) -> BoxScore:
    """The score of a pair; any two strings will do. Raises MissingLibraryError without scipy."""
    label_graph = graph_of(gt)
    if label_graph is not None and label_graph == graph_of(pred):
        return BoxScore(1.0, 0, 0)
    label = layout(gt)
    if label is None:
        return BoxScore(0.0, None, None)
    read = layout(pred)
    if read is None:
        return BoxScore(0.0, len(label), None, tuple(range(len(label))))
    return match(label, read)


def match(label: tuple[Box, ...], read: tuple[Box, ...]) -> BoxScore:
    """Match two layouts. Cubic in the number of boxes at worst."""
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError:
        raise MissingLibraryError("box F1 needs scipy: pip install 'hmer-tasks[score]'") from None
    same = np.array([[a.symbol == b.symbol for b in read] for a in label])
    rows, columns = linear_sum_assignment(_cost(label, read, same))
    pairs = [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if same[i, j]]
    kept = _consistent([label[i] for i, _ in pairs], [read[j] for _, j in pairs])
    pairs = [pair for pair, keep in zip(pairs, kept, strict=True) if keep]
    met, detected = {i for i, _ in pairs}, {j for _, j in pairs}
    return BoxScore(
        f1=2 * len(pairs) / (len(label) + len(read)),
        label_boxes=len(label),
        pred_boxes=len(read),
        unmatched_label=tuple(i for i in range(len(label)) if i not in met),
        unmatched_pred=tuple(j for j in range(len(read)) if j not in detected),
    )


def _cost(label: tuple[Box, ...], read: tuple[Box, ...], same: Flags) -> Reals:
    a, b = _table(label), _table(read)
    width = max(float(a[:, 1].max()), float(b[:, 1].max()), 1.0)
    aside = np.abs(a[:, None, 0] - b[None, :, 0]) / width
    lift = np.minimum(np.abs(a[:, None, 2] - b[None, :, 2]), 1.0)
    order = np.abs(_expected(label, read)[:, None] - np.arange(len(read))[None, :]) / len(read)
    cost: Reals = _SYMBOL * ~same + _PLACE * (np.minimum(aside, 1.0) + lift) / 2 + _ORDER * order
    return cost


def _expected(label: tuple[Box, ...], read: tuple[Box, ...]) -> Reals:
    """Which box of the prediction each of the label's should be, in drawing order: by the shortest edit
    script of their symbols, so that one box more does not shift all that follow."""
    expected = np.zeros(len(label))
    for edit in Levenshtein.opcodes([box.symbol for box in label], [box.symbol for box in read]):
        for i in range(edit.src_start, edit.src_end):
            expected[i] = min(edit.dest_start + i - edit.src_start, edit.dest_end)
    return expected


def _table(boxes: tuple[Box, ...] | list[Box]) -> Reals:
    """Left, right, level of the line, size, and whether it is a bar: shape (boxes, 5)."""
    rows = [[b.left, b.right, b.line_level, b.size, b.symbol == BAR] for b in boxes]
    return np.array(rows, dtype=np.float64).reshape(len(rows), 5)


def _consistent(label: list[Box], read: list[Box]) -> list[bool]:
    """Which matched boxes stay: those with the most conflicts go one by one until there are none."""
    conflicts = _conflicts(_table(label), _table(read))
    conflicts = conflicts | conflicts.T
    counts = conflicts.sum(axis=1)
    kept = np.ones(len(label), dtype=np.bool_)
    while len(counts) and counts.max() > 0:
        worst = int(counts.argmax())
        kept[worst] = False
        counts -= conflicts[worst]
        counts[worst] = 0
        conflicts[:, worst] = False
    return [bool(keep) for keep in kept]


def _conflicts(a: Reals, b: Reals) -> Flags:
    """Whether two matched boxes stand to each other otherwise in the label (a) than in the prediction (b):
    higher or lower, larger or smaller, left or right, under the same bar or not."""
    lifts, asides, ratios, covers, bars = [], [], [], [], a[:, 4] > 0
    for t in (a, b):
        size = np.where(t[:, 3] > 0, t[:, 3], 1.0)
        scale = np.maximum(size[:, None], size[None, :])
        lifts.append((t[None, :, 2] - t[:, None, 2]) / scale)
        asides.append(t[None, :, 0] - t[:, None, 0])
        ratios.append(np.log(size)[None, :] - np.log(size)[:, None])
        middle = (t[:, 0] + t[:, 1]) / 2
        near = np.abs(t[None, :, 2] - t[:, None, 2]) < _NEAR_BAR
        covers.append((t[:, None, 0] <= middle[None, :]) & (middle[None, :] <= t[:, None, 1]) & near)
    letters = a[:, 3] > 0
    lifted = np.abs(np.clip(lifts[0], -_FAR, _FAR) - np.clip(lifts[1], -_FAR, _FAR)) > _LIFT
    sized = (np.abs(ratios[0] - ratios[1]) > _SIZES) & letters[:, None] & letters[None, :]
    stacked = (np.abs(lifts[0]) >= _STACKED) & (np.abs(lifts[1]) >= _STACKED)
    swapped = (asides[0] * asides[1] < 0) & (np.minimum(np.abs(asides[0]), np.abs(asides[1])) > _ASIDE)
    covered = bars[:, None] & ~bars[None, :] & (covers[0] != covers[1])
    matched: Flags = lifted | sized | (swapped & ~stacked) | covered
    return matched
