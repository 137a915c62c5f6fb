"""The synthetic corpus: told by (seed, index) alone, and like the file it is to be like."""

import random
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from hmer_tasks.corpora import Corpus, Sample, samples
from hmer_tasks.corpora.synthetic import synthetic
from hmer_tasks.exceptions import CorpusError, UsageError
from hmer_tasks.handwriting.writer import keyed
from hmer_tasks.handwriting.writing import drawable
from hmer_tasks.label_generation.expressions import KINDS, expression
from hmer_tasks.label_generation.statistics import fit
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import to_label
from hmer_tasks.pipeline import build
from hmer_tasks.pipeline.plan import BuildOptions
from tests.conftest import read_labels

LABELS = [expression("test", number) for number in range(300)]


def rows(corpus: Corpus) -> list[Sample]:
    entries = list(samples(corpus, None, "train"))
    assert all(isinstance(row, Sample) for row in entries)
    return [row for row in entries if isinstance(row, Sample)]


def sample_at(index: int) -> tuple[str, str, bytes]:
    row = rows(synthetic(count=24, look="photo", seed=3))[index]
    return row.id, row.label, row.image.load()[0]


def test_any_worker_in_any_order_writes_the_same():
    plain = [(row.id, row.label, row.image.load()[0]) for row in rows(synthetic(24, look="photo", seed=3))]
    with ProcessPoolExecutor(2) as pool:
        assert list(pool.map(sample_at, reversed(range(24)))) == plain[::-1]


def test_a_longer_corpus_starts_with_the_shorter_one_and_a_seed_changes_all():
    short, long, other = rows(synthetic(20)), rows(synthetic(40)), rows(synthetic(20, seed=1))
    assert [row.label for row in long[:20]] == [row.label for row in short]
    assert [row.image.load() for row in long[:5]] == [row.image.load() for row in short[:5]]
    assert sum(a.label == b.label for a, b in zip(short, other, strict=True)) < 3


def test_digest_tells_settings_apart(tmp_path):
    like = tmp_path / "labels.tsv"
    like.write_text("".join(f"{i}\t{label}\n" for i, label in enumerate(LABELS)), encoding="utf-8")
    settings = [{}, {"seed": 1}, {"look": "photo"}, {"count": 7}, {"like": like}]
    with_files = []
    for setting in settings:
        corpus = synthetic(**setting)
        with_files.append(corpus.open_split(None, "train").digest())
    assert len(set(with_files)) == len(settings)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"count": 0}, "--count must be at least 1"),
        ({"look": "oil"}, "unknown look 'oil'; choose from ink, photo"),
        ({"like": Path("nowhere.tsv")}, "no such label file"),
        ({"writers": Path("nowhere")}, "no such file or folder"),
    ],
)
def test_settings_that_make_no_corpus(settings, says):
    with pytest.raises(CorpusError, match=says):
        synthetic(**settings)


def test_a_file_without_a_drawable_label(tmp_path):
    like = tmp_path / "labels.tsv"
    like.write_text("a\t\\foo x\nb\t\\frac {\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="no label in it can be read and drawn"):
        synthetic(like=like).open_split(None, "train")


def test_arguments_that_are_no_ink_are_not_followed(tmp_path):
    """A bare `\\hspace` would take the next symbol for its length."""
    like = tmp_path / "labels.tsv"
    labels = [r"a \hspace { 1 c m } b", r"\textcolor { red } { a } + c", *LABELS]
    like.write_text("".join(f"{i}\t{label}\n" for i, label in enumerate(labels)), encoding="utf-8")
    assert not any("\\hspace" in row.label or "color" in row.label for row in rows(synthetic(60, like=like)))


def test_settings_belong_to_this_corpus_alone(tmp_path):
    with pytest.raises(UsageError, match="settings of --dataset synthetic and recombined"):
        build(BuildOptions("sample", out=tmp_path / "out", count=5))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__.strip("_"))
def test_every_kind_of_expression_parses_and_can_be_drawn(kind):
    from hmer_tasks.latex.normalize import normalize

    written = {normalize(kind(keyed("kind", number))) for number in range(40)}
    assert len(written) > 15
    for label in written:
        assert to_label(parse(label)) == label
        assert drawable(label), label


def test_expressions_are_explicit_and_varied():
    assert len(set(LABELS)) > 290
    for label in LABELS:
        assert to_label(parse(label)) == label
    tokens = Counter(token for label in LABELS for token in label.split())
    assert {
        "\\frac",
        "\\sqrt",
        "\\int",
        "\\sum",
        "\\lim",
        "\\begin",
        "^",
        "_",
        "=",
        "\\angle",
    } <= tokens.keys()


def test_fitted_labels_are_new_sound_and_use_only_what_was_there():
    model = fit(LABELS)
    drawn = [model.label(keyed("fit", number)) for number in range(300)]
    known = {token for label in LABELS for token in label.split()}
    assert {token for label in drawn for token in label.split()} <= known | {"{", "}"}
    for label in drawn:
        assert to_label(parse(label)) == label
    assert len(set(drawn)) > 200


def test_the_order_of_the_file_does_not_change_what_follows_what():
    one_way, other_way = fit(LABELS), fit(LABELS[::-1])
    assert one_way.followers.keys() == other_way.followers.keys()
    for key, choice in one_way.followers.items():
        assert (choice.things, choice.sums) == (
            other_way.followers[key].things,
            other_way.followers[key].sums,
        )


def test_labels_that_do_not_parse_are_counted():
    assert fit(["x", "\\frac {", "y"]).skipped == 1
    with pytest.raises(ValueError, match="no label"):
        fit(["\\frac {"])


def variation(first: Counter, second: Counter) -> float:
    return 0.5 * sum(
        abs(first[key] / first.total() - second[key] / second.total()) for key in first.keys() | second.keys()
    )


@pytest.mark.corpora
def test_like_half_of_hme100k(corpora):
    """2,000 drawn; two real samples of that size lie 0.02, 0.07 and 0.01 apart. bench/ draws 30,000."""
    labels = read_labels(corpora / "hme100k" / "train_labels_59452.tsv")
    random.Random(0).shuffle(labels)
    half = labels[: len(labels) // 4], labels[-8000:]
    model = fit(half[0])
    drawn = [model.label(keyed("test", number)) for number in range(2000)]
    real = [to_label(parse(label)) for label in half[1]]
    measures = (
        (lambda label: label.split(), 0.08),
        (lambda label: [len(label.split())], 0.12),
        (lambda label: [parse(label).depth()], 0.05),
    )
    for read, most in measures:
        both = [
            Counter(value for label in some_labels for value in read(label)) for some_labels in (drawn, real)
        ]
        assert variation(*both) < most
    verbatim = sum(label in model.labels for label in drawn) / len(drawn)
    assert verbatim < sum(label in model.labels for label in real) / len(real) / 3
