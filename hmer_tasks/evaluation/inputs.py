"""What is odd about the predictions that are scored: said beside the scores, for it moves them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path

from hmer_tasks.evaluation.columns import INDEX
from hmer_tasks.evaluation.metrics import Metrics
from hmer_tasks.evaluation.paths import LONGEST
from hmer_tasks.evaluation.trees import Outcome
from hmer_tasks.exceptions import LabelError, PredictionError
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import to_label
from hmer_tasks.latex.words import split_glued
from hmer_tasks.predictions import Prediction

_NAMED = 3  # ids in a remark
_LONG = 5  # times its label, in tokens: such a prediction is named
_LONG_TOKENS = 200
# From these shares on the file was not tokenised; some tokenised labels have `\begin{matrix}` as one word.
_GLUED_SHARES = {"predictions": 0.02, "labels": 0.1}
_OR_LABELS = ", or --labels BUILD, whose labels have every brace (`x ^ { 2 }` for `x^2`)"
_LIMITS = "\\limits"
_INTEGRALS = frozenset(["\\int", "\\iint", "\\iiint", "\\oint", "\\intop"])


def refuse_repeated_files(paths: Sequence[Path]) -> None:
    """Raise PredictionError where a file is named twice, by whatever path: every pair would count twice."""
    seen: dict[Path, Path] = {}
    for path in paths:
        real = path.resolve()
        if real in seen:
            raise PredictionError(f"{path} is given twice (first as {seen[real]})")
        seen[real] = path


def tokenized(pairs: Iterable[Prediction]) -> list[Prediction]:
    """The predictions, and labels, with one space between tokens (`x^{2}` as `x ^ { 2 }`)."""
    return [replace(pair, gt=_spaced(pair.gt), pred=_spaced(pair.pred)) for pair in pairs]


def _spaced(text: str) -> str:
    return " ".join(split_glued(text))


def is_glued(text: str) -> bool:
    """Whether a white-space word of the text holds several tokens. An environment's name in braces is one."""
    return any(
        len(word) > 1 and not (word[0] == "{" and word[1:2].isalpha()) and len(split_glued(word)) > 1
        for word in text.split()
    )


def comparable_label(gt: str, label: str) -> str:
    r"""The label of a row that answers are compared with, token by token.

    Args:
        gt: The owners' label as they wrote it.
        label: The same in explicit form, as the rows teach it.

    Returns:
        `gt` where it is written in tokens, as published scores take it; `label` where it is raw LaTeX, of
        which no answer could be the equal: several tokens in a word (`$x^2$`), or tokens that were
        normalised away (`\left [ \mbox { x } \right ]`).
    """
    if is_glued(gt):
        return label
    try:
        explicit = to_label(parse(gt))
    except LabelError:
        return gt
    return gt if len(explicit.split()) == len(label.split()) else label


def input_remarks(pairs: Sequence[Prediction], own_labels: bool = True) -> list[str]:
    """What is odd about the pairs: ids that repeat, ids with two labels, predictions, and labels that are not
    tokenised. Labels are looked at only where they are scored against (`own_labels`)."""
    lines: list[str] = []
    labels: dict[tuple[str, str], set[str]] = {}
    for pair in pairs:
        labels.setdefault((pair.source, pair.id), set()).add(" ".join(pair.gt.split()))
    counts = Counter((pair.source, pair.id) for pair in pairs if pair.id)
    repeated = [id for (_, id), count in counts.items() if count > 1]
    if repeated:
        surplus = sum(counts.values()) - len(counts)
        lines.append(
            f"ids that occur more than once: {len(repeated):,} ({_some(repeated)}); all {surplus:,} further "
            "lines are scored too"
        )
    contradicting = [id for (_, id), labels_of_id in labels.items() if id and len(labels_of_id) > 1]
    if contradicting:
        lines.append(f"ids with two different labels: {len(contradicting):,} ({_some(contradicting)})")
    pictures: dict[str, set[tuple[str, str]]] = {}
    for pair in pairs:
        pictures.setdefault(pair.source, set()).add((pair.id, pair.gt))
    if any(len(a & b) > min(len(a), len(b)) / 2 for a, b in combinations(pictures.values(), 2)):
        lines.append(
            "several files answer the same pictures, and are scored together: --systems compares them, "
            "--vote takes one answer a picture"
        )
    texts = {"predictions": [pair.pred for pair in pairs]}
    if own_labels:
        texts["labels"] = [pair.gt for pair in pairs]
    for what, given in texts.items():
        glued = sum(map(is_glued, given))
        if glued and glued >= _GLUED_SHARES[what] * len(given):
            lines.append(
                f"{what} that are not tokenised (`x^{{2}}` for `x ^ {{ 2 }}`): {glued:,} of {len(given):,}, "
                f"scored as they are: add --tokenize{_OR_LABELS if what == 'labels' else ''}"
            )
    return lines


def score_remarks(metrics: Metrics) -> list[str]:
    """What moves the scores more than its share: endless predictions, and merges that print otherwise."""
    lines: list[str] = []
    lengths = [
        (int(row[INDEX["pred_tokens"]]), int(row[INDEX["label_tokens"]]), pair.id)
        for row, pair in zip(metrics.table, metrics.pairs, strict=True)
    ]
    endless = sorted(
        (length for length in lengths if length[0] >= _LONG_TOKENS and length[0] > _LONG * length[1]),
        reverse=True,
    )
    if endless:
        named = ", ".join(
            f"{id or 'no id'} ({read:,} tokens for {label:,})" for read, label, id in endless[:_NAMED]
        )
        lines.append(
            f"predictions that are far too long: {len(endless):,}: {named}; they weigh on every "
            f"figure that adds "
            "up tokens or symbols (micro), not on the means of pairs (macro)"
        )
    left_out = sum(bool(row[INDEX["label_tex"]]) and not row[INDEX["path_pairs"]] for row in metrics.table)
    if left_out:
        lines.append(f"left out of LgEval's figures, over {LONGEST:,} symbols: {left_out:,}")
    limits = sum(
        compared.outcome is Outcome.SAME and _limits_differ(pair.gt, pair.pred)
        for compared, pair in zip(metrics.compared, metrics.pairs, strict=True)
    )
    if limits:
        lines.append(
            f"of the pairs that are the same on paper {limits:,} differ by \\limits on an integral: "
            f"TeX prints its "
            "bounds elsewhere, people write them either way"
        )
    return lines


def _limits_differ(gt: str, pred: str) -> bool:
    return _integral_limits(gt) != _integral_limits(pred)


def _integral_limits(label: str) -> int:
    tokens = label.split()
    return sum(token in _INTEGRALS and after == _LIMITS for token, after in pairwise(tokens))


def _some(ids: Sequence[str]) -> str:
    return ", ".join(ids[:_NAMED]) + (" …" if len(ids) > _NAMED else "")
