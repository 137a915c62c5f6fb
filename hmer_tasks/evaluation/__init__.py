"""Scoring: the field's metrics, what a mismatch really is, box F1, votes and rewards.

    from hmer_tasks import evaluate
    metrics = evaluate([(label, prediction), ...])
    metrics["exprate"], metrics.values["bleu_4"], metrics.outcomes

`metrics.py` is the way in; `published.py` names each number and who reports it so.
"""
