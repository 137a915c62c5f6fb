"""Pictures a second in one process, and how large they are.

python -m bench.handwriting_speed crohme/captions_2014.tsv hme100k/test_half_a.tsv
"""

import random
import time
from pathlib import Path

from bench.corpus import words
from hmer_tasks.corpora import CORPORA, samples
from hmer_tasks.handwriting.writing import LOOKS, drawable, write, writer

PICTURES = 400


def main() -> None:
    for path in map(Path, words(__doc__, "LABELS+")):
        lines = path.read_text(encoding="utf-8").splitlines()
        labels = [line.split("\t")[1] for line in lines if "\t" in line]
        chosen = [
            label for label in random.Random(1).sample(labels, min(len(labels), 600)) if drawable(label)
        ]
        chosen = chosen[:PICTURES]
        for look in LOOKS:
            start, busy = time.perf_counter(), time.process_time()
            sizes = [len(write(label, writer(n), n, look).data) for n, label in enumerate(chosen)]
            seconds, worked = time.perf_counter() - start, time.process_time() - busy
            print(
                f"{path.name:24} {look:6} {len(sizes) / seconds:6.1f} pictures a second"
                f" ({len(sizes) / worked:6.1f} of processor time), {sum(sizes) / len(sizes) / 1000:5.1f} KB each"
            )
    start = time.perf_counter()
    total = sum(
        len(row.image.load()[0]) for row in samples(CORPORA["sample"], None, "train") if hasattr(row, "image")
    )
    print(
        f"sample: 500 expressions and pictures in {time.perf_counter() - start:.1f} s, {total / 500_000:.1f} KB each"
    )


if __name__ == "__main__":
    main()
