"""The field's metrics by name: what each is, who reports it so, and its value from sums over pairs.

Definitions are those by which published scores come out to the digit. Tokens are separated by white
space and compared as written; nothing is normalised but where a metric says so.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from hmer_tasks.evaluate.columns import INDEX, ORDERS, Table
from hmer_tasks.missing import MissingLibraryError


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric: its title, its unit (`%`, or none for a ratio), who reports it so, and how the sums of
    `columns.COLUMNS` become its value."""

    title: str
    unit: str
    reported_by: str
    value: Callable[[Table], float]


def bleu(sums: Table) -> float:
    """Corpus BLEU-4 in per cent: NLTK's `corpus_bleu` with smoothing method 4 (Chen and Cherry, 2014).

    NLTK's own pieces on counts summed beforehand, so that a resampled corpus need not be read again.
    """
    try:
        from nltk.translate.bleu_score import Fraction, SmoothingFunction, brevity_penalty
    except ImportError:
        raise MissingLibraryError("BLEU needs nltk: pip install 'hmer-tasks[score]'") from None
    length = int(sums[INDEX["pred_tokens"]])
    counted = [(int(sums[INDEX[f"matched{n}"]]), int(sums[INDEX[f"ngrams{n}"]])) for n in ORDERS]
    if not counted[0][0]:
        return 0.0
    precisions = [Fraction(matched, total, _normalize=False) for matched, total in counted]
    smoothed = SmoothingFunction().method4(precisions, [], [], hyp_len=length)
    mean = math.fsum(math.log(p) for p in smoothed if p > 0) / len(ORDERS)
    return 100 * float(brevity_penalty(int(sums[INDEX["label_tokens"]]), length)) * math.exp(mean)


def _ratio(top: str, bottom: str, scale: float = 1.0) -> Callable[[Table], float]:
    over, under = INDEX[top], INDEX[bottom]

    def value(sums: Table) -> float:
        return scale * float(sums[over]) / float(sums[under]) if sums[under] else 0.0

    return value


def _percent(column: str) -> Callable[[Table], float]:
    return _ratio(column, "pairs", 100.0)


_FIELD = "CROHME, CoMER, PosFormer, TAMER, SSAN, Uni-MuMER"

METRICS: dict[str, Metric] = {
    "exprate": Metric("ExpRate", "%", f"{_FIELD}: exact match of tokens", _percent("exact")),
    "within_1": Metric("≤1", "%", f"{_FIELD}: token edit distance at most 1", _percent("within1")),
    "within_2": Metric("≤2", "%", f"{_FIELD}: at most 2", _percent("within2")),
    "within_3": Metric("≤3", "%", f"{_FIELD}: at most 3", _percent("within3")),
    "edit_score": Metric(
        "edit score", "%", "Uni-MuMER: mean of 1 − token distance / longer length", _percent("edit_score")
    ),
    "bleu_4": Metric("BLEU-4", "%", "Uni-MuMER: NLTK corpus_bleu, smoothing method 4", bleu),
    "published_cer": Metric(
        "CER as published", "", "Uni-MuMER: token distances / label characters, spaces included",
        _ratio("token_distance", "label_characters"),
    ),
    "token_error_rate": Metric(
        "token error rate", "", "MathWriting, who call it CER (a character is a token there)",
        _ratio("token_distance", "label_tokens"),
    ),
    "character_error_rate": Metric(
        "character error rate", "", "speech and text recognition: character distances / label characters",
        _ratio("character_distance", "label_spaced"),
    ),
    "same_on_paper": Metric(
        "same on paper", "%", "this project: equal in standard spelling", _percent("same")
    ),
    "symbol_recall": Metric(
        "symbol recall", "%", "as LgEval (CROHME), symbols aligned in reading order",
        _ratio("matched_symbols", "label_symbols", 100.0),
    ),
    "symbol_precision": Metric(
        "symbol precision", "%", "as LgEval (CROHME)", _ratio("matched_symbols", "pred_symbols", 100.0)
    ),
    "relation_recall": Metric(
        "relation recall", "%", "as LgEval (CROHME): both ends aligned and the same relation",
        _ratio("matched_relations", "label_relations", 100.0),
    ),
    "relation_precision": Metric(
        "relation precision", "%", "as LgEval (CROHME)", _ratio("matched_relations", "pred_relations", 100.0)
    ),
}  # fmt: skip
