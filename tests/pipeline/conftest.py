"""What the tests of the build share: corpora made on the spot, and the command run as a process."""

import io
import json
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

Run = Callable[..., subprocess.CompletedProcess[str]]

PATTERNS = (
    "x ^ { 2 } + {n} = 0",
    "\\frac { a _ { {n} } } { b }",
    "\\sqrt { {n} y } - \\alpha",
    "\\sum _ { i = 1 } ^ { {n} } i",
    "\\begin {cases} x & {n} \\\\ y & 2 \\end {cases}",
    "\\int f ( x ) d x = {n}",
)


def label_of(number: int) -> str:
    """A label of its own for each number."""
    return PATTERNS[number % len(PATTERNS)].replace("{n}", " ".join(str(number)))


def noise(seed: int, size: tuple[int, int] = (40, 20)) -> bytes:
    """A JPEG that no compression makes smaller."""
    image = Image.frombytes("L", size, random.Random(seed).randbytes(size[0] * size[1]))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()


def make_hme100k(root: Path, count: int, split: str = "train", size: tuple[int, int] = (40, 20)) -> Path:
    """A split in the owners' layout."""
    folder = root / split / f"{split}_images"
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"{split}_{number}.jpg").write_bytes(noise(number, size))
    lines = (f"{split}_{number}.jpg\t{label_of(number)}\n" for number in range(count))
    (root / split / f"{split}_labels.txt").write_text("".join(lines), encoding="utf-8")
    return root


def rows_of(out: Path) -> list[dict]:
    """All rows of a build, shard after shard."""
    return [row for path in sorted((out / "data").iterdir()) for row in pq.read_table(path).to_pylist()]


def files_of(out: Path) -> dict[str, bytes]:
    """Every file of a folder, by name."""
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def summary_of(out: Path) -> dict:
    return json.loads((out / "build.json").read_text(encoding="utf-8"))


def rejects_of(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "rejects.jsonl").read_text(encoding="utf-8").splitlines()]


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "hmer_tasks", *map(str, words)]


def without_progress(stderr: str) -> str:
    """What a command said, but for its progress and what it tries again: a busy machine is slow enough to see some."""
    return re.sub(r"^([\d,]+/[\d,]+ [\w .]+, .* left|.*, trying again)\n", "", stderr, flags=re.MULTILINE)


def run_command(*words: object, **options) -> subprocess.CompletedProcess[str]:
    """Run `hmer-tasks`; whatever it does, it prints no traceback."""
    options = {"capture_output": True, "text": True, "timeout": 240, **options}
    done = subprocess.run(command(*words), check=False, **options)
    done.stderr = without_progress(done.stderr)
    assert "Traceback" not in done.stderr, done.stderr
    assert "bug, please report" not in done.stderr, done.stderr
    return done


def one_line(done: subprocess.CompletedProcess[str], code: int = 1) -> str:
    """The one line of a failed command."""
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("hmer-tasks: ")
    return done.stderr.strip()


@pytest.fixture(scope="session")
def small(tmp_path_factory) -> Path:
    """Sixty samples, one shard; never written to."""
    return make_hme100k(tmp_path_factory.mktemp("small") / "HME100K", 60)


@pytest.fixture(scope="session")
def large(tmp_path_factory) -> Path:
    """Samples for four shards in two splits; never written to."""
    root = make_hme100k(tmp_path_factory.mktemp("large") / "HME100K", 4_100)
    return make_hme100k(root, 300, "test")
