"""Damage is found by checksum, by `build` as by `verify`, and made again; a corpus that goes away is not refused."""

import json
import shutil
import time

import pytest

from hmer_tasks.corpora import open_corpus
from hmer_tasks.corpora.hme100k import CORPUS
from hmer_tasks.exceptions import BuildError, CorpusError
from hmer_tasks.pipeline import BuildOptions, build
from hmer_tasks.shards.verifier import verify
from tests.pipeline.conftest import command, files_of, make_hme100k, rows_of, run_command, summary_of
from tests.pipeline.test_interrupted import SMALL, arguments, kill_after_a_shard, started

SHARD = "data/train-00000-of-00001.parquet"


def flip(path):
    """Another bit, the same size."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", ("flip", "cut", "remove"))
def test_a_finished_build(small, tmp_path, damage):
    """`verify` finds it, the same command mends it, and nothing else is written."""
    out = tmp_path / "out"
    options = BuildOptions("hme100k", root=small, out=out, workers=1)
    build(options)
    before, written = files_of(out), (out / "build.json").stat().st_mtime_ns
    shard = out / SHARD
    {
        "flip": flip,
        "cut": lambda path: path.write_bytes(path.read_bytes()[:1000]),
        "remove": lambda path: path.unlink(),
    }[damage](shard)
    assert verify(out, 1).faults
    assert build(options).rebuilt == 1
    assert build(options).rebuilt == 0
    assert files_of(out) == before
    assert (out / "build.json").stat().st_mtime_ns == written
    assert not verify(out, 1).faults


def test_a_shard_that_cannot_be_what_it_was(tmp_path):
    """A picture has changed since: the shard is made again, and told to be another."""
    root = make_hme100k(tmp_path / "HME100K", 20)
    out = tmp_path / "out"
    options = BuildOptions("hme100k", root=root, out=out, workers=1)
    build(options)
    (root / "train/train_images/train_3.jpg").write_bytes(
        (root / "train/train_images/train_4.jpg").read_bytes()
    )
    flip(out / SHARD)
    with pytest.raises(BuildError, match="its pictures have changed; pass --overwrite"):
        build(options)


@pytest.mark.parametrize("what", ("shard", "marker"))
def test_an_unfinished_build(large, tmp_path, what):
    """Found on resume, at its full size."""
    import signal

    reference = tmp_path / "reference"
    assert run_command(*arguments(large, reference)).returncode == 0
    out = tmp_path / "out"
    shard = kill_after_a_shard(started(large, out), out, signal.SIGKILL)
    marker = out / f".build/{SMALL}.json"
    if what == "shard":
        flip(shard)
    else:
        marker.write_text(marker.read_text().replace('"rows": ', '"rows": 1', 1))
    assert run_command(*arguments(large, out)).returncode == 0
    assert files_of(out) == files_of(reference)


def test_a_root_that_goes_away(tmp_path):
    """One line, exit code 1, no picture refused for it; brought back, the build goes on to the same bytes."""
    import subprocess

    root = make_hme100k(tmp_path / "HME100K", 2_300)
    words = "build", "--dataset", "hme100k", "--root", root, "--workers", 2, "--out"
    assert run_command(*words, tmp_path / "reference").returncode == 0
    out = tmp_path / "out"
    process = subprocess.Popen(
        command(*words, out), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not list((out / ".build").glob("*.parquet.tmp")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    root.rename(tmp_path / "elsewhere")
    _, stderr = process.communicate(timeout=240)
    lines = [line for line in stderr.splitlines() if line.startswith("hmer-tasks: ")]
    assert (process.returncode, len(lines)) == (1, 1), stderr
    assert "has gone away while it was read; bring it back and run the same command" in lines[0]
    (tmp_path / "elsewhere").rename(root)
    assert run_command(*words, out).returncode == 0
    assert files_of(out) == files_of(tmp_path / "reference")


def test_a_folder_of_pictures_that_goes_away(tmp_path):
    """The root is still there; one picture that is missing is only that."""
    root = make_hme100k(tmp_path / "HME100K", 10)
    with open_corpus(CORPUS, root) as files:
        reader = CORPUS.open_split(files, "train")
        reader[0].image.load()
        (root / "train/train_images/train_1.jpg").unlink()
        with pytest.raises(Exception, match="image_missing"):
            reader[1].image.load()
        shutil.rmtree(root / "train/train_images")
        with pytest.raises(CorpusError, match="has gone away"):
            reader[2].image.load()


def test_labels_alone(small, tmp_path):
    """The same rows without pictures, none of which is there; proven, loaded, shown."""
    labels = tmp_path / "HME100K/train/train_labels.txt"
    labels.parent.mkdir(parents=True)
    shutil.copy(small / "train/train_labels.txt", labels)
    whole, out = tmp_path / "whole", tmp_path / "out"
    build(BuildOptions("hme100k", root=small, out=whole))
    words = "build", "--dataset", "hme100k", "--root", tmp_path / "HME100K", "--out", out
    assert run_command(*words, "--no-images").returncode == 0
    assert [{**row, "images": []} for row in rows_of(whole)] == rows_of(out)
    assert "Labels alone" in (out / "README.md").read_text()
    done = run_command("verify", out)
    assert (done.returncode, "300 rows and 0 pictures" in done.stdout) == (0, True)
    assert "none (labels alone)" in run_command("show", out).stdout
    assert summary_of(out)["made_by"]["arguments"]["no_images"] is True
    from hmer_tasks import load

    assert load(out)[0]["images"] == []


def test_a_picture_among_labels_alone_is_a_fault(small, tmp_path):
    """And rows without one are a fault of every other build."""
    import json

    for name, no_images in (("with", False), ("without", True)):
        out = tmp_path / name
        build(BuildOptions("hme100k", root=small, out=out, no_images=no_images))
        summary = summary_of(out)
        arguments_ = summary["made_by"]["arguments"]
        arguments_["no_images"] = not no_images
        (out / "build.json").write_text(json.dumps(summary))
        wanted = "not exactly one picture" if no_images else "a picture, in a build of labels alone"
        assert wanted in verify(out, 1).faults[0]


@pytest.mark.parametrize(
    "damage",
    (
        lambda held: held["made_by"]["arguments"].pop("seed"),
        lambda held: held["made_by"]["arguments"].update(seed="x"),
        lambda held: held["splits"]["train"].update(rejected=None),
        lambda held: held.pop("shards"),
        lambda held: held["shards"][SHARD].update(rows=None),
        lambda held: held["shards"][SHARD].update(sha256=None),
    ),
)
def test_a_build_json_that_lacks_something(small, tmp_path, damage):
    out = tmp_path / "out"
    options = BuildOptions("hme100k", root=small, out=out, workers=1)
    build(options)
    held = summary_of(out)
    damage(held)
    (out / "build.json").write_text(json.dumps(held), encoding="utf-8")
    with pytest.raises(BuildError, match="is damaged"):
        verify(out, 1)
    with pytest.raises(BuildError, match=r"is damaged|was built differently"):
        build(options)
