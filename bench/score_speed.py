"""How fast predictions are scored: tokens and trees against NLTK's corpus_bleu alone, boxes against ziamath alone.

    python -m bench.score_speed

Tokens and trees (points 1 and 2 of the scoring: every published metric, outcomes, relations, groups,
mistakes, 1,000 bootstrap resamples) on 25,000 real pairs in one process, caches empty at the start; the
bar is 30 s. Box F1 on CROHME 2014, nothing cached between pairs; the bar is 40 pairs a second. Three
rates: as `box_score` does it (pairs that are equal in standard spelling are not drawn), with every pair
drawn, and on the pairs that differ only. Reference: ziamath laying out both labels as they stand, in a process of
its own, because `hmer_tasks.typeset.faster` replaces functions of it.
"""

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from nltk.translate.bleu_score import SmoothingFunction, corpus_bleu
from ziamath.zmath import Math

from bench.corpus import CORPORA, words
from hmer_tasks.evaluation.boxes import box_score, match
from hmer_tasks.evaluation.metrics import evaluate
from hmer_tasks.evaluation.trees import graph_of
from hmer_tasks.predictions import Prediction, read_predictions
from hmer_tasks.typeset import faster
from hmer_tasks.typeset.layout import lay_out, layout

PAIRS = 25_000


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def forget() -> None:
    """Empty what is remembered of formulas."""
    layout.cache_clear()
    graph_of.cache_clear()
    faster.forget()


def drawn(pair: Prediction) -> None:
    forget()
    label, read = lay_out(pair.gt), lay_out(pair.pred)
    if label is not None and read is not None:
        match(label, read)


def scored(pair: Prediction) -> None:
    forget()
    box_score(pair.gt, pair.pred)


def reference(pair: Prediction) -> None:
    Math.fromlatex(pair.gt)
    Math.fromlatex(pair.pred)


def rate(work: Callable[[Prediction], object], pairs: list[Prediction]) -> float:
    return len(pairs) / seconds(lambda: list(map(work, pairs)))


def main() -> None:
    words(__doc__)
    folder = CORPORA / "predictions"
    if not folder.is_dir():
        raise SystemExit(f"{folder} is not there: set HMER_CORPORA")
    everything = [pair for path in sorted(folder.glob("*.tsv")) for pair in read_predictions(path)]
    pairs = (everything * (PAIRS // len(everything) + 1))[:PAIRS]
    tokens = [[pair.gt.split()] for pair in pairs], [pair.pred.split() for pair in pairs]
    evaluate(pairs[:10])  # imports
    bleu = seconds(lambda: corpus_bleu(*tokens, smoothing_function=SmoothingFunction().method4))
    graph_of.cache_clear()
    ours = seconds(lambda: evaluate(pairs))
    print(f"{len(pairs):,} pairs ({len(everything):,} distinct files' lines, in turn)")
    print(f"NLTK corpus_bleu alone          {bleu:6.1f} s   1.00")
    print(f"tokens, trees, 95 % intervals   {ours:6.1f} s   {ours / bleu:4.2f}   (bar 30 s)")
    crohme = list(read_predictions(folder / "crohme_2014.recogniser_3b.tsv"))
    box_score("x", "y")
    differing = [pair for pair in crohme if pair.gt.split() != pair.pred.split()]
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        base = pool.submit(rate, reference, crohme).result()
    print(f"\nCROHME 2014, {len(crohme):,} pairs, {len(differing)} of which differ")
    print(f"ziamath, both sides as they stand {base:6.1f} pairs/s   1.00")
    for name, work, some in (
        ("box F1", scored, crohme),
        ("box F1, every pair drawn", drawn, crohme),
        ("box F1, pairs that differ", scored, differing),
    ):
        speed = rate(work, some)
        print(f"{name:<33} {speed:6.1f} pairs/s   {speed / base:4.2f}   (bar 40)")


if __name__ == "__main__":
    main()
