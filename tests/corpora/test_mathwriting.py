"""MathWriting's InkML: its annotations, its splits, folder and archive."""

import pytest

from hmer_tasks.corpora import CORPORA, Rejected, open_files
from hmer_tasks.exceptions import CorpusError, LabelError, RejectReason
from hmer_tasks.latex.normalize import normalize
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import to_label
from hmer_tasks.pipeline import BuildOptions, build
from tests.pipeline.conftest import rows_of, summary_of

MATHWRITING = CORPORA["mathwriting"]
KINDS = ("folder", "zip", "tar", "tgz")


def ink(id: str, split: str, label: str | None, normalized: str | None, traces: str | None = None) -> str:
    """A file as its owners write it: annotations in any order, points of x, y and time."""
    notes = {"label": label, "splitTagOriginal": split, "sampleId": id, "normalizedLabel": normalized}
    lines = [
        f'<annotation type="{kind}">{text}</annotation>' for kind, text in notes.items() if text is not None
    ]
    points = "140.5 98 0.0,141 99.25 17.0,150 120 33.0" if traces is None else traces
    return (
        '<ink xmlns="http://www.w3.org/2003/InkML">\n'
        + "\n".join(lines)
        + '\n<annotation type="inkCreationMethod">human</annotation>\n'
        + f'<trace id="0">{points}</trace>\n<trace id="1">3 4 50.0</trace>\n</ink>\n'
    )


A, B, C, D, E, F = (f"{number:016x}" for number in range(0xA0, 0xA6))
FILES: dict[str, bytes | str] = {
    f"train/{B}.inkml": ink(B, "train", r"{a\over b}", r"\frac{a}{b}"),
    f"train/{A}.inkml": ink(A, "train", "a ≤ b", r"a\le b"),
    f"train/{C}.inkml": ink(C, "train", "x", None),
    f"train/{D}.inkml": "<ink>",
    f"train/{E}.inkml": ink(E, "train", "x", "x", traces=""),
    f"train/{F}.inkml": ink(F, "train", "x", "é").encode("latin-1"),
    f"valid/{A}.inkml": ink(A, "valid", "v", "v"),
    f"synthetic/{A}.inkml": ink(A, "synthetic", "s", "s"),
    f"symbols/{A}.inkml": ink(A, "symbols", r"\alpha", None),
    f"symbols/{B}.inkml": ink(B, "symbols", None, None),
    "symbols.jsonl": "{}",
    "synthetic-bboxes.jsonl": "{}",
    "readme.md": "MathWriting",
}


def read(root, split):
    with open_files(root) as files:
        reader = MATHWRITING.open_split(files, split)
        assert reader.profile == "mathwriting"
        rows = [reader[index] for index in range(len(reader))]
        assert [reader.id(index) for index in range(len(reader))] == [row.id for row in rows]
        shown = [row if isinstance(row, Rejected) else (row.id, row.label, *row.image.load()) for row in rows]
        return reader.digest(), shown


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrap", ("", "mathwriting-2024/"))
def test_the_official_layout(write, pack, kind, wrap):
    root = write({wrap + name: data for name, data in FILES.items()})
    packed = root if kind == "folder" else pack(root, kind)
    with open_files(packed) as files:
        assert MATHWRITING.available(files) == ("train", "valid", "synthetic", "symbols")
    digest, rows = read(packed, "train")
    assert [row[:2] for row in rows if not isinstance(row, Rejected)] == [
        (A, r"a\le b"),
        (B, r"\frac{a}{b}"),
        (E, "x"),  # one of its two strokes never touched the paper
    ]
    assert [(row.id, row.reason) for row in rows if isinstance(row, Rejected)] == [
        (C, RejectReason.LABEL_MISSING),
        (D, RejectReason.INK_UNREADABLE),
        (F, RejectReason.NOT_UTF8),
    ]
    assert rows[0][3] == f"{A}.png"
    assert (digest, rows) == read(root, "train")
    assert [row[1] for row in read(packed, "valid")[1]] == ["v"]
    symbols = read(packed, "symbols")[1]
    assert symbols[0][1] == r"\alpha"
    assert symbols[1].reason is RejectReason.LABEL_MISSING


def test_time_is_no_coordinate(write):
    """A third number in every point changes nothing of the picture."""
    without = ink(A, "train", "x", "x", traces="140.5 98,141 99.25,150 120").replace("3 4 50.0", "3 4")
    root = write({f"train/{A}.inkml": FILES[f"train/{A}.inkml"], f"train/{B}.inkml": without})
    rows = read(root, "train")[1]
    assert rows[0][2] == rows[1][2]


def test_no_split_and_an_empty_one(write):
    root = write(
        {f"mathwriting-2024/train/{A}.inkml": FILES[f"train/{A}.inkml"], "mathwriting-2024/test/x.txt": ""}
    )
    with open_files(root) as files:
        for split in ("test", "valid"):
            with pytest.raises(CorpusError, match="there is: train"):
                MATHWRITING.open_split(files, split)
    with open_files(write({"other.txt": ""}) / "mathwriting-2024" / "test") as files:
        assert MATHWRITING.available(files) == ()


def test_two_copies_under_one_root(write):
    root = write({f"{wrap}/train/{A}.inkml": FILES[f"train/{A}.inkml"] for wrap in ("full", "excerpt")})
    with open_files(root) as files, pytest.raises(CorpusError, match="under excerpt/ and full/"):
        MATHWRITING.available(files)


def test_a_build_from_the_archive(write, pack, tmp_path):
    packed = pack(write({f"mathwriting-2024/{name}": data for name, data in FILES.items()}), "tgz")
    out = tmp_path / "out"
    build(BuildOptions("mathwriting", packed, ("train", "symbols"), out, ("recognition",), workers=2))
    assert [(row["source"], row["id"], row["gt"], row["label"]) for row in rows_of(out)] == [
        ("mathwriting/symbols", A, r"\alpha", r"\alpha"),
        ("mathwriting/train", A, r"a\le b", r"a \le b"),
        ("mathwriting/train", B, r"\frac{a}{b}", r"\frac { a } { b }"),
        ("mathwriting/train", E, "x", "x"),
    ]
    reasons = {"ink_unreadable": 1, "label_missing": 2, "not_utf8": 1}
    assert summary_of(out)["rejected"] == reasons


@pytest.mark.corpora
def test_its_profile_leaves_the_published_labels_alone(corpora):
    lines = (corpora / "mathwriting" / "test_half_a.tsv").read_text(encoding="utf-8").split("\n")
    refused = []
    for label in (line.split("\t")[1] for line in lines if "\t" in line):
        try:
            assert normalize(label, "mathwriting") == to_label(parse(label))
        except LabelError:
            refused.append(label)
    assert len(refused) == 5  # they end, or nearly, with a \\frac that lost its arguments
