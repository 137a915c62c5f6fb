"""A finished build as a datasets.Dataset: `make build` first.

python examples/read_a_build.py [OUT]
"""

import sys

from hmer_tasks import load

rows = load(sys.argv[1] if len(sys.argv) > 1 else "build/sample", tasks=["tree_cot"])
print(rows)
row = rows[0]
print(row["images"][0].size, row["prompt"][0]["content"])
print(row["completion"][0]["content"])
