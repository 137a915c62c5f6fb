"""Bad input through the command: one line where nothing can be built, else the good rows and a reason each."""

import io
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest
from PIL import Image

from hmer_tasks import load
from hmer_tasks.exceptions import BuildError
from tests.pipeline.conftest import noise, one_line, rejects_of, rows_of, run_command, summary_of

GOOD = noise(1)
TRACES = "<trace id='0'>1 2, 3 4, 9 9</trace><trace id='1'>5 1, 5 9</trace>"
BOMB = (
    '<!DOCTYPE ink [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)


def ink(truth: str, head: str = "") -> bytes:
    return f'{head}<ink><annotation type="truth">{truth}</annotation>{TRACES}</ink>'.encode()


def huge_png(width: int, height: int) -> bytes:
    """A picture of that size, in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(width + 1) * 10)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def long_picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (3000, 10), 255).save(buffer, "PNG")
    return buffer.getvalue()


def hme100k(root, lines: bytes, pictures: dict[str, bytes]):
    folder = root / "train/train_images"
    folder.mkdir(parents=True)
    for name, data in pictures.items():
        (folder / name).write_bytes(data)
    (root / "train/train_labels.txt").write_bytes(lines)
    return root


def run(root, out, *more, dataset="hme100k"):
    return run_command("build", "--dataset", dataset, "--root", root, "--out", out, "--workers", 2, *more)


def written(out) -> list[str]:
    """The ids that have rows, in order."""
    return list(dict.fromkeys(row["id"] for row in rows_of(out)))


def test_samples_that_are_refused_among_good_ones(tmp_path):
    """Everything wrong that a label file and its pictures can be, in one corpus."""
    bad = [  # line, reason, what `where` tells
        (b"no tab at all", "malformed_line", "train/train_labels.txt:2"),
        (b"latin.jpg\tx + \xe9", "not_utf8", "train/train_labels.txt:4"),
        (b"g0.jpg\ty", "duplicate_id", "an earlier input has this id"),
        (b"gone.jpg\ty", "image_missing", "train/train_images/gone.jpg"),
        (b"cut.jpg\ty", "image_unreadable", "train/train_images/cut.jpg"),
        (b"zero.jpg\ty", "image_unreadable", "train/train_images/zero.jpg: the file is empty"),
        (b"text.jpg\ty", "image_unreadable", "train/train_images/text.jpg"),
        (b"huge.png\ty", "image_too_large", "train/train_images/huge.png"),
        (b"long.png\ty", "image_too_long", "train/train_images/long.png"),
        (b"../../x.jpg\ty", "image_outside_root", "../../x.jpg"),
        (b"/etc/passwd\ty", "image_outside_root", "/etc/passwd"),
        (b"link.jpg\ty", "image_outside_root", "train/train_images/link.jpg"),
        (b"brace.jpg\t\\frac { 1", "unbalanced_brace", "token"),
        (b"empty.jpg\t", "empty_label", "token 0"),
        (b"mark.jpg\tx <deleted>", "reserved_token", "token 1"),
        (b"deep.jpg\t" + b"x ^ { " * 2000 + b"y" + b" }" * 2000, "too_deep", "token"),
    ]
    lines, pictures = [], {"g0.jpg": GOOD, "cut.jpg": GOOD[:-200], "zero.jpg": b"", "text.jpg": b"hello"}
    pictures |= {"huge.png": huge_png(30_000, 30_000), "long.png": long_picture()}
    for number, (line, _, _) in enumerate(bad):
        lines += [b"g%d.jpg\tx + %d" % (number, number % 10), line]
        pictures[f"g{number}.jpg"] = GOOD
    root = hme100k(tmp_path / "HME100K", b"\n".join(lines), pictures)
    (tmp_path / "x.jpg").write_bytes(GOOD)
    (root / "train/train_images/link.jpg").symlink_to(tmp_path / "x.jpg")
    done = run(root, tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert written(tmp_path / "out") == [f"g{number}.jpg" for number in range(len(bad))]
    rejects = rejects_of(tmp_path / "out")
    assert [refusal["reason"] for refusal in rejects] == [reason for _, reason, _ in bad]
    for reject, (line, reason, where) in zip(rejects, bad, strict=True):
        assert where in reject["where"], reject
        assert str(tmp_path) not in str(reject)
        assert reject["source"] == "hme100k/train"
        assert reject["label"] in line.decode("utf-8", "replace")
        if reason not in ("malformed_line", "not_utf8"):
            assert reject["id"] == Path(line.split(b"\t")[0].decode()).name
        assert f"refused: {summary_of(tmp_path / 'out')['rejected'][reason]} {reason}\n" in done.stdout
    assert summary_of(tmp_path / "out")["splits"]["train"]["rejected"] == len(bad)
    assert run_command("verify", tmp_path / "out").returncode == 0


def test_bom_and_crlf(tmp_path):
    lines = b"\xef\xbb\xbfa.jpg\tx _ { 1 }\r\nb.jpg\ty\r\n\r\n"
    root = hme100k(tmp_path / "HME100K", lines, {"a.jpg": GOOD, "b.jpg": GOOD})
    assert run(root, tmp_path / "out").returncode == 0
    assert {(row["id"], row["label"], row["gt"]) for row in rows_of(tmp_path / "out")} == {
        ("a.jpg", "x _ { 1 }", "x _ { 1 }"),
        ("b.jpg", "y", "y"),
    }


def test_one_id_for_everything(tmp_path):
    """Thousands of lines with one id take no more than others."""
    lines = b"".join(b"a.jpg\tx ^ { %d }\n" % (n % 10) for n in range(30_000))
    root = hme100k(tmp_path / "HME100K", lines, {"a.jpg": GOOD})
    done = run(root, tmp_path / "out", "--tasks", "recognition")
    assert done.returncode == 0
    assert written(tmp_path / "out") == ["a.jpg"]
    assert summary_of(tmp_path / "out")["rejected"] == {"duplicate_id": 29_999}


def test_a_refused_input_does_not_take_an_id_away(tmp_path):
    lines = b"a.jpg\tx \xe9\na.jpg\ty\na.jpg\tz\n"
    root = hme100k(tmp_path / "HME100K", lines, {"a.jpg": GOOD})
    assert run(root, tmp_path / "out").returncode == 0
    assert {row["label"] for row in rows_of(tmp_path / "out")} == {"y"}
    assert [refusal["reason"] for refusal in rejects_of(tmp_path / "out")] == ["not_utf8", "duplicate_id"]


def test_nothing_but_refusals(tmp_path):
    """The build is whole and can be verified, and says at once that it is of no use."""
    root = hme100k(tmp_path / "HME100K", b"a.jpg\tx\nb.jpg\ty\n", {})
    done = run(root, tmp_path / "out")
    assert "rejects.jsonl" in one_line(done)
    assert "refused: 2 image_missing" in done.stdout
    assert rows_of(tmp_path / "out") == []
    assert run_command("verify", tmp_path / "out").returncode == 0
    with pytest.raises(BuildError, match="no rows"):
        load(tmp_path / "out")
    assert "no rows" in one_line(run_command("show", tmp_path / "out"))


def test_a_root_that_is_not_there(tmp_path):
    line = one_line(run(tmp_path / "HME100K", tmp_path / "out"))
    assert "ai.100tal.com" in line  # where it comes from
    assert "train_labels.txt" in line  # the layout
    assert str(tmp_path / "HME100K") in line  # the path
    assert not (tmp_path / "out").exists()


def test_a_root_without_the_corpus(tmp_path):
    (tmp_path / "HME100K").mkdir()
    assert "train_labels.txt" in one_line(run(tmp_path / "HME100K", tmp_path / "out"))
    assert "inkml" in one_line(run(tmp_path / "HME100K", tmp_path / "out", dataset="crohme"))
    (tmp_path / "file.rar").write_bytes(b"Rar!")
    assert "neither a folder nor an archive" in one_line(run(tmp_path / "file.rar", tmp_path / "out"))


@pytest.mark.parametrize("data", (b"", b"\n \r\n", b"\xef\xbb\xbf"))
def test_an_empty_split(tmp_path, data):
    line = one_line(run(hme100k(tmp_path / "HME100K", data, {}), tmp_path / "out"))
    assert "train_labels.txt" in line
    assert "empty" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "what"),
    (
        ("--dataset hme10k", "did you mean hme100k?"),
        ("--dataset hme100k --tasks recognition,treecot", "did you mean tree_cot?"),
        ("--dataset hme100k --split valid", "it has train, test"),
    ),
)
def test_names_that_are_not_known(small, tmp_path, words, what):
    """Usage, exit code 2; test_options.py has the rest of them."""
    done = run_command("build", "--root", small, "--out", tmp_path / "out", *words.split())
    assert what in one_line(done, 2)
    assert not (tmp_path / "out").exists()


def test_a_split_that_is_not_there(small, tmp_path):
    assert "there is: train" in one_line(run(small, tmp_path / "out", "--split", "test"))


def test_files_that_cannot_be_read(small, tmp_path):
    assert "gone.json" in one_line(run(small, tmp_path / "out", "--errors", tmp_path / "gone.json"), 2)
    (tmp_path / "bad.tsv").write_text("a\tb\n")
    assert "bad.tsv:1" in one_line(run(small, tmp_path / "out", "--errors", tmp_path / "bad.tsv"))
    assert "gone.toml" in one_line(run(small, tmp_path / "out", "--prompts", tmp_path / "gone.toml"), 2)
    (tmp_path / "other.tsv").write_text("train_7.jpg\tx + 99\tx\n")
    line = one_line(run(small, tmp_path / "out", "--errors", tmp_path / "other.tsv"))
    assert "train_7.jpg" in line


@pytest.mark.parametrize("kind", ("zip", "tar"))
@pytest.mark.parametrize("name", ("/etc/x", "../../x", "HME100K/../../x"))
def test_archives_whose_names_lead_out(tmp_path, kind, name):
    members = {"train/train_labels.txt": b"a.jpg\tx\n", "train/train_images/a.jpg": GOOD, name: b"!"}
    path = tmp_path / f"HME100K.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for member, data in members.items():
                archive.writestr(member, data)
    else:
        with tarfile.open(path, "w") as archive:
            for member, data in members.items():
                info = tarfile.TarInfo(member)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    line = one_line(run(path, tmp_path / "out"))
    assert name in line
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [path.name]


def test_a_truncated_archive(tmp_path):
    root = hme100k(tmp_path / "HME100K", b"a.jpg\tx\n", {"a.jpg": GOOD})
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
        archive.add(root, ".")
    (tmp_path / "x.tar.gz").write_bytes((tmp_path / "x.tar.gz").read_bytes()[:-40])
    assert "damaged or truncated" in one_line(run(tmp_path / "x.tar.gz", tmp_path / "out"))


def test_ink_that_is_refused_among_good_ink(tmp_path):
    root = tmp_path / "CROHME/TrainINKML"
    root.mkdir(parents=True)
    files = {
        "a": ink("$x^2$"),
        "b_bomb": ink("&c;", BOMB),
        "c_empty": b"",
        "d_no_truth": f"<ink>{TRACES}</ink>".encode(),
        "e_no_ink": b'<ink><annotation type="truth">x</annotation></ink>',
        "f_not_xml": b"<ink>",
        "g_brace": ink("$\\frac{1}{$"),
        "h": ink("$\\sqrt y$"),
    }
    for name, data in files.items():
        (root / f"{name}.inkml").write_bytes(data)
    done = run(tmp_path / "CROHME", tmp_path / "out", dataset="crohme")
    assert (done.returncode, done.stderr) == (0, "")
    rows = rows_of(tmp_path / "out")
    assert {(row["id"], row["label"], row["gt"]) for row in rows} == {
        ("a", "x ^ { 2 }", "$x^2$"),
        ("h", "\\sqrt { y }", "$\\sqrt y$"),
    }
    assert [(refusal["id"], refusal["reason"]) for refusal in rejects_of(tmp_path / "out")] == [
        ("b_bomb", "ink_unreadable"),
        ("c_empty", "ink_empty"),
        ("d_no_truth", "label_missing"),
        ("e_no_ink", "ink_empty"),
        ("f_not_xml", "ink_unreadable"),
        ("g_brace", "unbalanced_brace"),
    ]
    assert all(refusal["where"] for refusal in rejects_of(tmp_path / "out"))
