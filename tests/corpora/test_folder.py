"""A user's own folder of pictures with one label file."""

import json
import unicodedata

import pytest

from hmer_tasks.corpora import CORPORA, Rejected, folder, open_files
from hmer_tasks.corpora.columns import parse_columns
from hmer_tasks.exceptions import CorpusError, PictureError, RejectReason

FOLDER = CORPORA["folder"]
PAIRS = {"a.jpg": "x", "deep/b.png": "y"}
LABELS = {
    "labels.tsv": "".join(f"{id}\t{label}\n" for id, label in PAIRS.items()),
    "truth.txt": "".join(f"{id}\t{label}\n" for id, label in PAIRS.items()),
    "caption.txt": "".join(f"{id} {label}\n" for id, label in PAIRS.items()),
    "l.csv": "file_name,text\n" + "".join(f"{id},{label}\n" for id, label in PAIRS.items()),
    "l.jsonl": "".join(json.dumps({"image": id, "label": label}) + "\n" for id, label in PAIRS.items()),
}


def read(root):
    with open_files(root) as files:
        reader = FOLDER.open_split(files, "train")
        rows = [reader[index] for index in range(len(reader))]
        assert [reader.id(index) for index in range(len(reader))] == [row.id for row in rows]
        return [row if isinstance(row, Rejected) else (row.id, row.label, *row.image.load()) for row in rows]


def rows_of(root):
    """The samples and refusals, no picture read."""
    with open_files(root) as files:
        reader = FOLDER.open_split(files, "train")
        return [reader[index] for index in range(len(reader))]


@pytest.mark.parametrize("kind", ("folder", "zip", "tar", "tar.gz", "tar.xz"))
@pytest.mark.parametrize("name", LABELS)
def test_every_kind_of_label_file(write, pack, picture, kind, name):
    files = {
        name: LABELS[name],
        "a.jpg": picture(),
        "deep/b.png": picture(format="PNG"),
        "README.txt": "hello",
    }
    root = write({f"mine/{file}": data for file, data in files.items()})
    assert read(root if kind == "folder" else pack(root, kind)) == [
        ("a.jpg", "x", picture(), "a.jpg"),
        ("deep/b.png", "y", picture(format="PNG"), "b.png"),
    ]


def test_pictures_are_found_by_path_by_bare_name_and_without_ending(write, picture):
    root = write(
        {
            "meta/labels.tsv": "one\t1\ntwo.JPG\t2\nmeta/three\t3\nfour.v2\t4\n"
            "./five.jpg\t5\n../pics/six.jpg\t6\n",
            "pics/one.png": picture(format="PNG"),
            "pics/more/two.JPG": picture(),
            "meta/three.bmp": picture(format="BMP"),
            "meta/four.v2.jpeg": picture(),
            "five.jpg": picture(),
            "pics/six.jpg": picture(),
        }
    )
    assert [row[3] for row in read(root)] == [
        "one.png",
        "two.JPG",
        "three.png",
        "four.v2.jpeg",
        "five.jpg",
        "six.jpg",
    ]


def test_a_name_that_two_pictures_bear_is_refused(write, picture):
    root = write({"l.tsv": "x.jpg\t1\na/x.jpg\t2\n", "a/x.jpg": picture(), "b/x.jpg": picture()})
    first, second = read(root)
    assert (first.reason, first.label) == (RejectReason.IMAGE_MISSING, "1")
    assert first.where == "l.tsv:1: either a/x.jpg or b/x.jpg; write the path"
    assert second[3] == "x.jpg"


@pytest.mark.parametrize(
    ("id", "reason"),
    (
        ("../x.jpg", RejectReason.IMAGE_OUTSIDE_ROOT),
        ("/x.jpg", RejectReason.IMAGE_OUTSIDE_ROOT),
        ("no.jpg", RejectReason.IMAGE_MISSING),
    ),
)
def test_names_that_lead_nowhere(write, picture, id, reason):
    root = write({"in/l.tsv": f"{id}\t1\n", "in/deep/none": "", "x.jpg": picture()})
    with open_files(root / "in") as files:
        sample = FOLDER.open_split(files, "train")[0]
        with pytest.raises(PictureError) as caught:
            sample.image.load()
    assert caught.value.reason is reason


def test_several_label_files_are_named(write):
    with open_files(write({"a.tsv": "x\ty", "b/c.csv": ""})) as files, pytest.raises(CorpusError) as caught:
        FOLDER.open_split(files, "train")
    assert "several label files: a.tsv, b/c.csv" in str(caught.value)


def test_no_label_file(write, picture):
    with open_files(write({"a.jpg": picture()})) as files:
        assert FOLDER.available(files) == ()
        with pytest.raises(CorpusError, match=r"labels\.tsv"):
            FOLDER.open_split(files, "train")


def test_label_files_in_folders_beside_one_another(write, picture):
    """Each is about its own folder alone; ids bear the folder."""
    root = write(
        {
            "alice/labels.tsv": "one.jpg\t1\ntwo\t2\nalice/one.jpg\t3\n",
            "alice/one.jpg": picture(),
            "alice/scans/two.png": picture(format="PNG"),
            "bob/answers.csv": "image;label\none.jpg;4\ntwo;5\n",
            "bob/one.jpg": picture(grey=180),
        }
    )
    with open_files(root) as files:
        reader = FOLDER.open_split(files, "train")
        samples = [reader[index] for index in range(len(reader))]
        assert [sample.id for sample in samples] == [
            "alice/one.jpg", "alice/two", "alice/one.jpg", "bob/one.jpg", "bob/two"
        ]  # fmt: skip
        assert [reader.id(index) for index in range(5)] == [sample.id for sample in samples]
        assert samples[1].image.load()[1] == "two.png"
        assert samples[3].image.load()[0] == picture(grey=180)
        with pytest.raises(PictureError) as caught:  # Alice's picture is not Bob's
            samples[4].image.load()
        assert (caught.value.reason, caught.value.where) == (RejectReason.IMAGE_MISSING, "bob/two")


def test_folders_that_are_splits(write, picture):
    """The Hub's imagefolder: metadata in each split's folder; a picture of another split is none of it."""
    metadata = "".join(json.dumps({"file_name": name, "text": name}) + "\n" for name in ("a.jpg", "b.jpg"))
    root = write(
        {
            "data/train/metadata.jsonl": metadata,
            "data/validation/metadata.jsonl": metadata,
            "data/train/a.jpg": picture(),
            "data/train/b.jpg": picture(),
            "data/validation/a.jpg": picture(grey=180),
        }
    )
    with open_files(root) as files:
        assert FOLDER.available(files) == ("train", "validation")
        sample, lost = (FOLDER.open_split(files, "validation")[index] for index in range(2))
        assert (sample.id, sample.source) == ("a.jpg", "folder/validation")
        assert sample.image.load()[0] == picture(grey=180)
        with pytest.raises(PictureError):
            lost.image.load()


@pytest.mark.parametrize("names", (("l.tsv", "m.csv"), ("a/l.tsv", "a/b/l.tsv"), ("l.tsv", "deep/l.tsv")))
def test_two_label_files_for_one_picture(write, names):
    root = write(dict.fromkeys(names, "x\ty"))
    with open_files(root) as files, pytest.raises(CorpusError, match="several label files"):
        FOLDER.open_split(files, "train")


@pytest.mark.parametrize("delimiter", (",", ";", "\t"))
@pytest.mark.parametrize("name", ("l.csv", "l.tsv", "l.txt"))
def test_tables_with_columns_of_their_own(write, picture, name, delimiter):
    lines = (("who", "scan", "solution"), ("7", "a.jpg", "x"), ("8", "b.jpg"))
    root = write({name: "".join(delimiter.join(line) + "\n" for line in lines), "a.jpg": picture()})
    with open_files(root) as files:
        columns = parse_columns("image=scan,label=solution,id=who")
        good, short = (folder.open_split(files, "train", columns=columns)[index] for index in range(2))
    assert (good.id, good.label, good.image.load()[1]) == ("7", "x", "a.jpg")
    assert (short.reason, short.where) == (
        RejectReason.MALFORMED_LINE,
        f"{name}:3: 2 fields, and the header has 3",
    )


def test_json_lines_with_columns_of_their_own(write, picture):
    records = [{"scan": "a.jpg", "solution": "x", "n": 7}, {"scan": "a.jpg", "n": 8}]
    root = write({"l.jsonl": "".join(json.dumps(record) + "\n" for record in records), "a.jpg": picture()})
    with open_files(root) as files:
        reader = folder.open_split(files, "train", columns=parse_columns("image=scan,label=solution,id=n"))
        good, without = reader[0], reader[1]
    assert (good.id, good.label, good.image.load()[1]) == ("7", "x", "a.jpg")
    assert without.reason is RejectReason.MALFORMED_LINE


def test_columns_that_are_not_there(write):
    root, columns = write({"l.csv": "image;label\na.jpg;x\n"}), parse_columns("image=scan")
    with (
        open_files(root) as files,
        pytest.raises(CorpusError, match="must name scan and a label column"),
    ):
        folder.open_split(files, "train", columns=columns)


def test_a_label_file_is_the_root(write, picture):
    root = write({"l.csv": "image,label\na.jpg,x\n", "m.csv": "image,label\na.jpg,y\n", "a.jpg": picture()})
    assert read(root / "m.csv") == [("a.jpg", "y", picture(), "a.jpg")]


def test_a_picture_without_a_label_is_refused_by_name(write, picture):
    root = write({"l.tsv": "a\t1\nno tab\nx.jpg\t2\n", "deep/a.jpg": picture(), "b.jpg": picture()})
    first, broken, missing, extra = rows_of(root)
    assert (first.id, first.label) == ("a", "1")
    assert (broken.reason, missing.id) == (RejectReason.MALFORMED_LINE, "x.jpg")
    assert extra == Rejected(
        "b.jpg", "folder/train", RejectReason.LABEL_MISSING, "b.jpg: no line of the label file names it"
    )


def test_pictures_without_a_label_are_counted_where_their_label_file_lies(write, picture):
    names = ("train/a.jpg", "train/b.jpg", "test/c.jpg", "cover.jpg")
    files = {"train/l.tsv": "a\t1\n", "test/l.tsv": "c\t2\n"} | {name: picture() for name in names}
    with open_files(write(files)) as opened:
        train, test = (FOLDER.open_split(opened, split) for split in ("train", "test"))
        assert [train.id(index) for index in range(len(train))] == ["a", "train/b.jpg"]
        assert len(test) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    (
        ("l.csv", "image,label,latex\na.jpg,7,x\n"),
        ("l.jsonl", '{"image": "a.jpg", "label": "7", "latex": "x"}\n'),
        ("l.json", '[{"image": "a.jpg", "label": "7", "latex": "x"}]'),
    ),
)
def test_two_columns_that_could_be_the_label(write, picture, name, text):
    root = write({name: text, "a.jpg": picture()})
    with open_files(root) as files:
        with pytest.raises(CorpusError, match="label and latex could each be the label column; choose with"):
            folder.open_split(files, "train")
        assert folder.open_split(files, "train", columns=parse_columns("label=latex"))[0].label == "x"


def test_folders_beside_those_of_splits_are_train(write, picture):
    """A test folder is never trained on, whatever stands beside it."""
    names = ("training/a.jpg", "extra/b.jpg", "eval/c.jpg", "test/d.jpg")
    files = {f"{name[:-6]}/l.tsv": f"{name[-5:]}\t1\n" for name in names} | {
        name: picture() for name in names
    }
    with open_files(write(files)) as opened:
        assert FOLDER.available(opened) == ("train", "eval", "test")
        train, *others = (FOLDER.open_split(opened, split) for split in FOLDER.available(opened))
        assert [train.id(index) for index in range(len(train))] == ["extra/b.jpg", "training/a.jpg"]
        assert [split.id(0) for split in others] == ["c.jpg", "d.jpg"]


def test_one_label_file_in_a_folder_of_a_split(write, picture):
    with open_files(write({"test/l.tsv": "a.jpg\t1\n", "test/a.jpg": picture()})) as opened:
        assert FOLDER.available(opened) == ("test",)


def test_a_picture_whose_name_is_not_utf8_is_refused(write, picture):
    root = write({"l.tsv": "a.jpg\t1\n", "a.jpg": picture()})
    (root / "caf\udce9.jpg").write_bytes(picture())
    _, extra = rows_of(root)
    assert (extra.reason, extra.id) == (RejectReason.NOT_UTF8, "caf\ufffd.jpg")


def test_names_as_windows_and_macos_write_them(write, picture, pack):
    """macOS writes `é` as a letter and its accent."""
    apart, whole = unicodedata.normalize("NFD", "é"), "é"
    files = {"l.tsv": f"img\\a.png\t1\n{whole}.png\t2\n{apart}2.png\t3\n"}
    files |= {"img/a.png": picture(), f"img/{apart}.png": picture(), f"{whole}2.png": picture()}
    root = write(files)
    assert [(row.label, row.image.load()[0]) for row in rows_of(root)] == [
        ("1", picture()), ("2", picture()), ("3", picture())
    ]  # fmt: skip
