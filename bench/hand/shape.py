"""What the shapes of ink are like: features of a symbol, and spreads within an expression.

Every stroke is first resampled to points STEP apart (a share of the symbol's longer side), so the
tablet's sampling rate tells nothing. Angles are in radians.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations, pairwise
from random import Random

import numpy as np
from numpy.typing import NDArray

from bench.hand.ink_symbols import Stroke, Symbol
from bench.hand.recogniser import bitmap

STEP = 0.05  # of the symbol's longer side
END = 0.2  # of a stroke's length: what counts as its end
LONG_BAR = 2.5  # width of a bar against the expression's median symbol size
FEATURES = (
    "strokes", "aspect", "length", "mean turning", "sharpest turning", "signed turning", "hook at the start",
    "hook at the end", "straightness", "closure", "corner share", "still share", "start x", "start y", "end x",
    "end y", "gap between strokes", "roughness", "roughness 2", "turn spread",
)  # fmt: skip
Values = NDArray[np.float64]


def resample(stroke: Stroke, step: float) -> Stroke:
    """The stroke with points `step` apart along it; at least two."""
    lengths = np.hypot(np.diff(stroke[:, 0]), np.diff(stroke[:, 1]))
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    at = np.linspace(0.0, along[-1], max(2, round(float(along[-1]) / step) + 1))
    return np.column_stack([np.interp(at, along, stroke[:, 0]), np.interp(at, along, stroke[:, 1])])


def turning(stroke: Stroke) -> Values:
    """The signed angle at each inner point."""
    steps = np.diff(stroke, axis=0)
    steps = steps[np.hypot(steps[:, 0], steps[:, 1]) > 1e-9]
    if len(steps) < 2:
        return np.zeros(0)
    headings = np.arctan2(steps[:, 1], steps[:, 0])
    return (np.diff(headings) + np.pi) % (2 * np.pi) - np.pi


def side(symbol: Symbol) -> float:
    """The longer side of a symbol's box."""
    return max(float(np.ptp(symbol.points, axis=0).max()), 1e-9)


def ends(stroke: Stroke) -> tuple[float, float]:
    """How far the first and the last END of a stroke turn."""
    angles = np.abs(turning(stroke))
    count = max(1, round(END * len(angles)))
    return float(angles[:count].sum()), float(angles[-count:].sum())


def features(symbol: Symbol) -> Values:
    """FEATURES of one symbol."""
    size = side(symbol)
    strokes = [resample(stroke, STEP * size) for stroke in symbol.strokes]
    angles = np.concatenate([turning(stroke) for stroke in strokes])
    signed = angles if len(angles) else np.zeros(1)
    bent = np.abs(signed)
    low = symbol.points.min(axis=0)
    sides = np.ptp(symbol.points, axis=0)
    lengths = [float(np.hypot(*np.diff(stroke, axis=0).T).sum()) for stroke in strokes]
    straight = sum(float(np.hypot(*(stroke[-1] - stroke[0]))) for stroke in strokes) / max(sum(lengths), 1e-9)
    hooks = np.array([ends(stroke) for stroke in strokes])
    gaps = [float(np.hypot(*(after[0] - before[-1]))) / size for before, after in pairwise(strokes)]
    first, last = (strokes[0][0] - low) / size, (strokes[-1][-1] - low) / size
    rough = np.abs(np.diff(signed)) if len(signed) > 1 else np.zeros(1)
    rougher = np.abs(np.diff(signed, 2)) if len(signed) > 2 else np.zeros(1)
    return np.array([
        len(strokes), np.log((sides[0] + 0.05 * size) / (sides[1] + 0.05 * size)), sum(lengths) / size,
        bent.mean(), np.quantile(bent, 0.95), signed.mean(), hooks[:, 0].mean(), hooks[:, 1].mean(),
        straight, float(np.hypot(*(strokes[0][-1] - strokes[0][0]))) / size, float((bent > 0.7).mean()),
        float((bent < 0.03).mean()), *first, *last, float(np.mean(gaps)) if gaps else 0.0,
        rough.mean(), rougher.mean(), float(signed.std()),
    ])  # fmt: skip


def distance(a: Symbol, b: Symbol) -> float:
    """How far two symbols' pictures lie apart, 0 to about 1.4: blurred, each of length 1."""
    first, second = soft(a), soft(b)
    return float(np.linalg.norm(first - second))


def soft(symbol: Symbol) -> NDArray[np.float32]:
    """The blurred picture as a vector of length 1."""
    from scipy.ndimage import gaussian_filter

    flat = gaussian_filter(bitmap(symbol), 1.5).ravel()
    return flat / np.linalg.norm(flat)


def copies_ratio(expressions: Sequence[Sequence[Symbol]], most: int = 1500) -> float:
    """Distance of two copies of a symbol in one expression over that of two expressions' copies."""
    within: dict[str, list[float]] = defaultdict(list)
    known: dict[str, list[Symbol]] = defaultdict(list)
    for symbols in expressions:
        groups: dict[str, list[Symbol]] = defaultdict(list)
        for symbol in symbols:
            groups[symbol.token].append(symbol)
        for token, same in groups.items():
            known[token].append(same[0])
            if len(same) > 1 and sum(map(len, within.values())) < most:
                within[token].append(distance(same[0], same[1]))
    chance = Random(0)
    ratios, weights = [], []
    for token, inside in within.items():
        pool = known[token]
        if len(pool) < 4:
            continue
        pairs = [chance.sample(pool, 2) for _ in range(min(60, 4 * len(inside) + 8))]
        between = float(np.mean([distance(a, b) for a, b in pairs]))
        if len(inside) >= 3:
            ratios.append(float(np.mean(inside)) / between)
            weights.append(len(inside))
    return float(np.average(ratios, weights=weights))


def spreads(expressions: Sequence[Sequence[Symbol]]) -> dict[str, float]:
    """Spreads within expressions: medians over all, and how far boxes overlap."""
    sizes, gaps, bars, overlaps = [], [], [], []
    for symbols in expressions:
        groups: dict[str, list[float]] = defaultdict(list)
        for symbol in symbols:
            groups[symbol.token].append(side(symbol))
        sizes += [
            float(np.std(np.log(same), ddof=1))
            for token, same in groups.items()
            if len(same) > 1 and token not in ("-", "\\sqrt", ".", ",")
        ]
        unit = float(np.median([side(symbol) for symbol in symbols]))
        lows = np.array([symbol.points.min(axis=0) for symbol in symbols])
        highs = np.array([symbol.points.max(axis=0) for symbol in symbols])
        order = np.argsort(lows[:, 0])
        between = [
            (lows[b, 0] - highs[a, 0]) / unit
            for a, b in pairwise(order)
            if min(highs[a, 1], highs[b, 1]) - max(lows[a, 1], lows[b, 1])
            > 0.5 * min(highs[a, 1] - lows[a, 1], highs[b, 1] - lows[b, 1])
        ]
        if len(between) > 2:
            gaps.append(float(np.std(between)))
        for symbol in symbols:
            if symbol.token == "-" and len(symbol.strokes) == 1 and side(symbol) > LONG_BAR * unit:
                line = symbol.strokes[0]
                bars.append(float(np.ptp(line[:, 1]) / np.ptp(line[:, 0])))
        crossing = sum(
            bool((np.minimum(highs[a], highs[b]) > np.maximum(lows[a], lows[b])).all())
            for a, b in combinations(range(len(symbols)), 2)
            if "\\sqrt" not in (symbols[a].token, symbols[b].token)
        )
        if len(symbols) > 2:
            overlaps.append(crossing / len(symbols))
    low, high = np.quantile(overlaps, (0.25, 0.75))
    return {
        "size spread of a repeated symbol": float(np.median(sizes)),
        "spread of gaps": float(np.median(gaps)),
        "tilt or bend of long bars": float(np.median(bars)) if bars else float("nan"),
        "boxes that overlap, IQR": float(high - low),
    }


def movement(symbols: Sequence[Symbol]) -> dict[str, float]:
    """How the pen moves: turning, hooks, strokes."""
    mean, sharp, hooks, counts = [], [], [], []
    for symbol in symbols:
        size = side(symbol)
        strokes = [resample(stroke, STEP * size) for stroke in symbol.strokes]
        bent = np.abs(np.concatenate([turning(stroke) for stroke in strokes]))
        if len(bent) >= 5:
            mean.append(float(bent.mean()))
            sharp.append(float(np.quantile(bent, 0.95)))
            hooks += [sum(ends(stroke)) for stroke in strokes if len(stroke) > 5]
        counts.append(len(symbol.strokes))
    return {
        "turning a step, mean": float(np.median(mean)),
        "turning a step, sharpest 5 %": float(np.median(sharp)),
        "hooks at stroke ends": float(np.median(hooks)),
        "strokes a symbol, mean": float(np.mean(counts)),
    }


def told_apart(real: Sequence[Symbol], ours: Sequence[Symbol], seed: int = 0) -> float:
    """AUC of a classifier that tells our symbols from real ones by FEATURES; the same tokens on each side."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold, cross_val_predict

    tokens: dict[str, tuple[list[Symbol], list[Symbol]]] = defaultdict(lambda: ([], []))
    for place, symbols in enumerate((real, ours)):
        for symbol in symbols:
            tokens[symbol.token][place].append(symbol)
    rows, truth, groups, kinds = [], [], [], []
    for kind, (token, both) in enumerate(sorted(tokens.items())):
        count = min(map(len, both))
        for place, symbols in enumerate(both):
            for symbol in Random(f"{seed}{token}").sample(symbols, count):
                rows.append(features(symbol))
                truth.append(place)
                groups.append(f"{place}{symbol.expression}")
                kinds.append(kind)
    values = np.column_stack([np.array(rows)])
    model = HistGradientBoostingClassifier(
        max_iter=120, learning_rate=0.1, max_leaf_nodes=15, random_state=seed
    )
    scores = cross_val_predict(model, values, np.array(truth), groups=np.array(groups), cv=GroupKFold(4), method="predict_proba")  # fmt: skip
    return float(roc_auc_score(truth, scores[:, 1]))
