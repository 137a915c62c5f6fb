"""Builds of tables that users bring: Parquet and JSON lines on disk and on the Hub, folders with columns."""

import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hmer_tasks.pipeline import BuildOptions, build, plan
from hmer_tasks.shards.verifier import verify
from tests.exporting import hub as hubs
from tests.pipeline.conftest import files_of, label_of, noise, one_line, rows_of, run_command

STRUCT = pa.struct({"bytes": pa.binary(), "path": pa.string()})
COUNT = 70  # four shards


def make_table(root, count, group=25, label=label_of):
    """One file of a Hub data set: columns image and text, pictures embedded."""
    pictures = [noise(number) for number in range(20)]
    images = pa.array([{"bytes": pictures[n % 20], "path": f"{n}.jpg"} for n in range(count)], STRUCT)
    table = pa.table({"image": images, "text": [label(number) for number in range(count)]})
    (root / "data").mkdir(parents=True)
    pq.write_table(table, root / "data" / "train-00000-of-00001.parquet", row_group_size=group)
    return root


def test_the_same_bytes_for_any_number_of_workers(tmp_path, monkeypatch):
    """Shards that begin in the middle of a row group, too."""
    monkeypatch.setattr(plan, "SAMPLES_PER_SHARD", 20)
    root = make_table(tmp_path / "hub", COUNT)
    for workers in (1, 3):
        out = tmp_path / str(workers)
        build(BuildOptions("parquet", root, out=out, tasks=("recognition",), workers=workers))
    assert files_of(tmp_path / "1") == files_of(tmp_path / "3")
    rows = rows_of(tmp_path / "1")
    assert [row["id"] for row in rows] == [f"{number}.jpg" for number in range(COUNT)]
    assert rows[0]["source"] == "parquet/train"
    assert rows[-1]["images"][0]["bytes"] == noise((COUNT - 1) % 20)
    arguments = json.loads((tmp_path / "1" / "build.json").read_text())["made_by"]["arguments"]
    assert arguments["profile"] == "latex"
    assert "columns" not in arguments
    assert not verify(tmp_path / "1").faults


def test_raw_latex_goes_through_the_profile_and_what_is_none_is_refused(tmp_path):
    labels = ["$x^2$", r"\[\frac12\]", r"see \ref{eq:1}", "a_b_c", r"\frac{1}{"]
    root = make_table(tmp_path / "hub", len(labels), label=lambda number: labels[number])
    done = run_command("build", "--dataset", "parquet", "--root", root, "--out", tmp_path / "out")
    assert done.returncode == 0
    rows = [row for row in rows_of(tmp_path / "out") if row["task"] == "recognition"]
    assert [(row["label"], row["gt"]) for row in rows] == [
        ("x ^ { 2 }", "$x^2$"),
        ("\\frac { 1 } { 2 }", "\\[\\frac12\\]"),
    ]
    assert "1 not_mathematics" in done.stdout
    checked = run_command("check", "--dataset", "parquet", "--root", root)
    assert "refused: 1 not_mathematics" in checked.stdout


def test_columns_are_part_of_the_fingerprint(tmp_path):
    root = make_table(tmp_path / "hub", 3)
    words = "build", "--dataset", "parquet", "--root", root, "--out", tmp_path / "out"
    assert run_command(*words, "--columns", "label=text").returncode == 0
    built = json.loads((tmp_path / "out" / "build.json").read_text())
    assert built["made_by"]["arguments"]["columns"] == {"label": "text"}
    assert "was built differently (--columns" in one_line(run_command(*words))


@pytest.mark.parametrize(
    ("dataset", "columns", "message"),
    (
        ("parquet", "label=latex", "no column 'latex'; it has image"),
        ("folder", "split=x", "--columns split=NAME is for --dataset parquet"),
        ("crohme", "label=x", "--columns is for your own tables"),
        ("parquet", "x", "--columns is image=NAME"),
    ),
)
def test_columns_that_do_not_fit(tmp_path, dataset, columns, message):
    root = make_table(tmp_path / "hub", 3)
    done = run_command(
        "build", "--dataset", dataset, "--root", root, "--out", tmp_path / "out", "--columns", columns
    )
    assert message in one_line(done, 1 if "latex" in columns else 2)
    assert not (tmp_path / "out").exists()


def test_a_csv_with_semicolons_and_names_of_its_own(tmp_path):
    root = tmp_path / "mine"
    root.mkdir()
    for number in range(2):
        (root / f"scan{number}.jpg").write_bytes(noise(number))
    (root / "answers.csv").write_text("no;scan;solution\n1;scan0.jpg;f(a;b)\n2;scan1.jpg;x^2\n")
    words = "build", "--dataset", "folder", "--root", root, "--out", tmp_path / "out"
    assert "its header must name a picture column" in one_line(run_command(*words))
    done = run_command(*words, "--columns", "image=scan,label=solution,id=no")
    assert done.returncode == 0, done.stderr
    assert [(row["id"], row["label"]) for row in rows_of(tmp_path / "out")][:5] == [("2", "x ^ { 2 }")] * 5
    assert "1 malformed_line" in done.stdout  # the first label has a ; without quotes


def test_a_table_on_the_hub(tmp_path):
    """Read by ranges over HTTP: the bytes of the local build."""
    pytest.importorskip("huggingface_hub")
    root = make_table(tmp_path / "hub", 60, group=25)
    words = "build", "--dataset", "parquet", "--tasks", "recognition"
    assert run_command(*words, "--root", root, "--out", tmp_path / "local").returncode == 0
    with hubs.running() as hub:
        hub.files = files_of(root)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
        environment |= {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_right", "HF_HUB_DISABLE_XET": "1"}
        environment |= {"HF_HOME": "/nonexistent", "HF_HUB_VERBOSITY": "error"}
        for place in ("hf://datasets/me/rows", "hf://datasets/me/rows/data/train-00000-of-00001.parquet"):
            out = tmp_path / place.rpartition("/")[2]
            done = run_command(*words, "--root", place, "--out", out, env=environment)
            assert done.returncode == 0, done.stderr
            assert rows_of(out) == rows_of(tmp_path / "local")
    assert files_of(tmp_path / "rows") == files_of(tmp_path / "local")
