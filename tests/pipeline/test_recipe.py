"""Several corpora in one build: recipes, weights, ids, and the same build again from its build.json."""

import hashlib
import json

import pytest

from hmer_tasks.cli.several import of_several
from hmer_tasks.exceptions import UsageError
from hmer_tasks.pipeline import BuildOptions, build, plan
from hmer_tasks.pipeline.mixture import is_taken
from hmer_tasks.pipeline.recipe_files import read_recipe
from hmer_tasks.shards.licences import licence_of_all, terms
from hmer_tasks.shards.verifier import verify
from tests.corpora.test_fermat import root as fermat  # noqa: F401
from tests.pipeline.conftest import files_of, label_of, make_hme100k, noise, one_line, rows_of, run_command

COUNT = 60


@pytest.fixture
def roots(tmp_path):
    """HME100K with two splits, and a folder with raw LaTeX, a bad line and a name that HME100K has too."""
    make_hme100k(tmp_path / "HME100K", COUNT)
    make_hme100k(tmp_path / "HME100K", 10, "test")
    (tmp_path / "mine").mkdir()
    for number in range(5):
        (tmp_path / "mine" / f"train_{number}.jpg").write_bytes(noise(100 + number))
    lines = [f"train_{number}.jpg\t${label_of(number)}$\n" for number in range(5)]
    (tmp_path / "mine" / "labels.tsv").write_text("".join([*lines, "no tab\n"]))
    return tmp_path


def write(folder, corpora, options="", name="mix"):
    path = folder / "recipe.toml"
    path.write_text(
        f'name = "{name}"\n[options]\n{options}\n' + "".join(f"[[corpus]]\n{text}\n" for text in corpora)
    )
    return path


def make(folder, path, out, **changes):
    options = read_recipe(path, BuildOptions("", out=folder / out, **{"workers": 1, **changes}))
    return build(options)


def both(folder, weight="1"):
    return [
        f'dataset = "hme100k"\nroot = "{folder}/HME100K"\nweight = {weight}\nsplits = ["train", "test"]',
        f'dataset = "folder"\nname = "mine"\nroot = "{folder}/mine"',
    ]


def test_ids_are_unique_and_rows_are_those_of_each_corpus_alone(roots):
    result = make(roots, write(roots, both(roots)), "out")
    rows = rows_of(roots / "out")
    train = [row for row in rows if row["source"] == "hme100k/train"]
    assert [row["id"] for row in train[::5]] == [
        f"hme100k/train/train_{number}.jpg" for number in range(COUNT)
    ]
    mine = [row for row in rows if row["source"] == "mine/train"]
    assert [row["id"] for row in mine[::5]] == [f"mine/train/train_{number}.jpg" for number in range(5)]
    assert result.summary["splits"]["train"]["samples"] == COUNT + 5
    assert result.summary["splits"]["test"]["samples"] == 10
    assert result.summary["rejected"] == {"malformed_line": 1}
    build(BuildOptions("hme100k", roots / "HME100K", ("train",), out=roots / "alone", workers=1))
    alone = rows_of(roots / "alone")
    assert [
        {**row, "id": f"hme100k/train/{row['id']}"} for row in alone
    ] == train  # the same wrong candidates
    assert not verify(roots / "out").faults


def test_a_weight_takes_exactly_what_its_formula_says(roots, monkeypatch):
    monkeypatch.setattr(plan, "SAMPLES_PER_SHARD", 10)
    taken = {}
    for weight in ("0.3", "0.7"):
        path = write(roots, both(roots, weight), 'tasks = ["recognition"]\nseed = 3')
        for workers in (1, 3):
            make(roots, path, f"{weight}-{workers}", workers=workers)
        assert files_of(roots / f"{weight}-1") == files_of(roots / f"{weight}-3")
        rows = [row for row in rows_of(roots / f"{weight}-1") if row["source"] == "hme100k/train"]
        taken[weight] = {row["id"] for row in rows}
        names = [f"train_{number}.jpg" for number in range(COUNT)]
        keys = [f"3\x1fweight\x1fhme100k/train\x1f{name}".encode() for name in names]
        shares = [int(hashlib.sha256(key).hexdigest()[:16], 16) / 2**64 for key in keys]
        kept = zip(names, shares, strict=True)
        expected = {f"hme100k/train/{name}" for name, share in kept if share < float(weight)}
        assert taken[weight] == expected
    assert taken["0.3"] < taken["0.7"]
    assert sum(is_taken(0, "a/b", str(number), 0.25) for number in range(4000)) in range(900, 1100)


def test_the_same_build_again_from_its_build_json(roots):
    options = "clean_share = 0.5\nvalid_share = 0.3\nseed = 5\nnormalize = true"
    make(roots, write(roots, both(roots, "0.8"), options), "first")
    again = read_recipe(
        roots / "first" / "build.json",
        BuildOptions("", out=roots / "again", workers=2),
        [f"hme100k={roots}/HME100K", f"mine={roots}/mine"],
    )
    build(again)
    assert files_of(roots / "again") == files_of(roots / "first")
    assert str(roots) not in (roots / "first" / "build.json").read_text()


def test_no_expression_is_on_both_sides_of_the_validation_split(roots):
    path = write(roots, both(roots), 'tasks = ["recognition"]\nvalid_share = 0.3')
    result = make(roots, path, "out")
    labels = {}
    for path in sorted((roots / "out" / "data").iterdir()):
        import pyarrow.parquet as pq

        labels.setdefault(path.name.split("-")[0], set()).update(pq.read_table(path)["label"].to_pylist())
    assert labels["valid"]
    assert not labels["train"] & labels["valid"]
    splits = result.summary["splits"]
    assert splits["train"]["samples"] + splits["valid"]["samples"] == COUNT + 5


def test_splits_under_other_names(roots):
    corpora = [
        f'dataset = "hme100k"\nroot = "{roots}/HME100K"\nsplits = {{ all = ["train", "test"] }}\nlimit = 4'
    ]
    result = make(roots, write(roots, corpora, 'tasks = ["recognition"]'), "out")
    assert list(result.summary["splits"]) == ["all"]
    assert [row["id"] for row in rows_of(roots / "out")] == [
        *(f"hme100k/train/train_{number}.jpg" for number in range(4)),
        *(f"hme100k/test/test_{number}.jpg" for number in range(4)),
    ]


def test_a_corpus_of_peoples_mistakes_has_its_own_prompts(roots, fermat):  # noqa: F811
    corpora = [both(roots)[1], f'dataset = "fermat"\nroot = "{fermat}"']
    result = make(roots, write(roots, corpora), "out")
    rows = rows_of(roots / "out")
    asked = {row["source"]: set() for row in rows}
    for row in rows:
        if row["task"] == "error_detection":
            asked[row["source"]].add("student" in row["prompt"][0]["content"])
    assert asked == {"mine/train": {False}, "fermat/train": {True}}
    assert {row["task"] for row in rows if row["source"] == "fermat/train"} == {
        "error_detection",
        "error_correction",
    }
    assert result.summary["corpus_prompts"]["fermat"]["prompt_set"] == "student-errors"
    assert not verify(roots / "out").faults
    assert "Prompts: the set `uni-mumer; fermat: student-errors`" in (roots / "out" / "README.md").read_text()
    summary = json.loads((roots / "out" / "build.json").read_text())
    del summary["corpus_prompts"]
    (roots / "out" / "build.json").write_text(json.dumps(summary))
    assert any("the prompts of fermat are not those" in fault for fault in verify(roots / "out").faults)


def test_lists_of_samples_name_them_by_either_id(roots):
    excluded = [{"source": "hme100k/train", "id": "train_0.jpg"}, {"id": "mine/train/train_1.jpg"}]
    (roots / "out.jsonl").write_text("".join(json.dumps(line) + "\n" for line in excluded))
    predictions = [{"source": "hme100k/train", "img_id": "train_1.jpg", "gt": label_of(1), "pred": "7"}]
    (roots / "pred.jsonl").write_text("".join(json.dumps(line) + "\n" for line in predictions))
    options = f'exclude = "{roots}/out.jsonl"\nerrors = "{roots}/pred.jsonl"\ntasks = ["error_detection"]'
    result = make(roots, write(roots, both(roots), options), "out")
    assert result.summary["rejected"]["excluded"] == 2
    assert [(row["id"], row["candidate"]) for row in rows_of(roots / "out")] == [
        ("hme100k/train/train_1.jpg", "7")
    ]
    with pytest.raises(UsageError, match="it was made with files of its own"):
        read_recipe(roots / "out" / "build.json", BuildOptions(""))


def test_what_an_audit_of_a_corpus_alone_wrote_holds_under_another_name(roots):
    (roots / "out.jsonl").write_text('{"source": "folder/train", "id": "train_1.jpg"}\n')
    options = f'exclude = "{roots}/out.jsonl"\ntasks = ["recognition"]'
    result = make(roots, write(roots, both(roots), options), "out")
    assert result.summary["rejected"]["excluded"] == 1
    assert "mine/train/train_1.jpg" not in {row["id"] for row in rows_of(roots / "out")}


@pytest.mark.parametrize(
    ("corpora", "options", "message"),
    (
        ([], "", "it names no corpus"),
        (['dataset = "hme100"'], "", "no corpus 'hme100': did you mean hme100k"),
        (['datasett = "x"'], "", "corpus 1: no key 'datasett': did you mean dataset"),
        (["weight = 1"], "", "corpus 1: dataset is missing"),
        (['dataset = "hme100k"\nweight = 2'], "", "at most 1, not 2; a sample is written once"),
        (['dataset = "hme100k"\nweight = 0'], "", "weight must be over 0"),
        (['dataset = "hme100k"\nweight = "x"'], "", "weight must be over 0"),
        (['dataset = "hme100k"'] * 2, "", "two corpora are called hme100k"),
        (['dataset = "hme100k"\nname = "a/b"'], "", "corpus name 'a/b'"),
        (['dataset = "hme100k"\nsplits = { a = ["train"], b = ["train"] }'], "", "names a split twice"),
        (['dataset = "hme100k"\nsplits = { "a/b" = ["train"] }'], "", "'a/b' cannot be a split"),
        (['dataset = "hme100k"\nsplits = "train"'], "", "splits is a list, or a table"),
        (['dataset = "hme100k"\nsplits = ["trai"]'], "", "hme100k has no split 'trai'"),
        (['dataset = "folder"\ncolumns = { lbl = "x" }'], "", "columns: no key 'lbl': did you mean label"),
        (['dataset = "hme100k"\nlimit = 0'], "", "limit must be a number from 1 on"),
        (['dataset = "hme100k"'], "workers = 3", r"\[options\] no key 'workers'"),
        (['dataset = "hme100k"'], 'tasks = "recognition"', r"\[options\] tasks is a list"),
        (['dataset = "hme100k"'], 'tasks = ["recogniton"]', "no task 'recogniton': did you mean recognition"),
        (['dataset = "hme100k"'], "seed = 1.5", "seed is a number"),
        (['dataset = "hme100k"'], "strict = 1", "strict is true or false"),
        (['dataset = "fermat"'], 'tasks = ["counting"]', "fermat has rows of error_detection, error_correction alone"),
        (['dataset = "fermat"\nprompts = "uni-mumer"'], "", "speak of a recogniser's mistakes"),
    ),
)  # fmt: skip
def test_recipes_that_are_none(tmp_path, corpora, options, message):
    with pytest.raises(UsageError, match=message) as caught:
        make(tmp_path, write(tmp_path, corpora, options), "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_files_that_are_no_recipe(tmp_path, roots):
    (tmp_path / "x.toml").write_text("[[corpus")
    with pytest.raises(UsageError, match="is not TOML"):
        read_recipe(tmp_path / "x.toml", BuildOptions(""))
    with pytest.raises(UsageError, match="cannot read the recipe"):
        read_recipe(tmp_path / "none.toml", BuildOptions(""))
    with pytest.raises(UsageError, match="cannot read the recipe"):
        read_recipe(roots / "mine", BuildOptions(""))  # a folder without a build
    build(BuildOptions("hme100k", roots / "HME100K", out=tmp_path / "single", workers=1, limit=2))
    with pytest.raises(UsageError, match=r"no build\.json of a build of several corpora"):
        read_recipe(tmp_path / "single", BuildOptions(""))
    with pytest.raises(UsageError, match=r"name 'crohme': .* not the name of a corpus"):
        read_recipe(write(tmp_path, ['dataset = "sample"'], name="crohme"), BuildOptions(""))


def test_the_commands(roots):
    words = "build", "--dataset", "hme100k", "--dataset", "folder", "--root", f"hme100k={roots}/HME100K"
    words = *words, "--root", f"folder={roots}/mine", "--tasks", "recognition", "--out", roots / "out"
    done = run_command(*words, "--split", "hme100k/test", "--split", "folder/train")
    assert done.returncode == 0, done.stderr
    summary = json.loads((roots / "out" / "build.json").read_text())
    assert summary["made_by"]["arguments"]["dataset"] == "mixture"
    assert [corpus["name"] for corpus in summary["made_by"]["arguments"]["corpora"]] == ["hme100k", "folder"]
    assert {split: entry["samples"] for split, entry in summary["splits"].items()} == {"test": 10, "train": 5}
    assert "research use, as TAL grants it" in (roots / "out" / "README.md").read_text()
    assert "name a corpus with --dataset, or a recipe" in one_line(run_command("build"), 2)


@pytest.mark.parametrize(
    ("datasets", "roots", "options", "message"),
    (
        (["crohme"], [], {}, "leave --dataset out"),
        ([], [], {"seed": 3}, "set --seed in its"),
        ([], [], {"splits": ("train",)}, "set --split in its"),
        ([], [], {"tasks": ("recognition",)}, "set --tasks in its"),
        ([], ["hme=x"], {}, "no corpus 'hme': did you mean hme100k"),
        (["crohme", "mne"], ["a"], {}, "with several corpora it is NAME=PATH"),
        (["crohme", "mne"], [], {"splits": ("train",)}, "it is NAME/SPLIT, as crohme/train"),
        (["crohme", "folder"], [], {"profile": "tokens"}, "with several, write a recipe"),
    ),
)
def test_flags_that_do_not_go_together(tmp_path, datasets, roots, options, message):
    recipe = None if len(datasets) > 1 else write(tmp_path, ['dataset = "hme100k"'])
    with pytest.raises(UsageError, match=message):
        of_several(BuildOptions("", **options), datasets, roots, recipe, default_tasks="tasks" not in options)


def test_the_licence_of_several_is_that_of_all():
    assert licence_of_all([("a", "CC BY 4.0"), ("b", "CC BY 4.0")]) == "CC BY 4.0"
    together = terms(licence_of_all([("crohme", "CC BY-NC-SA 3.0"), ("mine", "yours"), ("im", "CC BY 4.0")]))
    assert (together.hub_id, together.ask) == ("other", True)
    assert "crohme: CC BY-NC-SA 3.0 lets you publish it on conditions" in together.note
    assert not terms(licence_of_all([("mine", "yours"), ("im", "CC BY 4.0")])).ask
