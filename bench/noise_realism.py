"""Are synthetic mistakes like real ones? The distances of docs/measurements.md.

    python -m bench.noise_realism                  # everything, some minutes on one core
    python -m bench.noise_realism --quick          # fewer candidates and pairs
    python -m bench.noise_realism --proofs         # only the proofs, not the realism
    python -m bench.noise_realism FILE.tsv ...     # realism on these prediction files only
    python -m bench.noise_realism --shared         # one model of the halves A of all files, as the shipped one

Realism, for each prediction file: it is cut into halves A and B by label; the noise model is fitted
on A, makes candidates for the labels of A, and these are held against the real mistakes of B. Beside it
stand the real mistakes of A against those of B (the noise floor) and a uniform random corrupter. A mistake
is a visible span of `mark_errors` (`\\le` for `\\leq` is none, nor are braces around a group that leave no
ink, nor `{bmatrix}` for a `{matrix}` in brackets: MathWriting's labels and its recogniser differ by habit
in these, and all sides are spelled alike first); its kind is REPLACE, INSERT or DELETE; a pair is (kind,
wrong tokens, right tokens), the 500 most frequent real ones told apart and the rest by kind. Distances are total variation.
The classifier is a logistic regression on the tokens around a mark (what stands three before and after,
what was read, what is right, and how they meet), four-fold; 0.5 is blind. Needs scikit-learn ([dev]).
"""

import argparse
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import TypeVar

from rapidfuzz.distance import Levenshtein

from bench.corpus import CORPORA
from hmer_tasks.errors.align import align
from hmer_tasks.errors.equivalence import is_equivalent, without_groups
from hmer_tasks.errors.markup import apply_corrections, mark_errors, strip_marks
from hmer_tasks.errors.noise.calibrate import calibrated
from hmer_tasks.errors.noise.fit import Measured, add, is_seen, noise_of, read_as
from hmer_tasks.errors.noise.model import NoiseModel, model_of, shipped_model
from hmer_tasks.errors.noise.patterns import apply, mistakes
from hmer_tasks.errors.noise.synthesize import synthesize
from hmer_tasks.errors.token_classes import START
from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import to_label
from hmer_tasks.predictions import Prediction, explicit_or_raw, read_predictions
from hmer_tasks.utils.keyed_random import keyed_random

TOP = 500
LEAST_MISREAD = 1000  # a file with fewer misread expressions has too high a noise floor to tell anything
Pairs = list[tuple[str, str]]  # (candidate, label)
Mark = tuple[str, str, str]  # kind, wrong tokens, right tokens
Key = TypeVar("Key")


def marks(candidate: str, label: str) -> list[tuple[Mark, list[str], list[str]]]:
    """Each mark with the candidate's tokens before and after it."""
    wrong, right = candidate.split(), label.split()
    out = []
    for start, stop, right_start, right_stop in align(wrong, right):
        kind = "INSERT" if start == stop else "DELETE" if right_start == right_stop else "REPLACE"
        mark = kind, " ".join(wrong[start:stop]), " ".join(right[right_start:right_stop])
        out.append((mark, ["", "", "", *wrong[:start]][-3:], [*wrong[stop:], "", "", ""][:3]))
    return out


class Counts:
    """Kinds, mistakes per expression, and pairs of some candidates."""

    def __init__(self, pairs: Pairs) -> None:
        self.kinds: Counter[str] = Counter()
        self.number: Counter[int] = Counter()
        self.pairs: Counter[Mark] = Counter()
        for candidate, label in pairs:
            marked = [mark for mark, _, _ in marks(candidate, label)]
            self.number[len(marked)] += 1
            self.kinds.update(kind for kind, _, _ in marked)
            self.pairs.update(marked)


def distance(a: "Counter[Key]", b: "Counter[Key]") -> float:
    """Total variation."""
    return sum(abs(a[key] / a.total() - b[key] / b.total()) for key in {*a, *b}) / 2


def folded(pairs: "Counter[Mark]", top: "set[Mark]") -> "Counter[object]":
    out: Counter[object] = Counter()
    for mark, count in pairs.items():
        out[mark if mark in top else mark[0]] += count
    return out


def distances(a: Counts, b: Counts, top: "set[Mark]") -> tuple[float, float, float]:
    pairs = distance(folded(a.pairs, top), folded(b.pairs, top))
    return distance(a.kinds, b.kinds), distance(a.number, b.number), pairs


def auc(real: Pairs, other: Pairs) -> float:
    """How well a classifier tells the marks of one from those of the other."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import cross_val_predict

    sides = [
        [_words(*mark) for candidate, label in pairs for mark in marks(candidate, label)]
        for pairs in (real, other)
    ]
    for number, side in enumerate(sides):
        Random(number).shuffle(side)
    size = min(map(len, sides))
    documents = sides[0][:size] + sides[1][:size]
    which = [0] * size + [1] * size
    order = list(range(2 * size))
    Random(0).shuffle(order)
    documents, which = [documents[i] for i in order], [which[i] for i in order]
    table = CountVectorizer(analyzer=list, binary=True, min_df=2).fit_transform(documents)
    return max(
        roc_auc_score(
            which,
            cross_val_predict(
                LogisticRegression(C=c, solver="liblinear"), table, which, cv=4, method="decision_function"
            ),
        )
        for c in (0.03, 0.3)
    )


def _words(mark: Mark, before: list[str], after: list[str]) -> list[str]:
    kind, wrong, right = mark
    left, following = before[-1], after[0]
    words = {
        "kind": kind, "wrong": wrong, "right": right, "pair": f"{wrong} > {right}",
        "left": left, "left2": " ".join(before[-2:]), "left3": " ".join(before),
        "next": following, "next2": " ".join(after[:2]), "next3": " ".join(after),
        "left wrong": f"{left} {wrong}", "wrong next": f"{wrong} | {following}",
        "left right": f"{left} {right}", "right next": f"{right} | {following}",
        "all": f"{left} [{wrong} > {right}] {following}",
    }  # fmt: skip
    return [f"{name}: {word}" for name, word in words.items()]


def uniform(label: str, vocabulary: list[str], random: Random) -> str:
    """One to three mistakes, any kind, any place, any token."""
    while True:
        tokens = label.split()
        for _ in range(random.randint(1, 3)):
            place, kind = random.randrange(len(tokens) + 1), random.choice("RID")
            tokens[place : place + (kind != "D")] = [random.choice(vocabulary)] if kind != "I" else []
        if tokens != label.split():
            return " ".join(tokens)


def misread(predictions: list[Prediction]) -> Pairs:
    """The misread expressions. What is only spelled otherwise, groups and matrices included, is spelled
    as in the label: no mistake. Labels stand without groups that leave no ink, on every side alike."""
    pairs = []
    for prediction in predictions:
        candidate, label = explicit_or_raw(prediction.pred), without_groups(explicit_or_raw(prediction.gt))
        if prediction.gt == prediction.pred or is_equivalent(candidate, label):
            continue
        tokens = label.split()
        wrong = read_as(candidate, tokens)
        seen = [mistake for mistake in mistakes(tokens, wrong) if is_seen(mistake, tokens)]
        read = " ".join(apply([START, *tokens], [edit for mistake in seen for edit in mistake.edits]))
        pairs.append((read if seen else " ".join(wrong), label))
    return pairs


def halves(path: Path) -> tuple[list[Prediction], list[Prediction]]:
    """The predictions of half of the labels and of the other half: none stands on both sides."""
    predictions = list(read_predictions(path))
    labels = sorted({prediction.gt for prediction in predictions})
    Random(0).shuffle(labels)
    first = set(labels[: len(labels) // 2])
    return [prediction for prediction in predictions if prediction.gt in first], [
        prediction for prediction in predictions if prediction.gt not in first
    ]


def counted(predictions: list[Prediction]) -> Measured:
    measured = Measured()
    for prediction in predictions:
        add(measured, prediction.gt, prediction.pred)
    return measured


def realism(path: Path, candidates: int, shared: NoiseModel | None) -> None:
    half_a, half_b = halves(path)
    real_a, real_b = misread(half_a), misread(half_b)
    print(
        f"\n== {path.name}: {len(half_a) + len(half_b):,} expressions, {len(real_a) + len(real_b):,} misread"
    )
    if len(real_a) + len(real_b) < LEAST_MISREAD:
        print("too few to tell: left out")
        return
    measured = counted(half_a)
    start = time.perf_counter()
    model = shared or model_of(calibrated(noise_of(measured), measured))
    print(
        f"fitted on half A in {time.perf_counter() - start:.0f} s" if shared is None else "the shared model"
    )
    labels = [" ".join(label) for label in measured.labels]
    wrong_labels = [label for _, label in real_a]
    vocabulary = sorted({token for label in labels for token in label.split()})
    random = keyed_random(0, "bench")
    rounds = -(-candidates // len(labels))
    drawn = [(synthesize(label, random, model), label) for label in labels * rounds]
    on_misread = [
        (synthesize(label, random, model), label)
        for label in wrong_labels * -(-candidates // len(wrong_labels))
    ]
    blind = [(uniform(label, vocabulary, random), label) for label in labels]
    every = Counts(real_a + real_b)
    top = {mark for mark, _ in every.pairs.most_common(TOP)}
    b = Counts(real_b)
    rows = {
        "real A (noise floor)": (real_a, distances(Counts(real_a), b, top)),
        "synthetic, all labels of A": (drawn, distances(Counts(drawn), b, top)),
        "synthetic, misread labels of A": (on_misread, distances(Counts(on_misread), b, top)),
        "uniform corrupter": (blind, distances(Counts(blind), b, top)),
    }
    halvings = []
    for seed in range(5):
        mixed = real_a + real_b
        Random(seed + 1).shuffle(mixed)
        halvings.append(distances(Counts(mixed[: len(mixed) // 2]), Counts(mixed[len(mixed) // 2 :]), top))
    print(f"{'against real B':32} {'kinds':>7} {'number':>7} {'pairs':>7} {'pairs / floor':>14} {'AUC':>6}")
    floor = rows["real A (noise floor)"][1][2]
    for name, (pairs, (kinds, number, pair)) in rows.items():
        # one draw a label, or a label would stand on both sides of a fold
        once = {
            "synthetic, all labels of A": len(labels),
            "synthetic, misread labels of A": len(wrong_labels),
        }
        seen_once = pairs[: once.get(name, len(pairs))]
        print(
            f"{name:32} {kinds:7.3f} {number:7.3f} {pair:7.3f} {pair / floor:14.2f} {auc(real_b, seen_once):6.3f}",
            flush=True,
        )
    means = [sum(column) / len(column) for column in zip(*halvings, strict=True)]
    print(f"{'noise floor, mean of 5 halvings':32} {means[0]:7.3f} {means[1]:7.3f} {means[2]:7.3f}")
    broken = [sum(not _parses(candidate) for candidate, _ in pairs) / len(pairs) for pairs in (real_b, drawn)]
    print(f"do not parse: real {broken[0]:.2%}, synthetic {broken[1]:.2%}")


def _parses(text: str) -> bool:
    try:
        parse(text)
    except LabelError:
        return False
    return True


def inverses(random_pairs: int) -> None:
    print("\n== mark_errors and apply_corrections")
    pairs = stripped = shortest = 0
    for path in sorted((CORPORA / "predictions").glob("*.tsv")):
        for prediction in read_predictions(path):
            stripped += _undone(" ".join(prediction.pred.split()), " ".join(prediction.gt.split()))
            pairs += 1
    print(f"real pairs undone exactly, marks stripped give the candidate: {stripped:,} of {pairs:,}")
    tokens = [*"ab{}^_", "->", "after", "REPLACE:", "DELETE:a", "INSERT:", r"\frac", r"\sqrt", "<", ">"]
    random, done = Random(0), 0
    for _ in range(random_pairs):
        candidate, label = (" ".join(random.choices(tokens, k=random.randint(0, 12))) for _ in range(2))
        done += _undone(candidate, label)
        wrong, right = candidate.split(), label.split()
        spans = align(wrong, right)
        edits = sum(
            Levenshtein.distance(wrong[s.start : s.stop], right[s.right_start : s.right_stop]) for s in spans
        )
        shortest += edits == Levenshtein.distance(wrong, right)
    print(f"random pairs undone exactly: {done:,} of {random_pairs:,}; with a shortest script: {shortest:,}")


def _undone(candidate: str, label: str) -> bool:
    marked, log = mark_errors(candidate, label)
    return apply_corrections(marked, log) == label and strip_marks(marked) == candidate


def over_all_corpora() -> None:
    print("\n== synthetic candidates over all labels of corpora/")
    labels = []
    for path in sorted(CORPORA.glob("*/*.tsv")):
        for line in path.read_text(encoding="utf-8").split("\n"):
            fields = line.split("\t")
            if len(fields) > 1:
                try:
                    labels.append(to_label(parse(fields[1])))
                except LabelError:
                    continue
    model = shipped_model()
    started, start = time.process_time(), time.perf_counter()
    candidates = [
        synthesize(label, keyed_random(0, str(number)), model) for number, label in enumerate(labels)
    ]
    cpu, wall = time.process_time() - started, time.perf_counter() - start
    same = sum(is_equivalent(candidate, label) for candidate, label in zip(candidates, labels, strict=True))
    undone = sum(_undone(candidate, label) for candidate, label in zip(candidates, labels, strict=True))
    broken = sum(not _parses(candidate) for candidate in candidates)
    print(f"{len(candidates):,} labels; candidates that equal their label or look the same: {same}")
    print(f"marked and undone exactly: {undone:,}; do not parse: {broken / len(candidates):.3%}")
    print(
        f"{len(candidates) / cpu:,.0f} candidates a second of CPU, {len(candidates) / wall:,.0f} a second by the clock"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path, help="predictions; by default all that are shared")
    parser.add_argument("--quick", action="store_true", help="half as many candidates")
    parser.add_argument("--shared", action="store_true", help="one model of all files")
    parser.add_argument("--proofs", action="store_true", help="only what candidates must never be")
    given = parser.parse_args()
    quick, files = given.quick, given.files
    if not files and not given.shared:
        inverses(10_000 if quick else 100_000)
        over_all_corpora()
    if given.proofs:
        return
    files = files or sorted((CORPORA / "predictions").glob("*.tsv"))
    shared = None
    if given.shared:
        every = counted([prediction for path in files for prediction in halves(path)[0]])
        shared = model_of(calibrated(noise_of(every), every))
    for path in files:
        realism(path, 6_000 if quick else 12_000, shared)


if __name__ == "__main__":
    main()
