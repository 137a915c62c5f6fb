"""What predictions are held against: label files in the owners' layouts, builds, corpora; pictures are
found."""

import io
import json

import pytest
from PIL import Image

from hmer_tasks.evaluation.references import Reference, References, labelled, read_references
from hmer_tasks.exceptions import PredictionError
from hmer_tasks.predictions import Prediction
from tests.evaluation.test_command import command, lines  # noqa: F401 - a fixture


def png(path, grey=255):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.new("L", (40, 20), grey)
    picture.paste(0, (10, 5, 30, 15))
    picture.save(path)
    return path


def test_a_label_file_and_what_has_no_prediction(tmp_path):
    (tmp_path / "labels.tsv").write_text("1.png\ta\n2.png\tb\n", encoding="utf-8")
    references = read_references(tmp_path / "labels.tsv")
    joined = labelled([Prediction("s", "1", "old", "a")], references)
    assert [(pair.id, pair.gt, pair.pred) for pair in joined.pairs] == [
        ("1.png", "a", "a"),
        ("2.png", "b", ""),
    ]
    assert joined.missing == 1 and joined.contradicted == ("1",)
    with pytest.raises(PredictionError, match=r"no label for 1 of \d predictions .the first: '3'."):
        labelled([Prediction("s", "3", "", "a")], references)


@pytest.mark.parametrize(
    "picture", ["test_images/test_1.jpg", "test_1.jpg", "images/test_1.jpg", "img/test_1.jpg"]
)
def test_pictures_beside_a_label_file_as_their_owners_put_them(tmp_path, picture):
    png(tmp_path / picture)
    (tmp_path / "test_labels.txt").write_text("test_1.jpg\ta\n", encoding="utf-8")
    reference = read_references(tmp_path / "test_labels.txt").find("", "test_1")
    assert Image.open(io.BytesIO(reference.picture.load()[0])).size == (40, 20)


def test_comers_layout(tmp_path):
    png(tmp_path / "img" / "x_1.bmp")
    (tmp_path / "caption.txt").write_text("x_1\ta b\n", encoding="utf-8")
    assert read_references(tmp_path / "caption.txt").find("", "x_1").picture.load()[1].startswith("x_1.")


def test_a_corpus_counts_only_the_splits_that_are_spoken_of(tmp_path):
    for split, label in (("train", "a"), ("test", "b")):
        for i in (1, 2):
            png(tmp_path / split / f"{split}_images" / f"{split}_{i}.jpg")
        rows = "".join(f"{split}_{i}.jpg\t{label} + {i}\n" for i in (1, 2))
        (tmp_path / split / f"{split}_labels.txt").write_text(rows, encoding="utf-8")
    references = read_references(tmp_path)
    joined = labelled([Prediction("", "test_1", "", "b + 1")], references)
    assert [pair.gt for pair in joined.pairs] == ["b + 1", "b + 2"] and joined.missing == 1
    assert references.find("", "test_2").picture.load()[1] == "test_2.jpg"


def test_a_label_without_a_prediction_counts_in_its_own_split():
    references = References("labels")
    for source in ("c/test", "c/train"):
        for id in "123":
            references.add(Reference(source, id, "a"))
    pairs = [Prediction("c/test", id, "a", "a") for id in "123"] + [Prediction("c/train", "1", "a", "a")]
    missing = labelled(pairs, references).pairs[4:]
    assert [(pair.source, pair.id) for pair in missing] == [("c/train", "2"), ("c/train", "3")]
    one_file = [Prediction("mine", "1", "", "a")]
    references = References("labels")
    for id in "12":
        references.add(Reference("c/test", id, "a"))
    assert [pair.source for pair in labelled(one_file, references).pairs] == ["mine", "mine"]


def test_systems_that_spell_ids_in_their_own_ways_are_compared(tmp_path, command):  # noqa: F811
    (tmp_path / "labels.tsv").write_text("t_1.jpg\ta\nt_2.jpg\tb\n", encoding="utf-8")
    (tmp_path / "x.tsv").write_text("t_1\ta\ta\nt_2\tb\tb\n", encoding="utf-8")
    (tmp_path / "y.tsv").write_text("t_2.png\tb\tc\n", encoding="utf-8")
    scored = "--labels", tmp_path / "labels.tsv", "--json"
    done = command(tmp_path / "x.tsv", "--compare", tmp_path / "y.tsv", *scored)
    assert json.loads(done.stdout)["comparison"]["only_one"] == ["t_1.jpg", "t_2.jpg"]
    done = command(tmp_path / "x.tsv", tmp_path / "y.tsv", "--systems", *scored)
    assert [system["metrics"]["exprate"]["value"] for system in json.loads(done.stdout)["systems"]] == [
        100,
        0,
    ]
    done = command(tmp_path / "x.tsv", tmp_path / "y.tsv", "--vote", *scored)
    assert json.loads(done.stdout)["n"] == 2


def test_answers_to_a_task_that_some_samples_have_not_are_told(build, tmp_path, command):  # noqa: F811
    some = next(iter(read_references(build).by_key.values()))
    record = {"source": some.source, "img_id": some.id, "gt": some.label, "pred": some.label, "raw": "x: 1"}
    path = lines(tmp_path / "p.jsonl", [record | {"task": "counting"}])
    tasks = json.loads(command(path, "--labels", build, "--json").stdout)["tasks"]
    assert tasks["counting"]["n"] == 1
    assert tasks["counting"]["remarks"] == ["labels without an answer to this task, not counted: 39"]


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    from hmer_tasks.pipeline.runner import BuildOptions
    from hmer_tasks.pipeline.runner import build as run_build

    out = tmp_path_factory.mktemp("build") / "sample"
    run_build(BuildOptions(dataset="sample", out=out, limit=40))
    return out


def test_a_build_gives_labels_pictures_and_what_was_asked(build):
    references = read_references(build)
    reference = next(iter(references.by_key.values()))
    assert Image.open(io.BytesIO(reference.picture.load()[0])).size[0] > 10
    candidate, marked = reference.asked["error_correction"]
    joined = labelled(
        [Prediction(reference.source, reference.id, "", reference.label, "error_correction")], references
    ).pairs[0]
    assert (joined.gt, joined.candidate, joined.marked) == (reference.label, candidate, marked)
    own = Prediction(reference.source, reference.id, "", "x", "error_correction", candidate="y", marked="y")
    assert labelled([own], references).pairs[0].candidate == "y"


def test_a_build_of_raw_latex_is_scored_in_tokens(tmp_path):
    """InkML and own folders hold `$x^2$`; an answer is `x ^ { 2 }`."""
    from hmer_tasks.pipeline.runner import BuildOptions
    from hmer_tasks.pipeline.runner import build as run_build

    own = tmp_path / "own"
    own.mkdir()
    png(own / "a.png")
    (own / "labels.tsv").write_text("a.png\t$x^2$\n", encoding="utf-8")
    run_build(BuildOptions(dataset="folder", root=own, out=tmp_path / "out", limit=1))
    answer = Prediction("folder", "a.png", "$x^2$", "x ^ { 2 }")
    pairs = labelled([answer], read_references(tmp_path / "out")).pairs
    assert [pair.gt for pair in pairs] == ["x ^ { 2 }"]


def test_the_worst_come_with_their_pictures_from_a_build(build, tmp_path, command):  # noqa: F811
    some = list(read_references(build).by_key.values())[:3]
    records = [
        {
            "source": reference.source,
            "img_id": reference.id,
            "gt": reference.label,
            "pred": f"{reference.label} 7",
        }
        for reference in some
    ]
    done = command(lines(tmp_path / "p.jsonl", records), "--labels", build, "--html", tmp_path / "p.html")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "p.html").read_text(encoding="utf-8")
    # the three, and the labels that have no prediction
    assert (
        text.count("data:image/png;base64,") == len(read_references(build).by_key)
        and "No pictures" not in text
    )
    done = command(tmp_path / "p.jsonl", "--html", tmp_path / "q.html")
    assert done.returncode == 0
    assert "No pictures: a prediction file holds none" in (tmp_path / "q.html").read_text(encoding="utf-8")


def test_the_builders_own_targets_earn_all_that_there_is(build, tmp_path, command):  # noqa: F811
    """Every task's rows, answered by their own targets."""
    from pyarrow import parquet

    from hmer_tasks.tasks import all_tasks

    rows = [
        row for path in sorted(build.glob("data/*.parquet")) for row in parquet.read_table(path).to_pylist()
    ]
    records = []
    for row in rows[:200]:
        target = row["completion"][0]["content"]
        pred = all_tasks()[row["task"]].read(target) or ""
        records.append(
            {
                "source": row["source"],
                "img_id": row["id"],
                "gt": row["gt"],
                "pred": pred,
                "task": row["task"],
                "raw": target,
            }
        )
    done = command(lines(tmp_path / "p.jsonl", records), "--labels", build, "--json")
    tasks = json.loads(done.stdout)["tasks"]
    assert set(tasks) == {"tree_cot", "counting", "error_detection", "error_correction", "refinement"}
    for task, names in {
        "tree_cot": ("valid", "equal", "relations_f1", "agree"),
        "counting": ("readable", "exact_counts", "agree"),
        "error_detection": ("valid", "token_f1", "mistake_f1"),
        "error_correction": ("valid", "corrected"),
        "refinement": ("same_on_paper_after",),
    }.items():
        assert {name: tasks[task]["scores"][name]["value"] for name in names} == dict.fromkeys(names, 100), (
            task
        )
    assert tasks["counting"]["scores"]["mean_absolute_error"]["value"] == 0
    assert tasks["error_correction"]["scores"]["made_worse"]["value"] == 0
    assert tasks["refinement"]["scores"]["exprate_before"]["value"] < 5


def test_an_answer_to_no_task_that_is_known(tmp_path, command):  # noqa: F811
    record = {"img_id": "a", "gt": "x", "pred": "x", "task": "countng"}
    done = command(lines(tmp_path / "p.jsonl", [record]))
    assert done.returncode == 1
    assert "'a' answers no task that is known, 'countng': did you mean counting?" in done.stderr


def test_systems_with_long_names_are_told_apart_on_a_narrow_terminal(tmp_path, command, monkeypatch):  # noqa: F811
    monkeypatch.setenv("COLUMNS", "80")
    files = [tmp_path / f"crohme_2014.a_recogniser_of_{size}.tsv" for size in ("3b", "7b")]
    for file in files:
        file.write_text("1\tx\tx\n", encoding="utf-8")
    done = command(*files, "--systems")
    text = "".join(line.split("│")[2].strip() for line in done.stdout.splitlines() if line.startswith("│"))
    assert "a_recogniser_of_3b" in text and "a_recogniser_of_7b" in text
    assert "100.00 (100.00 to" in done.stdout and "…" not in done.stdout
