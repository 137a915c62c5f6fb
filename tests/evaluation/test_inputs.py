"""What is odd about prediction files is read, told, or refused by name."""

import gzip
import lzma

import pytest

from hmer_tasks.evaluation.inputs import comparable_label, input_remarks, is_glued, score_remarks, tokenized
from hmer_tasks.evaluation.metrics import evaluate
from hmer_tasks.exceptions import PredictionError
from hmer_tasks.predictions import Prediction, read_predictions
from tests.evaluation.test_command import command  # noqa: F401 - a fixture

TEXT = "1\ta\ta\n2\tb\tc\n"


@pytest.mark.parametrize("name", ["p.tsv.gz", "p.tsv.xz", "p.tsv"])
def test_compressed_files_are_read_whatever_they_are_called(tmp_path, name):
    for pack in (gzip.compress, lzma.compress, bytes):
        (tmp_path / name).write_bytes(pack(TEXT.encode()))
        assert [prediction.pred for prediction in read_predictions(tmp_path / name)] == ["a", "c"]
    (tmp_path / name).write_bytes(gzip.compress(b'[{"img_id": "1", "gt": "a", "pred": "b"}]'))
    assert [prediction.pred for prediction in read_predictions(tmp_path / name)] == ["b"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (gzip.compress(TEXT.encode() * 100, mtime=0)[:-20], "damaged or cut off"),
        (lzma.compress(TEXT.encode() * 100)[:-20], "damaged or cut off"),
        (gzip.compress(TEXT.encode() * 100, mtime=0)[:20] + b"x" * 40, "cannot read|not"),
        (TEXT.encode("utf-16"), "is UTF-16: save it as UTF-8"),
        (b"id\tlabel\tprediction\n1\ta\ta\n", ":1: a header row .id, label, prediction.: remove it"),
        (b"\xef\xbb\xbfImage\tGT\tPred\n1\ta\ta\n", ":1: a header row"),
        (b'{"img_id": 7, "gt": "a", "pred": "a"}\n', ":1: img_id must be a text, in quotes"),
        (b'{"img_id": "7", "pred": "a"}\n', ':1: gt is missing; with --labels it may be ""'),
    ],
    ids=["cut gzip", "cut xz", "spoilt gzip", "UTF-16", "a header", "another header", "a number", "no gt"],
)  # fmt: skip
def test_what_cannot_be_right_is_refused_by_name(tmp_path, data, says):
    (tmp_path / "p.tsv").write_bytes(data)
    with pytest.raises(PredictionError, match=says) as error:
        list(read_predictions(tmp_path / "p.tsv"))
    assert "\n" not in str(error.value) and "p.tsv" in str(error.value)


def test_a_first_line_that_could_be_a_sample_is_one(tmp_path):
    (tmp_path / "p.tsv").write_text("id\ta\tb\n", encoding="utf-8")
    assert [prediction.id for prediction in read_predictions(tmp_path / "p.tsv")] == ["id"]


def test_the_same_file_twice_is_refused(tmp_path, command, monkeypatch):  # noqa: F811
    (tmp_path / "p.tsv").write_text(TEXT, encoding="utf-8")
    (tmp_path / "q.tsv").symlink_to(tmp_path / "p.tsv")
    done = command(tmp_path / "p.tsv", tmp_path / "q.tsv")
    assert done.returncode == 1 and "is given twice" in done.stderr
    done = command(tmp_path / "p.tsv", "--compare", tmp_path / "p.tsv")
    assert done.returncode == 0 and "holds the same predictions" in " ".join(done.stdout.split())


def test_repeated_ids_and_two_labels_are_told():
    pairs = [Prediction("s", "1", "a", "a"), Prediction("s", "1", "a", "b"), Prediction("s", "2", "a", "a"),
             Prediction("s", "2", "b", "a"), Prediction("t", "1", "c", "a")]  # fmt: skip
    lines = input_remarks(pairs)
    assert "ids that occur more than once: 2 (1, 2)" in lines[0] and "all 2 further" in lines[0]
    assert "two different labels: 1 (2)" in lines[1]
    assert input_remarks(pairs[2:3] + pairs[4:]) == []


@pytest.mark.parametrize(
    ("text", "glued"),
    [
        ("x^{2}", True), (r"\frac{a}{b}", True), ("ab", True), ("a,b", True), ("12", True),
        ("x ^ { 2 }", False), (r"\begin {matrix} a \end {matrix}", False), (r"\alpha", False), ("", False), (r"\{ x", False),
    ],
)  # fmt: skip
def test_glued(text, glued):
    assert is_glued(text) == glued


@pytest.mark.parametrize(
    ("gt", "label", "compared"),
    [
        ("$x^2$", "x ^ { 2 }", "x ^ { 2 }"), ("$x$", "x", "x"), (r"\frac{a}{b}", r"\frac { a } { b }", r"\frac { a } { b }"),
        ("x ^ 2", "x ^ { 2 }", "x ^ 2"), (r"a \le b", r"a \leq b", r"a \le b"), ("x", "x", "x"),
        (r"\left [ \mbox { x } \right ]", "[ x ]", "[ x ]"), ("{ { x } _ { 1 } }", "x _ { 1 }", "x _ { 1 }"),
        ("x _ { 1", "x _ { 1 }", "x _ { 1"),
    ],
)  # fmt: skip
def test_raw_latex_is_compared_by_its_explicit_form(gt, label, compared):
    """What the owners wrote in tokens stays: published scores take it."""
    assert comparable_label(gt, label) == compared


def test_untokenised_predictions_are_told_and_tokenised(tmp_path, command):  # noqa: F811
    rows = [("x ^ { 2 }", "x^{2}"), (r"\frac { a } { b }", r"\frac{a}{b}"), ("a", "a")]
    pairs = [Prediction("s", str(i), *row) for i, row in enumerate(rows)]
    assert "not tokenised" in input_remarks(pairs)[0] and "2 of 3" in input_remarks(pairs)[0]
    assert input_remarks(tokenized(pairs)) == []
    assert evaluate(tokenized(pairs), resamples=0)["exprate"] == 100
    (tmp_path / "p.tsv").write_text(
        "".join(f"{prediction.id}\t{prediction.gt}\t{prediction.pred}\n" for prediction in pairs),
        encoding="utf-8",
    )
    assert "add --tokenize" in " ".join(command(tmp_path / "p.tsv").stdout.split())
    assert '"value": 100.0' in command(tmp_path / "p.tsv", "--tokenize", "--json").stdout


def test_labels_of_raw_latex_are_told_where_they_are_scored_against(tmp_path, command):  # noqa: F811
    pairs = [Prediction("s", str(i), r"\frac{a}{b}", r"\frac { a } { b }") for i in range(3)]
    [line] = input_remarks(pairs)
    assert line.startswith("labels that are not tokenised") and "3 of 3" in line and "--labels BUILD" in line
    assert input_remarks(pairs, own_labels=False) == []  # they are scored against other labels
    matrices = [
        Prediction("s", str(i), r"\begin{matrix} a \end{matrix}" if i == 0 else "a", "a") for i in range(20)
    ]
    assert input_remarks(matrices) == []
    (tmp_path / "p.tsv").write_text(
        "".join(f"{prediction.id}\t{prediction.gt}\t{prediction.pred}\n" for prediction in pairs),
        encoding="utf-8",
    )
    assert "labels that are not tokenised" in command(tmp_path / "p.tsv").stdout


def test_what_moves_a_score_is_named():
    pairs = [Prediction("s", "endless", "3 . 3", " ".join(["3"] * 1027)), Prediction("s", "b", "a", "a"),
             Prediction("s", "c", r"\int \limits _ { a } x", r"\int _ { a } x"),
             Prediction("s", "d", r"\sum \limits _ { a } x", r"\sum _ { a } x")]  # fmt: skip
    lines = score_remarks(evaluate(pairs, resamples=0))
    assert "endless (1,027 tokens for 3)" in lines[0]
    assert "LgEval" in lines[1] and lines[1].endswith(": 1")
    assert "1 differ by \\limits on an integral" in lines[2]
    assert score_remarks(evaluate(pairs[1:2], resamples=0)) == []


def test_the_comparison_comes_first(tmp_path, command):  # noqa: F811
    (tmp_path / "p.tsv").write_text(TEXT, encoding="utf-8")
    (tmp_path / "q.tsv").write_text("1\ta\ta\n2\tb\tb\n", encoding="utf-8")
    text = command(tmp_path / "p.tsv", "--compare", tmp_path / "q.tsv").stdout
    assert text.index("other minus this") < text.index("McNemar") < text.index("reported by")


def test_workers_change_no_figure():
    pairs = [("x ^ { 2 }", "x _ { 2 }"), ("a + b", "a b"), ("c", "c")] * 60
    alone, many = (
        evaluate(pairs, boxes=True, resamples=50),
        evaluate(pairs, boxes=True, resamples=50, workers=2),
    )
    assert alone.as_json() == many.as_json() and (alone.table == many.table).all()


def test_two_systems_that_are_scored_together_are_told():
    pairs = [Prediction(name, str(i), "a", "a") for name in ("one", "two") for i in range(3)]
    [line] = input_remarks(pairs)
    assert line.startswith("several files answer the same pictures") and "--systems" in line
    other_labels = [Prediction("one", "1", "a", "a"), Prediction("two", "1", "b", "b")]
    assert input_remarks(other_labels) == []
