"""What stands in a shard: schema, pictures, order, groups, size; and how it is loaded again."""

import io
import json
import subprocess
import sys

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from hmer_tasks import load
from hmer_tasks.exceptions import BuildError
from hmer_tasks.pipeline import BuildOptions, build
from hmer_tasks.shards.records import SampleRows
from hmer_tasks.shards.writer import _table
from hmer_tasks.tasks import TASK_NAMES, all_tasks
from hmer_tasks.tasks.base import Row
from tests.pipeline.conftest import label_of, make_hme100k, rows_of, summary_of

MESSAGES = datasets.List({"role": datasets.Value("string"), "content": datasets.Value("string")})
TEXT = datasets.Value("string")
FEATURES = datasets.Features(
    {
        "id": TEXT,
        "source": TEXT,
        "task": TEXT,
        "images": datasets.List(datasets.Image()),
        "prompt": MESSAGES,
        "completion": MESSAGES,
        "label": TEXT,
        "gt": TEXT,
        "candidate": TEXT,
        "marked": TEXT,
    }
)


@pytest.fixture(scope="module")
def real_sized(tmp_path_factory):
    """230 samples with pictures of about 15 KB."""
    return make_hme100k(tmp_path_factory.mktemp("sized") / "HME100K", 230, size=(190, 110))


@pytest.fixture(scope="module")
def built(real_sized, tmp_path_factory):
    out = tmp_path_factory.mktemp("built") / "out"
    build(BuildOptions("hme100k", root=real_sized, out=out, workers=1))
    return out


def shards(out):
    return sorted((out / "data").iterdir())


def test_the_schema_is_what_datasets_would_write(built):
    schema = pq.read_schema(shards(built)[0])
    assert schema.equals(FEATURES.arrow_schema)
    written, wanted = schema.metadata[b"huggingface"], FEATURES.arrow_schema.metadata[b"huggingface"]
    assert json.loads(written) == json.loads(wanted)
    assert datasets.Features.from_arrow_schema(schema) == FEATURES


def test_rows_are_those_of_the_corpus_in_its_order(built, real_sized):
    rows = rows_of(built)
    assert [(row["id"], row["task"]) for row in rows] == [
        (f"train_{n}.jpg", task) for n in range(230) for task in TASK_NAMES
    ]
    for number in range(230):
        picture = (real_sized / f"train/train_images/train_{number}.jpg").read_bytes()
        for row in rows[5 * number : 5 * number + 5]:
            assert row["images"] == [{"bytes": picture, "path": f"train_{number}.jpg"}]
            assert row["label"] == row["gt"] == label_of(number)
            assert row["source"] == "hme100k/train"


def test_every_row_holds_its_proof(built):
    tasks = all_tasks()
    for row in rows_of(built):
        assert [turn["role"] for turn in row["prompt"] + row["completion"]] == ["user", "assistant"]
        prompt, target = row["prompt"][0]["content"], row["completion"][0]["content"]
        tasks[row["task"]].check(
            Row(row["task"], row["label"], prompt, target, row["candidate"], row["marked"])
        )
        assert (row["candidate"] is None) == (not row["task"].startswith("error_"))
        assert row["candidate"] != row["label"]


def test_groups_and_page_index(built):
    metadata = pq.ParquetFile(shards(built)[0]).metadata
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    assert [group.num_rows for group in groups] == [500, 500, 150]  # 100 pictures with five rows each
    for group in groups:
        columns = [group.column(index) for index in range(group.num_columns)]
        assert all(column.compression == "ZSTD" for column in columns)
        assert all(column.has_offset_index for column in columns)
        assert any(column.has_column_index for column in columns)


def test_size(built, real_sized):
    pictures = [path.stat().st_size for path in (real_sized / "train/train_images").iterdir()]
    assert 12_000 < sum(pictures) / len(pictures) < 20_000
    lines = []
    for row in rows_of(built):
        del row["images"]
        lines.append(json.dumps(row, ensure_ascii=False))
    text = len(pa.Codec("zstd", 3).compress("\n".join(lines).encode(), asbytes=True))
    assert sum(path.stat().st_size for path in shards(built)) <= 1.15 * (sum(pictures) + text)


def test_datasets_opens_the_folder(built, tmp_path):
    rows = datasets.load_dataset(str(built), cache_dir=str(tmp_path))
    assert list(rows) == ["train"]
    assert rows["train"].features == FEATURES
    assert len(rows["train"]) == 1150
    picture = rows["train"][7]["images"][0]
    assert isinstance(picture, Image.Image)
    assert picture.size == (190, 110)


def test_load(built, monkeypatch, tmp_path):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    assert len(load(built)) == 1150
    counted = load(str(built), tasks=["counting", "recognition"], split="train")
    assert counted["task"][:4] == ["recognition", "counting"] * 2
    assert len(counted) == 460
    assert counted[0]["images"][0].size == (190, 110)
    with pytest.raises(BuildError, match="no split 'test'; there is train"):
        load(built, split="test")
    with pytest.raises(BuildError, match="no task 'count'"):
        load(built, tasks=["count"])
    with pytest.raises(BuildError, match=r"no build\.json"):
        load(tmp_path)


def test_large_photographs_make_smaller_groups(tmp_path):
    """A hundred of them, once a task, would be more than Arrow takes in one piece."""
    root = tmp_path / "photographs"
    root.mkdir()
    buffer = io.BytesIO()
    Image.effect_noise((2200, 2200), 90).save(buffer, "PNG", compress_level=0)
    for number in range(12):
        (root / f"{number}.png").write_bytes(buffer.getvalue())
    (root / "labels.tsv").write_text("".join(f"{n}.png\tx + {'y ' * n}\n" for n in range(12)))
    out = tmp_path / "out"
    build(BuildOptions("folder", root=root, out=out, workers=1))
    metadata = pq.ParquetFile(shards(out)[0]).metadata
    rows = [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]
    assert sum(rows) == 60
    assert max(rows) * len(buffer.getvalue()) <= 128 * 1024 * 1024
    assert all(count % 5 == 0 for count in rows)


def test_a_shard_holds_2000_inputs(large, tmp_path):
    build(BuildOptions("hme100k", root=large, out=tmp_path / "out", tasks=("recognition",)))
    assert {path.name: pq.read_metadata(path).num_rows for path in shards(tmp_path / "out")} == {
        "test-00000-of-00001.parquet": 300,
        "train-00000-of-00003.parquet": 2000,
        "train-00001-of-00003.parquet": 2000,
        "train-00002-of-00003.parquet": 100,
    }
    summary = summary_of(tmp_path / "out")
    assert {split: entry["rows"] for split, entry in summary["splits"].items()} == {
        "train": 4100,
        "test": 300,
    }
    splits = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert {name: len(rows) for name, rows in splits.items()} == {"train": 4100, "test": 300}


def test_a_build_loads_no_pandas(tmp_path):
    code = (
        "import sys; from hmer_tasks.pipeline.plan import BuildOptions; from hmer_tasks.pipeline.ranks import build_rank; "
        f"from pathlib import Path; options = BuildOptions('sample', limit=5, out=Path({str(tmp_path / 'out')!r})); "
        "build_rank(options, 0, 1, in_process=True); print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_columns_hold_what_they_were_given():
    row = Row("counting", "a", "ask", "", None, "\u221a")
    samples = [
        SampleRows("1", "s", "\u00e9", b"\0\xff", "1.png", (row, row)),
        SampleRows("", "s", "", b"x", "\u4e2d", (row,)),
    ]
    table = _table(samples)
    table.validate(full=True)
    assert table.column("images").to_pylist() == [
        *[[{"bytes": b"\0\xff", "path": "1.png"}]] * 2, [{"bytes": b"x", "path": "\u4e2d"}]
    ]  # fmt: skip
    assert table.column("candidate").to_pylist() == [None] * 3
    assert table.column("marked").to_pylist() == ["\u221a"] * 3
    assert table.column("gt").to_pylist() == ["\u00e9"] * 2 + [""]
