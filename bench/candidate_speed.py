"""Synthetic candidates a second, one process, beside the uniform corrupter on the same labels.

    python -m bench.candidate_speed                  # 20,000 real labels, best of 3
    python -m bench.candidate_speed --labels 60000   # all of HME100K's training half
    python -m bench.candidate_speed --memo 5000      # neighbourhoods a model remembers: speed against memory

Candidates are made as a build makes them: the shipped model, a random source keyed by (seed, source, id),
each label once. The reference is bench.noise_realism's uniform corrupter, keyed alike, which only puts
random tokens at random places: it neither weighs what could go wrong nor checks what it made. Both are
also timed with nothing else, in seconds of CPU, so that a busy machine does not tell. A last line says
whether a second run made the same candidates, and what the process's memory grew by.
"""

import argparse
import resource
import time
from collections.abc import Callable

from bench.corpus import labels
from bench.noise_realism import uniform
from hmer_tasks.errors.noise import model as noise
from hmer_tasks.errors.noise.synthesize import synthesize
from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import to_label
from hmer_tasks.utils.keyed_random import keyed_random

BAR = 5000


def explicit(count: int) -> list[str]:
    """So many real labels in explicit form."""
    kept = []
    for label in labels(count):
        try:
            kept.append(to_label(parse(label)))
        except LabelError:
            continue
    return kept


def timed(make: Callable[[int, str], str], given: list[str]) -> tuple[float, list[str]]:
    """Labels a second of CPU, and what was made of them."""
    start = time.process_time()
    candidates = [make(number, label) for number, label in enumerate(given)]
    return len(given) / (time.process_time() - start), candidates


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--labels", type=int, default=20_000)
    parser.add_argument("--memo", type=int, default=noise.REMEMBERED)
    given = parser.parse_args()
    noise.REMEMBERED = given.memo
    known = explicit(given.labels)
    vocabulary = sorted({token for label in known for token in label.split()})
    model = noise.shipped_model()

    def modelled(number: int, label: str) -> str:
        return synthesize(label, keyed_random(0, "hme100k/train", str(number)), model)

    def blind(number: int, label: str) -> str:
        return uniform(label, vocabulary, keyed_random(0, "hme100k/train", str(number)))

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    first, candidates = timed(modelled, known)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    runs = [first]
    same = True
    for _ in range(2):
        speed, again = timed(modelled, known)
        runs.append(speed)
        same = same and again == candidates
    reference = max(timed(blind, known)[0] for _ in range(3))
    print(f"{len(known):,} labels, {given.memo:,} neighbourhoods remembered")
    print(
        f"noise model:       {max(runs):8,.0f} a second, best of 3 (the first, nothing met yet: {first:,.0f})"
    )
    print(f"uniform corrupter: {reference:8,.0f} a second, best of 3")
    print(f"ratio {max(runs) / reference:.2f}; bar {BAR:,}: {'met' if max(runs) >= BAR else 'MISSED'}")
    print(f"the same candidates again: {'yes' if same else 'NO'}; memory grew by {grown:.0f} MB")


if __name__ == "__main__":
    main()
