"""Suspicious labels: each reason on made-up samples, files that the next step takes, the command."""

import json
import random

import pytest
from typer.testing import CliRunner

from hmer_tasks.audit.decisions import (
    Decision,
    read_all_decisions,
    read_decisions,
    suspects,
    write_exclusions,
    write_weights,
)
from hmer_tasks.audit.ink_counts import StrokeModel, strokes_bounds, symbols_of
from hmer_tasks.audit.label_noise import Reason, Sample, edits_between, gather, judge, weight
from hmer_tasks.audit.language import LabelModel
from hmer_tasks.cli.app import app
from hmer_tasks.exceptions import PredictionError, UsageError
from hmer_tasks.pipeline.exclude import read_exclusions
from hmer_tasks.predictions import Prediction
from tests.pipeline.conftest import run_command
from trainer.mixing import MOST_COPIES, read_samples


def samples(n=200, seed=0):
    """Samples that two recognisers read right, but for a mistake that they often make."""
    dice = random.Random(seed)
    some_samples = []
    for i in range(n):
        label = " ".join(dice.choice(["x + y", "a - b", r"\frac { a } { b }", "x ^ { 2 }"]) for _ in range(3))
        read = label.replace("x", r"\times", 1) if i % 10 == 0 else label
        some_samples.append(Sample("s", str(i), label, [read, read]))
    return some_samples


def reasons(verdicts):
    return {verdict.sample.id: verdict.reason for verdict in verdicts if verdict.reason}


def test_what_recognisers_often_do_is_no_reason():
    assert reasons(judge(samples())) == {}


def test_what_they_never_do_and_agree_on_is_one():
    some_samples = samples()
    some_samples[13].label = some_samples[13].label + r" + \alpha \beta"
    some_samples[14].label = "a b { c"
    assert reasons(judge(some_samples)) == {"13": Reason.AGREE, "14": Reason.NOT_TEX}
    some_samples[13].readings[1] = "something else"
    assert "13" not in reasons(judge(some_samples))  # they do not agree


def test_one_reading_counts_half():
    some_samples = samples()
    for sample in some_samples:
        sample.readings = sample.readings[:1]
    some_samples[13].label = some_samples[13].label + r" + \alpha"
    assert judge(some_samples)[13].reason is None
    some_samples[13].readings = [r"a - b \sum"]
    some_samples[13].label = r"\alpha \beta \gamma + \delta \sqrt { \lambda }"
    assert judge(some_samples)[13].reason is Reason.DIFFERS


def test_swapped_labels():
    some_samples = samples()
    some_samples[3].readings = ["a + b + c + d + e"] * 2
    some_samples[4].label, some_samples[4].readings = "a + b + c + d + e", [r"\alpha \beta \gamma"] * 2
    some_samples[3].label = r"\alpha \beta \gamma"
    verdicts = judge(some_samples)
    assert verdicts[3].reason is Reason.ANOTHER and "4" in verdicts[3].note


@pytest.mark.parametrize(
    ("label", "symbols"),
    [
        (r"\frac { a } { b }", [r"\frac", "a", "b"]), (r"\mathbb { R } ^ { 2 }", ["R", "2"]), (r"\hat { x }", [r"\hat", "x"]),
        (r"\begin {matrix} a & b \\ c & d \end {matrix}", ["a", "b", "c", "d"]), ("x ^ {", None),
    ],
)  # fmt: skip
def test_symbols_that_leave_ink(label, symbols):
    assert symbols_of(label) == symbols


def test_ink_that_cannot_hold_the_symbols():
    assert strokes_bounds("a + b")[0] == 3
    some_samples = samples()
    for sample in some_samples:
        sample.strokes = len(symbols_of(sample.label))
    assert reasons(judge(some_samples)) == {}
    some_samples[5].strokes = 2
    some_samples[6].strokes = 90
    assert reasons(judge(some_samples)) == {"5": Reason.INK, "6": Reason.INK}
    assert "strokes" in judge(some_samples)[5].note


def test_strokes_of_symbols_are_learned():
    model = StrokeModel(
        [(f"{a} {b}", sum(2 if token == "t" else 1 for token in (a, b))) for a in "tox" for b in "tox"] * 9
    )
    assert model.advantage("t t", "o o", 4) > 3 and model.advantage("t t", "o o", 2) < -3
    assert model.advantage("t o", "o t", 3) == pytest.approx(0)
    assert StrokeModel([]).advantage("x", "y", 3) == pytest.approx(0)


def test_how_usual_a_label_is():
    labels = ["a + b", "a + c", "a + d", "b + a"] * 5 + ["a q b"]
    model = LabelModel(labels)
    assert model.advantage("a + b", "a q b") > 2
    assert model.advantage("a q b", "a + b") < 0
    assert model.advantage("a + b", "a + b") == pytest.approx(0)


def test_difficulty_and_weight():
    easy, hard = Sample("s", "1", "a + b", ["a + b", "a + b"]), Sample("s", "2", "a + b", ["a + b", "a - c"])
    verdicts = judge([easy, hard])
    assert (verdicts[0].difficulty, verdicts[0].right, verdicts[0].agreement) == (0, 1, 1)
    assert verdicts[1].difficulty == pytest.approx(1 / 3) and verdicts[1].right == 0.5
    assert weight(verdicts[0]) == 1 and weight(verdicts[1]) == pytest.approx(4 / 3, abs=1e-3)
    assert edits_between("a + b", "a - b c") == ["+ -> -", "-> c"]


def test_gathering():
    files = [
        [Prediction("s", "1", "a", "a"), Prediction("s", "1", "a", "b", "counting", 1)],
        [Prediction("s", "1", "a", "", "error_detection"), Prediction("s", "2", "b", "b")],
    ]
    assert [(sample.id, sample.readings) for sample in gather(files)] == [("1", ["a", "b"]), ("2", ["b"])]


@pytest.fixture
def judged():
    some_samples = samples()
    for sample in some_samples[::7]:  # labels that no other sample has: these are not swapped
        sample.label += f" + {sample.id}"
        sample.readings = [f"{reading} + {sample.id}" for reading in sample.readings]
    for i, more in ((14, r"\alpha \beta"), (21, r"\gamma \delta \sqrt { x }"), (28, r"= \lambda \mu")):
        some_samples[i].label = f"{some_samples[i].label} {more}"
    return judge(some_samples)


def test_the_next_steps_take_the_files(tmp_path, judged):
    decided = {("s", "14"): Decision("keep", "x"), ("s", "21"): Decision("mend", "a + b")}
    assert [verdict.sample.id for verdict in suspects(judged, {})] and len(suspects(judged, decided)) == 2
    assert write_exclusions(tmp_path / "x.jsonl", judged, decided) == 2
    exclusions = read_exclusions(tmp_path / "x.jsonl")
    assert (
        exclusions.why("s", "14") == ""
        and exclusions.why("s", "21") == exclusions.why("s", "28") == "readings_agree"
    )
    assert write_weights(tmp_path / "w.jsonl", judged, decided) == 200
    weights = read_samples(tmp_path / "w.jsonl", "weight", MOST_COPIES)
    assert weights["s", "14"] > 1 and weights["s", "21"] == weights["s", "28"] == 0 and weights["s", "1"] == 1


@pytest.mark.parametrize(
    "text",
    ["{", "[1]", '[{"id": "1"}]', '[{"source": "", "id": "1", "decision": "burn", "label": "x"}]', "{}"],
)
def test_what_is_no_file_of_decisions(tmp_path, text):
    (tmp_path / "d.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"d\.json"):
        read_decisions(tmp_path / "d.json")


def test_the_command(tmp_path, judged):
    for name in ("a", "b"):
        rows = [
            f"{verdict.sample.id}\t{verdict.sample.label}\t{verdict.sample.readings[0]}\n"
            for verdict in judged
        ]
        (tmp_path / f"{name}.tsv").write_text("".join(rows), encoding="utf-8")
    base = ["audit", "--predictions", str(tmp_path / "a.tsv"), "--predictions", str(tmp_path / "b.tsv")]
    files = {name: tmp_path / name for name in ("x.jsonl", "w.jsonl", "p.html", "d.json")}
    done = CliRunner().invoke(
        app,
        [
            *base,
            "-o",
            str(files["x.jsonl"]),
            "--weights",
            str(files["w.jsonl"]),
            "--review",
            str(files["p.html"]),
            "--json",
        ],
    )
    printed = json.loads(done.stdout)
    assert (
        done.exit_code == 0 and printed["suspicious"] == {"readings_agree": 3} and printed["samples"] == 200
    )
    assert files["x.jsonl"].read_text(encoding="utf-8").count("\n") == 3
    page = files["p.html"].read_text(encoding="utf-8")
    assert page.count("<article") == 3 and "no picture: add --dataset" in page
    decision = {"source": "", "id": "14", "decision": "keep", "label": "x"}
    files["d.json"].write_text(json.dumps([decision]), encoding="utf-8")
    done = CliRunner().invoke(app, [*base, "--decisions", str(files["d.json"]), "-o", str(files["x.jsonl"])])
    assert done.exit_code == 0 and files["x.jsonl"].read_text(encoding="utf-8").count("\n") == 2
    assert "decided: keep" in done.stdout
    assert (
        CliRunner().invoke(app, ["audit", "--labels", str(tmp_path / "a.tsv"), "--weights", "w"]).exit_code
        != 0
    )
    assert CliRunner().invoke(app, [*base, "--against", "crohme"]).exit_code != 0


@pytest.mark.parametrize("flag", ["--near 2", "--no-pictures", "--drop near", "--workers 2"])
def test_what_compares_two_sets_is_no_flag_of_the_audit_of_labels(tmp_path, flag):
    (tmp_path / "a.tsv").write_text("1\tx\tx\n", encoding="utf-8")
    done = run_command("audit", "--predictions", tmp_path / "a.tsv", *flag.split())
    assert done.returncode == 2 and "is for leaks and duplicates" in done.stderr


def test_readings_under_ids_with_and_without_an_ending_are_of_one_sample(tmp_path):
    (tmp_path / "labels.tsv").write_text("a.png\tx + 1\nb.png\ty\n", encoding="utf-8")
    for name, ending in (("one", ".png"), ("two", "")):
        text = f"a{ending}\tx + 1\tx + 1\nb{ending}\ty\ty\n"
        (tmp_path / f"{name}.tsv").write_text(text, encoding="utf-8")
    files = [word for name in ("one", "two") for word in ("--predictions", tmp_path / f"{name}.tsv")]
    done = run_command("audit", *files, "--labels", tmp_path / "labels.tsv", "--json")
    summary = json.loads(done.stdout)
    assert (summary["samples"], summary["readings"]) == (2, 4)


def test_decisions_count_whatever_the_threshold_says(tmp_path, judged):
    names = [item.sample.id for item in judged if item.reason is None][:2]
    for name, decision in zip(names, ("drop", "mend"), strict=True):
        record = {"source": "s", "id": name, "decision": decision, "label": "a"}
        (tmp_path / f"{decision}.json").write_text(json.dumps([record]), encoding="utf-8")
    decisions = read_all_decisions([tmp_path / "drop.json", tmp_path / "mend.json"])
    write_exclusions(tmp_path / "x.jsonl", judged, decisions)
    exclusions = read_exclusions(tmp_path / "x.jsonl")
    assert [exclusions.why("s", name) for name in names] == ["decided", "decided"]


def test_two_labels_of_one_sample_are_no_sample():
    files = [[Prediction("", "1", "a", "a")], [Prediction("", "1", "b", "a")]]
    with pytest.raises(PredictionError, match="'1' has two labels, 'a' and 'b'"):
        gather(files)
    assert len(gather(files, own_labels=False)) == 1
