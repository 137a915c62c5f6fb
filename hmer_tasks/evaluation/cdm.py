"""The input of UniMERNet's own CDM tool, for who must quote its number: a JSON array of
`{"img_id", "gt", "pred"}` (its README, `python evaluation.py -i FILE`)."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from hmer_tasks.predictions import Prediction
from hmer_tasks.utils.files import atomic_write

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]+")


def write_cdm(path: Path, pairs: Iterable[Prediction]) -> None:
    """Write the pairs. The tool names files after `img_id`, so ids are made safe and distinct.

    Raises OSError.
    """
    seen: Counter[str] = Counter()
    cases = []
    for number, pair in enumerate(pairs):
        name = _NOT_IN_NAMES.sub("_", pair.id).strip("_") or f"case_{number}"
        seen[name] += 1
        name = name if seen[name] == 1 else f"{name}__{number}"
        cases.append({"img_id": name, "gt": pair.gt, "pred": pair.pred})
    atomic_write(path, json.dumps(cases, ensure_ascii=False, indent=1) + "\n")
