"""The one place where torchvision is made importable beside a CPU build of torch.

The processors of Qwen2.5-VL and Qwen3-VL do not load without torchvision. Its wheel is compiled for
CUDA: beside a CPU torch its compiled operators are not registered, `import torchvision` dies with
"operator torchvision::nms does not exist", and so does `from transformers import AutoProcessor`.
Declaring the two schemas that torchvision refers to while it is imported is enough: they are never
called here, and resize and normalise are plain torch. With a CUDA torch nothing is done.

The package imports this module before any other, so no module of it need think of it; a script that
imports transformers for itself imports `trainer` first.
"""

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def _declare() -> torch.library.Library | None:
    """The library that holds the schemas; it must stay alive, or they go with it."""
    if torch.version.cuda is not None or torch.version.hip is not None:
        return None
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in _SCHEMAS:
        if not hasattr(torch.ops.torchvision, schema.partition("(")[0]):  # a CPU wheel brings its own
            library.define(schema)
    return library


KEPT = _declare()
