"""How near the pen comes to people's ink, judged on CROHME's symbols by a CNN and by shape.

    python -m bench.handwriting_judge CROHME_TRAIN CROHME_2014 CAPTIONS_TRAIN.tsv [pen] [writers] [recombined] [--quick]

CROHME_TRAIN and CROHME_2014 are folders or archives of InkML with symbol groups. A minute of one core a
training; the whole takes about ten. The same versions print the same figures.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from bench.hand.ink_symbols import Stroke, Symbol, by_token, read_expressions, symbol_name, written_expression
from bench.hand.recogniser import accuracy, predict, train
from bench.hand.shape import copies_ratio, movement, spreads, told_apart
from hmer_tasks.handwriting.boxes import cells_of
from hmer_tasks.handwriting.collect import collect
from hmer_tasks.handwriting.compose import composed
from hmer_tasks.handwriting.parts import expression_of, read_documents
from hmer_tasks.handwriting.recombine import Recombiner
from hmer_tasks.handwriting.writer import keyed, writer
from hmer_tasks.handwriting.writing import drawable
from hmer_tasks.storage.opening import open_files

PER_CLASS = 100
FEW = 10
ASKED = 40  # real symbols asked of a class
EXPRESSIONS = 700  # for spreads


def labels_of(path: Path) -> list[str]:
    """The labels of a tsv in a shuffled, repeatable order."""
    labels = [line.split("\t")[1] for line in path.read_text(encoding="utf-8").splitlines() if "\t" in line]
    Random(1).shuffle(labels)
    return labels


def pen_expressions(labels: list[str], ink: Path | None = None) -> Iterator[list[Symbol]]:
    """Each label as a writer of its own writes it."""
    own = collect(ink) if ink is not None else None
    if own is not None:
        print(own.summary)
    for number, label in enumerate(labels):
        by = writer(number) if own is None else own.writer(number)
        symbols = written_expression(label, by, number)
        if symbols:
            yield symbols


def recombined_expressions(ink: Path, count: int) -> Iterator[list[Symbol]]:
    """Real expressions put together anew."""
    with open_files(ink) as files:
        documents = read_documents(files, sorted(files.names(suffix=".inkml")))
        recombiner = Recombiner(
            [expression for expression in map(expression_of, documents) if expression is not None]
        )
    for number in range(count):
        plan = recombiner.plan(keyed("judge", number))
        _, cells, _ = cells_of(plan.tree)
        by_node: dict[int, list[Stroke]] = defaultdict(list)
        for piece in composed(plan.slot):
            by_node[piece.number] += piece.strokes
        yield [
            Symbol(symbol_name(cells[node].symbol), tuple(strokes), f"{number}", plan.slot.source.writer)
            for node, strokes in sorted(by_node.items())
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("captions", type=Path)
    parser.add_argument("what", nargs="*", default=["pen"], help="pen, writers, recombined, real")
    parser.add_argument("--quick", action="store_true", help="no few-shot trainings")
    arguments = parser.parse_args()
    labels = labels_of(arguments.captions)
    train_expressions = list(read_expressions(arguments.train))
    test_expressions = list(read_expressions(arguments.test))
    real = by_token(train_expressions, PER_CLASS)
    asked = by_token(test_expressions, ASKED)
    sources: dict[str, Callable[[], Iterator[list[Symbol]]]] = {
        "pen": lambda: pen_expressions(labels),
        "writers": lambda: pen_expressions(labels, arguments.train),
        "recombined": lambda: recombined_expressions(arguments.train, len(labels)),
    }
    classes = sorted(token for token in asked if len(real.get(token, ())) >= 10 and drawable(token))
    tested = [symbol for token in classes for symbol in asked[token]]
    print(f"{len(classes)} classes, {len(tested)} real symbols asked")
    known = [symbol for token in classes for symbol in real[token]]
    reader = train(known, classes)
    print(f"real to real             {accuracy(reader, tested, classes):.1%}")
    few = [symbol for token in classes for symbol in real[token][:FEW]]
    if not arguments.quick:
        print(f"{FEW} real a class          {accuracy(train(few, classes), tested, classes):.1%}")
    report("real", test_expressions[:EXPRESSIONS], tested, tested)
    for name in arguments.what:
        if name == "real":
            report(name, train_expressions[:EXPRESSIONS], known, tested)
            continue
        expressions = list(sources[name]())
        ours = by_token(expressions, PER_CLASS)
        missing = [token for token in classes if not ours.get(token)]
        written = [symbol for token in classes for symbol in ours.get(token, [])]
        print(f"{name}: {len(written)} symbols; none of {' '.join(missing) or 'the classes is missing'}")
        model = train(written, classes)
        print(f"{name} to real             {accuracy(model, tested, classes):.1%}")
        print(f"real to {name}             {accuracy(reader, written[::2], classes):.1%}")
        if not arguments.quick:
            print(
                f"{FEW} real a class + {name}   {accuracy(train(few + written, classes), tested, classes):.1%}"
            )
        worst(tested, predict(model, tested, classes), predict(reader, tested, classes))
        report(name, expressions[:EXPRESSIONS], written, tested)


def worst(tested: list[Symbol], ours: list[str], theirs: list[str], most: int = 24) -> None:
    """The classes that ours reads worst against the reader of real ink."""
    lines = []
    for token in sorted({symbol.token for symbol in tested}):
        at = [index for index, symbol in enumerate(tested) if symbol.token == token]
        rates = [sum(read[index] == token for index in at) / len(at) for read in (ours, theirs)]
        wrong = [ours[index] for index in at if ours[index] != token]
        lines.append((rates[0] - rates[1], token, rates, max(set(wrong), key=wrong.count) if wrong else ""))
    for _, token, (share, real_share), other in sorted(lines)[:most]:
        print(f"  {token:12} {share:4.0%}, by real ink {real_share:4.0%}; read as {other}")


def report(name: str, expressions: list[list[Symbol]], symbols: list[Symbol], real: list[Symbol]) -> None:
    """Shape: how movement and spreads are, and how well ours are told from real."""
    if symbols is not real:
        print(f"  told from real by shape, AUC {told_apart(real, symbols):.3f}")
    print(f"  copies within over between expressions {copies_ratio(expressions):.3f}")
    for title, value in {**movement(symbols), **spreads(expressions)}.items():
        print(f"  {title:34} {value:.3f}")


if __name__ == "__main__":
    main()
