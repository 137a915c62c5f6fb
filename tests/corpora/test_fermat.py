r"""FERMAT: a student's mistake, which the picture shows, against the corrected solution, which it does not."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hmer_tasks.corpora import CORPORA, Rejected, open_files
from hmer_tasks.corpora.fermat import mathematics_of
from hmer_tasks.exceptions import CorpusError, HmerError, RejectReason, UsageError
from hmer_tasks.pipeline import BuildOptions, build
from hmer_tasks.shards.verifier import verify
from tests.pipeline.conftest import noise, rows_of

STRUCT = pa.struct({"bytes": pa.binary(), "path": pa.string()})
ROWS = [  # orig_a, pert_a, has_error
    (r"\[ x = \frac{1}{2} \]", r"\[ x = \frac{2}{1} \]", True),
    ("$2 x = 4$\n$x = 2$", "$2 x = 4$\n$x = 4$", True),
    (r"$x = 16 \text{ cm}$", r"$x = 16.0 \text{ cm}$", False),
    ("Given $x = 1$, we get $y = 2$.", "Given $x = 1$, we get $y = 3$.", True),
    ("$x^{2}$", "$x^2$", True),
    ("$x = 1$", "$x = 1$", True),
    ("$x = 1$", "$x = _ { 2 _ 3 _ 4$", True),
    ("$x = 1$", None, True),
    ("a = b + 1", "a = b", True),
]


@pytest.fixture
def root(tmp_path):
    return write_fermat(tmp_path, ROWS)


def write_fermat(tmp_path, rows):
    (tmp_path / "FERMAT" / "data").mkdir(parents=True)
    table = pa.table(
        {
            "new_custom_id": [f"{number % 3}" for number in range(len(rows))],
            "image": pa.array([{"bytes": noise(n), "path": None} for n in range(len(rows))], STRUCT),
            "rotation": ["none"] * len(rows),
            "img_id": list(range(100, 100 + len(rows))),
            "orig_q": ["Solve."] * len(rows),
            "orig_a": [row[0] for row in rows],
            "pert_a": [row[1] for row in rows],
            "pert_reasoning": ["because"] * len(rows),
            "has_error": [row[2] for row in rows],
        }
    )
    pq.write_table(table, tmp_path / "FERMAT" / "data" / "train-00000-of-00001.parquet")
    return tmp_path / "FERMAT"


def test_samples(root):
    with open_files(root) as files:
        reader = CORPORA["fermat"].open_split(files, "train")
        rows = [reader[index] for index in range(len(reader))]
    assert [row.id for row in rows] == [str(100 + number) for number in range(len(ROWS))]
    assert (rows[0].label, rows[0].erroneous, rows[0].gt) == (
        r"x = \frac{1}{2}",
        r"x = \frac{2}{1}",
        ROWS[0][0],
    )
    assert (rows[1].label, rows[1].erroneous) == ("2 x = 4 \\\\ x = 2", "2 x = 4 \\\\ x = 4")
    assert rows[2].label == rows[2].erroneous == r"x = 16.0 \text{ cm}"
    reasons = {row.id: row.reason for row in rows if isinstance(row, Rejected)}
    assert reasons == {
        "103": RejectReason.NOT_MATHEMATICS,
        "105": RejectReason.NO_DIFFERENCE,
        "107": RejectReason.LABEL_MISSING,
    }


def test_rows_of_the_error_tasks_alone(root, tmp_path):
    """What the picture shows is the candidate; the corrected form is the label; nothing is asked of it alone."""
    result = build(BuildOptions("fermat", root, out=tmp_path / "out", workers=1, clean_share=1.0))
    assert result.summary["rejected"] == {
        "double_script": 1, "label_missing": 1, "no_difference": 2, "not_mathematics": 1,
    }  # fmt: skip
    rows = rows_of(tmp_path / "out")
    assert [row["task"] for row in rows] == ["error_detection", "error_correction"] * 4
    first, second = rows[:2]
    assert first["source"] == "fermat/train"
    assert first["candidate"] == r"x = \frac { 2 } { 1 }"
    assert first["label"] == r"x = \frac { 1 } { 2 }"
    assert first["gt"] == ROWS[0][0]
    assert "student's handwritten solution" in first["prompt"][0]["content"]
    assert "OCR" not in first["prompt"][0]["content"]
    assert second["completion"][0]["content"].startswith("REPLACE:")
    right = rows[4]  # has_error is false: nothing is marked
    assert right["candidate"] == right["label"] == right["completion"][0]["content"]
    assert result.summary["splits"]["train"]["clean"] == 1
    assert result.summary["splits"]["train"]["no_candidate"] == 0
    assert not verify(tmp_path / "out").faults


def test_a_repaired_solution_is_proven(tmp_path):
    root = write_fermat(tmp_path, [("$√{x} = 2$", "$x = 3$", True)])
    build(BuildOptions("fermat", root, out=tmp_path / "out", workers=1, repair=True))
    (repair,) = (tmp_path / "out/repairs.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(repair)["original"] == "$√{x} = 2$"
    assert not verify(tmp_path / "out").faults


@pytest.mark.parametrize(
    ("options", "message"),
    (
        ({"tasks": ("recognition",)}, "fermat has no rows of recognition"),
        ({"tasks": ("error_detection", "counting")}, "fermat has no rows of counting"),
        ({"prompts": "uni-mumer"}, "speaks of a recogniser's mistakes"),
    ),
)
def test_what_would_be_untrue_is_refused(root, tmp_path, options, message):
    with pytest.raises(UsageError, match=message):
        build(BuildOptions("fermat", root, out=tmp_path / "out", **options))


@pytest.mark.parametrize(
    ("text", "expected"),
    (
        ("$a$ $b$", "a b"),
        ("$a$\n\n$b$", "a \\\\ b"),
        ("$a$ \\\\ $b$", "a \\\\ b"),
        (r"\(a\)\(b\)", "a b"),
        (r"\[a\] \[b\]", "a \\\\ b"),
        ("$$a$$ $b$", "a \\\\ b"),
        (r"\begin{align*}a&=b\\c&=d\end{align*}", r"\begin{align*}a&=b\\c&=d\end{align*}"),
        ("x = 1 \\\\\n\n y = 2", "x = 1 \\\\ y = 2"),
        (r"\text{Area} = \pi r^2", r"\text{Area} = \pi r^2"),
        ("so $a$", None),
        ("$a$, $b$", None),
        ("$a", None),
        ("The answer", None),
        ("x = sin y", None),
        ("", None),
        (" \n ", None),
        ("$x$" * 10_000, None),
    ),
)
def test_mathematics_of_a_solution(text, expected):
    assert mathematics_of(text) == expected


def test_columns_that_are_not_fermats(root):
    path = root / "data" / "train-00000-of-00001.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["has_error"]), path)
    with (
        open_files(root) as files,
        pytest.raises(CorpusError, match="no column 'has_error'; expected FERMAT"),
    ):
        CORPORA["fermat"].open_split(files, "train")


def test_predictions_do_not_ask_the_picture_for_a_label_that_it_does_not_show(root, tmp_path):
    pytest.importorskip("torch")
    from trainer.inputs import asked, of_shards

    build(BuildOptions("fermat", root, out=tmp_path / "out", workers=1))
    shards = [str(tmp_path / "out" / "data")]
    with pytest.raises(HmerError, match="no row of recognition"):
        list(of_shards(shards, asked("recognition", "uni-mumer", "", None)))
    (first, *_) = of_shards(shards, asked("error_detection", "uni-mumer", "", None))
    assert first.id == "100"
