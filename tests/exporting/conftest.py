"""What the tests of the outputs share: a small build, made once and never written to."""

import shutil
from pathlib import Path

import pytest

from hmer_tasks.pipeline import BuildOptions, build
from tests.pipeline.conftest import make_hme100k

# A recogniser that answers with LLaMA-Factory's own placeholder, in something that does not parse: what
# does would be put in explicit form, where the word is seven tokens.
HOSTILE = "x ^ { <image>"


@pytest.fixture(scope="session")
def source(tmp_path_factory) -> Path:
    """A build with two splits, a reading that holds a placeholder, and several shards."""
    place = tmp_path_factory.mktemp("outputs")
    root = make_hme100k(make_hme100k(place / "HME100K", 30), 8, "test")
    out = place / "out"
    labels = root / "train/train_labels.txt"
    first = labels.read_text().split("\n")[0].split("\t")
    mined = place / "mined.tsv"
    mined.write_text(f"{first[0]}\t{first[1]}\t{HOSTILE}\n")
    build(BuildOptions("hme100k", root, out=out, errors=f"{mined},synthetic", workers=1))
    return out


@pytest.fixture
def built(source, tmp_path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(source, tmp_path / "built"))
