"""The field's metrics by name: what each is, who reports it so, and its value from sums over pairs.

Definitions are those by which published scores come out to the digit. Tokens are separated by white
space and compared as written; nothing is normalised but where a metric says so.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from hmer_tasks.evaluation.columns import INDEX, ORDERS, Table
from hmer_tasks.exceptions import MissingLibraryError


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


def unsmoothed_bleu(sums: Table) -> float:
    """Corpus BLEU-4 in per cent without smoothing (Papineni et al., 2002), over the `compact_` columns."""
    precisions = [_ratio(f"compact_matched{n}", f"compact_ngrams{n}")(sums) for n in ORDERS]
    if min(precisions) <= 0:
        return 0.0
    ratio = float(sums[INDEX["compact_pred"]]) / max(float(sums[INDEX["compact_label"]]), 1.0)
    brevity = 1.0 if ratio > 1 else math.exp(1 - 1 / ratio)
    return 100 * brevity * math.exp(sum(map(math.log, precisions)) / len(ORDERS))


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
    "unimernet_edit": Metric(
        "edit distance, UniMERNet", "",
        "UniMERNet: mean of character distance / longer length, spaces removed",
        _ratio("compact_distance", "pairs"),
    ),
    "unimernet_bleu": Metric(
        "BLEU, UniMERNet", "%", "UniMERNet: BLEU of evaluate, spaces removed, no smoothing", unsmoothed_bleu
    ),
    "valid": Metric(
        "valid TeX", "%", "this project: predictions that parse and leave ink", _percent("pred_tex")
    ),
    "same_on_paper": Metric(
        "same on paper", "%", "this project: equal in standard spelling, hence in typesetting",
        _percent("same"),
    ),
    "same_symbols": Metric(
        "same symbols", "%",
        "this project: the same, function names read as letters (\\log is l o g), as CDM does",
        _percent("same_symbols"),
    ),
    "structure_rate": Metric(
        "structure rate", "%", "CROHME 2019 and 2023 (LgEval): the same paths, whatever the symbols",
        _ratio("path_structure", "path_pairs", 100.0),
    ),
    "lgeval_symbol_recall": Metric(
        "symbol recall, LgEval", "%", "CROHME (LgEval): the symbol of the same path",
        _ratio("path_matched", "path_label", 100.0),
    ),
    "lgeval_symbol_precision": Metric(
        "symbol precision, LgEval", "%", "CROHME (LgEval)", _ratio("path_matched", "path_pred", 100.0)
    ),
    "symbol_recall": Metric(
        "symbol recall", "%", "this project: symbols aligned in reading order, all pairs' together (micro)",
        _ratio("matched_symbols", "label_symbols", 100.0),
    ),
    "symbol_precision": Metric(
        "symbol precision", "%", "the same; a very long prediction weighs as much as its length",
        _ratio("matched_symbols", "pred_symbols", 100.0),
    ),
    "macro_symbol_recall": Metric(
        "symbol recall, macro", "%", "this project: mean of the pairs' own",
        _ratio("symbol_recall", "label_tex", 100.0),
    ),
    "macro_symbol_precision": Metric(
        "symbol precision, macro", "%", "the same", _ratio("symbol_precision", "label_tex", 100.0)
    ),
    "relation_recall": Metric(
        "relation recall", "%", "this project: both ends aligned and the same relation (micro)",
        _ratio("matched_relations", "label_relations", 100.0),
    ),
    "relation_precision": Metric(
        "relation precision", "%", "the same", _ratio("matched_relations", "pred_relations", 100.0)
    ),
    "macro_relation_recall": Metric(
        "relation recall, macro", "%", "this project: mean of the pairs' own",
        _ratio("relation_recall", "label_tex", 100.0),
    ),
    "macro_relation_precision": Metric(
        "relation precision, macro", "%", "the same", _ratio("relation_precision", "label_tex", 100.0)
    ),
}  # fmt: skip
