"""The command: prediction files in, tables, JSON, the CDM tool's input and one-line errors out."""

import json
import sys
from dataclasses import dataclass

import pytest
from PIL import Image

from hmer_tasks.cli import app as cli
from hmer_tasks.evaluation.cdm import write_cdm
from hmer_tasks.evaluation.compare import align_by_id, compare_systems
from hmer_tasks.evaluation.metrics import evaluate
from hmer_tasks.evaluation.pairs import first_answers, read_answers
from hmer_tasks.exceptions import PredictionError
from hmer_tasks.predictions import Prediction


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def command(monkeypatch, capsys):
    """`hmer-tasks evaluate` in this process: its libraries take seconds to import."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["hmer-tasks", "evaluate", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out = capsys.readouterr()
        return Done(int(end.value.code or 0), out.out, out.err)

    return run


def lines(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


RECORDS = [
    {"source": "s/a", "img_id": "1", "gt": "a + b", "pred": "a + b", "task": "recognition", "sample": 0, "raw": "a + b", "stop": "eos"},
    {"source": "s/a", "img_id": "1", "gt": "a + b", "pred": "a - b", "task": "recognition", "sample": 1},
    {"source": "s/a", "img_id": "1", "gt": "a + b", "pred": "a b", "task": "counting", "sample": 0, "raw": "a: 1, b: 1\na b"},
    {"source": "s/b", "img_id": "2", "gt": "x", "pred": "y", "task": "recognition", "sample": 0, "raw": None, "stop": None},
]  # fmt: skip


def test_one_answer_a_picture_is_scored(tmp_path):
    answers = read_answers([lines(tmp_path / "p.jsonl", RECORDS)])
    assert len(answers) == 4 and answers[2].raw == "a: 1, b: 1\na b" and answers[0].stop == "eos"
    assert [(answer.id, answer.pred) for answer in first_answers(answers)] == [("1", "a + b"), ("2", "y")]


@pytest.mark.parametrize("broken", [{"sample": "1"}, {"sample": -1}, {"raw": 3}, {"gt": None}])
def test_a_broken_record_is_named(tmp_path, broken):
    path = lines(tmp_path / "p.jsonl", [RECORDS[0], RECORDS[0] | broken])
    with pytest.raises(PredictionError, match=r"p\.jsonl:2: "):
        read_answers([path])


def test_repeated_lines_stay_in_n(tmp_path):
    path = tmp_path / "set.tsv"
    path.write_text("1\ta\ta\n1\ta\tb\n", encoding="utf-8")
    answers = first_answers(read_answers([path]))
    assert [(answer.source, answer.pred) for answer in answers] == [("set", "a"), ("set", "b")]


def test_cdm_input(tmp_path):
    pairs = [Prediction("s", id, r"\frac { a } { b }", "x") for id in ("1", "../1", "1", "中")]
    write_cdm(tmp_path / "cdm.json", pairs)
    cases = json.loads((tmp_path / "cdm.json").read_text(encoding="utf-8"))
    assert len({case["img_id"] for case in cases}) == 4
    assert all(case["img_id"].replace("_", "").isalnum() for case in cases)
    assert cases[0] == {"img_id": "1", "gt": r"\frac { a } { b }", "pred": "x"}


def test_two_systems_are_compared_pair_by_pair():
    ours = [Prediction("a", str(i), "x", "x" if i < 50 else "y") for i in range(100)]
    other = [Prediction("b", str(i), "x", "x" if i >= 30 else "y") for i in reversed(range(100))]
    others = align_by_id(ours, other)
    assert [pair.id for pair in others] == [pair.id for pair in ours]
    comparison = compare_systems(evaluate(ours, resamples=0), evaluate(others, resamples=0))
    assert comparison.only_one == list(range(30)) and comparison.only_other == list(range(50, 100))
    assert comparison.differences["exprate"].value == pytest.approx(20)
    assert comparison.p_value == pytest.approx(0.0330, abs=5e-4)  # two-sided binomial, 30 of 80 at one half
    low, high = comparison.differences["exprate"].low, comparison.differences["exprate"].high
    assert 0 < low < 20 < high
    same = compare_systems(evaluate(ours, resamples=0), evaluate(ours, resamples=0))
    assert same.p_value == 1 and same.differences["bleu_4"].low == same.differences["bleu_4"].high == 0


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ([("1", "x")], "has none for|have none for '2'"),
        ([("1", "x"), ("2", "z")], "another label for '2'"),
        ([("1", "x"), ("2", "y"), ("3", "y")], "one more for '3'"),
    ],
)
def test_systems_on_other_pictures_are_not_compared(other, why):
    pairs = [Prediction("", "1", "x", ""), Prediction("", "2", "y", "")]
    with pytest.raises(PredictionError, match=why):
        align_by_id(pairs, [Prediction("", id, gt, "") for id, gt in other])


def test_the_command_from_end_to_end(tmp_path, command):
    path = lines(tmp_path / "p.jsonl", RECORDS)
    done = command(
        path, "--json", "--boxes", "--html", tmp_path / "p.html", "--cdm-json", tmp_path / "c.json"
    )
    assert done.returncode == 0 and not done.stderr
    printed = json.loads(done.stdout)
    assert printed["n"] == 2 and printed["metrics"]["exprate"]["value"] == 50
    assert set(printed["sets"]) == {"s/a", "s/b"} and printed["boxes"]["mean_f1"]["value"] == 0.5
    assert (tmp_path / "p.html").stat().st_size > 5000 and (tmp_path / "c.json").exists()
    shown = command(path)
    assert shown.returncode == 0 and "ExpRate" in shown.stdout and "s/b" in shown.stdout


def test_the_vote_tells_its_gain(tmp_path, command):
    votes = [
        RECORDS[0] | {"pred": "a - b"}, RECORDS[1] | {"pred": "a + b"},
        RECORDS[2] | {"pred": "a + b", "raw": "a: 1, +: 1, b: 1\na + b"},
    ]  # fmt: skip
    done = command(lines(tmp_path / "p.jsonl", votes), "--vote")
    assert done.returncode == 0 and "ExpRate 0.0000 → 100.0000 % (+100.0000)" in done.stdout
    assert "the plain majority, trees and counts unheard" in done.stdout


def test_labels_with_pictures_come_onto_the_page(tmp_path, command):
    picture = Image.new("L", (40, 20), 255)
    picture.paste(0, (10, 5, 30, 15))  # a blank one would be refused
    picture.save(tmp_path / "1.png")
    (tmp_path / "labels.tsv").write_text("1.png\ta + c\n", encoding="utf-8")
    path = lines(tmp_path / "p.jsonl", RECORDS[:1])
    done = command(path, "--labels", tmp_path / "labels.tsv", "--html", tmp_path / "p.html")
    assert done.returncode == 0
    assert "data:image/png;base64," in (tmp_path / "p.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("library", "arguments"), [("nltk.translate.bleu_score", ()), ("scipy.optimize", ("--boxes",))]
)
def test_a_missing_extra_says_what_to_install(tmp_path, monkeypatch, command, library, arguments):
    monkeypatch.setitem(sys.modules, library, None)  # what Python itself does for "is not there"
    done = command(lines(tmp_path / "p.jsonl", RECORDS[1:3] + RECORDS[3:]), *arguments)
    assert done.returncode == 1
    assert len(done.stderr.strip().split("\n")) == 1 and "pip install 'hmer-tasks[score]'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("none.jsonl",), 1, "none.jsonl"), ((), 2, "predictions"), (("empty.tsv",), 1, "holds no predictions"),
        (("p.jsonl", "--labels", "none.tsv"), 1, "none.tsv"), (("p.jsonl", "--compare", "q.tsv"), 1, "has none|have none"),
        (("p.jsonl", "--html", "no/such/folder/p.html"), 1, "folder"), (("only1.jsonl",), 1, "--vote"),
    ],
)  # fmt: skip
def test_errors_are_one_line(tmp_path, monkeypatch, command, arguments, code, says):  # noqa: PLR0917
    monkeypatch.chdir(tmp_path)
    lines(tmp_path / "p.jsonl", RECORDS)
    lines(tmp_path / "only1.jsonl", RECORDS[1:2])
    (tmp_path / "empty.tsv").write_text("\n", encoding="utf-8")
    (tmp_path / "q.tsv").write_text("7\tx\ty\n", encoding="utf-8")
    done = command(*arguments)
    assert done.returncode == code
    assert len(done.stderr.strip().split("\n")) == 1 and "Traceback" not in done.stderr
    assert any(text in done.stderr for text in says.split("|")), done.stderr
