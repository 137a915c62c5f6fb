"""Handwritten-mathematics corpora into proven training rows for vision-language models.

    from hmer_tasks import parse, tree_text, count_text, mark_errors
    tree_text(parse(r"\\frac { a } { b }"))

Names are imported on first use, so that `import hmer_tasks` is quick and never imports torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hmer_tasks.build.load import load
    from hmer_tasks.errors.markup import apply_corrections, mark_errors
    from hmer_tasks.errors.synthesize import synthesize_candidates
    from hmer_tasks.evaluate.metrics import Metrics, evaluate
    from hmer_tasks.latex.counts import count_symbols, count_text
    from hmer_tasks.latex.normalize import normalize
    from hmer_tasks.latex.parser import parse
    from hmer_tasks.latex.released import released_tree_text
    from hmer_tasks.latex.text import parse_tree_text, tree_text
    from hmer_tasks.latex.tree import ExprTree, to_label
    from hmer_tasks.reasons import LabelError, Reason

__version__ = "0.1.0"

_HOME = {
    "load": "build.load",
    "apply_corrections": "errors.markup",
    "mark_errors": "errors.markup",
    "synthesize_candidates": "errors.synthesize",
    "Metrics": "evaluate.metrics",
    "evaluate": "evaluate.metrics",
    "count_symbols": "latex.counts",
    "count_text": "latex.counts",
    "normalize": "latex.normalize",
    "parse": "latex.parser",
    "released_tree_text": "latex.released",
    "parse_tree_text": "latex.text",
    "tree_text": "latex.text",
    "ExprTree": "latex.tree",
    "to_label": "latex.tree",
    "LabelError": "reasons",
    "Reason": "reasons",
}

__all__ = [
    "ExprTree",
    "LabelError",
    "Metrics",
    "Reason",
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


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
