r"""How far the relations of our trees agree with those of the InkML's own MathML, edge by edge.

    python -m bench.mathml_relations

An edge is (sign, relation, sign): from a node to the first sign of a child line, or to its right
neighbour; a file's edges are a multiset, so a wrong place counts once on each side. Our tree is that
of `normalize(truth, "crohme")`, \limits transparent. Where the two truths of a file do not hold the
same signs they are different expressions (one was corrected, or was typed with a slip): such files
are counted by class, and counted in the figures over all files, but left out of the bar.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from bench.corpus import CORPORA, words
from bench.crohme_ink import ARCHIVES, Truth, truths
from bench.mathml import Edge, edges, mathml_tree, symbols
from bench.raw_to_caption import COMPARED
from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.canonical import spell
from hmer_tasks.latex.normalize import normalize
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import ExprTree

# One of the sources writes every \cdot as a full stop in its MathML (once as a broken byte).
_ALIKE = {"\\cdot": ".", "\ufffd": "."}


@dataclass(slots=True)
class Agreement:
    """Edges of our trees, of the MathML, and common to both."""

    files: int = 0
    ours: int = 0
    theirs: int = 0
    common: int = 0

    def add(self, ours: Counter[Edge], theirs: Counter[Edge]) -> None:
        self.files += 1
        self.ours += ours.total()
        self.theirs += theirs.total()
        self.common += (ours & theirs).total()

    @property
    def precision(self) -> float:
        return self.common / self.ours

    @property
    def recall(self) -> float:
        return self.common / self.theirs


@dataclass(slots=True)
class Result:
    """A split: agreement over all files and over those of the same signs; files by class."""

    every: Agreement = field(default_factory=Agreement)
    same_signs: Agreement = field(default_factory=Agreement)
    skipped: Counter[str] = field(default_factory=Counter)
    other_signs: dict[str, list[str]] = field(default_factory=dict)
    disagreeing: dict[str, list[tuple[int, str]]] = field(default_factory=dict)


def compare(corpora: Path, split: str) -> Result:
    """Compare every file of a split."""
    result = Result()
    for truth in truths(corpora, split):
        _compare_one(truth, result)
    return result


def _compare_one(truth: Truth, result: Result) -> None:
    if truth.latex is None or truth.mathml is None:
        result.skipped["no truth or no MathML"] += 1
        return
    try:
        our_tree = parse(spell(normalize(truth.latex, "crohme"), COMPARED))
    except LabelError as error:
        result.skipped[f"the LaTeX is not TeX: {error.reason}"] += 1
        return
    try:
        their_tree = mathml_tree(truth.mathml)
    except ValueError as error:
        result.skipped[f"the MathML is not read: {error}"] += 1
        return
    ours, theirs = _plain_edges(our_tree), _plain_edges(their_tree)
    result.every.add(ours, theirs)
    only_ours, only_theirs = _plain_symbols(our_tree), _plain_symbols(their_tree)
    if only_ours != only_theirs:
        name = _signs_class(only_ours - only_theirs, only_theirs - only_ours)
        result.other_signs.setdefault(name, []).append(truth.id)
        return
    result.same_signs.add(ours, theirs)
    if ours != theirs:
        missing, extra = theirs - ours, ours - theirs
        example = f"{truth.id}: {truth.latex.strip()} | ours {_show(extra)} | MathML {_show(missing)}"
        result.disagreeing.setdefault(_edge_class(extra, missing), []).append((extra.total(), example))


def _plain_edges(tree: ExprTree) -> Counter[Edge]:
    counts: Counter[Edge] = Counter()
    for (first, relation, second), count in edges(tree).items():
        counts[_ALIKE.get(first, first), relation, _ALIKE.get(second, second)] += count
    return counts


def _plain_symbols(tree: ExprTree) -> Counter[str]:
    counts: Counter[str] = Counter()
    for symbol, count in symbols(tree).items():
        counts[_ALIKE.get(symbol, symbol)] += count
    return counts


def _signs_class(ours: Counter[str], theirs: Counter[str]) -> str:
    pair = f"{' '.join(sorted(set(ours))) or 'nothing'} / {' '.join(sorted(set(theirs))) or 'nothing'}"
    if not theirs:
        return "signs missing in the MathML"
    return f"LaTeX / MathML: {pair}" if len(pair) < 40 else "other"


def _edge_class(ours: Counter[Edge], theirs: Counter[Edge]) -> str:
    flipped = Counter(
        {(a, "sup" if r == "sub" else "sub", b): n for (a, r, b), n in theirs.items() if r in ("sub", "sup")}
    )
    roots = [edge for edge in ours if edge[0] == "\\sqrt" and edge[1] == "below"]
    if roots and any(
        (a, "below", b) in theirs or (a, "above", b) in theirs for a, _, b in ours if a == "\\sqrt"
    ):
        return "a root's index and radicand change places"
    if flipped == ours:
        return "sub and sup change places"
    moved = {(r, b) for _, r, b in ours if r != "right"} & {(r, b) for _, r, b in theirs if r != "right"}
    if moved:
        return "a script hangs on another sign"
    relations = {r for _, r, _ in ours} | {r for _, r, _ in theirs}
    if relations == {"right"}:
        return "another order on the line"
    return f"{'/'.join(sorted({r for _, r, _ in ours} - {'right'}))} in the LaTeX, " \
           f"{'/'.join(sorted({r for _, r, _ in theirs} - {'right'}))} in the MathML"  # fmt: skip


def _show(counts: Counter[Edge]) -> str:
    return ", ".join(" ".join(edge) for edge in list(counts)[:4])


def main() -> None:
    words(__doc__)
    for split in ARCHIVES:
        result = compare(CORPORA, split)
        for name, what in (("all files", result.every), ("files of the same signs", result.same_signs)):
            print(
                f"{split}, {name}: {what.files} files, {what.ours} edges of ours, {what.theirs} of the MathML"
            )
            print(f"    {what.common} agree: precision {what.precision:.2%}, recall {what.recall:.2%}")
        for reason, count in result.skipped.items():
            print(f"    skipped {count:5} files  {reason}")
        for name, ids in sorted(result.other_signs.items(), key=lambda item: -len(item[1])):
            print(f"    signs   {len(ids):5} files  {name}, as {ids[0]}")
        for name, cases in sorted(result.disagreeing.items(), key=lambda item: -len(item[1])):
            print(f"    edges   {sum(count for count, _ in cases):5} of {len(cases)} files  {name}")
            print(f"        {cases[0][1]}")


if __name__ == "__main__":
    main()
