"""The wheel works away from the repository: grammar and data travel in it, and the command runs."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent


def run(*words: object, cwd: Path, **options) -> subprocess.CompletedProcess[str]:
    """A command in a folder of its own, with nothing of this process's Python about it."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [*map(str, words)],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        **options,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", out, REPOSITORY, cwd=out)
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def bin_folder(wheel, tmp_path_factory):
    """A clean environment with the wheel in it; its dependencies are lent, the project itself is not."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    venv.create(folder, with_pip=True)
    python = folder / "bin/python"
    constraints = REPOSITORY / "constraints.txt"
    run(python, "-m", "pip", "install", "--no-deps", "-c", constraints, wheel, cwd=folder)
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder)
    # A .pth file adds the folder of packages, and not what its own .pth files (an editable install) add.
    (Path(site.stdout.strip()) / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def test_what_travels(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for path in (REPOSITORY / "grammar").iterdir():
        if path.suffix in (".lark", ".toml"):
            assert f"hmer_tasks/grammar/{path.name}" in names
    for path in (REPOSITORY / "hmer_tasks").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert str(path.relative_to(REPOSITORY)) in names
    assert not [name for name in names if name.startswith(("tests/", "bench/", "trainer/"))]
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_it_is_the_wheel_that_runs(bin_folder, tmp_path):
    done = run(bin_folder / "python", "-c", "import hmer_tasks; print(hmer_tasks.__file__)", cwd=tmp_path)
    assert Path(done.stdout.strip()).is_relative_to(bin_folder.parent)


def test_every_module_can_be_imported(bin_folder, tmp_path):
    code = (
        "import hmer_tasks, importlib, pkgutil\n"
        "for module in pkgutil.walk_packages(hmer_tasks.__path__, 'hmer_tasks.'):\n"
        "    if '.grammar' not in module.name: importlib.import_module(module.name)\n"
    )
    run(bin_folder / "python", "-c", code, cwd=tmp_path)


def test_the_command_runs_elsewhere(bin_folder, tmp_path):
    command = bin_folder / "hmer-tasks"
    done = run(command, "parse", "\\frac { a } { b }", "--as", "text", cwd=tmp_path)
    assert done.stdout == "\\frac\n\ta (above)\n\tb (below)\n"
    run(command, "normalize", "--profile", "crohme", cwd=tmp_path, input="$x^2$\n")
    run(command, "build", "--dataset", "sample", cwd=tmp_path)
    assert (tmp_path / "build/sample/build.json").is_file()
    assert "every row is proven" in run(command, "verify", "build/sample", cwd=tmp_path).stdout


def test_the_sdist_makes_the_same_wheel(wheel, tmp_path):
    """What pip installs from an index that has no wheel, or from a git URL."""
    run(sys.executable, "-m", "build", "--sdist", "--outdir", tmp_path, REPOSITORY, cwd=tmp_path)
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "source", filter="data")
        names = {Path(name).relative_to(Path(name).parts[0]).as_posix() for name in archive.getnames()}
    assert {"Dockerfile", "Makefile", "constraints.txt", "CHANGELOG.md", "trainer/sft.py"} <= names
    (source,) = (tmp_path / "source").iterdir()
    run(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, source, cwd=tmp_path)
    (again,) = tmp_path.glob("*.whl")
    contents = []
    for path in (wheel, again):
        with zipfile.ZipFile(path) as archive:
            contents.append({name: archive.read(name) for name in archive.namelist()})
    assert contents[0] == contents[1]
