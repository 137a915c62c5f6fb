"""A folder in which the commands of a page are run: tiny corpora in their official layouts, predictions, the sample."""

import io
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests.conftest import REPOSITORY
from tests.docs.run import run
from tests.pipeline.conftest import label_of, make_hme100k

SAMPLE = "hmer-tasks build --dataset sample"


def _bitmap(number: int) -> bytes:
    """White ink on black, as the caption layout has it."""
    image = Image.new("L", (80, 40), 0)
    ImageDraw.Draw(image).text((10, 8), str(number), fill=255, font_size=20)
    buffer = io.BytesIO()
    image.save(buffer, "BMP")
    return buffer.getvalue()


def _make_crohme(root: Path) -> None:
    for split, count in (("train", 12), ("2014", 8)):
        folder = root / split / "img"
        folder.mkdir(parents=True)
        names = [f"{split}_{number}" for number in range(count)]
        for number, name in enumerate(names):
            (folder / f"{name}.bmp").write_bytes(_bitmap(number))
        lines = (f"{name}\t{label_of(number)}\n" for number, name in enumerate(names))
        (root / split / "caption.txt").write_text("".join(lines), encoding="utf-8")


def _predictions(source: str, name: str, count: int, every: int) -> str:
    """JSON lines of a recogniser that takes 1 for a 7, or loses a sign, in every so many-th label."""
    lines = []
    for number in range(count):
        gt = label_of(number)
        pred = gt.replace("1", "7").replace("+ ", "", 1) if number % every == 0 else gt
        line = {"source": source, "img_id": name.format(number), "gt": gt, "pred": pred}
        lines.append(json.dumps({**line, "task": "recognition", "sample": 0, "raw": pred, "stop": "eos"}))
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="session")
def sample(tmp_path_factory) -> tuple[Path, str]:
    """The embedded sample, built once for all pages, and what the command prints."""
    folder = tmp_path_factory.mktemp("sample")
    code, output = run(folder, SAMPLE.split()[1:])
    assert code == 0, output
    return folder / "build" / "sample", output


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Path:
    """What stands in the folder of every page at first; never written to."""
    root = tmp_path_factory.mktemp("pages")
    make_hme100k(root / "data" / "HME100K", 40)
    make_hme100k(root / "data" / "HME100K", 12, "test")
    _make_crohme(root / "data" / "CROHME")
    for name, text in {
        "predictions.jsonl": _predictions("hme100k/train", "train_{}.jpg", 40, 2),
        "2014.jsonl": _predictions("crohme/2014", "2014_{}", 8, 4),
        "2014-before.jsonl": _predictions("crohme/2014", "2014_{}", 8, 2),
    }.items():
        (root / name).write_text(text, encoding="utf-8")
    labels = "".join(f"{number}.png\t{label_of(number)}\n" for number in range(60))
    (root / "labels.tsv").write_text(labels, encoding="utf-8")
    return root


@pytest.fixture
def folder(template, sample, tmp_path) -> Path:
    """A folder of a page's own."""
    root = tmp_path / "page"
    shutil.copytree(template, root)
    shutil.copytree(REPOSITORY / "examples", root / "examples")
    return root
