"""Handwritten-mathematics corpora into proven training rows for vision-language models.

    from hmer_tasks import parse, tree_text, count_text, mark_errors
    tree_text(parse(r"\\frac { a } { b }"))

Names are imported on first use, so that `import hmer_tasks` is quick and never imports torch.
"""

import os
import warnings
from importlib import import_module
from typing import TYPE_CHECKING

from hmer_tasks._compiled import prefer_sources
from hmer_tasks._version import __version__

if os.environ.get("HMER_PURE") == "1":
    prefer_sources()

if TYPE_CHECKING:
    from hmer_tasks.errors.markup import apply_corrections, mark_errors
    from hmer_tasks.errors.noise.synthesize import synthesize_candidates
    from hmer_tasks.evaluation.metrics import Metrics, evaluate
    from hmer_tasks.exceptions import LabelError, RejectReason
    from hmer_tasks.latex.counts import count_symbols, count_text
    from hmer_tasks.latex.normalize import normalize
    from hmer_tasks.latex.parser import parse
    from hmer_tasks.latex.tree import ExprTree, to_label
    from hmer_tasks.latex.tree_text import parse_tree_text, tree_text
    from hmer_tasks.latex.uni_mumer_tree import released_tree_text
    from hmer_tasks.shards.loader import load

_HOME = {
    "load": "shards.loader",
    "apply_corrections": "errors.markup",
    "mark_errors": "errors.markup",
    "synthesize_candidates": "errors.noise.synthesize",
    "Metrics": "evaluation.metrics",
    "evaluate": "evaluation.metrics",
    "count_symbols": "latex.counts",
    "count_text": "latex.counts",
    "normalize": "latex.normalize",
    "parse": "latex.parser",
    "released_tree_text": "latex.uni_mumer_tree",
    "parse_tree_text": "latex.tree_text",
    "tree_text": "latex.tree_text",
    "ExprTree": "latex.tree",
    "to_label": "latex.tree",
    "LabelError": "exceptions",
    "RejectReason": "exceptions",
}

__all__ = [
    "ExprTree",
    "LabelError",
    "Metrics",
    "RejectReason",
    "__version__",
    "apply_corrections",
    "count_symbols",
    "count_text",
    "evaluate",
    "load",
    "mark_errors",
    "normalize",
    "parse",
    "parse_tree_text",
    "released_tree_text",
    "synthesize_candidates",
    "to_label",
    "tree_text",
]


# Names of earlier releases, which go in the next one.
_RENAMED = {"Reason": "RejectReason"}


def __getattr__(name: str) -> object:
    if name in _RENAMED:
        warnings.warn(f"hmer_tasks.{name} is called {_RENAMED[name]} now", DeprecationWarning, stacklevel=2)
        name = _RENAMED[name]
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
