"""Im2LaTeXv2: CSV files in ISO-8859-1, a formula with its pictures in many fonts."""

import pytest

from hmer_tasks.corpora import CORPORA, Rejected, open_files
from hmer_tasks.corpora.im2latexv2 import read_rows
from hmer_tasks.exceptions import CorpusError, LabelError, PictureError, RejectReason
from hmer_tasks.latex.normalize import normalize
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import to_label

IM2LATEX = CORPORA["im2latexv2"]
FONTS = ("basic", "palatino", "times")


def pictures_of(number: str, split: str) -> str:
    return ",".join(f"{font}/{split}/img2-grey/{number}_{font}.png" for font in FONTS)


def rows_of(*formulas: tuple[str, str], split: str = "train", header: str = "formula,images\r\n") -> bytes:
    lines = [f'"{formula}",{pictures_of(number, split)}\r\n' for number, formula in formulas]
    return (header + "".join(lines)).encode("iso-8859-1")


def read(root, split="train"):
    with open_files(root) as files:
        reader = IM2LATEX.open_split(files, split)
        assert reader.profile == "im2latex"
        rows = [reader[index] for index in range(len(reader))]
        assert [reader.id(index) for index in range(len(reader))] == [row.id for row in rows]
        return reader.digest(), rows, [None if isinstance(row, Rejected) else load(row) for row in rows]


def load(row):
    try:
        return row.image.load()
    except PictureError as error:
        return error.reason


@pytest.mark.parametrize("kind", ("folder", "zip", "tar.gz"))
@pytest.mark.parametrize("wrap", ("", "im2latexv2/"))
@pytest.mark.parametrize("header", ("formula,images\r\n", ""))
def test_the_official_layout(write, pack, picture, *, kind, wrap, header):
    """With and without the header; a formula's picture is the one in the font `basic`."""
    rows = rows_of(("78bb", r"\frac { a } { b } , c"), ("3f8e", "x"), ("3f8e", "again"), header=header)
    root = write(
        {
            f"{wrap}im2latexv2_train_normalized2.csv": rows,
            f"{wrap}basic/train/img2-grey/78bb_basic.png": picture((40, 20), "PNG"),
            f"{wrap}palatino/train/img2-grey/78bb_palatino.png": picture((50, 20), "PNG"),
            f"{wrap}im2latexv2_test_normalized2.csv": rows_of(("1", "y"), split="test"),
        }
    )
    packed = root if kind == "folder" else pack(root, kind)
    with open_files(packed) as files:
        assert IM2LATEX.available(files) == ("train", "test")
    digest, entries, loaded = read(packed)
    assert [(row.id, row.source, row.label) for row in entries] == [
        ("78bb.png", "im2latexv2/train", r"\frac { a } { b } , c"),
        ("3f8e.png", "im2latexv2/train", "x"),
        ("3f8e.png", "im2latexv2/train", "again"),
    ]
    assert loaded == [
        (picture((40, 20), "PNG"), "78bb_basic.png"),
        RejectReason.IMAGE_MISSING,
        RejectReason.IMAGE_MISSING,
    ]
    assert digest == read(root)[0]
    assert digest != read(root, "test")[0]


def test_another_font_where_that_is_what_there_is(write, picture):
    root = write(
        {
            "im2latexv2_validate_normalized2.csv": rows_of(("7", "x"), split="validate"),
            "times/validate/img2-grey/7_times.png": picture((40, 20), "PNG"),
        }
    )
    assert read(root, "validate")[2] == [(picture((40, 20), "PNG"), "7_times.png")]


@pytest.mark.parametrize("folder", ("", "images/", "train/images/", "formula_images/"))
def test_one_picture_a_formula(write, picture, folder):
    root = write(
        {"im2latexv2_train.csv": "formula,image\nx,1d80.png\n", f"{folder}1d80.png": picture((40, 20), "PNG")}
    )
    _, rows, loaded = read(root)
    assert (rows[0].id, loaded) == ("1d80.png", [(picture((40, 20), "PNG"), "1d80.png")])


def test_bad_rows_and_letters_beyond_ascii(write):
    text = 'formula,images\n"\\mathrm { caf\u00e9 }",basic/train/img2-grey/1_basic.png\nonly a formula\n\n'
    text += "two,../../../etc/passwd\n"
    for encoding in ("iso-8859-1", "utf-8"):
        root = write({"im2latexv2_train_normalized2.csv": text.encode(encoding), "basic/x.png": b""})
        _, rows, loaded = read(root)
        assert rows[0].label == "\\mathrm { caf\u00e9 }"
        assert isinstance(rows[1], Rejected)
        assert (rows[1].reason, rows[1].where) == (
            RejectReason.MALFORMED_LINE,
            "im2latexv2_train_normalized2.csv:3: names no picture",
        )
        assert loaded[2] is RejectReason.IMAGE_OUTSIDE_ROOT


def test_a_field_without_end_is_one_refused_row():
    table, _ = read_rows("x.csv", b'x,a.png\n"' + b"y" * (2 << 20), "s", set())
    assert isinstance(table[1], Rejected)


def test_a_quote_that_is_not_closed_eats_no_rows():
    with pytest.raises(CorpusError, match="line 2: a quote is opened and not closed before line 4"):
        read_rows("x.csv", b'x,1.png\n"y = 2,2.png\nz,3.png\n" w,4.png\n', "s", set())


def test_an_empty_split(write):
    for text in ("", "formula,images\n"):
        with (
            open_files(write({"im2latexv2_train_normalized2.csv": text})) as files,
            pytest.raises(CorpusError, match="holds no labels") as caught,
        ):
            IM2LATEX.open_split(files, "train")
        assert "\n" not in str(caught.value)
    with open_files(write({})) as files, pytest.raises(CorpusError, match="there is: train"):
        IM2LATEX.open_split(files, "test")


@pytest.mark.corpora
def test_its_profile_leaves_the_published_labels_alone(corpora):
    lines = (corpora / "im2latex" / "validate.tsv").read_text(encoding="utf-8").split("\n")
    for label in [line.split("\t")[1] for line in lines if "\t" in line][::4]:
        try:
            assert normalize(label, "im2latex") == to_label(parse(label))
        except LabelError:
            pytest.fail(f"refused: {label}")
