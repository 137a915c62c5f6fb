"""CROHME 2023 as the ink package and as captions with pictures."""

import io

import pytest
from PIL import Image

from hmer_tasks.corpora import CORPORA, Rejected, open_files
from hmer_tasks.corpora.crohme2023 import split_of
from hmer_tasks.exceptions import CorpusError, PictureError, RejectReason
from hmer_tasks.pipeline import BuildOptions, build
from tests.pipeline.conftest import rejects_of, rows_of, summary_of

CROHME = CORPORA["crohme2023"]
KINDS = ("folder", "zip", "tar.gz")


def ink(truth: str | None, x: int = 0) -> str:
    note = "" if truth is None else f'<annotation type="truth">{truth}</annotation>'
    return f"<ink>{note}<trace>{x} 0, 10 10</trace></ink>"


INKML = "TC11_CROHME23/INKML/"
PACKAGE: dict[str, bytes | str] = {
    f"{INKML}train/CROHME2019/HAMEX/b.inkml": ink("$b$", 1),
    f"{INKML}train/CROHME2023_train/form_2.inkml": ink("$c^2$", 1),
    f"{INKML}train/CROHME2023_train/broken.inkml": "<ink><trace>1 2",
    f"{INKML}train/CROHME2023_train/unlabelled.inkml": ink(None),
    f"{INKML}train/Artificial_data/gen_0.inkml": ink("$g$"),
    f"{INKML}val/CROHME2016_test/v2016.inkml": ink("$v$"),
    f"{INKML}val/CROHME2023_val/v2023.inkml": ink("$w$"),
    f"{INKML}test/CROHME2019_test/old.inkml": ink("$o$"),
    f"{INKML}test/CROHME2023_test/form_5_241_E1202.inkml": ink(r"$z \to x$"),
    "TC11_CROHME23/IMG/test/CROHME2023_test/form_5_241_E1202.png": b"not read",
    "TC11_CROHME23/SymLG/test/form_5_241_E1202.lg": "O, z, z, 1.0",
}


def read(root, split):
    with open_files(root) as files:
        reader = CROHME.open_split(files, split)
        rows = [reader[index] for index in range(len(reader))]
        assert [reader.id(index) for index in range(len(reader))] == [row.id for row in rows]
        assert {row.source for row in rows} == {f"crohme2023/{split}"}
        return reader.digest(), rows


@pytest.mark.parametrize(
    ("path", "root", "split"),
    (
        ("INKML/train/CROHME2019", "", "train"),
        ("INKML/train/Artificial_data", "", "artificial"),
        ("INKML/val/CROHME2016_test", "", "val"),
        ("validation/x", "", "val"),
        ("INKML/test/CROHME2023_test", "", "test"),
        ("INKML/test/CROHME2019_test", "", None),
        ("CROHME2019_test", "", None),
        ("evaluation", "", None),
        ("CROHME2016_test", "val", "val"),
        ("CROHME2019", "train", "train"),
        ("", "CROHME2023_test", "test"),
        ("", "data", None),
    ),
)
def test_folders_name_their_split(path, root, split):
    assert split_of(tuple(path.split("/")) if path else (), root) == split


@pytest.mark.parametrize("kind", KINDS)
def test_the_ink_package(write, pack, kind):
    root = write(PACKAGE)
    packed = root if kind == "folder" else pack(root, kind)
    with open_files(packed) as files:
        assert CROHME.available(files) == ("train", "val", "test", "artificial")
        assert CROHME.open_split(files, "train").profile == "crohme"
    digest, rows = read(packed, "train")
    assert [row.id for row in rows] == ["b", "broken", "form_2", "unlabelled"]
    assert [(row.id, row.reason) for row in rows if isinstance(row, Rejected)] == [
        ("broken", RejectReason.INK_UNREADABLE),
        ("unlabelled", RejectReason.LABEL_MISSING),
    ]
    assert rows[0].image.load()[1] == "b.png"
    assert digest == read(root, "train")[0]
    assert [row.id for row in read(packed, "val")[1]] == ["v2016", "v2023"]
    assert [(row.id, row.label) for row in read(packed, "test")[1]] == [("form_5_241_E1202", r"$z \to x$")]
    assert [row.id for row in read(packed, "artificial")[1]] == ["gen_0"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrap", ("", "CROHME2023/"))
def test_captions_keep_the_pictures_as_they_are(write, pack, picture, kind, wrap):
    good = picture((30, 20), "JPEG", 230)
    root = write(
        {
            f"{wrap}CROHME2023_test/caption.txt": b"form_1\tx ^ { 2 = y\nform_2\tz\nbad\t\xff\nno label\n"
            b"../../x\ty\nform_1\tagain\n",
            f"{wrap}CROHME2023_test/images/form_1.jpg": good,
        }
    )
    packed = root if kind == "folder" else pack(root, kind)
    with open_files(packed) as files:
        assert CROHME.available(files) == ("test",)
        reader = CROHME.open_split(files, "test")
        assert reader.profile is None
        rows = [reader[index] for index in range(len(reader))]
        assert rows[0].image.load() == (good, "form_1.jpg")
        for row, reason in (
            (rows[1], RejectReason.IMAGE_MISSING),
            (rows[4], RejectReason.IMAGE_OUTSIDE_ROOT),
        ):
            with pytest.raises(PictureError) as caught:
                row.image.load()
            assert caught.value.reason is reason
    assert [row.reason for row in rows if isinstance(row, Rejected)] == [RejectReason.NOT_UTF8]
    assert Image.open(io.BytesIO(good)).getpixel((25, 15)) > 128
    assert (rows[3].id, rows[3].label, rows[5].id) == ("no", "label", "form_1")


def test_an_empty_caption_file_and_nothing_at_all(write):
    with open_files(write({"CROHME2023_test/caption.txt": "\n"})) as files:
        with pytest.raises(CorpusError, match="holds no labels"):
            CROHME.open_split(files, "test")
        with pytest.raises(CorpusError, match="there is: test"):
            CROHME.open_split(files, "train")
    with open_files(write({"CROHME2023_test/caption.txt": ""}).parent / "root" / "CROHME2023_test") as files:
        assert CROHME.available(files) == ()


def test_a_build_refuses_what_stood_before_and_mends_what_it_is_told_to(write, picture, tmp_path):
    names = ("form_1", "form_2", "form_3")
    caption = (
        "form_1\tx ^ { 2 = y ^ { 3 }\nform_2\t\\frac { n ^ { 2 + n } { 2 } }\nform_2\tagain\nform_3\tz\n"
    )
    root = write(
        {"CROHME2023_test/caption.txt": caption}
        | {f"CROHME2023_test/images/{name}.jpg": picture() for name in names}
    )
    out = tmp_path / "out"
    build(BuildOptions("crohme2023", root, out=out, tasks=("recognition",), workers=1, repair=True))
    assert [(row["id"], row["label"]) for row in rows_of(out)] == [
        ("form_1", "x ^ { 2 } = y ^ { 3 }"),
        ("form_2", "\\frac { n ^ { 2 } + n } { 2 }"),
        ("form_3", "z"),
    ]
    assert [(reject["id"], reject["reason"]) for reject in rejects_of(out)] == [("form_2", "duplicate_id")]
    assert summary_of(out)["repaired"] == {"closers_at_end": 1, "script_closed": 1}
