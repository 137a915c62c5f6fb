"""Roots and outputs on S3: a real server (moto's) and the real client, with faults between them."""

import json
import os

import boto3
import fsspec
import pytest
from moto.server import ThreadedMotoServer

from hmer_tasks import load
from hmer_tasks.corpora import open_files
from hmer_tasks.exceptions import BuildError, CorpusError, CorpusMissingError, MissingLibraryError
from hmer_tasks.pipeline import BuildOptions, build
from hmer_tasks.pipeline.ranks import build_rank
from hmer_tasks.shards.verifier import verify
from hmer_tasks.storage import urls
from tests.fixtures import pack_folder
from tests.pipeline.conftest import files_of, make_hme100k, one_line, run_command
from tests.pipeline.faulty_proxy import FaultyProxy

COUNT = 12


@pytest.fixture(scope="module")
def server():
    """moto's server on a free port; the environment leads every client of this module to it."""
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    settings = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket="lab")
        yield host, port
    moto.stop()


@pytest.fixture(autouse=True)
def fresh(server, monkeypatch, tmp_path):
    """No client of another test's endpoint, no cache of another test's archives, no long waits."""
    monkeypatch.setenv("HMER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(urls, "FIRST_WAIT", 0.02)
    fsspec.get_filesystem_class("s3").clear_instance_cache()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_hme100k(tmp_path_factory.mktemp("corpus") / "HME100K", COUNT)


@pytest.fixture(scope="module")
def reference(corpus, tmp_path_factory):
    out = tmp_path_factory.mktemp("reference") / "out"
    build(BuildOptions("hme100k", root=corpus, out=out, workers=1))
    return files_of(out)


def upload(folder, prefix):
    client = boto3.client("s3")
    for path in folder.rglob("*"):
        if path.is_file():
            client.upload_file(str(path), "lab", f"{prefix}/{path.relative_to(folder).as_posix()}")


def objects(prefix) -> dict[str, bytes]:
    """Every object under a prefix, by name."""
    client = boto3.client("s3")
    listed = client.list_objects_v2(Bucket="lab", Prefix=f"{prefix}/").get("Contents", [])
    names = [entry["Key"] for entry in listed]
    return {
        name.removeprefix(f"{prefix}/"): client.get_object(Bucket="lab", Key=name)["Body"].read()
        for name in names
    }


def put(name: str, data: bytes):
    boto3.client("s3").put_object(Bucket="lab", Key=name, Body=data)


def test_out_on_s3(corpus, reference):
    """The bytes of the local build; proven and loaded from there; built already the second time."""
    out = "s3://lab/out"
    options = BuildOptions("hme100k", root=corpus, out=out, workers=1)
    assert not build(options).already
    assert objects("out") == reference
    report = verify(out, 1)
    assert (report.faults, report.pictures) == ([], COUNT)
    assert build(options).already
    rows = load(out, tasks=["recognition"])
    assert len(rows) == COUNT
    assert rows[0]["images"][0].size == (40, 20)
    build(BuildOptions("hme100k", root=corpus, out=out, workers=1, limit=5, overwrite=True))
    assert len(load(out, tasks=["recognition"])) == 5  # not what was fetched before


def test_a_shard_that_is_not_build_jsons_is_not_kept(corpus, tmp_path, monkeypatch):
    monkeypatch.setenv("HMER_CACHE", str(tmp_path))
    out = "s3://lab/raced"
    build(BuildOptions("hme100k", root=corpus, out=out, workers=1))
    (shard,) = (name for name in objects("raced") if name.startswith("data/"))
    right = objects("raced")[shard]
    put(f"raced/{shard}", right + b"x")
    with pytest.raises(BuildError, match=f"{shard} is damaged, or being replaced"):
        load(out)
    put(f"raced/{shard}", right)
    assert len(load(out, tasks=["recognition"])) == COUNT


def test_on_the_command_line(corpus, reference):
    words = "build", "--dataset", "hme100k", "--root", corpus, "--out", "s3://lab/cli/", "--workers", 1
    done = run_command(*words)
    assert done.returncode == 0, done.stderr
    assert "to s3://lab/cli" in done.stdout
    assert objects("cli") == reference
    assert "every row is proven" in run_command("verify", "s3://lab/cli").stdout
    assert "recognition" in run_command("show", "s3://lab/cli").stdout
    assert "was built differently (--seed: 0 there, 1 asked for" in one_line(run_command(*words, "--seed", 1))
    assert run_command(*words, "--seed", 1, "--overwrite").returncode == 0
    assert objects("cli").keys() == reference.keys()


def test_roots_on_s3(corpus, reference, tmp_path):
    """A folder, an archive, and an archive whose ending is left out."""
    upload(corpus, "corpora/HME100K")
    archive = pack_folder(corpus, "zip")
    put("packed/HME100K.zip", archive.read_bytes())
    for number, root in enumerate(
        ("s3://lab/corpora/HME100K", "s3://lab/packed/HME100K.zip", "s3://lab/packed/HME100K")
    ):
        out = tmp_path / f"out{number}"
        build(BuildOptions("hme100k", root=root, out=out, workers=1))
        assert files_of(out) == reference
    assert len(list((tmp_path / "cache").rglob("*.zip"))) == 1  # fetched once
    put("packed/HME100K.zip", archive.read_bytes()[:-30])
    with pytest.raises(CorpusError, match=r"s3://lab/packed/HME100K.zip: the archive is damaged"):
        open_files("s3://lab/packed/HME100K.zip")
    with pytest.raises(CorpusMissingError, match="nothing there"):
        open_files("s3://lab/packed/nothing")


def test_500s_and_cut_connections(corpus, reference, server, monkeypatch, tmp_path):
    """Every fifth request fails in some way, to the root as to the output: the same bytes."""
    upload(corpus, "faulty-root")
    with FaultyProxy(server, share_500=0.12, share_cut=0.08) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
        fsspec.get_filesystem_class("s3").clear_instance_cache()
        build(BuildOptions("hme100k", root="s3://lab/faulty-root", out="s3://lab/faulty", workers=1))
        assert not verify("s3://lab/faulty", 1).faults
    assert proxy.faults["500"] > 3
    assert proxy.faults["cut request"] + proxy.faults["cut answer"] > 3
    monkeypatch.undo()
    assert objects("faulty") == reference


def test_a_store_that_is_down(corpus, server, monkeypatch, tmp_path):
    """One line that says what was tried; nothing half written; it goes on when the store is back."""
    with FaultyProxy(server) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        fsspec.get_filesystem_class("s3").clear_instance_cache()
        proxy.down = True
        options = BuildOptions("hme100k", root=corpus, out="s3://lab/down", workers=1)
        with pytest.raises(BuildError, match=r"cannot write to s3://lab/down: tried 6 times"):
            build(options)
        with pytest.raises(CorpusError, match="tried 6 times"):
            open_files("s3://lab/down-root")
        proxy.down = False
        assert build(options).summary["splits"]["train"]["samples"] == COUNT


def test_damage_is_found_and_made_again(corpus, reference):
    out, shard = "s3://lab/damaged", "data/train-00000-of-00001.parquet"
    options = BuildOptions("hme100k", root=corpus, out=out, workers=1)
    build(options)
    data = bytearray(reference[shard])
    data[len(data) // 2] ^= 1
    put(f"damaged/{shard}", bytes(data))
    assert any("SHA-256 differs" in fault for fault in verify(out, 1).faults)
    assert build(options).rebuilt == 1
    assert objects("damaged") == reference


def test_resume_and_ranks(corpus, reference):
    """A marker whose shard is gone does not count; an unfinished build is gone on with."""
    options = BuildOptions("hme100k", root=corpus, out="s3://lab/ranks", workers=1, valid_share=0.3)
    done = build_rank(options, 1, 2)
    assert (done.written, done.remaining, done.built) == (1, 1, None)
    before = objects("ranks")
    assert sorted(before) == [
        ".build/earlier.json",
        ".build/plan.json",
        ".build/valid-00000-of-00001.json",
        "data/valid-00000-of-00001.parquet",
    ]
    boto3.client("s3").delete_object(Bucket="lab", Key="ranks/data/valid-00000-of-00001.parquet")
    assert build_rank(options, 0, 2).remaining == 1
    build(options)
    assert not verify("s3://lab/ranks", 1).faults
    assert json.loads(objects("ranks")["build.json"])["splits"].keys() == {"train", "valid"}


def test_strangers_are_spared(corpus):
    put("mine/thesis.tex", b"mine")
    for overwrite in (False, True):
        with pytest.raises(BuildError, match="choose another --out"):
            build(BuildOptions("hme100k", root=corpus, out="s3://lab/mine", overwrite=overwrite))
    assert objects("mine") == {"thesis.tex": b"mine"}


def test_what_is_not_there(corpus, monkeypatch):
    words = "build", "--dataset", "hme100k", "--root", corpus, "--out"
    assert "bucket" in one_line(run_command(*words, "s3://no-such-bucket/out", env=dict(os.environ))).lower()
    with pytest.raises(MissingLibraryError, match="gcsfs"):
        build(BuildOptions("hme100k", root=corpus, out="gs://lab/out"))
    assert "nosuch" in one_line(run_command(*words, "nosuch://lab/out"))
