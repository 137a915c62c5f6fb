"""`hmer-tasks datasets`: every corpus with where it comes from, and whether it is found."""

import io
import tarfile

import pytest
from typer.testing import CliRunner

from hmer_tasks.cli.app import app
from hmer_tasks.corpora import CORPORA


@pytest.fixture
def listed(tmp_path, monkeypatch):
    """The command's output, run where `data/` is made on the spot."""
    monkeypatch.chdir(tmp_path)

    def run(width: int = 80) -> str:
        done = CliRunner().invoke(app, ["datasets"], env={"COLUMNS": str(width)})
        assert done.exit_code == 0, done.output
        return done.output

    return run


@pytest.mark.parametrize("width", (40, 80, 300))
def test_every_corpus_is_told(listed, width):
    text = listed(width)
    flat = " ".join(text.split())
    for name, corpus in CORPORA.items():
        assert f"{name}: " in text
        for fact in (corpus.origin, corpus.licence, corpus.layout, ", ".join(corpus.splits)):
            assert " ".join(fact.split()) in flat
    long = [line for line in text.split("\n") if len(line) > width and len(line.split()) > 3]
    assert not long or width == 40


def test_what_is_here(listed, tmp_path):
    home = tmp_path / "data/MNE/N1"
    home.mkdir(parents=True)
    (home / "caption.txt").write_text("N1_0\tx\n")
    (tmp_path / "data/Im2LaTeXv2").mkdir()
    (tmp_path / "data/CROHME.zip").write_bytes(b"no zip")
    with tarfile.open(tmp_path / "data/mathwriting-2024.tgz", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("mathwriting-2024/train/x.inkml"), io.BytesIO())
    text = listed()
    assert "mne: found at data/MNE (N1)" in text
    assert "im2latexv2: data/Im2LaTeXv2 is there, but none of its splits" in text
    assert "crohme: cannot be read: data/CROHME.zip" in " ".join(text.split())
    assert "mathwriting: found, packed: data/mathwriting-2024.tgz" in text
    assert "hme100k: not found at data/HME100K" in text
    assert "sample: always here" in text
