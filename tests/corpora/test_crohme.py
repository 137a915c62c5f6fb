"""CROHME as ink packages and as captions with bitmaps."""

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from hmer_tasks.corpora import CORPORA, Rejected, Sample, open_files
from hmer_tasks.corpora.crohme import split_of
from hmer_tasks.exceptions import CorpusError, RejectReason

CROHME = CORPORA["crohme"]
KINDS = ("folder", "zip", "tar", "tar.gz", "tar.xz")


def ink(truth: str | None, x: int = 0) -> str:
    note = "" if truth is None else f'<annotation type="truth">{truth}</annotation>'
    return f"<ink>{note}<trace>{x} 0, 10 10</trace></ink>"


PACKAGE = {
    "TrainINKML/HAMEX/b.inkml": ink("$b$", 1),
    "TrainINKML/KAIST/a.inkml": ink("a", 2),
    "TrainINKML/KAIST/readme.txt": "",
    "TrainINKML/MfrDB/zero.inkml": "",
    "TrainINKML/MfrDB/unlabelled.inkml": ink(None),
    "TrainINKML/MfrDB/broken.inkml": "<ink>",
    "TestEM2014GT/t1.inkml": ink("t"),
    "CROHME2016_data/TEST2016_INKML_GT/t2.InkML": ink("u"),
    "other/x.inkml": ink("o"),
}


def read(root: Path, split: str) -> list[Sample | Rejected]:
    with open_files(root) as files:
        reader = CROHME.open_split(files, split)
        rows = [reader[index] for index in range(len(reader))]
        assert [reader.id(index) for index in range(len(reader))] == [row.id for row in rows]
        return rows


def shown(root: Path, split: str):
    with open_files(root) as files:
        reader = CROHME.open_split(files, split)
        rows = [reader[index] for index in range(len(reader))]
        return reader.digest(), [
            (row.id, row.label, *row.image.load()) for row in rows if isinstance(row, Sample)
        ]


@pytest.mark.parametrize(
    ("path", "split"),
    (
        ("TrainINKML/HAMEX", "train"),
        ("CROHME2016_data/Task-1/TrainINKML", "train"),
        ("train/CROHME2019", "train"),
        ("TestEM2014GT", "2014"),
        ("CROHME2019_data/TEST2014", "2014"),
        ("CROHME2016_data/TEST2016_INKML_GT", "2016"),
        ("CROHME_train_and_test/TEST2014", "2014"),
        ("my_train_set/CROHME2019_data/TEST2014", "2014"),
        ("constraints/2014", "2014"),
        ("CROHME2013", None),
        ("12014x", None),
        ("", None),
    ),
)
def test_folders_name_their_split(path, split):
    assert split_of(tuple(path.split("/"))) == split


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrap", ("", "CROHME/package/deep/"))
def test_ink_packages(write, pack, kind, wrap):
    root = write({wrap + name: data for name, data in PACKAGE.items()})
    packed = root if kind == "folder" else pack(root, kind)
    with open_files(packed) as files:
        assert CROHME.available(files) == ("train", "2014", "2016")
        assert CROHME.open_split(files, "train").profile == "crohme"
    rows = read(packed, "train")
    assert [row.id for row in rows] == ["a", "b", "broken", "unlabelled", "zero"]
    assert [row.label for row in rows[:2]] == ["a", "$b$"]
    assert [row.reason for row in rows if isinstance(row, Rejected)] == [
        RejectReason.INK_UNREADABLE,
        RejectReason.LABEL_MISSING,
        RejectReason.INK_EMPTY,
    ]
    assert rows[4].where == f"{wrap}TrainINKML/MfrDB/zero.inkml: the file is empty"
    assert shown(packed, "train") == shown(root, "train")
    assert [row.id for row in read(packed, "2016")] == ["t2"]


@pytest.mark.parametrize("name", ("TrainINKML", "TestEM2014GT"))
def test_the_root_itself_may_be_the_package(write, name):
    root = write(PACKAGE) / name
    split = {"TrainINKML": "train", "TestEM2014GT": "2014"}[name]
    with open_files(root) as files:
        assert CROHME.available(files) == (split,)


def test_a_file_name_that_is_not_utf8_is_refused(write):
    root = write({"TrainINKML/a.inkml": ink("x")})
    (root / os.fsdecode(b"TrainINKML/b\xe9.inkml")).write_text(ink("y"))
    rows = read(root, "train")
    assert [row.id for row in rows] == ["a", "b\ufffd"]
    assert rows[1].reason is RejectReason.NOT_UTF8


def bitmap(place: int) -> bytes:
    image = Image.new("L", (30, 20), 0)
    image.putpixel((place, 5), 255)
    buffer = io.BytesIO()
    image.save(buffer, "BMP")
    return buffer.getvalue()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", ("img/ bmp", "data/ images/ jpg", "x/data/ img/ png"))
def test_captions_are_inverted(write, pack, kind, layout):
    *wraps, folder, ending = layout.split()
    wrap = "".join(wraps)
    files: dict[str, bytes | str] = {
        f"{wrap}train/caption.txt": "b\tx _ { 1 }\na y z\n",
        f"{wrap}train/{folder}a.{ending}": bitmap(1),
        f"{wrap}train/{folder}b.{ending}": bitmap(2),
        f"{wrap}2019/caption.txt": "q\tr\n",
    }
    root = write(files)
    packed = root if kind == "folder" else pack(root, kind)
    with open_files(packed) as opened:
        assert CROHME.available(opened) == ("train", "2019")
        assert CROHME.open_split(opened, "train").profile is None
    digest, rows = shown(packed, "train")
    assert [(id, label, name) for id, label, _, name in rows] == [
        ("b", "x _ { 1 }", "b.png"),
        ("a", "y z", "a.png"),
    ]
    for place, (_, _, data, _) in zip((2, 1), rows, strict=True):
        image = Image.open(io.BytesIO(data))
        assert [image.getpixel((x, 5)) for x in range(4)] == [0 if x == place else 255 for x in range(4)]
    assert (digest, rows) == shown(root, "train")


def test_what_is_not_there_says_where_it_comes_from(write):
    with open_files(write({"a.txt": ""})) as files, pytest.raises(CorpusError) as caught:
        CROHME.open_split(files, "train")
    message = str(caught.value)
    assert "TC11" in message
    assert "caption.txt" in message
    assert "\n" not in message
    with open_files(write(PACKAGE)) as files, pytest.raises(CorpusError, match="there is: train, 2014, 2016"):
        CROHME.open_split(files, "2019")


@pytest.mark.corpora
def test_real_ids_are_those_of_the_fields_captions(corpora):
    for archive, split in (("train_inkml", "train"), ("test2014_inkml", "2014")):
        with open_files(corpora / "crohme" / f"{archive}.tar.xz") as files:
            assert CROHME.available(files) == (split,)
            reader = CROHME.open_split(files, split)
            ids = [
                row.id for row in (reader[index] for index in range(len(reader))) if isinstance(row, Sample)
            ]
        lines = (corpora / "crohme" / f"captions_{split}.tsv").read_text().splitlines()
        assert ids == sorted(line.split("\t")[0] for line in lines)
