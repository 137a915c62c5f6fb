"""Which labels can be drawn, and what the others are refused for.

python -m bench.handwriting_coverage LABELS.tsv …
"""

from collections import Counter
from pathlib import Path

from bench.corpus import words
from hmer_tasks.exceptions import LabelError
from hmer_tasks.handwriting.boxes import UndrawableError, cells_of
from hmer_tasks.handwriting.layout import Layout
from hmer_tasks.handwriting.writer import keyed, writer
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import ExprTree


def main() -> None:
    parsed = drawn = 0
    for path in map(Path, words(__doc__, "LABELS+")):
        refused: Counter[str] = Counter()
        unreadable: Counter[str] = Counter()
        tokens: set[str] = set()
        done: set[str] = set()
        trees: list[tuple[str, ExprTree]] = []
        for line in path.read_text(encoding="utf-8").splitlines():
            label = line.split("\t")[1] if "\t" in line else ""
            try:
                trees.append((label, parse(label)))
            except LabelError as error:
                unreadable[error.reason] += 1
        for number, (label, tree) in enumerate(trees):
            tokens.update(label.split())
            try:
                box = Layout(writer(number % 50), keyed("coverage", number)).block(cells_of(tree)[0], 1.0)
            except UndrawableError as error:
                refused[error.symbol] += 1
                continue
            if box.marks:
                done.update(label.split())
            else:
                refused["no ink at all"] += 1
        here = len(trees) - refused.total()
        parsed, drawn = parsed + len(trees), drawn + here
        print(
            f"{path.parent.name}/{path.name}: {here:,} of {len(trees):,} that parse ({here / len(trees):.3%})"
        )
        print(f"  tokens in a drawn label: {len(done)} of {len(tokens)}; lacking {sorted(tokens - done)}")
        print(f"  refused {dict(refused)}; do not parse {dict(unreadable)}")
    print(f"together {drawn:,} of {parsed:,}: {drawn / parsed:.3%}")


if __name__ == "__main__":
    main()
