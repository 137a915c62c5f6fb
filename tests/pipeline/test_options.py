"""What each argument of a build changes, and what it leaves alone."""

import json

import datasets
import pytest

from hmer_tasks import load
from hmer_tasks.exceptions import BuildError, PredictionError, PromptError, UsageError
from hmer_tasks.latex.uni_mumer_tree import released_tree_text
from hmer_tasks.pipeline import BuildOptions, build
from hmer_tasks.pipeline.plan import is_valid_side
from hmer_tasks.shards.verifier import verify
from hmer_tasks.tasks.prompts import NAMES
from tests.pipeline.conftest import label_of, noise, rows_of, summary_of


@pytest.fixture
def rows(small, tmp_path):
    """Build the small corpus with some arguments; its rows."""

    def run(**options):
        build(BuildOptions("hme100k", root=small, out=tmp_path / "out", overwrite=True, workers=1, **options))
        report = verify(tmp_path / "out", 1)
        assert not report.faults, report.faults
        return rows_of(tmp_path / "out")

    return run


def test_tasks(rows):
    """Those asked for, in the project's order, and the same rows as among all five."""
    every = rows()
    some = rows(tasks=("error_correction", "tree_cot"))
    assert [row["task"] for row in some] == ["tree_cot", "error_correction"] * 60
    assert some == [row for row in every if row["task"] in ("tree_cot", "error_correction")]


def test_tree_format(rows):
    for row in rows(tasks=("tree_cot",), tree_format="released"):
        tree, _, label = row["completion"][0]["content"].rpartition("\n")
        assert (tree, label) == (released_tree_text(row["label"]), row["label"])


def test_prompts(rows, tmp_path):
    mine = {name: f"do {name}" for name in NAMES}
    mine["error_detection"] += ": {candidate}"
    mine["error_correction"] += ": {marked}"
    file = tmp_path / "mine.toml"
    file.write_text("".join(f'{name} = "{text}"\n' for name, text in mine.items()))
    for row in rows(prompts=str(file)):
        slots = {"candidate": row["candidate"], "marked": row["marked"]}
        wanted = mine[row["task"]]
        for slot, text in slots.items():
            wanted = wanted.replace(f"{{{slot}}}", text or "")
        assert row["prompt"] == [{"role": "user", "content": wanted}]
    file.write_text('recognition = "read"\n')
    with pytest.raises(PromptError, match="missing: tree_cot"):
        rows(prompts=str(file))


def test_normalize(tmp_path, small):
    root = tmp_path / "corpus"
    root.mkdir()
    picture = (small / "train/train_images/train_0.jpg").read_bytes()
    (root / "a.jpg").write_bytes(picture)
    (root / "labels.tsv").write_text("a\tx \\le y ^ 2 _ 1\n")
    build(BuildOptions("folder", root=root, out=tmp_path / "as_is"))
    build(BuildOptions("folder", root=root, out=tmp_path / "normal", normalize=True))
    assert {row["label"] for row in rows_of(tmp_path / "as_is")} == {"x \\le y ^ { 2 } _ { 1 }"}
    assert {row["label"] for row in rows_of(tmp_path / "normal")} == {"x \\leq y _ { 1 } ^ { 2 }"}
    assert {row["gt"] for row in rows_of(tmp_path / "normal")} == {"x \\le y ^ 2 _ 1"}


def test_spellings_of_one_expression_stand_on_one_side():
    for first, second in (("a \\le b", "a \\leq b"), ("x _ { 1 } ^ { 2 }", "x ^ { 2 } _ { 1 }")):
        sides = [is_valid_side(seed, first, 0.5) for seed in range(40)]
        assert sides == [is_valid_side(seed, second, 0.5) for seed in range(40)] and len({*sides}) == 2


def test_limit(rows):
    assert {row["id"] for row in rows(limit=7)} == {f"train_{number}.jpg" for number in range(7)}
    assert len({row["id"] for row in rows(limit=1000)}) == 60


def test_seed(rows):
    first, again, other = rows(seed=1), rows(seed=1), rows(seed=2)
    assert first == again
    plain = ("recognition", "tree_cot", "counting")
    assert [r for r in first if r["task"] in plain] == [r for r in other if r["task"] in plain]
    assert [r["candidate"] for r in first] != [r["candidate"] for r in other]


def test_valid_share(large, tmp_path):
    """Every expression on one side, every sample on one, and the share about what was asked for."""
    for name, share in (("whole", 0.0), ("cut", 0.1)):
        options = BuildOptions(
            "hme100k",
            root=large,
            out=tmp_path / name,
            splits=("train",),
            tasks=("recognition",),
            valid_share=share,
            limit=1_500,
        )
        build(options)
    whole, cut = rows_of(tmp_path / "whole"), rows_of(tmp_path / "cut")
    splits = datasets.load_dataset(str(tmp_path / "cut"), cache_dir=str(tmp_path / "cache"))
    train, valid = set(splits["train"]["label"]), set(splits["valid"]["label"])
    assert not train & valid
    assert 0.07 < len(splits["valid"]) / len(whole) < 0.13
    key = lambda row: row["id"]  # noqa: E731
    assert sorted(cut, key=key) == sorted(whole, key=key)
    assert summary_of(tmp_path / "cut")["splits"]["valid"]["samples"] == len(splits["valid"])
    assert not verify(tmp_path / "cut").faults


def test_a_split_that_no_row_fell_to(rows, tmp_path):
    """It is not named in the card: `datasets` cannot load a split without rows."""
    assert len(rows(valid_share=0.0001, tasks=("counting",))) == 60
    splits = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert {name: len(entry) for name, entry in splits.items()} == {"train": 60}
    with pytest.raises(BuildError, match="no rows in valid"):
        load(tmp_path / "out", split="valid")
    with pytest.raises(BuildError, match="no rows of tree_cot in train"):
        load(tmp_path / "out", tasks=["tree_cot"], split="train")


def test_valid_share_keeps_repeated_labels_together(tmp_path, small):
    root = tmp_path / "corpus"
    (root / "train/train_images").mkdir(parents=True)
    picture = (small / "train/train_images/train_0.jpg").read_bytes()
    lines = []
    for number in range(200):
        (root / f"train/train_images/{number}.jpg").write_bytes(picture)
        script = number // 2 % 8
        if number % 2:  # the same expression in two spellings is one group
            lines.append(f"{number}.jpg\tx _ {script} + y\n{number}.jpg\tdouble\n")
        else:
            lines.append(f"{number}.jpg\tx _ {{ {script} }} + y\n")
    (root / "train/train_labels.txt").write_text("".join(lines))
    build(BuildOptions("hme100k", root=root, out=tmp_path / "out", valid_share=0.4, tasks=("recognition",)))
    sides = {}
    for path in (tmp_path / "out/data").iterdir():
        for row in datasets.Dataset.from_parquet(str(path), cache_dir=str(tmp_path / "cache")):
            assert sides.setdefault(row["label"], path.name) == path.name
    assert len(set(sides.values())) == 2
    rejects = [json.loads(line) for line in (tmp_path / "out/rejects.jsonl").open()]
    assert len(rejects) == 100  # each told once, though both sides read it
    assert {entry["reason"] for entry in rejects} == {"duplicate_id"}


@pytest.mark.parametrize("kind", ("lines", "array", "tsv"))
def test_mined_errors(rows, tmp_path, kind):
    wrong = {f"train_{n}.jpg": (label_of(n), f"{n % 7} {label_of(n)} z") for n in range(0, 60, 2)}
    wrong["train_4.jpg"] = (label_of(4), label_of(4))  # right: no candidate
    records = [{"img_id": id, "gt": gt, "pred": pred} for id, (gt, pred) in wrong.items()]
    file = tmp_path / ("mined.tsv" if kind == "tsv" else "mined.json")
    if kind == "lines":
        file.write_text("".join(json.dumps(record) + "\n" for record in records))
    elif kind == "array":
        file.write_text(json.dumps(records, indent=1))
    else:
        file.write_text("".join(f"{id}\t{gt}\t{pred}\n" for id, (gt, pred) in wrong.items()))
    mined = [row for row in rows(errors=str(file)) if row["candidate"]]
    assert len(mined) == 2 * 29
    for row in mined:
        assert row["candidate"].split() == wrong[row["id"]][1].split()
    summary = summary_of(tmp_path / "out")["splits"]["train"]
    assert (summary["samples"], summary["no_candidate"]) == (60, 31)
    both = [row for row in rows(errors=f"{file},synthetic") if row["candidate"]]
    assert len(both) == 120
    assert [row for row in both if row["id"] in wrong and row["id"] != "train_4.jpg"] == mined


def test_a_sample_without_any_row_is_no_sample(rows, tmp_path):
    file = tmp_path / "mined.tsv"
    file.write_text(f"train_3.jpg\t{label_of(3)}\tx\n")
    assert {row["id"] for row in rows(errors=str(file), tasks=("error_detection",))} == {"train_3.jpg"}
    split = summary_of(tmp_path / "out")["splits"]["train"]
    assert (split["samples"], split["rejected"], split["no_candidate"], split["rows"]) == (1, 0, 59, 1)


def test_predictions_of_another_source_are_not_taken(rows, tmp_path):
    file = tmp_path / "mined.jsonl"
    record = {"source": "crohme/2014", "img_id": "train_3.jpg", "gt": "other", "pred": "x"}
    mine = {"source": "hme100k/train", "img_id": "train_5.jpg", "gt": label_of(5), "pred": "x"}
    file.write_text(json.dumps(record) + "\n" + json.dumps(mine) + "\n")
    assert {row["id"] for row in rows(errors=str(file)) if row["candidate"]} == {"train_5.jpg"}


def test_predictions_of_another_label_are_an_error(rows, tmp_path):
    file = tmp_path / "mined.tsv"
    file.write_text("train_3.jpg\tsomething else\tx\n")
    with pytest.raises(PredictionError, match=r"train_3\.jpg"):
        rows(errors=str(file))


@pytest.mark.parametrize(
    ("options", "message"),
    (
        ({"tasks": ("recogniton",)}, "did you mean recognition"),
        ({"tree_format": "new"}, "canonical, released"),
        ({"valid_share": 1.0}, "below 1"),
        ({"valid_share": float("nan")}, "below 1"),
        ({"limit": 0}, "at least 1"),
        ({"workers": -1}, "at least 1"),
        ({"errors": ""}, "--errors"),
        ({"errors": "a,b"}, "--errors"),
        ({"dataset": "hme10k"}, "did you mean hme100k"),
        ({"splits": ("tset",)}, "it has train, test"),
    ),
)
def test_arguments_that_cannot_be(small, tmp_path, options, message):
    with pytest.raises(UsageError, match=message) as caught:
        build(BuildOptions(**{"dataset": "hme100k", "root": small, "out": tmp_path / "out", **options}))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_folder_whose_name_is_a_pattern(tmp_path):
    """`datasets` takes the names of files for patterns."""
    for name, label in (("g[1]", "x"), ("g1", "y")):
        picture = tmp_path / f"{name}-corpus" / "a.png"
        picture.parent.mkdir()
        picture.write_bytes(noise(1))
        (picture.parent / "labels.tsv").write_text(f"a.png\t{label}\n", encoding="utf-8")
        build(BuildOptions("folder", picture.parent, out=tmp_path / name, workers=1))
    assert set(load(tmp_path / "g[1]")["label"]) == {"x"}


@pytest.mark.parametrize("tasks", ("recognition", []))
def test_load_takes_a_list_of_tasks(tmp_path, tasks):
    build(BuildOptions("sample", out=tmp_path / "out", limit=2, workers=1))
    with pytest.raises(UsageError, match="tasks is a list of names"):
        load(tmp_path / "out", tasks=tasks)
