"""A user's own folder of pictures with one label file."""

import json

import pytest

from hmer_tasks.corpora import CORPORA, Rejected, open_files
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
