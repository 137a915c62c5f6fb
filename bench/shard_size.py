"""The size of a build's shards against what they hold: pictures, plus the rows' text as zstd-3 JSON lines.

python -m bench.shard_size OUT        (bar: at most 1.15)
"""

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def main() -> None:
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "data").is_dir():
        raise SystemExit("usage: python -m bench.shard_size OUT (a finished build)")
    pictures = shards = 0
    last = b""
    lines: list[str] = []
    for path in sorted((Path(sys.argv[1]) / "data").glob("*.parquet")):
        shards += path.stat().st_size
        for batch in pq.ParquetFile(path).iter_batches(500):
            for row in batch.to_pylist():
                data = row.pop("images")[0]["bytes"]
                pictures += len(data) if data != last else 0
                last = data
                lines.append(json.dumps(row, ensure_ascii=False))
    text = len(pa.Codec("zstd", 3).compress("\n".join(lines).encode(), asbytes=True))
    print(
        f"pictures {pictures:,} + text {text:,} bytes; shards {shards:,}: {shards / (pictures + text):.3f} (bar 1.15)"
    )


if __name__ == "__main__":
    main()
