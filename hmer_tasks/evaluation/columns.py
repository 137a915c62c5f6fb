"""What one pair contributes to the token metrics: every metric is a function of sums of these numbers.

So one pass over the pairs serves the values, their bootstrap intervals, every subgroup and the
comparison of two systems alike.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hmer_tasks.errors.edits import edit_distance, relative_distance
from hmer_tasks.evaluation.unimernet import clipped, compact
from hmer_tasks.exceptions import MissingLibraryError

Table = npt.NDArray[np.float64]

ORDERS = (1, 2, 3, 4)  # of BLEU's n-grams
COLUMNS = (
    "pairs", "exact", "within1", "within2", "within3", "edit_score", "token_distance", "label_tokens",
    "pred_tokens", "label_characters", "label_spaced", "character_distance",
    *(f"matched{n}" for n in ORDERS), *(f"ngrams{n}" for n in ORDERS),
    "same", "label_symbols", "pred_symbols", "matched_symbols", "label_relations", "pred_relations",
    "matched_relations", "same_symbols", "label_tex", "pred_tex",
    "symbol_recall", "symbol_precision", "relation_recall", "relation_precision",
    "path_pairs", "path_label", "path_pred", "path_matched", "path_structure",
    "compact_distance", "compact_label", "compact_pred",
    *(f"compact_matched{n}" for n in ORDERS), *(f"compact_ngrams{n}" for n in ORDERS),
)  # fmt: skip
INDEX = {name: place for place, name in enumerate(COLUMNS)}


def token_row(gt: str, pred: str) -> list[float]:
    """The numbers of one pair up to `same`, as COLUMNS names them. Tokens are separated by white space
    and compared as written. Distances of very long pairs are upper bounds: see `errors.edits`."""
    label, read = gt.split(), pred.split()
    distance = edit_distance(label, read)
    longer = max(len(label), len(read))
    spaced, read_spaced = " ".join(label), " ".join(read)
    matched, ngrams = _ngrams(label, read, distance)
    return [
        1, distance == 0, distance <= 1, distance <= 2, distance <= 3,
        1 - distance / longer if longer else 1.0,
        distance, len(label), len(read), len(gt), len(spaced),
        edit_distance(spaced, read_spaced) if distance else 0,
        *matched, *ngrams,
    ]  # fmt: skip


def compact_row(gt: str, pred: str) -> list[float]:
    """The last columns: UniMERNet's numbers of a pair."""
    label, label_tokens = compact(gt)
    read, pred_tokens = compact(pred)
    matched, ngrams = clipped(label_tokens, pred_tokens)
    distance = relative_distance(read, label)
    return [distance, len(label_tokens), len(pred_tokens), *matched, *ngrams]


def _ngrams(label: Sequence[str], read: Sequence[str], distance: int) -> tuple[list[int], list[int]]:
    """BLEU's clipped matches and n-grams of the prediction, as NLTK counts them (at least one each)."""
    total = [max(1, len(read) - n + 1) for n in ORDERS]
    if distance == 0:  # every n-gram matches
        return [max(0, len(read) - n + 1) for n in ORDERS], total
    try:
        from nltk.translate.bleu_score import modified_precision
    except ImportError:
        raise MissingLibraryError("BLEU needs nltk: pip install 'hmer-tasks[score]'") from None
    return [int(modified_precision([label], read, n).numerator) for n in ORDERS], total
