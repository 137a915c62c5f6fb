"""The same arguments give the same bytes: workers, runs, a folder or an archive make no difference."""

import shutil

import pytest

from hmer_tasks.pipeline import BuildOptions, build
from hmer_tasks.shards.verifier import verify
from tests.fixtures import pack_folder
from tests.pipeline.conftest import files_of, make_hme100k, rejects_of


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Three shards: 2,200 inputs, some of them refused, and a test split."""
    root = make_hme100k(tmp_path_factory.mktemp("corpus") / "HME100K", 2_200)
    make_hme100k(root, 40, "test")
    labels = root / "train/train_labels.txt"
    lines = labels.read_bytes().split(b"\n")
    lines[5:5] = [
        b"train_1.jpg\tx",
        b"gone.jpg\ty",
        b"no tab here",
        b"train_2.jpg\t\\frac { 1 }",
        b"b\xe9.jpg\tx",
    ]
    labels.write_bytes(b"\n".join(lines))
    return root


@pytest.fixture(scope="module")
def reference(corpus, tmp_path_factory):
    out = tmp_path_factory.mktemp("reference") / "out"
    run(corpus, out, 1)
    files = files_of(out)
    assert sorted(files) == [
        "README.md",
        "build.json",
        "croissant.json",
        "data/test-00000-of-00001.parquet",
        "data/train-00000-of-00002.parquet",
        "data/train-00001-of-00002.parquet",
        "data/valid-00000-of-00001.parquet",
        "rejects.jsonl",
    ]
    return files


def run(root, out, workers):
    build(BuildOptions("hme100k", root=root, out=out, workers=workers, valid_share=0.2, seed=3))


@pytest.mark.parametrize("workers", (1, 2, 3))
def test_workers(corpus, reference, tmp_path, workers):
    run(corpus, tmp_path / "out", workers)
    assert files_of(tmp_path / "out") == reference


@pytest.mark.parametrize("kind", ("zip", "tar", "tar.gz", "tar.xz"))
def test_archives(corpus, reference, tmp_path, kind):
    copy = shutil.copytree(corpus, tmp_path / "HME100K")
    archive = pack_folder(copy, kind)
    run(archive, tmp_path / "out", 2)
    assert files_of(tmp_path / "out") == reference


def test_another_seed_gives_other_bytes(corpus, reference, tmp_path):
    build(BuildOptions("hme100k", root=corpus, out=tmp_path / "out", valid_share=0.2, seed=4))
    files = files_of(tmp_path / "out")
    assert files["data/test-00000-of-00001.parquet"] != reference["data/test-00000-of-00001.parquet"]


@pytest.mark.corpora
def test_real_ink_read_in_place(corpora, tmp_path):
    """A competition's own archive: every expression a sample, whatever the number of workers."""
    archive = corpora / "crohme/test2014_inkml.tar.xz"
    for workers in (1, 2):
        options = BuildOptions(
            "crohme",
            root=archive,
            splits=("2014",),
            out=tmp_path / f"{workers}",
            limit=300,
            workers=workers,
        )
        build(options)
    assert files_of(tmp_path / "1") == files_of(tmp_path / "2")
    report = verify(tmp_path / "1")
    assert (report.faults, report.samples + len(rejects_of(tmp_path / "1"))) == ([], 300)
    assert report.samples >= 297
