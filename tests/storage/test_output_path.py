"""No command writes over what it reads, nor over what is read-only, whoever asks for it."""

import os

import pytest

from hmer_tasks.exceptions import BuildError, UsageError
from hmer_tasks.storage.output_path import validate_output_path
from hmer_tasks.utils.files import atomic_write
from tests.pipeline.conftest import make_hme100k, one_line, run_command


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "labels.tsv"
    path.write_text("a\tx\nb\tx ^\n")
    return path


def test_a_file_of_its_own(labels, tmp_path):
    assert validate_output_path(tmp_path / "new", (labels, None, "s3://lab/rows")) == tmp_path / "new"


@pytest.mark.parametrize("way", ("itself", "hard link", "soft link", "its folder", "by another path"))
def test_an_input(labels, tmp_path, way):
    out = tmp_path / "out"
    if way == "hard link":
        os.link(labels, out)
    elif way == "soft link":
        out.symlink_to(labels)
    else:
        out = tmp_path / "." / ".." / tmp_path.name / "labels.tsv"
    given = tmp_path if way == "its folder" else labels
    with pytest.raises(UsageError, match="what this command reads"):
        validate_output_path(out, (given,))


def test_a_file_that_would_be_in_the_corpus(tmp_path):
    """It might be taken for labels the next time."""
    (tmp_path / "corpus").mkdir()
    with pytest.raises(UsageError, match=r"would be in .*corpus, which is read"):
        validate_output_path(tmp_path / "corpus" / "leaks.jsonl", (tmp_path / "corpus",))


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "there")
    atomic_write(tmp_path / "link", "x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there").read_text() == "x"
    assert len(list(tmp_path.iterdir())) == 2


def test_what_cannot_be_written(labels, tmp_path):
    """A read-only file is left alone by root as well."""
    labels.chmod(0o444)
    for out, why in (
        (labels, "read-only"), (tmp_path, "is a folder"), (tmp_path / "no/where", "no folder"),
    ):  # fmt: skip
        with pytest.raises(BuildError, match=why):
            validate_output_path(out)
    with pytest.raises(UsageError, match="s3://lab/x"):
        validate_output_path(tmp_path.__class__("s3://lab/x"))


def test_no_command_writes_over_its_input(labels, tmp_path):
    predictions = tmp_path / "predictions.tsv"
    predictions.write_text("a\tx\ty\n")
    root = make_hme100k(tmp_path / "HME100K", 5)
    owners = root / "train/train_labels.txt"
    corpus = "--dataset", "hme100k", "--root", root
    before = {path: path.read_bytes() for path in (labels, predictions, owners)}
    for words in (
        ("check", labels, "--rejects", labels),
        ("check", *corpus, "--rejects", owners),
        ("folds", *corpus, "-o", owners),
        ("errors", "fit", predictions, "-o", predictions),
        ("errors", "mine", predictions, "-o", predictions),
        ("evaluate", predictions, "--html", predictions),
        ("evaluate", predictions, "--labels", labels, "--cdm-json", labels),
        ("audit", "--labels", labels, "-o", labels),
        ("audit", *corpus, "-o", owners),
        ("report", tmp_path, "-o", "s3://x/y"),
    ):
        one_line(run_command(*words), 2)
    assert {path: path.read_bytes() for path in before} == before
    assert "both go to the terminal" in one_line(
        run_command("check", labels, "--json", "--rejects", "/dev/stdout"), 2
    )
    assert run_command("check", labels, "--rejects", "/dev/stdout").stdout.count('"missing_argument"') == 1
