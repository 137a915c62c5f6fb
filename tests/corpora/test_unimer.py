"""UniMER: lines and numbered pictures, also where they do not match in number."""

import pytest

from hmer_tasks.corpora import CORPORA, Rejected, open_files
from hmer_tasks.exceptions import CorpusError, PictureError, RejectReason

UNIMER = CORPORA["unimer"]


def read(root, split):
    with open_files(root) as files:
        reader = UNIMER.open_split(files, split)
        entries = [reader[index] for index in range(len(reader))]
        assert [reader.id(index) for index in range(len(reader))] == [entry.id for entry in entries]
        return [
            entry if isinstance(entry, Rejected) else (entry.id, entry.label, load(entry))
            for entry in entries
        ]


def load(sample):
    try:
        return sample.image.load()[0]
    except PictureError as error:
        return error.reason, error.where


@pytest.fixture
def root(write, picture):
    """Line 2 has no picture, line 3 is blank, line 5 is the last; pictures 2 and 7 have no line."""
    pictures = {number: picture((40 + number, 20), "PNG") for number in (0, 2, 3, 4, 7)}
    return write(
        {
            "UniMER-1M/train.txt": "a\nb\n\nd \r\n\\frac { e } { 2 }\n",
            **{f"UniMER-1M/images/{number:07d}.png": data for number, data in pictures.items()},
            "UniMER-1M/images/notes.txt": "x",
            "UniMER-1M/images/cover.png": pictures[0],
            **{f"UniMER-Test/{part}.txt": f"{part[0]} x\n" for part in ("spe", "cpe", "sce", "hwe")},
            **{f"UniMER-Test/{part}/0000000.png": pictures[0] for part in ("spe", "cpe", "sce")},
        }
    )


def test_no_label_moves_to_another_picture(root, picture):
    def of(number):
        return picture((40 + number, 20), "PNG")

    rows = read(root, "train")
    assert rows[:4] == [
        ("0000000.png", "a", of(0)),
        ("0000001.png", "b", (RejectReason.IMAGE_MISSING, "UniMER-1M/images/0000001.png")),
        ("0000003.png", "d ", of(3)),
        ("0000004.png", "\\frac { e } { 2 }", of(4)),
    ]
    assert [(row.id, row.reason) for row in rows[4:]] == [
        ("0000002.png", RejectReason.LABEL_MISSING),
        ("0000007.png", RejectReason.LABEL_MISSING),
        ("cover.png", RejectReason.LABEL_MISSING),
    ]
    assert rows[4].where.startswith("UniMER-1M/images/0000002.png: no line of the label file has its number")


def test_the_four_parts_of_the_test_set(root):
    with open_files(root) as files:
        assert UNIMER.available(files) == ("train", "spe", "cpe", "sce", "hwe")
        assert UNIMER.open_split(files, "spe").profile == "latex"
    for part in ("spe", "cpe", "sce"):
        (row,) = read(root, part)
        assert row[:2] == ("0000000.png", f"{part[0]} x")
    assert read(root, "hwe")[0][2][0] is RejectReason.IMAGE_MISSING


@pytest.mark.parametrize("kind", ("zip", "tar"))
def test_packed_and_each_half_by_itself(root, pack, kind):
    assert read(pack(root, kind), "train") == read(root, "train")
    with open_files(root / "UniMER-Test") as files:
        assert UNIMER.available(files) == ("spe", "cpe", "sce", "hwe")
    assert [row[:2] for row in read(root / "UniMER-1M", "train")[:1]] == [("0000000.png", "a")]


def test_lines_that_are_no_text_and_none_at_all(write, picture):
    root = write({"train.txt": b"a\n\xff\xfe\nc\n", "images/0000002.png": picture(format="PNG")})
    first, second, third = read(root, "train")
    assert first[2][0] is RejectReason.IMAGE_MISSING
    assert (second.id, second.reason, second.where) == ("0000001.png", RejectReason.NOT_UTF8, "line 2")
    assert third[:2] == ("0000002.png", "c")
    (root / "train.txt").write_text("\n\n")
    with (
        open_files(root) as files,
        pytest.raises(CorpusError, match=r"train\.txt: the label file holds no labels"),
    ):
        UNIMER.open_split(files, "train")
