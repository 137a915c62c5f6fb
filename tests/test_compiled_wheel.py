"""The compiled wheel: that it is one, that HMER_PURE=1 runs its sources, and that both write the same bytes.

It is compiled without optimisation here, which takes a third of the time. `make test-compiled` runs the tests of
the core on the wheel as it is shipped.
"""

import os
import shutil
import sys
import sysconfig
import tomllib
import venv
from hashlib import sha256
from pathlib import Path

import pytest

from tests.test_wheel import REPOSITORY, run

pytestmark = pytest.mark.skipif(
    not any(shutil.which(name) for name in (os.environ.get("CC", "cc"), "gcc", "clang")),
    reason="no C compiler: `apt install gcc` or `xcode-select --install` gets one",
)
PICKLED = """
import pickle, sys
from hmer_tasks import LabelError, parse, parse_tree_text, tree_text
from hmer_tasks.errors.noise.model import shipped_model
from hmer_tasks.errors.noise.patterns import mistakes
from hmer_tasks.latex import nodes
from hmer_tasks.latex.tables import tables
assert nodes.__file__.endswith(sys.argv[1]), nodes.__file__
tree = parse(r"\\frac { a } { b } ^ { 2 } + 1")
assert pickle.loads(pickle.dumps(tree)) == tree == parse_tree_text(tree_text(tree))
model = pickle.loads(pickle.dumps(shipped_model()))
assert model.places(["<start>", "x"]).cumulative == shipped_model().places(["<start>", "x"]).cumulative
for value in (mistakes(["a", "b"], ["a", "c"]), tables()):
    assert pickle.loads(pickle.dumps(value)) == value
try:
    parse("{ x")
except LabelError as error:
    assert str(pickle.loads(pickle.dumps(error))) == str(error) == "unbalanced_brace at token 0: this brace is " \
        "still open at the end", str(error)
"""


@pytest.fixture(scope="module")
def bin_folder(tmp_path_factory):
    """An environment with the compiled wheel in it; the libraries are lent."""
    folder = tmp_path_factory.mktemp("compiled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HATCH_BUILD_HOOKS_ENABLE", "1")
        patch.setenv("MYPYC_OPT_LEVEL", "0")
        run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, REPOSITORY, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    assert f"-{tag}-{tag}-" in wheel.name
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv/bin/python"
    run(python, "-m", "pip", "install", "--no-deps", wheel, cwd=folder)
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder)
    (Path(site.stdout.strip()) / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "venv/bin"


def test_either_runs_from_the_same_wheel(bin_folder, tmp_path, monkeypatch):
    assert "(compiled)" in run(bin_folder / "hmer-tasks", "--version", cwd=tmp_path).stdout
    run(bin_folder / "python", "-c", PICKLED, ".so", cwd=tmp_path)
    monkeypatch.setenv("HMER_PURE", "1")
    assert "(pure Python)" in run(bin_folder / "hmer-tasks", "--version", cwd=tmp_path).stdout
    run(bin_folder / "python", "-c", PICKLED, ".py", cwd=tmp_path)


def test_the_same_bytes_and_messages(bin_folder, tmp_path, monkeypatch):
    command = [bin_folder / "hmer-tasks", "build", "--dataset", "sample", "--no-images"]
    shards = []
    for pure, workers in (("", 1), ("", 2), ("1", 1)):
        monkeypatch.setenv("HMER_PURE", pure)
        out = tmp_path / f"build{pure}{workers}"
        run(*command, "--workers", workers, "--out", out, cwd=tmp_path)
        shards.append(
            {path.name: sha256(path.read_bytes()).hexdigest() for path in out.glob("data/*.parquet")}
        )
    assert shards[0] and shards[0] == shards[1] == shards[2]


def test_no_compiled_module_has_a_cached_property():
    """Mypyc works one out at each access."""
    wheel = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    modules = wheel["hooks"]["custom"]["modules"]
    assert "hmer_tasks/latex/tables.py" in modules
    assert not [module for module in modules if "cached_property" in (REPOSITORY / module).read_text()]
