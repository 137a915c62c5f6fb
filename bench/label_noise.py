"""Suspicious labels: planted ones found again, and what real labels are called suspicious.

    python -m bench.label_noise

CROHME 2014, readings of the 3B and 7B checkpoints, strokes from its InkML. Two samples in a hundred get a
wrong label: half are swapped with another sample's, half edited (one token put in another's place, left
out, or put in). Four seeds; precision counts the real labels that are listed as false, though some of them
are wrong. Then: how many labels of HME100K (recogniser a alone) and MathWriting (b alone) are listed, and
for what.
"""

import random
import tarfile
from collections import Counter
from copy import deepcopy
from pathlib import Path, PurePosixPath

from bench.corpus import CORPORA, words
from hmer_tasks.audit.ink_counts import strokes_bounds
from hmer_tasks.audit.label_noise import Sample, gather, judge
from hmer_tasks.exceptions import PictureError
from hmer_tasks.handwriting.inkml import parse
from hmer_tasks.latex.canonical import visually_equal
from hmer_tasks.predictions import read_predictions

SHARE, SEEDS = 0.02, 4
THRESHOLDS = (6.0, 9.0, 12.0, 15.0, 18.0)


def strokes_of(archive: Path) -> dict[str, int]:
    """Strokes by id."""
    counts: dict[str, int] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.name.endswith(".inkml") and (file := tar.extractfile(member)):
                try:
                    counts[PurePosixPath(member.name).stem] = len(parse(file.read(), member.name).strokes)
                except PictureError:
                    continue
    return counts


def planted(samples: list[Sample], seed: int) -> dict[str, str]:
    """Spoil labels in place; the ids with what was done to each."""
    dice = random.Random(seed)
    words = [token for sample in samples for token in sample.label.split() if token not in ("{", "}")]
    chosen = dice.sample(range(len(samples)), round(SHARE * len(samples)) // 2 * 2)
    done: dict[str, str] = {}
    half = len(chosen) // 2
    labels = [samples[i].label for i in chosen[:half]]
    for i, label in zip(chosen[:half], labels[1:] + labels[:1], strict=True):
        if not visually_equal(samples[i].label, label):
            samples[i].label = label
            done[samples[i].id] = "swapped"
    for i in chosen[half:]:
        while True:
            tokens = samples[i].label.split()
            place, what = dice.randrange(len(tokens)), dice.random()
            new = [] if what < 0.3 else [dice.choice(words)]
            edited = " ".join([*tokens[:place], *new, *tokens[place + (what < 0.75) :]])
            if strokes_bounds(edited) is not None and not visually_equal(edited, samples[i].label):
                break
        samples[i].label = edited
        done[samples[i].id] = "edited"
    return done


def main() -> None:
    words(__doc__)
    folder = CORPORA / "predictions"
    if not folder.is_dir():
        raise SystemExit(f"{folder} is not there: set HMER_CORPORA")
    readers = ("3b", "7b")
    clean = gather(read_predictions(folder / f"crohme_2014.recogniser_{name}.tsv") for name in readers)
    strokes = strokes_of(CORPORA / "crohme" / "test2014_inkml.tar.xz")
    print(f"CROHME 2014: {len(clean)} samples, ink of {sum(sample.id in strokes for sample in clean)}")
    for title, inked in (("readings alone", False), ("readings and strokes", True)):
        for sample in clean:
            sample.strokes = strokes.get(sample.id) if inked else None
        listed = [judged for judged in judge(clean) if judged.reason]
        print(f"\n{title}: of the labels as they are {len(listed)} are listed: "
              f"{dict(Counter(str(judged.reason) for judged in listed))}")  # fmt: skip
        for threshold in THRESHOLDS:
            hits: Counter[str] = Counter()
            kinds: Counter[str] = Counter()
            false = named = 0
            for seed in range(SEEDS):
                samples = deepcopy(clean)
                spoilt = planted(samples, seed)
                kinds.update(spoilt.values())
                for judged in judge(samples, threshold):
                    if judged.reason:
                        named += 1
                        hits[spoilt.get(judged.sample.id, "")] += 1
                        false += judged.sample.id not in spoilt
            caught = hits["swapped"] + hits["edited"]
            print(f"  threshold {threshold:4.1f}: recall {100 * caught / kinds.total():5.1f} % "
                  f"(swapped {100 * hits['swapped'] / kinds['swapped']:5.1f}, edited "
                  f"{100 * hits['edited'] / kinds['edited']:5.1f}), "
                  f"precision {100 * caught / named:5.1f} %; {named / SEEDS:.1f} listed a run, {false / SEEDS:.1f} not planted")  # fmt: skip
    for name in ("hme100k_test_half_a.recogniser_a", "mathwriting_test_half_a.recogniser_b"):
        samples = gather([read_predictions(folder / f"{name}.tsv")])
        listed = [judged for judged in judge(samples) if judged.reason]
        print(f"\n{name}: {len(samples):,} samples, {len(listed):,} listed: "
              f"{dict(Counter(str(judged.reason) for judged in listed))}")  # fmt: skip


if __name__ == "__main__":
    main()
