"""Training and prediction on the shards that hmer_tasks writes.

`python -m trainer.sft`, `python -m trainer.predict`, `python -m trainer.models`; each file's docstring
is its manual. Nothing here is imported by hmer_tasks.
"""

import sys
from importlib.util import find_spec

if find_spec("torch") is None or find_spec("trl") is None:
    LACKING = "training needs torch and trl: `make setup`, or pip install 'hmer-tasks[train]'"
    if sys.argv[0] == "-m":  # a command of this package
        sys.exit(f"trainer: {LACKING}")
    raise ImportError(LACKING)

# Before any module of this package can import transformers, which imports torchvision.
from trainer import patches

__all__ = ["patches"]
