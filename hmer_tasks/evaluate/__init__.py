"""Scoring: the field's tables, what a mismatch really is, a picture-level score, a page that shows why.

    from hmer_tasks import evaluate
    metrics = evaluate([(label, prediction), ...])
    metrics["exprate"], metrics.values["bleu_4"], metrics.outcomes

`metrics.py` is the way in; `published.py` names each number and who reports it so.
"""

import sys
from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hmer_tasks.evaluate.metrics import Metrics, Pair


class _Callable(ModuleType):
    """This package, called: Python puts a package's module where its parent's function of the same name
    stood, so `from hmer_tasks import evaluate` may be handed either."""

    def __call__(self, pairs: "Iterable[Pair]", *, boxes: bool = False) -> "Metrics":
        from hmer_tasks.evaluate.metrics import evaluate

        return evaluate(pairs, boxes=boxes)


sys.modules[__name__].__class__ = _Callable
