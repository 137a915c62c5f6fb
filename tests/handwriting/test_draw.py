"""`hmer-tasks draw`: a picture of several labels, and where their symbols stand."""

import json
import resource

import pytest
from PIL import Image
from typer.testing import CliRunner

from hmer_tasks.cli.app import app
from hmer_tasks.exceptions import UsageError
from hmer_tasks.handwriting.inkml import parse as parse_ink
from hmer_tasks.handwriting.writing import write, writer
from tests.pipeline.conftest import one_line, run_command

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


def run(*arguments: object):
    return CliRunner().invoke(app, ["draw", *map(str, arguments)])


def label_file(tmp_path):
    labels = tmp_path / "labels.tsv"
    labels.write_text(f"a/one\t{LABELS[0]}\ntwo.jpg\t{LABELS[1]}\nbad\t\\foo\n../out\tx\ntwo\ty\n", "utf-8")
    return labels


@pytest.mark.parametrize("kind", ["png", "jpg", "inkml"])
def test_a_file_for_each_id_and_a_line_for_each_refusal(tmp_path, kind):
    done = run("--labels", label_file(tmp_path), "-o", tmp_path / "out", "--as", kind, "--seed", 5)
    assert done.exit_code == 1
    files = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*"))
    files = [name for name in files if name not in ("labels.tsv", ".drawn.json")]
    assert files == [f"a/one.{kind}", f"two.{kind}"]
    assert "2 files" in done.output
    twice = f"'two': two.{kind} is drawn for another id"
    for line in ("bad: not_drawable", "'../out': an id that is no file name", twice):
        assert line in done.output
    if kind == "inkml":
        read = parse_ink((tmp_path / "out" / "two.inkml").read_bytes(), "two")
        assert read.truth == LABELS[1]
    else:
        assert (tmp_path / "out" / "labels.tsv").read_text().splitlines()[0] == f"a/one.{kind}\t{LABELS[0]}"
        image = Image.open(tmp_path / "out" / f"two.{kind}")
        assert image.format == {"png": "PNG", "jpg": "JPEG"}[kind]


def test_the_same_seed_the_same_files_and_a_writer_of_its_own_for_each_id(tmp_path):
    labels = tmp_path / "labels.tsv"
    labels.write_text("a\tx + y\nb\tx + y\n", "utf-8")
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        assert run("--labels", labels, "-o", tmp_path / name, "--seed", seed).exit_code == 0
    first, again, other = (
        [(tmp_path / name / f"{id}.png").read_bytes() for id in "ab"] for name in ("one", "again", "other")
    )
    assert first == again
    assert len({*first, *other}) == 4


def test_one_label_as_inkml_and_as_a_real_person_writes(tmp_path):
    ink = tmp_path / "ink.inkml"
    assert run("x = 1", "-o", ink).exit_code == 0
    assert parse_ink(ink.read_bytes(), "ink").truth == "x = 1"
    people = [run("x = 1", "-o", tmp_path / f"{flag}.png", f"--{flag}", ink) for flag in ("writers", "hands")]
    assert [done.exit_code for done in people] == [0, 0]
    assert (tmp_path / "writers.png").read_bytes() == (tmp_path / "hands.png").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["x"], "-o is needed"),
        (["-o", "a.png"], "name labels, or a file of them"),
        (["x", "-o", "a.png", "--as", "jpg"], "--as goes with --labels"),
        (["x", "y", "-o", "a.inkml"], "InkML holds the strokes of one label"),
        (["x", "-o", "a.gif"], "the name must end in"),
    ],
)
def test_wrong_usage_is_one_line(arguments, says):
    done = run(*arguments)
    assert done.exit_code != 0
    assert says in f"{done.output}{done.exception}"


def test_nothing_is_replaced_that_was_not_drawn(tmp_path):
    labels, out = label_file(tmp_path), tmp_path / "out"
    before = labels.read_bytes()
    done = run("--labels", labels, "-o", tmp_path)
    assert isinstance(done.exception, UsageError) and "is what this command reads" in str(done.exception)
    assert labels.read_bytes() == before and sorted(tmp_path.iterdir()) == [labels]
    out.mkdir()
    (out / "two.jpg").write_bytes(b"a photograph")
    done = run("--labels", labels, "-o", out, "--as", "jpg")
    assert "two.jpg is there and was not drawn: name another folder" in str(done.exception)
    assert (out / "two.jpg").read_bytes() == b"a photograph"
    assert [path.name for path in out.iterdir()] == ["two.jpg"]  # nothing was begun
    (out / "two.jpg").unlink()
    (out / "two.inkml").write_bytes(b"<ink/>")
    done = run("--labels", labels, "-o", out, "--as", "inkml")
    assert "two.inkml is there and was not drawn" in str(done.exception)
    (out / "labels.tsv").write_bytes(b"mine.jpg\tx\n")
    done = run("--labels", labels, "-o", out, "--as", "jpg")
    assert "labels.tsv is there and was not drawn" in str(done.exception)
    (out / "labels.tsv").unlink()
    for seed in (1, 2):  # what was drawn is replaced
        assert "2 files" in run("--labels", labels, "-o", out, "--as", "jpg", "--seed", seed).output


def test_a_full_disk_leaves_whole_pictures_and_the_same_command_goes_on(tmp_path):
    labels, out = label_file(tmp_path), tmp_path / "out"
    words = ("draw", "--labels", labels, "-o", out, "--look", "photo")

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # no photograph is so small

    line = one_line(run_command(*words, preexec_fn=full))
    assert ".jpg: File too large" in line and ".tmp" not in line
    assert [path.name for path in out.rglob("*") if path.is_file()] == [".drawn.json"]
    done = run_command(*words)
    assert "2 files" in done.stdout and len(list(out.rglob("*.jpg"))) == 2
