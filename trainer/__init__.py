"""Training and prediction on the shards that hmer_tasks writes.

`python -m trainer.sft`, `python -m trainer.predict`, `python -m trainer.models`; each file's docstring
is its manual. Nothing here is imported by hmer_tasks.
"""

# Before any module of this package can import transformers, which imports torchvision.
from trainer import patches

__all__ = ["patches"]
