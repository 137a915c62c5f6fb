"""Many systems: values, intervals and ranks."""

import json

import pytest

from hmer_tasks.evaluation.ranking import markdown, names_of, rank_systems
from hmer_tasks.exceptions import PredictionError
from hmer_tasks.predictions import Prediction
from tests.evaluation.test_command import command  # noqa: F401 - a fixture


def system(right, n=200):
    return [Prediction("", str(i), "x y", "x y" if i < right else "x z") for i in range(n)]


def test_ranks_and_their_intervals():
    ranking = rank_systems([("good", system(150)), ("bad", system(20)), ("as good", system(150))])
    assert [ranked.name for ranked in ranking.systems] == ["as good", "good", "bad"]
    ranks = {ranked.name: ranked.ranks["exprate"] for ranked in ranking.systems}
    assert (ranks["good"].value, ranks["as good"].value, ranks["bad"].value) == (1, 1, 3)
    assert ranks["bad"].low == ranks["bad"].high == 3
    # of error rates less is better
    assert {ranked.name: ranked.ranks["token_error_rate"].value for ranked in ranking.systems} == {"good": 1, "as good": 1, "bad": 3}  # fmt: skip


def test_systems_that_are_close_have_wide_ranks():
    first, other = system(100), system(100)
    other = [Prediction("", pair.id, pair.gt, "x y" if int(pair.id) >= 99 else "x z") for pair in other]
    ranks = {
        ranked.name: ranked.ranks["exprate"] for ranked in rank_systems([("a", first), ("b", other)]).systems
    }
    assert (ranks["b"].value, ranks["a"].value) == (1, 2)
    assert (ranks["a"].low, ranks["a"].high) == (ranks["b"].low, ranks["b"].high) == (1, 2)


def test_other_pictures_or_one_name_are_refused():
    with pytest.raises(PredictionError, match=r"b against a: .*none for '1'"):
        rank_systems([("a", system(1, 2)), ("b", system(1, 1))])
    with pytest.raises(PredictionError, match="two systems are called 'a'"):
        rank_systems([("a", system(1, 2)), ("a", system(1, 2))])


def test_markdown_can_be_pasted():
    text = markdown(rank_systems([("a|b", system(150)), ("c", system(20))]))
    rows = [line for line in text.split("\n") if line.startswith("|")]
    assert len(rows) == 4 and len({line.replace("\\|", "").count("|") for line in rows}) == 1
    assert "75.00 (" in text and "[1]" in text


def test_the_command(tmp_path, command):  # noqa: F811
    for name, right in (("one", 150), ("two", 20), ("three", 80)):
        rows = "".join(f"{p.id}\t{p.gt}\t{p.pred}\n" for p in system(right))
        (tmp_path / f"{name}.tsv").write_text(rows, encoding="utf-8")
    files = [tmp_path / f"{name}.tsv" for name in ("one", "two", "three")]
    done = command(*files, "--systems", "--json", "--markdown", tmp_path / "t.md")
    printed = json.loads(done.stdout)
    assert [ranked["name"] for ranked in printed["systems"]] == ["one", "three", "two"]
    assert printed["systems"][0]["metrics"]["exprate"]["rank"] == 1
    assert (tmp_path / "t.md").read_text(encoding="utf-8").count("\n| ") == 5
    shown = command(*files, "--systems")
    assert shown.returncode == 0 and "three" in shown.stdout
    assert command(files[0], "--systems").returncode == 2
    assert command(*files, "--systems", "--boxes").returncode == 2
    assert command(*files, "--markdown", tmp_path / "t.md").returncode == 2


def test_names():
    from pathlib import Path

    assert names_of([Path("a/p.tsv"), Path("b/q.jsonl.gz")]) == ["p", "q"]
    assert names_of([Path("a/p.tsv"), Path("b/p.tsv")]) == ["a/p", "b/p"]


@pytest.fixture
def written(tmp_path):
    def write(name, **fields):
        record = {"img_id": "1", "gt": "x", "pred": "x"} | fields
        (tmp_path / name).write_text(json.dumps(record) + "\n", encoding="utf-8")
        return tmp_path / name

    return write


@pytest.mark.parametrize("how", ("--systems", "--compare"))
def test_what_holds_no_first_label_is_no_system(written, command, how):  # noqa: F811
    plain = written("plain.jsonl")
    marks = written("marks.jsonl", task="error_detection", pred="<error_start> x <error_end>")
    later = written("later.jsonl", sample=1)
    for other, message in ((marks, "hold no label to compare"), (later, "no prediction is sample 0")):
        done = command(plain, other, how) if how == "--systems" else command(plain, how, other)
        assert done.returncode == 1 and message in done.stderr


def test_options_about_labels_do_not_go_with_marks(written, command):  # noqa: F811
    marks = written("marks.jsonl", task="error_detection", pred="<error_start> x <error_end>")
    for words in (("--boxes",), ("--compare", written("plain.jsonl")), ("--vote",)):
        done = command(marks, *words)
        assert done.returncode == 2 and f"{words[0]} is about labels" in done.stderr
