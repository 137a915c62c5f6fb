"""Tables of pictures and LaTeX: Parquet as `datasets` writes it and as others do, and JSON lines."""

import base64
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hmer_tasks.corpora import CORPORA, Rejected, open_files, parquet
from hmer_tasks.corpora.columns import Columns, parse_columns
from hmer_tasks.exceptions import CorpusError, PictureError, RejectReason, UsageError
from tests.fixtures import encode, pack_folder

COUNT = 40
LABELS = [f"$x_{{{number}}} + 1$" for number in range(COUNT)]
PICTURES = [encode((40 + number, 20), "PNG") for number in range(COUNT)]
STRUCT = pa.struct({"bytes": pa.binary(), "path": pa.string()})


def read(root, split="train", columns=None):
    """The samples of a split, pictures loaded; a picture that is refused is its reason."""
    with open_files(root) as files:
        reader = parquet.open_split(files, split, columns or Columns())
        entries = [reader[index] for index in range(len(reader))]
        assert [reader.id(index) for index in range(len(reader))] == [entry.id for entry in entries]
        return [
            entry if isinstance(entry, Rejected) else (entry.id, entry.label, *load(entry))
            for entry in entries
        ]


def load(sample):
    try:
        return sample.image.load()
    except PictureError as error:
        return error.reason, error.where


def splits(root, columns=None):
    with open_files(root) as files:
        return parquet.available(files, columns or Columns())


def write_table(root, columns, name="data/train-00000-of-00001.parquet", **options):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, **options)
    return root


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """What `push_to_hub` leaves: written by `datasets`, pictures embedded, several files a split."""
    datasets = pytest.importorskip("datasets")
    root = tmp_path_factory.mktemp("hub")
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "latex": datasets.Value("string"),
            "sample_id": datasets.Value("string"),
            "split_tag": datasets.Value("string"),
            "data_type": datasets.Value("string"),
        }
    )
    rows = {
        "image": [{"bytes": data, "path": None} for data in PICTURES],
        "latex": LABELS,
        "sample_id": [f"{number:016x}" for number in range(COUNT)],
        "split_tag": ["train"] * 30 + ["val"] * 10,
        "data_type": ["human"] * COUNT,
    }
    whole = datasets.Dataset.from_dict(rows, features=features)
    (root / "data").mkdir()
    for split, part, shards in (("train", range(30), 3), ("val", range(30, 40), 1)):
        chosen = whole.select(part)
        for number in range(shards):
            shard = chosen.shard(shards, number, contiguous=True)
            shard.to_parquet(root / "data" / f"{split}-{number:05d}-of-{shards:05d}.parquet", batch_size=7)
    (root / "README.md").write_text("---\nlicense: other\n---\n")
    (root / ".cache").mkdir()
    (root / ".cache" / "x.parquet").write_bytes(b"")
    return root


def test_a_data_set_of_the_hub(hub):
    """MathWriting-human's columns: the picture by its type, label and id by name."""
    assert splits(hub) == ("train", "val")
    train = read(hub)
    assert [row[:2] for row in train] == [(f"{number:016x}", LABELS[number]) for number in range(30)]
    assert [row[2] for row in train] == PICTURES[:30]
    assert train[3][3] == "0000000000000003.png"
    assert [row[1] for row in read(hub, "val")] == LABELS[30:]


@pytest.mark.parametrize("kind", ("zip", "tar", "tar.gz"))
def test_packed(hub, kind):
    assert read(pack_folder(hub, kind), "val") == read(hub, "val")


def test_rows_in_any_order_and_after_a_fork(hub):
    with open_files(hub) as files:
        reader = parquet.open_split(files, "train")
        backwards = [reader[index].image.load()[0] for index in reversed(range(30))]
    assert backwards == PICTURES[:30][::-1]


def test_splits_by_a_column(hub):
    columns = parse_columns("split=split_tag")
    assert splits(hub, columns) == ("train", "val")
    assert [row[1] for row in read(hub, "val", columns)] == LABELS[30:]


def test_one_file_is_the_root(hub):
    root = hub / "data" / "train-00001-of-00003.parquet"
    assert [row[1] for row in read(root)] == LABELS[10:20]


def test_configurations_are_splits_of_their_own(tmp_path):
    """LaTeX_OCR's layout: a folder a configuration, columns image and text."""
    rows = {"image": pa.array([{"bytes": PICTURES[0], "path": "a.png"}], STRUCT), "text": ["x"]}
    for name in ("human_handwrite/train", "human_handwrite/test", "synthetic-hand/train"):
        write_table(tmp_path, rows, f"{name}-00000-of-00001.parquet")
    assert splits(tmp_path) == ("human_handwrite.test", "human_handwrite.train", "synthetic_hand.train")
    assert read(tmp_path, "human_handwrite.test")[0][:2] == ("a.png", "x")
    assert splits(tmp_path / "human_handwrite") == ("test", "train")


@pytest.mark.parametrize(
    ("name", "split"),
    (
        ("train.parquet", "train"),
        ("data/test-00000-of-00002-1f0ba3c9.parquet", "test"),
        ("validation/0000.parquet", "validation"),
        ("default/test/0000.parquet", "test"),
        ("stage1-00000-of-00001.parquet", "stage1"),
        ("my_val_set.parquet", "val"),
        ("formulas.parquet", "train"),
    ),
)
def test_splits_by_file_names(tmp_path, name, split):
    write_table(tmp_path, {"image": [PICTURES[0]], "latex": ["x"]}, name)
    assert splits(tmp_path) == (split,)


@pytest.mark.parametrize(
    "images",
    (
        pa.array(PICTURES[:3]),
        pa.array(PICTURES[:3], pa.large_binary()),
        pa.array([{"bytes": data, "path": None} for data in PICTURES[:3]], STRUCT),
        pa.array([[{"bytes": data, "path": None}] for data in PICTURES[:3]], pa.list_(STRUCT)),
    ),
)
def test_kinds_of_picture_columns(tmp_path, images):
    """The name says nothing, the type does."""
    write_table(tmp_path, {"scan": images, "solution": ["a", "b", "c"]}, row_group_size=2)
    assert [row[:3] for row in read(tmp_path)] == [
        (f"{number:07d}", label, PICTURES[number]) for number, label in enumerate("abc")
    ]


def test_paths_and_urls_under_the_root(tmp_path):
    cells = [
        "img/a.png",
        "data/img/b.png",
        "../x.png",
        "/etc/passwd",
        "https://elsewhere/a.png",
        "none.png",
        "",
    ]
    write_table(tmp_path, {"image": cells, "latex": list("abcdefg")})
    for name, data in (("data/img/a.png", PICTURES[0]), ("data/img/b.png", PICTURES[1])):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    rows = read(tmp_path)
    assert [row[2] for row in rows] == [
        PICTURES[0],
        PICTURES[1],
        RejectReason.IMAGE_OUTSIDE_ROOT,
        RejectReason.IMAGE_OUTSIDE_ROOT,
        RejectReason.IMAGE_OUTSIDE_ROOT,
        RejectReason.IMAGE_MISSING,
        RejectReason.IMAGE_MISSING,
    ]
    assert rows[4][3] == "https://elsewhere/a.png"


def test_rows_without_a_label_or_a_picture_are_refused_where_they_are(tmp_path):
    images = pa.array([{"bytes": PICTURES[0], "path": None}, None, {"bytes": b"", "path": None}], STRUCT)
    write_table(tmp_path, {"image": images, "latex": [None, "b", "c"]})
    first, second, third = read(tmp_path)
    assert (first.id, first.reason) == ("0000000", RejectReason.LABEL_MISSING)
    assert first.where == "data/train-00000-of-00001.parquet, row 0"
    assert second[2] == third[2] == RejectReason.IMAGE_MISSING


def test_ids(tmp_path):
    """A column of ids, if each row has its own; else the pictures' paths; else the rows' numbers."""
    paths = [{"bytes": data, "path": f"p{number}.png"} for number, data in enumerate(PICTURES[:3])]
    images, labels = pa.array(paths, STRUCT), list("abc")
    for ids, expected in (([7, 8, 9], ["7", "8", "9"]), ([7, 7, 9], ["p0.png", "p1.png", "p2.png"])):
        write_table(tmp_path, {"image": images, "latex": labels, "id": ids})
        assert [row[0] for row in read(tmp_path)] == expected
    chosen = [
        entry.id if isinstance(entry, Rejected) else entry[0]
        for entry in read(tmp_path, columns=Columns(id="id"))
    ]
    assert chosen == ["7", "7", "9"]  # the build refuses the second as a duplicate
    write_table(tmp_path, {"image": images, "latex": labels, "id": [1, None, 3]})
    assert read(tmp_path, columns=Columns(id="id"))[1].reason is RejectReason.MALFORMED_LINE


@pytest.mark.parametrize(
    ("columns", "asked", "message"),
    (
        ({"image": [b"x"], "latex": ["a"], "text": ["b"]}, {}, "latex and text could each be the label column"),
        ({"image": [b"x"], "mask": [b"x"], "scan": [b"x"]}, {"image": "none"}, "no column 'none'; it has image"),
        ({"a": [b"x"], "b": [b"x"], "latex": ["a"]}, {}, "no picture column; it has a (binary), b (binary)"),
        ({"image": [b"x"], "one": ["a"], "two": ["b"]}, {}, "no label column; it has image (binary), one (string)"),
        ({"image": [b"x"], "label": [3]}, {}, "no label column"),  # a class, not a text
        ({"image": [b"x"], "label": [3]}, {"label": "label"}, "the column label (int64) holds no text"),
        ({"image": [1], "latex": ["a"]}, {"image": "image"}, "the column image (int64) holds no pictures"),
        ({"image": [b"x"], "latex": ["a"]}, {"id": "key"}, "no column 'key'"),
        ({"image": [b"x"], "latex": ["a"]}, {"split": "fold"}, "no column 'fold'"),
    ),
)  # fmt: skip
def test_columns_that_cannot_be_told(tmp_path, columns, asked, message):
    write_table(tmp_path, columns)
    with pytest.raises(CorpusError) as caught:
        read(tmp_path, columns=Columns(**asked))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_chosen_columns(tmp_path):
    write_table(
        tmp_path, {"a": [PICTURES[0]], "b": [PICTURES[1]], "latex": ["x"], "text": ["y"], "key": ["k"]}
    )
    assert read(tmp_path, columns=parse_columns("image=b, label=text,id=key"))[0][:3] == (
        "k",
        "y",
        PICTURES[1],
    )


@pytest.mark.parametrize(
    ("text", "message"),
    (
        ("latex", "is image=NAME"),
        ("label=", "is image=NAME"),
        ("labels=x", "no role 'labels': did you mean label"),
        ("label=x,label=y", "names the label column twice"),
        ("label=x,image=x", "gives one column two roles"),
    ),
)
def test_words_that_are_no_columns(text, message):
    with pytest.raises(UsageError, match=message):
        parse_columns(text)


def test_files_that_do_not_fit_together_or_are_broken(tmp_path):
    write_table(tmp_path, {"image": [PICTURES[0]], "latex": ["x"]}, "train-00000-of-00002.parquet")
    write_table(tmp_path, {"image": [PICTURES[0]], "text": ["x"]}, "train-00001-of-00002.parquet")
    with pytest.raises(CorpusError, match=r"train-00001-of-00002\.parquet: no column 'latex'"):
        read(tmp_path)
    (tmp_path / "train-00001-of-00002.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(CorpusError, match=r"is damaged .*; download it again"):
        read(tmp_path)


def test_labels_alone_read_no_picture(tmp_path):
    """What `check` and --no-images read: broken pictures are no matter."""
    write_table(tmp_path, {"image": [b"no picture"] * 3, "latex": list("abc")})
    with open_files(tmp_path) as files:
        reader = parquet.open_split(files, "train")
        assert [reader[index].label for index in range(3)] == ["a", "b", "c"]


def test_json_lines_with_pictures(tmp_path):
    data = base64.b64encode(PICTURES[0]).decode()
    records = [
        {"image": "img/a.png", "latex": "a"},
        {"image": {"bytes": data, "path": "b.png"}, "latex": "b"},
        {"image": f"data:image/png;base64,{data}", "latex": "c"},
        {"image": "data:image/png;base64,!", "latex": "d"},
        {"image": "img/a.png", "latex": None},
        {"image": None, "latex": "f"},
        "no object",
        {"image": {"bytes": data, "path": None}, "latex": "h"},  # as the Hub's export writes it
    ]
    (tmp_path / "img").mkdir()
    (tmp_path / "img" / "a.png").write_bytes(PICTURES[1])
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in records))
    rows = read(tmp_path)
    assert rows[0] == ("img/a.png", "a", PICTURES[1], "a.png")
    assert rows[1] == ("b.png", "b", PICTURES[0], "b.png")
    assert rows[2] == ("0000002", "c", PICTURES[0], "0000002.png")
    assert rows[3][2] == RejectReason.IMAGE_UNREADABLE
    assert (rows[4].reason, rows[4].where) == (RejectReason.LABEL_MISSING, "train.jsonl, line 5")
    assert rows[5][2] == RejectReason.IMAGE_MISSING
    assert rows[6].reason is RejectReason.MALFORMED_LINE
    assert rows[7] == ("0000007", "h", PICTURES[0], "0000007.png")
    assert read(tmp_path / "train.jsonl") == rows


@pytest.mark.parametrize(
    ("last", "ids"), [("three", ["one", "two", "three"]), ("one", ["a.png", "b.png", "c.png"])]
)
def test_json_lines_whose_ids_are_their_own_or_not(tmp_path, last, ids):
    records = [
        {"id": id, "image": name, "latex": "x"}
        for id, name in (("one", "a.png"), ("two", "b.png"), (last, "c.png"))
    ]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in records))
    with open_files(tmp_path) as files:
        reader = parquet.open_split(files, "train")
        assert [reader.id(index) for index in range(3)] == ids


def test_json_lines_that_are_no_table(tmp_path):
    (tmp_path / "train.jsonl").write_text('{"question": "x", "answer": "y"}\n')
    with pytest.raises(CorpusError, match="no image column; its keys are question, answer; choose"):
        read(tmp_path)
    (tmp_path / "train.jsonl").write_text("x\ty\n")
    with pytest.raises(CorpusError, match="not one JSON object a line"):
        read(tmp_path)


def test_the_default_corpus_reads_by_the_profile_latex(hub):
    with open_files(hub) as files:
        assert CORPORA["parquet"].open_split(files, "val").profile == "latex"


def test_a_table_without_rows(tmp_path):
    write_table(
        tmp_path,
        {"id": pa.array([], pa.string()), "image": pa.array([], STRUCT), "latex": pa.array([], pa.string())},
    )
    assert read(tmp_path) == []
