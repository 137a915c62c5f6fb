"""`hmer-tasks draw`: a picture of several labels, and where their symbols stand."""

import json

from PIL import Image
from typer.testing import CliRunner

from hmer_tasks.cli.app import app
from hmer_tasks.handwriting.writing import write, writer

LABELS = ["x ^ { 2 }", "\\frac { 1 } { 2 }"]


def test_two_labels_and_their_boxes(tmp_path):
    out, boxes = tmp_path / "out.png", tmp_path / "boxes.jsonl"
    done = CliRunner().invoke(app, ["draw", *LABELS, "-o", str(out), "--writer", "4", "--boxes", str(boxes)])
    assert done.exit_code == 0, done.output
    page = Image.open(out)
    rows = [json.loads(line) for line in boxes.read_text(encoding="utf-8").splitlines()]
    assert [row["label"] for row in rows] == LABELS
    assert rows[0]["symbols"] == ["x", "2"]
    assert rows[0]["relations"] == [[0, 1, "sup"]]
    assert rows[0]["boxes"][0][3] < rows[1]["boxes"][1][1]
    for row in rows:
        for left, top, right, bottom in row["boxes"]:
            inside = page.crop((round(left), round(top), round(right), round(bottom)))
            assert inside.getextrema()[0] < 60


def test_one_label_is_the_very_file_that_a_build_would_hold(tmp_path):
    for look, ending in (("ink", "png"), ("photo", "jpg")):
        out = tmp_path / f"out.{ending}"
        done = CliRunner().invoke(app, ["draw", LABELS[0], "-o", str(out), "--look", look, "--seed", "3"])
        assert done.exit_code == 0, done.output
        assert out.read_bytes() == write(LABELS[0], writer(0), 3, look).data
