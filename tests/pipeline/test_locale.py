"""The locale changes no byte of a build, or one line says what to set."""

import os
import shutil
import subprocess

import pytest

from tests.pipeline.conftest import files_of, make_hme100k, one_line, run_command

BUILD = ("build", "--dataset", "hme100k", "--tasks", "recognition", "--workers", 1)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = make_hme100k(tmp_path_factory.mktemp("locale") / "HME100K", 3)
    (root / "train/train_images/train_1.jpg").rename(root / "train/train_images/é.jpg")
    labels = root / "train/train_labels.txt"
    labels.write_text(labels.read_text(encoding="utf-8").replace("train_1.jpg", "é.jpg"), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def reference(root, tmp_path_factory):
    out = tmp_path_factory.mktemp("reference") / "out"
    assert run_command(*BUILD, "--root", root, "--out", out, env=environment("C.UTF-8")).returncode == 0
    assert (out / "rejects.jsonl").read_text() == ""
    return files_of(out)


def environment(locale, **more):
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LC_", "LANG", "PYTHONUTF8"))
    }
    return {**kept, "LC_ALL": locale, **more}


@pytest.mark.parametrize("locale", ("C", "POSIX", "", "no_SUCH.ISO-8859-1"))
def test_the_same_bytes(root, reference, tmp_path, locale):
    done = run_command(*BUILD, "--root", root, "--out", tmp_path / "out", env=environment(locale))
    assert done.returncode == 0, done.stderr
    assert files_of(tmp_path / "out") == reference


def refused(root, out, env):
    line = one_line(run_command(*BUILD, "--root", root, "--out", out, env=env, encoding="latin-1"))
    assert "set PYTHONUTF8=1" in line
    assert not out.exists()
    return line


def test_ascii(root, reference, tmp_path):
    env = environment("C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert "ascii" in refused(root, tmp_path / "out", env)
    env["PYTHONUTF8"] = "1"
    assert run_command(*BUILD, "--root", root, "--out", tmp_path / "out", env=env).returncode == 0
    assert files_of(tmp_path / "out") == reference


def test_latin_1(root, reference, tmp_path):
    compiled = shutil.which("localedef") and subprocess.run(
        ["localedef", "-i", "en_US", "-f", "ISO-8859-1", tmp_path / "en_US.ISO-8859-1"],
        capture_output=True,
        check=False,
    )
    if not compiled or not (tmp_path / "en_US.ISO-8859-1").is_dir():
        pytest.skip("no localedef, or no sources of locales")
    env = environment("en_US.ISO-8859-1", LOCPATH=str(tmp_path))
    assert "iso8859-1" in refused(root, tmp_path / "out", env)
    env["PYTHONUTF8"] = "1"
    assert run_command(*BUILD, "--root", root, "--out", tmp_path / "out", env=env).returncode == 0
    assert files_of(tmp_path / "out") == reference
