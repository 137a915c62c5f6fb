"""The order that the image match gives to real mistakes, against box F1 and token distance; and its speed.

    python -m bench.reward_order

Real mistakes: the differing pairs of the shared predictions (CROHME 2014, MathWriting, some of HME100K).
Spearman's rank correlation between the three rewards; what each gives to mistakes of one kind (one symbol
misread, a script on the wrong side, a symbol missing); and rewards a second in one process as GRPO
asks for them: groups of eight answers to one label, of which some repeat. The reference is TeX-free token
distance in the same run.
"""

import time
from collections.abc import Callable

import numpy as np
from rapidfuzz.distance import Levenshtein
from scipy.stats import spearmanr

from bench.corpus import CORPORA, words
from hmer_tasks.evaluation.boxes import box_score
from hmer_tasks.evaluation.confusions import Kind, mistakes
from hmer_tasks.evaluation.image_match import image_match
from hmer_tasks.evaluation.trees import graph_of
from hmer_tasks.latex.canonical import visually_equal
from hmer_tasks.predictions import read_predictions
from hmer_tasks.typeset.layout import layout
from hmer_tasks.typeset.raster import columns

MOST = 400  # pairs of a file
GROUP = 8


def edit(gt: str, pred: str) -> float:
    return float(Levenshtein.normalized_similarity(gt.split(), pred.split()))


def box_f1(gt: str, pred: str) -> float:
    return box_score(gt, pred).f1


def image(gt: str, pred: str) -> float:
    return image_match(gt, pred) or 0.0


def kind_of(gt: str, pred: str) -> str:
    kinds_of_mistakes = mistakes(gt, pred)
    if len(kinds_of_mistakes) != 1:
        return "several mistakes" if kinds_of_mistakes else "not TeX, or the same"
    return {
        Kind.MISREAD: "one misread",
        Kind.MOVED: "one moved",
        Kind.MISSING: "one missing",
        Kind.EXTRA: "one extra",
    }[kinds_of_mistakes[0].kind]


def main() -> None:
    words(__doc__)
    folder = CORPORA / "predictions"
    if not folder.is_dir():
        raise SystemExit(f"{folder} is not there: set HMER_CORPORA")
    rewards: dict[str, Callable[[str, str], float]] = {"token": edit, "box F1": box_f1, "image": image}
    everything: list[tuple[str, str]] = []
    for path in sorted(folder.glob("*.tsv")):
        pairs = [(prediction.gt, prediction.pred) for prediction in read_predictions(path)]
        differing = [p for p in pairs if not visually_equal(*p) and layout(p[0]) and layout(p[1])][:MOST]
        values = {name: np.array([reward(*p) for p in differing]) for name, reward in rewards.items()}
        names = list(values)
        correlations = ", ".join(
            f"{a} / {b} {spearmanr(values[a], values[b]).statistic:.3f}"
            for i, a in enumerate(names)
            for b in names[i + 1 :]
        )
        print(f"{path.stem}: {len(differing)} mistakes; Spearman: {correlations}")
        everything += differing
    kinds: dict[str, list[tuple[float, float, float]]] = {}
    for gt, pred in everything:
        row = edit(gt, pred), box_f1(gt, pred), image(gt, pred)
        kinds.setdefault(kind_of(gt, pred), []).append(row)
    print(f"\n{'kind of mistake':<24}{'n':>6}  mean of token, box F1, image")
    for kind, rows in sorted(kinds.items(), key=lambda item: -len(item[1])):
        print(f"{kind:<24}{len(rows):>6}  {'  '.join(f'{value:.3f}' for value in np.mean(rows, axis=0))}")
    # Eight answers to a label as a sampler gives them: half of them right, a quarter this mistake, the rest
    # others.
    asked: list[tuple[str, str]] = []
    for i, (gt, pred) in enumerate(everything):
        others = [everything[(i + k) % len(everything)][1] for k in (1, 2)]
        asked += [(gt, answer) for answer in (gt, gt, gt, gt, pred, pred, *others)]
    print(f"\n{len(asked):,} rewards in groups of {GROUP}, one process, caches empty at the start")
    for name, reward in rewards.items():
        for cache in (layout, columns, graph_of):
            cache.cache_clear()
        begun = time.process_time()
        for gt, answer in asked:
            reward(gt, answer)
        print(f"{name:<8} {len(asked) / (time.process_time() - begun):>10,.0f} a CPU second")
    distinct = list(dict.fromkeys((gt, pred) for gt, pred in everything))
    for cache in (layout, columns, graph_of):
        cache.cache_clear()
    begun = time.process_time()
    for gt, pred in distinct:
        image(gt, pred)
    print(
        f"image    {len(distinct) / (time.process_time() - begun):>10,.0f} a CPU second, no pair or label twice"
    )


if __name__ == "__main__":
    main()
