"""Exports hold every row of the build, in the layouts named, and are whole or not there."""

import io
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest
from PIL import Image

from hmer_tasks.corpora import CORPORA
from hmer_tasks.exceptions import BuildError
from hmer_tasks.exporting import llama_factory, released
from hmer_tasks.exporting.folder import export
from hmer_tasks.exporting.source import SUFFIXES, role_of
from hmer_tasks.pipeline import BuildOptions, build
from tests.exporting.conftest import HOSTILE
from tests.pipeline.conftest import command, files_of, make_hme100k, one_line, rows_of, run_command

LAYOUTS = {
    "json": lambda: llama_factory.layout(False),
    "embedded": lambda: llama_factory.layout(True),
    "released": released.layout,
}


def config(row):
    return row["source"].replace("/", "_") + SUFFIXES[row["task"]]


def wanted(source, keep_unfit=False):
    """Each configuration's rows as (id, human, gpt, picture), in order."""
    rows: dict[str, list[tuple[str, str, str, bytes]]] = {}
    for row in rows_of(source):
        human, gpt = row["prompt"][0]["content"], row["completion"][0]["content"]
        if keep_unfit or "<image>" not in human + gpt:
            read_back = (row["id"], f"<image>{human}", gpt, row["images"][0]["bytes"])
            rows.setdefault(config(row), []).append(read_back)
    return rows


def turns(row):
    assert [turn["from"] for turn in row["conversations"]] == ["human", "gpt"]
    return tuple(turn["value"] for turn in row["conversations"])


def test_llama_factory_json(source, tmp_path):
    written = export(source, tmp_path / "lf", llama_factory.layout(False))
    info = json.loads((tmp_path / "lf/dataset_info.json").read_text())
    rows = wanted(source)
    assert set(info) == set(rows) == set(written.rows)
    for name, entry in info.items():
        assert entry["formatting"] == "sharegpt"
        read_back = []
        for path in sorted((tmp_path / "lf" / entry["file_name"]).iterdir()):
            for row in map(json.loads, path.read_text(encoding="utf-8").removesuffix("\n").split("\n")):
                [picture] = row["images"]
                read_back.append((row["id"], *turns(row), (tmp_path / "lf" / picture).read_bytes()))
        assert sorted(read_back) == sorted(rows[name])
    pictures = list((tmp_path / "lf/images").rglob("*.*"))
    assert len(pictures) == 38  # one a sample, however many rows show it


def test_rows_that_hold_a_placeholder_are_left_out_and_named(source, tmp_path):
    """LLaMA-Factory would count a second picture in them, and stop."""
    for name, embed in (("json", False), ("parquet", True)):
        written = export(source, tmp_path / name, llama_factory.layout(embed))
        lines = (tmp_path / name / "left_out.jsonl").read_text().splitlines()
        assert [json.loads(line) for line in lines] == [
            {"source": "hme100k/train", "id": "train_0.jpg", "task": task, "reason": "its text holds <image>"}
            for task in ("error_detection", "error_correction")
        ]
        assert written.left_out == 2
        assert sum(written.rows.values()) == len(rows_of(source)) - 2


def test_llama_factory_embedded(source, tmp_path):
    export(source, tmp_path / "lf", llama_factory.layout(True))
    rows = wanted(source)
    for name in json.loads((tmp_path / "lf/dataset_info.json").read_text()):
        read_back = []
        for path in sorted((tmp_path / "lf" / name).iterdir()):
            table = pq.read_table(path)
            assert b"huggingface" not in (table.schema.metadata or {})  # else LLaMA-Factory saves JPEGs anew
            read_back += [(r["id"], *turns(r), r["images"][0]["bytes"]) for r in table.to_pylist()]
        assert sorted(read_back) == sorted(rows[name])


def test_released(source, tmp_path):
    """One configuration a task, loaded by name, pictures decoded."""
    written = export(source, tmp_path / "rel", released.layout())
    rows = wanted(source)
    assert written.left_out == 2
    names = datasets.get_dataset_config_names(str(tmp_path / "rel"))
    assert set(names) == set(rows)
    name = "hme100k_test_error_fix"
    loaded = datasets.load_dataset(str(tmp_path / "rel"), name, cache_dir=str(tmp_path / "cache"))
    assert {split: len(part) for split, part in loaded.items()} == {"test": 8}
    assert loaded["test"].column_names == ["image", "conversations"]
    assert loaded["test"][3]["image"].size == (40, 20)
    for name in names:
        files = sorted((tmp_path / "rel" / name).iterdir())
        read_back = [
            (*turns(r), r["image"]["bytes"]) for path in files for r in pq.read_table(path).to_pylist()
        ]
        assert read_back == [row[1:] for row in rows[name]]
    group = pq.ParquetFile(next((tmp_path / "rel/hme100k_train").iterdir())).metadata.row_group(0)
    assert group.num_rows <= 100
    assert group.column(0).has_offset_index


@pytest.mark.parametrize("kind", LAYOUTS)
def test_again_and_other(source, tmp_path, kind):
    target = tmp_path / "there" / "export"
    first = export(source, target, LAYOUTS[kind]())
    assert not first.already
    before = files_of(target)
    again = export(source, target, LAYOUTS[kind]())
    assert (again.already, again.rows, again.left_out) == (True, first.rows, first.left_out)
    other = released.layout() if kind != "released" else llama_factory.layout(False)
    with pytest.raises(BuildError, match="pass --overwrite"):
        export(source, target, other)
    assert files_of(target) == before
    export(source, target, other, overwrite=True)
    assert files_of(target) != before
    export(source, target, LAYOUTS[kind](), overwrite=True)
    assert files_of(target) == before
    assert [path.name for path in target.parent.iterdir()] == ["export"]


@pytest.mark.parametrize("overwrite", (False, True))
def test_strangers_are_left_alone(source, tmp_path, overwrite):
    target = tmp_path / "target"
    target.mkdir()
    (target / "thesis.tex").write_text("years of work")
    with pytest.raises(BuildError, match=r"thesis\.tex"):
        export(source, target, released.layout(), overwrite)
    partial = tmp_path / ".other.partial"
    partial.mkdir()
    (partial / "thesis.tex").write_text("years of work")
    with pytest.raises(BuildError, match="move it away"):
        export(source, tmp_path / "other", released.layout(), overwrite)
    assert (target / "thesis.tex").exists()
    assert (partial / "thesis.tex").exists()
    export(source, tmp_path / "mine", released.layout())
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    with pytest.raises(BuildError, match=r"thesis\.tex"):
        export(source, tmp_path / "mine", llama_factory.layout(False), overwrite=True)


def test_an_empty_folder_is_taken(source, tmp_path):
    (tmp_path / "target").mkdir()
    export(source, tmp_path / "target", released.layout())
    assert (tmp_path / "target/export.json").exists()


@pytest.mark.parametrize("where", (".", "data/lf", ".."))
def test_not_into_the_build(source, where):
    with pytest.raises(BuildError, match="inside each other"):
        export(source, source / where, released.layout())


@pytest.mark.parametrize("damage", ("gone", "cut", "changed", "unfinished", "no build"))
def test_what_is_no_finished_build(built, tmp_path, damage):
    shard = next((built / "data").glob("train*"))
    if damage == "gone":
        shard.unlink()
    elif damage == "cut":
        shard.write_bytes(shard.read_bytes()[:-1])
    elif damage == "changed":
        data = bytearray(shard.read_bytes())
        data[len(data) // 2] ^= 1
        shard.write_bytes(data)
    else:
        (built / "build.json").unlink()
        if damage == "unfinished":
            (built / ".build").mkdir()
    with pytest.raises(BuildError) as caught:
        export(built, tmp_path / "x", released.layout())
    assert str(built) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "x").exists()


def test_a_killed_export_is_not_there_and_goes_on(source, tmp_path, monkeypatch):
    """Whatever the moment: the folder is not there, and the second run does not repeat finished shards."""
    whole = export(source, tmp_path / "whole", llama_factory.layout(False))
    layout = llama_factory.layout(False)
    wrote: list[str] = []

    def stops_at_the_second(path, name, folder, summary):
        done = layout.shard(path, name, folder, summary)
        wrote.append(name)
        if len(wrote) == 2:  # written, but not marked as done
            raise KeyboardInterrupt
        return done

    broken = type(layout)(layout.kind, stops_at_the_second, layout.finish)
    with pytest.raises(KeyboardInterrupt):
        export(source, tmp_path / "lf", broken)
    assert not (tmp_path / "lf").exists()
    wrote.append("")  # does not stop any more
    written = export(source, tmp_path / "lf", broken)
    assert wrote[2:] == ["", wrote[1]]
    assert written.rows == whole.rows
    assert files_of(tmp_path / "lf") == files_of(tmp_path / "whole")


@pytest.mark.parametrize("moment", ("described", "marks gone"))
def test_killed_right_before_the_name(source, tmp_path, moment, monkeypatch):
    def killed(partial: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("hmer_tasks.exporting.folder._replace", killed)
        if moment == "described":
            patch.setattr("hmer_tasks.exporting.folder.shutil.rmtree", lambda path: None)
        with pytest.raises(KeyboardInterrupt):
            export(source, tmp_path / "rel", released.layout())
    assert not (tmp_path / "rel").exists()
    layout = released.layout()
    never = type(layout)(layout.kind, lambda *_: pytest.fail("written again"), layout.finish)
    assert export(source, tmp_path / "rel", never).rows
    assert not (tmp_path / "rel/.done").exists()
    assert len(datasets.get_dataset_config_names(str(tmp_path / "rel"))) == 10


def test_a_stopped_command_says_so(source, tmp_path):
    words = command("export", source, "--to", "llama-factory", "-o", tmp_path / "lf")
    code = "import runpy,sys,time,PIL.Image as i;o=i.open;i.open=lambda *a:(time.sleep(0.3),o(*a))[1];" + (
        "sys.argv=sys.argv[1:];runpy.run_module('hmer_tasks',run_name='__main__')"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", code, *words[2:]], stderr=subprocess.PIPE, text=True, env=os.environ
    )
    partial = tmp_path / ".lf.partial"
    deadline = time.monotonic() + 60
    while not list(partial.glob("images/*/*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    started.send_signal(signal.SIGINT)
    _, errors = started.communicate(timeout=60)
    assert started.returncode == 130
    assert errors == "hmer-tasks: stopped; what is finished is kept: run the same command to go on\n"
    assert not (tmp_path / "lf").exists()
    assert run_command(*words[3:]).returncode == 0


@pytest.mark.parametrize("words", (("llama-factory",), ("released",)))
def test_a_full_disk(source, tmp_path, words):
    """One line, nothing under the name asked for, and the next run goes on."""
    words = ("export", source, "-o", tmp_path / "x", "--to", *words)
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, 4_000))  # noqa: E731
    line = one_line(run_command(*words, preexec_fn=limit))
    assert "run the same command to go on" in line
    assert not (tmp_path / "x").exists()
    assert run_command(*words).returncode == 0


def test_where_no_folder_can_be(source, tmp_path):
    (tmp_path / "file").write_text("")
    for target in (tmp_path / "file", tmp_path / "file" / "x"):
        with pytest.raises(BuildError, match="file") as caught:
            export(source, target, released.layout())
        assert "\n" not in str(caught.value)


def test_a_build_without_pictures(tmp_path):
    out = build(BuildOptions("sample", out=tmp_path / "out", limit=2, no_images=True, workers=1)).out
    with pytest.raises(BuildError, match="no pictures to export"):
        export(out, tmp_path / "x", released.layout())


def test_pictures_get_names_of_ours(source, tmp_path):
    """Ids are not ours: none becomes a path."""
    export(source, tmp_path / "lf", llama_factory.layout(False))
    names = Counter(path.suffix for path in (tmp_path / "lf/images").rglob("*") if path.is_file())
    assert names == {".jpg": 38}
    for path in (tmp_path / "lf/images").rglob("*.jpg"):
        assert path.stem.isdigit()
        assert Image.open(io.BytesIO(path.read_bytes())).format == "JPEG"


def test_the_command(source, tmp_path):
    done = run_command("export", source, "--to", "llama-factory", "-o", tmp_path / "lf")
    assert (done.returncode, done.stderr) == (0, "")
    assert "        30 hme100k_train\n" in done.stdout
    assert "left out: 2 rows" in done.stdout
    assert f"--dataset_dir {tmp_path / 'lf'} --dataset hme100k_train,hme100k_train_tree" in done.stdout
    done = run_command("export", source, "--to", "llama-factory", "-o", tmp_path / "lf")
    assert done.stdout == f"{tmp_path / 'lf'} is this very export already: nothing to do\n"
    assert "--embed goes with" in one_line(
        run_command("export", source, "--to", "released", "--embed", "-o", tmp_path / "x"), code=2
    )


def test_the_fixture_is_hostile(source):
    assert HOSTILE in {row["candidate"] for row in rows_of(source)}


def test_the_printed_command_trains_on_train_alone(source, tmp_path):
    """After `--valid-share` there are three splits; LLaMA-Factory is told of each what it is."""
    root = make_hme100k(make_hme100k(tmp_path / "HME100K", 30), 8, "test")
    out = build(BuildOptions("hme100k", root, out=tmp_path / "out", valid_share=0.3, workers=1)).out
    done = run_command("export", out, "--to", "llama-factory", "-o", tmp_path / "lf")
    lines = dict(line.split(":", 1) for line in done.stdout.splitlines() if line[:1].isalpha())
    assert lines.keys() == {"train", "test"}
    words = lines["train"].split()
    named = dict(pairwise(words))
    for flag, split in (("--dataset", "train"), ("--eval_dataset", "valid")):
        assert named[flag].split(",") == [f"hme100k_{split}{suffix}" for suffix in SUFFIXES.values()]
    assert "hme100k_test_tree" in lines["test"]
    assert "not to train on" in lines["test"]
    done = run_command("export", source, "--to", "llama-factory", "-o", tmp_path / "again")
    assert "valid" not in done.stdout


def test_a_build_without_a_train_split(tmp_path):
    root = make_hme100k(tmp_path / "HME100K", 3, "test")
    out = build(BuildOptions("hme100k", root, out=tmp_path / "out", workers=1)).out
    done = run_command("export", out, "--to", "llama-factory", "-o", tmp_path / "lf")
    assert "train:  this build has no train split\n" in done.stdout
    assert "--dataset " not in done.stdout


def test_every_split_of_every_corpus_has_a_role():
    roles = {(name, split): role_of(split) for name, corpus in CORPORA.items() for split in corpus.splits}
    roles = {key: role for key, role in roles.items() if key[0] != "released"}  # published as training data
    assert {key for key, role in roles.items() if role == "valid"} == {
        ("mathwriting", "valid"), ("crohme2023", "val"), ("im2latexv2", "validate"),
        ("m2e", "val"),
        *(("folder", split) for split in ("valid", "validation", "val", "dev")),
    }  # fmt: skip
    assert role_of("human_handwrite.test") == "test"
    train = {key for key, role in roles.items() if role == "train"}
    assert train == {key for key in roles if key[1] in ("train", "synthetic", "symbols", "artificial")}


def test_killed_between_two_names(source, tmp_path):
    """An addition that was about to take the name of the export that it adds to."""
    target, layout = tmp_path / "lf", llama_factory.layout(False)
    export(source, target, layout)
    other = build(BuildOptions("sample", out=tmp_path / "other", limit=3, workers=1)).out
    rows = dict(export(source, target, layout).rows)
    target.rename(tmp_path / ".lf.old")
    added = export(Path(str(other)), target, layout, add=True)
    assert rows.items() <= dict(added.rows).items() and len(added.rows) > len(rows)
    assert not (tmp_path / ".lf.old").exists()
