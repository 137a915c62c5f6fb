"""The columns of a shard, as docs/formats.md, section 5, has them.

The metadata is what `datasets.Features.arrow_schema` would write, so that `datasets.load_dataset`
decodes the pictures with no script; it is written out here because the core does without datasets.
"""

import json

import pyarrow as pa

_MESSAGE = {"role": {"dtype": "string", "_type": "Value"}, "content": {"dtype": "string", "_type": "Value"}}
_STRING = {"dtype": "string", "_type": "Value"}
_TEXTS = ("id", "source", "task")
_LATER_TEXTS = ("label", "gt", "candidate", "marked")

_FEATURES: dict[str, object] = {
    **dict.fromkeys(_TEXTS, _STRING),
    "images": {"feature": {"_type": "Image"}, "_type": "List"},
    "prompt": {"feature": _MESSAGE, "_type": "List"},
    "completion": {"feature": _MESSAGE, "_type": "List"},
    **dict.fromkeys(_LATER_TEXTS, _STRING),
}

IMAGE = pa.struct({"bytes": pa.binary(), "path": pa.string()})
MESSAGE = pa.struct({"role": pa.string(), "content": pa.string()})

SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in _TEXTS),
        ("images", pa.list_(IMAGE)),
        ("prompt", pa.list_(MESSAGE)),
        ("completion", pa.list_(MESSAGE)),
        *((name, pa.string()) for name in _LATER_TEXTS),
    ],
    metadata={"huggingface": json.dumps({"info": {"features": _FEATURES}})},
)
