"""`hmer-tasks folds`: a corpus split into folds by label, so that no expression occurs in two folds."""

import json
from hashlib import sha256
from pathlib import Path

from hmer_tasks.corpora import Rejected, open_corpus
from hmer_tasks.exceptions import UsageError
from hmer_tasks.pipeline.expand import ExpansionConfig
from hmer_tasks.pipeline.plan import BuildOptions, corpus_named, expression_of, open_inputs, with_profile
from hmer_tasks.pipeline.worker import read_input
from hmer_tasks.utils.files import atomic_write
from hmer_tasks.utils.progress import progress_over


def write_folds(options: BuildOptions, folds: int, out: Path) -> list[int]:
    """Write each sample's fold as a JSON line. Samples that a build would reject have no fold.

    Args:
        options: The corpus, its root and splits, whether labels are repaired, and the seed.
        folds: The number of folds, at least 2.
        out: The file to write.

    Returns:
        The number of samples in each fold.

    Raises:
        UsageError: `folds` is below 2, or above the number of different expressions.
    """
    if folds < 2:
        raise UsageError(f"-k must be at least 2, not {folds}")
    corpus = with_profile(corpus_named(options.dataset, options.splits), options.profile, options.columns)
    groups: dict[str, list[tuple[str, str]]] = {}
    context = ExpansionConfig(tasks=(), prompts={}, repair=options.repair)
    with open_corpus(corpus, options.root) as files:
        for split, inputs in open_inputs(corpus, files, options).items():
            for index in progress_over(range(inputs.count), f"labels of {split}"):
                outcome = read_input(inputs, index, context)
                if not isinstance(outcome, Rejected):
                    sample, label = outcome
                    groups.setdefault(expression_of(label.label), []).append((sample.source, sample.id))
    if folds > len(groups):
        raise UsageError(f"-k {folds}: the corpus has only {len(groups):,} different expressions to part")
    fold_of = assign(
        {expression: len(samples) for expression, samples in groups.items()}, folds, options.seed
    )
    sizes = [0] * folds
    lines = []
    for expression, samples in groups.items():
        fold = fold_of[expression]
        sizes[fold] += len(samples)
        lines += [json.dumps({"source": source, "id": id, "fold": fold}) + "\n" for source, id in samples]
    atomic_write(out, "".join(lines))
    return sizes


def assign(sizes: dict[str, int], folds: int, seed: int) -> dict[str, int]:
    """Assign each expression to a fold: in a seeded order, each to the smallest fold so far.

    Args:
        sizes: The number of samples of each expression.
        folds: The number of folds.
        seed: The seed of the order.

    Returns:
        The fold of each expression.
    """
    filled = [0] * folds
    fold_of = {}
    for expression in sorted(sizes, key=lambda label: sha256(f"{seed}\x1f{label}".encode()).digest()):
        fold = filled.index(min(filled))
        fold_of[expression] = fold
        filled[fold] += sizes[expression]
    return fold_of
