"""What ms-swift, verl and webdataset read, and a second build in the same folder."""

import json
import runpy
import shutil
import struct
import tarfile

import datasets
import pyarrow.parquet as pq
import pytest

from hmer_tasks.exceptions import BuildError, UsageError
from hmer_tasks.exporting import ms_swift, released, verl, webdataset
from hmer_tasks.exporting.exporters import EXPORTERS, find_exporter
from hmer_tasks.exporting.folder import export
from hmer_tasks.pipeline import BuildOptions, build
from tests.exporting.test_export import wanted
from tests.pipeline.conftest import files_of, one_line, rows_of, run_command


@pytest.fixture(scope="module")
def second(tmp_path_factory):
    """Another build, of another corpus."""
    out = tmp_path_factory.mktemp("second") / "out"
    return build(BuildOptions("sample", out=out, limit=4, workers=1)).out


def lines_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").removesuffix("\n").split("\n")]


def test_ms_swift(source, tmp_path):
    written = export(source, tmp_path / "x", ms_swift.layout())
    rows = wanted(source)
    assert {path.stem for path in (tmp_path / "x").glob("*.jsonl")} == {*rows, "left_out"}
    assert written.left_out == 2
    for name in rows:
        read_back = []
        for row in lines_of(tmp_path / "x" / f"{name}.jsonl"):
            user, assistant = row["messages"]
            assert (user["role"], assistant["role"]) == ("user", "assistant")
            [picture] = row["images"]
            read_back.append(
                (row["id"], user["content"], assistant["content"], (tmp_path / "x" / picture).read_bytes())
            )
        assert sorted(read_back) == sorted(rows[name])
    assert not (tmp_path / "x/.done").exists()


def test_verl(source, tmp_path):
    export(source, tmp_path / "x", verl.layout())
    rows = wanted(source)
    labels = {row["id"]: row["label"] for row in rows_of(source)}
    for name in rows:
        read_back = []
        files = sorted(map(str, (tmp_path / "x" / name).iterdir()))
        for row in datasets.load_dataset(
            "parquet", data_files=files, split="train", cache_dir=tmp_path / "c"
        ):
            [turn], [picture], extra = row["prompt"], row["images"], row["extra_info"]
            assert (turn["role"], row["data_source"], row["ability"]) == ("user", name, extra["task"])
            assert row["reward_model"] == {"style": "rule", "ground_truth": labels[extra["id"]]}
            read_back.append((extra["id"], turn["content"], extra["answer"], picture["bytes"]))
        assert sorted(read_back) == sorted(rows[name])


def test_the_reward_that_verl_calls(source, tmp_path):
    """The right answer of each task is worth 1, another is worth less."""
    export(source, tmp_path / "x", verl.layout())
    compute_score = runpy.run_path(str(tmp_path / "x/reward.py"))["compute_score"]
    seen = set()
    for path in sorted((tmp_path / "x").glob("*/*.parquet")):
        [row] = pq.read_table(path).slice(0, 1).to_pylist()
        seen.add(row["ability"])
        rest = row["data_source"], row["reward_model"]["ground_truth"], row["extra_info"]
        right, wrong = (
            compute_score(rest[0], answer, rest[1], extra_info=rest[2], more=1)
            for answer in (row["extra_info"]["answer"], "q")
        )
        assert right == {"score": 1.0, "acc": 1.0, "exact": 1.0, "edit": 1.0, "form": 1.0}
        assert wrong["score"] < 0.2 and wrong["acc"] == 0
    assert len(seen) == 5


def test_the_users_weights_stay_where_an_export_is_added_to(source, tmp_path):
    export(source, tmp_path / "x", verl.layout())
    (tmp_path / "x/reward.py").write_text("mine")
    shutil.copytree(source, tmp_path / "again")
    export(tmp_path / "again", tmp_path / "x", verl.layout(), add=True)
    assert (tmp_path / "x/reward.py").read_text() == "mine"


def test_webdataset(source, tmp_path):
    """webdataset's own reader gives back each row; no row is left out, nothing is replaced in its texts."""
    wds = pytest.importorskip("webdataset")
    export(source, tmp_path / "x", webdataset.layout())
    keys = set()
    for name, rows in wanted(source, keep_unfit=True).items():
        read_back = []
        for sample in wds.WebDataset(
            sorted(map(str, (tmp_path / "x" / name).glob("*.tar"))), shardshuffle=False
        ):
            texts = json.loads(sample["json"])
            read_back.append((texts["id"], f"<image>{texts['prompt']}", *texts["answers"], sample["jpg"]))
            assert sample["__key__"] not in keys
            keys.add(sample["__key__"])
        assert read_back == rows


def test_the_index_of_webdataset(source, tmp_path):
    """Each offset is where a sample's first member begins, the last where the members end."""
    export(source, tmp_path / "x", webdataset.layout())
    counts = json.loads((tmp_path / "x/.nv-meta/.info.json").read_text())["shard_counts"]
    parts = json.loads((tmp_path / "x/.nv-meta/split.json").read_text())["split_parts"]
    assert sorted(counts) == sorted(name for names in parts.values() for name in names)
    assert all("_train" in name for name in parts["train"]) and all("_test" in name for name in parts["test"])
    for name, count in counts.items():
        tar = tmp_path / "x" / name
        data = tar.with_suffix(".tar.idx").read_bytes()
        offsets = struct.unpack(f"<{len(data) // 8}Q", data)
        with tarfile.open(tar) as opened:
            members = opened.getmembers()
            assert [member.offset for member in members[::2]] == list(offsets[:-1])
            assert (len(members), opened.offset) == (2 * count, offsets[-1])


@pytest.mark.parametrize("name", EXPORTERS)
def test_the_same_bytes_twice(source, tmp_path, name):
    for folder in ("a", "b"):
        export(source, tmp_path / folder, EXPORTERS[name].layout())
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")


@pytest.mark.parametrize("name", EXPORTERS)
def test_a_second_build_in_the_same_folder(source, second, tmp_path, name):
    """What was there keeps its bytes; what comes is what an export of its own would hold."""
    layout = EXPORTERS[name].layout()
    first = export(source, tmp_path / "x", layout, add=True)  # nothing is there yet: a plain export
    assert files_of(tmp_path / "x") == files_of(export(source, tmp_path / "alone", layout).target)
    before = files_of(tmp_path / "x")
    alone = export(second, tmp_path / "second", layout)
    both = export(second, tmp_path / "x", layout, add=True)
    assert both.rows == first.rows | alone.rows
    described = {
        "export.json",
        "README.md",
        "croissant.json",
        "dataset_info.json",
        ".info.json",
        "split.json",
    }
    for path, data in before.items():
        if path.rpartition("/")[2] not in described:
            assert files_of(tmp_path / "x")[path] == data
    after = files_of(tmp_path / "x")
    for again in (source, second):
        assert export(again, tmp_path / "x", layout, add=True).already
    assert files_of(tmp_path / "x") == after
    if name in ("llama-factory", "ms-swift"):
        new = [row for path in (tmp_path / "x").rglob("*.jsonl") if "sample" in str(path.relative_to(tmp_path))
               for row in lines_of(path)]  # fmt: skip
        pictures = {row["id"]: row["images"][0]["bytes"] for row in rows_of(second)}
        assert len(new) == len(rows_of(second))
        assert all((tmp_path / "x" / row["images"][0]).read_bytes() == pictures[row["id"]] for row in new)
    if name == "released":
        assert set(datasets.get_dataset_config_names(str(tmp_path / "x"))) == set(both.rows)
    if name == "webdataset":
        counts = json.loads((tmp_path / "x/.nv-meta/.info.json").read_text())["shard_counts"]
        assert sum(counts.values()) == sum(both.rows.values())


def test_two_builds_of_one_corpus_keep_apart(second, tmp_path):
    other = build(BuildOptions("sample", out=tmp_path / "other", limit=3, seed=1, workers=1)).out
    third = build(BuildOptions("sample", out=tmp_path / "third", limit=2, seed=2, workers=1)).out
    for out in (second, other, third):
        written = export(out, tmp_path / "x", ms_swift.layout(), add=True)
    names = ("sample_train", "sample-2_train", "sample-3_train")
    assert [written.rows[name] for name in names] == [4, 3, 2]
    assert [len(lines_of(tmp_path / "x" / f"{name}.jsonl")) for name in names] == [4, 3, 2]


def test_a_stopped_addition_leaves_the_export_as_it_was(source, second, tmp_path):
    layout = ms_swift.layout()
    export(source, tmp_path / "x", layout)
    before = files_of(tmp_path / "x")

    def stopped(*_):
        raise KeyboardInterrupt

    for broken in (
        type(layout)(layout.kind, stopped, layout.finish),
        type(layout)(layout.kind, layout.shard, stopped),
    ):
        with pytest.raises(KeyboardInterrupt):
            export(second, tmp_path / "x", broken, add=True)
        assert files_of(tmp_path / "x") == before
    export(second, tmp_path / "x", layout, add=True)
    straight = export(source, tmp_path / "y", layout)
    export(second, straight.target, layout, add=True)
    assert files_of(tmp_path / "x") == files_of(tmp_path / "y")


def test_what_cannot_be_added(source, second, tmp_path):
    export(source, tmp_path / "x", released.layout())
    with pytest.raises(BuildError, match="is an export to released"):
        export(second, tmp_path / "x", verl.layout(), add=True)
    (tmp_path / "x/thesis.tex").write_text("years of work")
    with pytest.raises(BuildError, match=r"thesis\.tex"):
        export(second, tmp_path / "x", released.layout(), add=True)


def test_the_command_line(source, second, tmp_path):
    words = ("--to", "verl", "-o", tmp_path / "x")
    assert run_command("export", source, *words).returncode == 0
    assert "--add to put this one beside it" in one_line(run_command("export", second, *words))
    done = run_command("export", second, *words, "--add")
    assert "data.train_files=" in done.stdout and "/sample_train/*.parquet" in done.stdout
    assert "choose one" in one_line(run_command("export", second, *words, "--add", "--overwrite"), code=2)
    assert "did you mean ms-swift?" in one_line(
        run_command("export", second, "--to", "swift", "-o", tmp_path / "y"), code=2
    )
    with pytest.raises(UsageError, match="choose from"):
        find_exporter("nothing like it")
