"""Label files: every line is an entry or a named refusal with its place."""

import json
import tarfile
from hashlib import sha256
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmer_tasks.corpora.base import Rejected
from hmer_tasks.corpora.columns import Columns, parse_columns
from hmer_tasks.corpora.label_files import RECORD, Entry, read_labels
from hmer_tasks.exceptions import CorpusError, RejectReason
from hmer_tasks.storage.content import HeldContent
from hmer_tasks.storage.files import FolderFiles
from hmer_tasks.storage.opening import open_files


def rows(name: str, data: bytes | str, columns: Columns | None = None):
    table = read_labels(name, HeldContent(data.encode() if isinstance(data, str) else data), "c/s", columns)
    return [table[index] for index in range(len(table))]


def test_tab_lines_keep_the_label_untouched():
    assert rows("t.txt", "a.jpg\t x  ^ { 2 } \nb.jpg\t\n") == [
        Entry("a.jpg", " x  ^ { 2 } ", "t.txt:1"),
        Entry("b.jpg", "", "t.txt:2"),
    ]


def test_mark_endings_blank_lines_and_a_last_line_without_an_end():
    assert rows("t.tsv", b"\xef\xbb\xbfa\tx\r\n\r\n  \n\nb\ty\x0bz\xe2\x80\xa8w\r\nc\tz") == [
        Entry("a", "x", "t.tsv:1"),
        Entry("b", "y\x0bz\u2028w", "t.tsv:5"),
        Entry("c", "z", "t.tsv:6"),
    ]


@pytest.mark.parametrize("line", ("train_0.jpg x + 1", "\tx + 1", " \tx", "\t"))
def test_a_line_without_a_tab_or_an_id(line):
    entries = rows("train_labels.txt", f"a\tx\n{line}\nb\ty")
    assert entries[1] == Rejected(
        "", "c/s", RejectReason.MALFORMED_LINE, "train_labels.txt:2: not id<TAB>label", line
    )
    assert entries[2] == Entry("b", "y", "train_labels.txt:3")


def test_latin_1_bytes():
    entries = rows("t.txt", "a\tx\nb.jpg\té\n".encode("latin-1"))
    assert entries == [
        Entry("a", "x", "t.txt:1"),
        Rejected("b.jpg", "c/s", RejectReason.NOT_UTF8, "t.txt:2", "b.jpg\t\ufffd"),
    ]


@pytest.mark.parametrize("data", (b"", b"\n\r\n  \n", b"\xef\xbb\xbf"))
@pytest.mark.parametrize("name", ("train_labels.txt", "caption.txt", "train.jsonl"))
def test_a_file_without_labels(name, data):
    with pytest.raises(CorpusError, match=name):
        rows(name, data)


def test_captions_split_at_a_tab_or_at_the_first_space():
    entries = rows("x/caption.txt", "a\tx y\nb x  y\n c\t\nd\n\x0b\n")
    assert entries[:3] == [
        Entry("a", "x y", "x/caption.txt:1"),
        Entry("b", "x  y", "x/caption.txt:2"),
        Entry(" c", "", "x/caption.txt:3"),
    ]
    assert [row.reason for row in entries[3:]] == [RejectReason.MALFORMED_LINE] * 2


@pytest.mark.parametrize(
    "record",
    (
        {"ImageFile": "a.jpg", "Label": "x"},
        {"image": "a.jpg", "latex": "x"},
        {"file_name": "a.jpg", "text": "x", "n": 1},
        {"img": "a.jpg", "gt": "x"},
        {"path": "a.jpg", "label": "x"},
    ),
)
def test_json_lines_and_arrays(record):
    assert rows("t.jsonl", json.dumps(record)) == [Entry("a.jpg", "x", "t.jsonl:1")]
    assert rows("t.json", json.dumps([record, record]))[1] == Entry("a.jpg", "x", "t.json:2")


@pytest.mark.parametrize(
    "line", ('{"ImageFile": "a"', '{"image": 1, "label": "x"}', "[]", '{"image":"a"}', "1")
)
def test_broken_json_lines(line):
    entries = rows("t.jsonl", '{"image": "a", "label": "x"}\n' + line)
    assert entries[1] == Rejected("", "c/s", RejectReason.MALFORMED_LINE, f"t.jsonl:2: not {RECORD}", line)


def test_json_that_no_file_could_hold():
    assert rows("t.jsonl", '{"image": "a", "label": "\\ud800"}')[0].reason is RejectReason.NOT_UTF8
    deep = '{"image": ' * 100_000
    assert rows("t.jsonl", deep)[0].reason is RejectReason.MALFORMED_LINE
    with pytest.raises(CorpusError, match="not JSON"):
        rows("t.json", "[" * 100_000)
    with pytest.raises(CorpusError, match="not JSON"):
        rows("t.json", '[{"image": "a"')


class TestCsv:
    """CSV with a header."""

    HEAD: ClassVar[str] = "n,image,latex\n"

    def test_quotes_commas_and_line_ends(self):
        entries = rows("t.csv", self.HEAD + '1,a.png,"x , ""y"""\r\n\n2,b.png,"x\ny"\n3,c.png,z\n')
        assert entries == [
            Entry("a.png", 'x , "y"', "t.csv:2"),
            Entry("b.png", "x\ny", "t.csv:4"),
            Entry("c.png", "z", "t.csv:6"),
        ]

    @pytest.mark.parametrize("last", ["", '3,c.png,"z"\n'])
    def test_a_quote_that_is_not_closed_eats_no_rows(self, last):
        with pytest.raises(
            CorpusError, match=r"t\.csv, line 3: a quote is opened and not closed before line"
        ):
            rows("t.csv", self.HEAD + '1,a.png,x\n2,b.png,"y\n' + "9,d.png,z\n" * 50 + last)

    def test_a_quote_within_a_line_is_one_bad_line(self):
        entries = rows("t.csv", self.HEAD + '1,a.png,"x" y\n2,b.png,z "q"\n')
        assert [type(row) for row in entries] == [Rejected, Entry] and entries[1].label == 'z "q"'

    def test_a_row_of_another_length_or_other_bytes(self):
        entries = rows("t.csv", self.HEAD.encode() + b"1,a\n2,b,x\xe9\n3,c,z\n")
        assert [type(row) for row in entries] == [Rejected, Rejected, Entry]
        assert [row.reason for row in entries[:2]] == [RejectReason.MALFORMED_LINE, RejectReason.NOT_UTF8]
        assert entries[1].where == "t.csv:3"
        entries[1].label.encode()

    def test_an_endless_field_is_one_bad_line(self):
        entries = rows("t.csv", self.HEAD + "1,a," + "x" * 200_000 + "\n2,b,y\n")
        assert [type(row) for row in entries] == [Rejected, Entry]

    @pytest.mark.parametrize("label", ["latex_formula", "Formula", "ground_truth", "tex"])
    @pytest.mark.parametrize("image", ["File_Name", "image_path", "uid"])
    def test_the_usual_names_are_those_of_every_table_in_any_case(self, image, label):
        expected = [Entry("a.png", "x", "t.csv:2")]
        assert rows("t.csv", f"n,{image},{label}\n1,a.png,x\n") == expected
        (entry,) = rows("t.jsonl", json.dumps({"n": 1, image: "a.png", label: "x"}))
        assert (entry.id, entry.label) == ("a.png", "x")

    def test_a_chosen_column_is_not_the_label_too(self):
        entries = rows("t.csv", "latex,text\na.png,x\n", parse_columns("image=latex"))
        assert [(entry.id, entry.label) for entry in entries] == [("a.png", "x")]

    def test_a_header_without_the_columns(self):
        with pytest.raises(CorpusError, match=r"t\.csv: its header must name"):
            rows("t.csv", "a,b\n1,2\n")
        with pytest.raises(CorpusError, match="holds no labels"):
            rows("t.csv", self.HEAD)
        with pytest.raises(CorpusError, match="not CSV"):
            rows("t.csv", "image," + "x" * 200_000)


NAME = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\t\n\r"), min_size=1)
LABEL = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\n\r")).filter(
    lambda label: "\t" not in label.strip()
)


@given(st.lists(st.tuples(NAME.filter(str.strip), LABEL), min_size=1), st.sampled_from(["\n", "\r\n"]))
def test_what_is_written_is_read(pairs, end):
    data = "".join(f"{name}\t{label}{end}" for name, label in pairs)
    if data.startswith("\ufeff"):
        data = "\ufeff" + data
    assert [(row.id, row.label) for row in rows("t.txt", data)] == pairs


@given(st.binary(), st.sampled_from(["t.txt", "caption.txt", "t.jsonl", "t.json", "t.csv"]))
def test_any_bytes_are_entries_refusals_or_one_error(data, name):
    try:
        entries = rows(name, data)
    except CorpusError as error:
        assert name in str(error)
    else:
        assert all(isinstance(row, Entry | Rejected) for row in entries)


LINES = st.lists(
    st.one_of(
        st.sampled_from((b"", b" ", b"\r", b" \r", b"\t", b"no tab", b"a\t\xff")),
        st.integers(0, 999).map(lambda n: b"p%d.jpg\tx _ { %d }" % (n, n)),
    ),
    max_size=400,
)


@settings(max_examples=50, deadline=None)
@given(LINES, st.booleans(), st.data())
def test_any_line_of_a_file_on_disk_by_its_number(tmp_path_factory, lines, at_the_end, data):
    """Read here and there, in any order, a file gives what reading it whole gives."""
    text = b"\n".join(lines) + (b"\n" if at_the_end else b"")
    path = tmp_path_factory.mktemp("labels") / "t.tsv"
    path.write_bytes(text)
    wanted = [number for number, line in enumerate(text.split(b"\n"), start=1) if line.strip(b" \r")]
    with FolderFiles(path.parent) as files:
        if not wanted:
            with pytest.raises(CorpusError):
                read_labels("t.tsv", files.content("t.tsv"), "c/s")
            return
        table = read_labels("t.tsv", files.content("t.tsv"), "c/s")
        assert len(table) == len(wanted)
        assert table.digest() == sha256(text).hexdigest()
        for index in data.draw(st.lists(st.integers(0, len(wanted) - 1), max_size=30)):
            entry = table[index]
            raw = text.split(b"\n")[wanted[index] - 1].removesuffix(b"\r")
            assert entry.where.partition(": ")[0] == f"t.tsv:{wanted[index]}"
            if isinstance(entry, Entry):
                assert f"{entry.id}\t{entry.label}".encode() == raw
        for outside in (-1, len(wanted)):
            with pytest.raises(IndexError):
                table[outside]


def test_a_file_that_changes_while_it_is_read(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text("".join(f"{number}.jpg\tx\n" for number in range(1000)))
    with FolderFiles(tmp_path) as files:
        table = read_labels("t.tsv", files.content("t.tsv"), "c/s")
        assert table[3] == Entry("3.jpg", "x", "t.tsv:4")
        with path.open("a") as file:
            file.write("1000.jpg\tx\n")
        with pytest.raises(CorpusError, match=r"t\.tsv: was changed while it was read"):
            table[999]


def test_a_large_label_file_on_disk_is_not_too_large(tmp_path, monkeypatch):
    """The bound on what is read whole is not for a table of lines, in a folder or in a tar."""
    monkeypatch.setattr("hmer_tasks.storage.files.MAX_READ", 100)
    text = "".join(f"{number}.jpg\tx _ {{ {number} }}\n" for number in range(1000))
    (tmp_path / "in").mkdir()
    (tmp_path / "in/t.tsv").write_text(text)
    with tarfile.open(tmp_path / "t.tar", "w") as tar:
        tar.add(tmp_path / "in/t.tsv", "x/t.tsv")
    for root, name in ((tmp_path / "in", "t.tsv"), (tmp_path / "t.tar", "x/t.tsv")):
        with open_files(root) as files:
            table = read_labels(name, files.content(name), "c/s")
            assert len(table) == 1000
            assert table[640] == Entry("640.jpg", "x _ { 640 }", f"{name}:641")


@pytest.mark.parametrize("name", ("t.tsv", "caption.txt"))
def test_lines_ended_by_a_carriage_return_alone_are_no_label(name):
    [refused] = rows(name, "a\tx + 1\rb\ty\r")
    assert refused.reason is RejectReason.MALFORMED_LINE


@pytest.mark.parametrize("code", ("utf-16", "utf-16-be"))
def test_utf_16_is_named(code):
    with pytest.raises(CorpusError, match=r"t\.tsv: UTF-16; save it as UTF-8"):
        rows("t.tsv", "\ufeffa\tx\n".removeprefix("\ufeff" * (code == "utf-16")).encode(code))


def test_a_third_column_is_no_part_of_the_label():
    third, blank = rows("t.tsv", "a.png\tx\twriter 7\nb.png\ty\t\n")
    assert third.reason is RejectReason.MALFORMED_LINE
    assert (blank.id, blank.label.strip()) == ("b.png", "y")
