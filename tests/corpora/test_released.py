"""The authors' published rows: 26 configurations in Parquet, and the candidates of their error rows."""

import json
import multiprocessing

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hmer_tasks.cli.released import released as command
from hmer_tasks.corpora import CORPORA, Rejected, open_files
from hmer_tasks.corpora.released import CONFIGS, candidates
from hmer_tasks.exceptions import CorpusError, PictureError, RejectReason, UsageError
from hmer_tasks.pipeline import BuildOptions, build

RELEASED = CORPORA["released"]
ROW = pa.schema(
    [
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("conversations", pa.list_(pa.struct([("from", pa.string()), ("value", pa.string())]))),
    ]
)
ASK = "<image>I have an image of a handwritten mathematical expression. Please …"
FIND = ASK + "\n\nerroneous formula: {}\nMarked formula: "
FIX = ASK + "\n\nMarked formula: {}\nCorrection log: "


def row(data: bytes | None, name: str | None, prompt: str, answer: str) -> dict:
    turns = [{"from": "human", "value": prompt}, {"from": "gpt", "value": answer}]
    return {"image": {"bytes": data, "path": name}, "conversations": turns}


def parquet(rows: list[dict], schema: pa.Schema = ROW, group: int = 2) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), sink, row_group_size=group)
    return sink.getvalue().to_pybytes()


@pytest.fixture
def release(picture):
    """Three pictures; find rows for two of them (one twice), a fix row."""
    a, b, c = (picture((40 + at, 20)) for at in range(3))
    return {
        "crohme_train": [
            row(a, "a.jpg", ASK, "x ^ { 2 }"),
            row(b, "b.jpg", ASK, "y + 1"),
            row(c, "c.jpg", ASK, "z"),
        ],
        "crohme_train_tree": [row(a, "a.jpg", ASK, "x\n\t2 (sup)\nx ^ { 2 }")],
        "crohme_train_can": [row(b, "b.jpg", ASK, "y: 1, +: 1, 1: 1\ny + 1")],
        "crohme_train_error_find": [
            row(a, "a.jpg", FIND.format("x ^ { 3 }"), "x ^ { <error_start> 3 <error_end> }"),
            row(b, "b.jpg", FIND.format("y - 1"), "y <error_start> - <error_end> 1"),
            row(b, "b.jpg", FIND.format("y 1"), "y <deleted> 1"),
        ],
        "crohme_train_error_fix": [
            row(b, "b.jpg", FIX.format("y <deleted> 1"), "INSERT:+ after y\ny + 1"),
            row(b, "b.jpg", FIX.format("<error_start> g <error_end> + 1"), "REPLACE:g -> y\ny + 1"),
        ],
    }


def named(release, form="{0}/train-00000-of-00001.parquet"):
    return {form.format(config): parquet(rows) for config, rows in release.items()}


def read(root, split):
    with open_files(root) as files:
        reader = RELEASED.open_split(files, split)
        assert reader.profile is None
        rows = [reader[index] for index in range(len(reader))]
        assert [reader.id(index) for index in range(len(reader))] == [row.id for row in rows]
        shown = [row if isinstance(row, Rejected) else (row.id, row.label, *row.image.load()) for row in rows]
        return reader.digest(), shown


def test_the_26_configurations():
    assert len(CONFIGS) == 26
    for name in "crohme2023_can hme100k_train_tree hme100k_error_fix im2latex_v2_error_find".split():
        assert name in CONFIGS
    assert "mathwriting_train_error_find" in CONFIGS
    assert CONFIGS["hme100k_error_fix"] == ("hme100k_train", "_error_fix")


@pytest.mark.parametrize("kind", ("folder", "zip", "tar.gz"))
@pytest.mark.parametrize(
    "form",
    (
        "{0}/train-00000-of-00001.parquet",
        "{0}/{0}.parquet",
        "data/{0}-00000-of-00001.parquet",
        "Uni-MuMER-Data/{0}/0000.parquet",
    ),
)
def test_every_configuration_is_a_split(write, pack, picture, release, *, kind, form):
    root = write(named(release, form))
    packed = root if kind == "folder" else pack(root, kind)
    with open_files(packed) as files:
        assert RELEASED.available(files) == tuple(release)
    digest, rows = read(packed, "crohme_train")
    assert rows == [
        ("a.jpg", "x ^ { 2 }", picture((40, 20)), "a.jpg"),
        ("b.jpg", "y + 1", picture((41, 20)), "b.jpg"),
        ("c.jpg", "z", picture((42, 20)), "c.jpg"),
    ]
    assert digest == read(root, "crohme_train")[0]
    for split, wanted in (
        ("crohme_train_tree", [("a.jpg", "x ^ { 2 }")]),
        ("crohme_train_can", [("b.jpg", "y + 1")]),
        ("crohme_train_error_find", [("a.jpg", "x ^ { 2 }"), ("b.jpg", "y + 1"), ("b.jpg#2", "y + 1")]),
        ("crohme_train_error_fix", [("b.jpg", "y + 1"), ("b.jpg#2", "y + 1")]),
    ):
        assert [row[:2] for row in read(packed, split)[1]] == wanted


def test_marked_formulas_without_their_recognition_rows(write, release):
    """The label is then that of the same marked formula in `_error_fix`, or there is none."""
    del release["crohme_train"]
    rows = read(write(named(release)), "crohme_train_error_find")[1]
    assert [row.reason for row in rows if isinstance(row, Rejected)] == [RejectReason.LABEL_MISSING] * 2
    assert rows[2][:2] == ("b.jpg#2", "y + 1")


def test_pictures_without_names_are_known_by_their_bytes(write, release):
    for rows in release.values():
        for entry in rows:
            entry["image"]["path"] = None
    root = write(named(release))
    ids = [row[0] for row in read(root, "crohme_train")[1]]
    assert len(set(ids)) == 3
    assert all(len(id) == 16 for id in ids)
    assert read(root, "crohme_train_can")[1][0][0] == ids[1]
    assert read(root, "crohme_train_error_find")[1][2][:2] == (f"{ids[1]}#2", "y + 1")


def test_bad_rows(write, picture):
    bad = [
        row(None, "none.jpg", ASK, "x"),
        row(b"no picture", "broken.jpg", ASK, "x"),
        {
            "image": {"bytes": picture(), "path": "one.jpg"},
            "conversations": [{"from": "human", "value": "x"}],
        },
        {"image": {"bytes": picture(), "path": "null.jpg"}, "conversations": None},
        row(picture(), "null2.jpg", ASK, None),
        row(picture(), "a.jpg", ASK, "x"),
        row(picture(), "a.jpg", ASK, "y"),
    ]
    root = write({"mathwriting_symbols/x.parquet": parquet(bad)})
    with open_files(root) as files:
        reader = RELEASED.open_split(files, "mathwriting_symbols")
        rows = [reader[index] for index in range(len(reader))]
        assert [row.reason for row in rows if isinstance(row, Rejected)] == [RejectReason.MALFORMED_LINE] * 3
        assert reader.id(5) == reader.id(6) == "a.jpg"  # a duplicate, which the build refuses
        for index, reason in ((0, RejectReason.IMAGE_MISSING), (1, RejectReason.IMAGE_UNREADABLE)):
            with pytest.raises(PictureError) as caught:
                rows[index].image.load()
            assert caught.value.reason is reason
            assert "mathwriting_symbols/x.parquet, row" in caught.value.where


@pytest.mark.parametrize(
    ("data", "message"),
    (
        (b"PAR1 and nothing more", "is damaged"),
        (b"", "is damaged"),
        (parquet([{"a": 1}], pa.schema([("a", pa.int64())])), "the columns a; the authors' rows have"),
        (parquet([]), "holds no rows"),
    ),
)
def test_files_that_are_no_such_rows(write, data, message):
    with (
        open_files(write({"crohme_train/x.parquet": data})) as files,
        pytest.raises(CorpusError, match=message) as caught,
    ):
        RELEASED.open_split(files, "crohme_train")
    assert "\n" not in str(caught.value)


def test_the_hubs_cache(write, release):
    """Its snapshots are links into blobs/: read from the folder that holds both, and told from within."""
    root = write({f"blobs/{config}": parquet(rows) for config, rows in release.items()})
    for config in release:
        home = root / "snapshots/abc" / config
        home.mkdir(parents=True)
        (home / "0.parquet").symlink_to(f"../../../blobs/{config}")
    assert len(read(root, "crohme_train")[1]) == 3
    with (
        open_files(root / "snapshots/abc") as files,
        pytest.raises(CorpusError, match="blobs/ and snapshots/"),
    ):
        RELEASED.open_split(files, "crohme_train")
    (root / "snapshots/def").symlink_to("abc")
    (root / "snapshots/xyz/crohme_train").mkdir(parents=True)
    (root / "snapshots/xyz/crohme_train/0.parquet").symlink_to("../../../blobs/crohme_train")
    with open_files(root) as files, pytest.raises(CorpusError, match="lies in"):
        RELEASED.open_split(files, "crohme_train")


def _labels(reader, queue) -> None:
    queue.put([reader[index].label for index in (2, 0, 1)])


def test_forked_workers_read_side_by_side(write, release):
    with open_files(write(named(release))) as files:
        reader = RELEASED.open_split(files, "crohme_train")
        assert reader[0].label == "x ^ { 2 }"
        fork = multiprocessing.get_context("fork")
        queue = fork.Queue()
        workers = [fork.Process(target=_labels, args=(reader, queue)) for _ in range(2)]
        for worker in workers:
            worker.start()
        assert [queue.get(timeout=60) for _ in workers] == [["z", "x ^ { 2 }", "y + 1"]] * 2
        for worker in workers:
            worker.join(60)


def test_candidates(write, release):
    with open_files(write(named(release))) as files:
        listed = [(entry.id, entry.label, entry.candidate) for entry in candidates(files, "crohme_train")]
        with pytest.raises(CorpusError, match="no split 'hme100k_error_find'"):
            list(candidates(files, "hme100k_train"))
    assert listed == [
        ("a.jpg", "x ^ { 2 }", "x ^ { 3 }"),
        ("b.jpg", "y + 1", "y - 1"),
        ("b.jpg", "y + 1", "y 1"),
        ("b.jpg", "y + 1", "g + 1"),
    ]


def test_a_build_with_the_published_candidates(write, release, tmp_path, capsys):
    """Recognition rows and their wrong candidates of the authors, as rows of ours."""
    root, file, out = write(named(release)), tmp_path / "c.jsonl", tmp_path / "out"
    command(file, root)
    assert "crohme_train: 4 candidates of 2 pictures" in capsys.readouterr().out
    assert json.loads(file.read_text().splitlines()[0])["source"] == "released/crohme_train"
    tasks = ("error_detection",)
    build(BuildOptions("released", root, ("crohme_train",), out, tasks, str(file), workers=1))
    rows = pq.read_table(out / "data").to_pylist()
    assert sorted((row["id"], row["candidate"]) for row in rows) == [
        ("a.jpg", "x ^ { 3 }"),
        ("b.jpg", "g + 1"),
        ("b.jpg", "y - 1"),
        ("b.jpg", "y 1"),
    ]
    command(file, root, source="", stems=True)
    record = json.loads(file.read_text().splitlines()[0])
    assert (record["source"], record["img_id"]) == ("", "a")
    with pytest.raises(UsageError, match="there are crohme_train"):
        command(file, root, of=["crohme"])
