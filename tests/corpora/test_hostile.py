"""Archives made to do harm: refused by name or read safely, memory and time bounded.

What may take all memory runs in a process of its own that may have little: more than it, and it fails.
"""

import bz2
import gzip
import hashlib
import io
import json
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest

from hmer_tasks.storage import archives
from hmer_tasks.storage.opening import open_files
from tests.pipeline.conftest import one_line, run_command
from tests.storage.test_archives import error_of, tar_of

MEMORY = 1 << 30  # bytes of address space: Python and our imports take a third of it
SECONDS = 20
READ = """
import json, resource, sys
from pathlib import Path
from hmer_tasks.exceptions import CorpusError, PictureError
from hmer_tasks.storage.opening import open_files
from hmer_tasks.corpora.pictures import FilePicture
from hmer_tasks.handwriting.strokes import InkPicture
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]), int(sys.argv[2])))
told = {}
try:
    with open_files(Path(sys.argv[1])) as files:
        for name in files.names():
            try:
                if name.endswith(".inkml"):
                    told[name] = len(InkPicture(files, name).load()[0])
                elif name.endswith((".png", ".jpg", ".gif", ".tif", ".webp")):
                    told[name] = len(FilePicture(files, name).load()[0])
                else:
                    told[name] = len(files.read(name))
            except PictureError as error:
                told[name] = f"{error.reason}: {error.detail}"
except CorpusError as error:
    told = str(error)
print(json.dumps(told))
"""


def outcome_of(path: Path, memory: int = MEMORY) -> dict[str, int | str] | str:
    """What reading a whole archive or folder gives: sizes and refusals by name, or the one line."""
    files = sorted(path.parent.iterdir())
    words = [sys.executable, "-c", READ, str(path), str(memory)]
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=SECONDS, check=False, cwd=path.parent
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-2000:]
    assert sorted(path.parent.iterdir()) == files
    out = json.loads(done.stdout)
    assert isinstance(out, dict) or ("\n" not in out and path.name in out)
    return out


# ---------------------------------------------------------------- tar


def header(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, linkname: str = "", **more: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.size, member.linkname = kind, size, linkname
    for key, value in more.items():
        setattr(member, key, value)
    return member.tobuf(tarfile.GNU_FORMAT)


def tar_bytes(path: Path, *blocks: bytes) -> Path:
    """A tar of these headers and contents (padded to whole blocks), and its end."""
    padded = [block + bytes(-len(block) % 512) for block in blocks]
    path.write_bytes(b"".join(padded) + bytes(1024))
    return path


def test_links_and_devices_are_no_files_and_lead_nowhere(tmp_path):
    path = tar_bytes(
        tmp_path / "x.tar",
        header("out", tarfile.SYMTYPE, linkname=str(tmp_path)),
        header("out/evil.txt", size=4), b"evil",
        header("up", tarfile.SYMTYPE, linkname="../../etc"),
        header("passwd", tarfile.LNKTYPE, linkname="/etc/passwd"),
        header("parent", tarfile.LNKTYPE, linkname="../x.tar"),
        header("self", tarfile.LNKTYPE, linkname="self"),
        header("null", tarfile.CHRTYPE, devmajor=1, devminor=3),
        header("disk", tarfile.BLKTYPE, devmajor=8),
        header("pipe", tarfile.FIFOTYPE),
    )  # fmt: skip
    assert outcome_of(path) == {"out/evil.txt": 4}


@pytest.mark.parametrize("name", ("a/../../x", "/x", "./../x", "a/\\..\\..\\x"))
@pytest.mark.parametrize("kind", (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE))
def test_no_kind_of_member_leads_out(tmp_path, name, kind):
    assert "leads out" in error_of(tar_bytes(tmp_path / "x.tar", header(name, kind, linkname="a")))


def sparse(size: int) -> bytes:
    """GNU's old sparse header: `size` bytes of which none is stored."""
    data = bytearray(header("huge.bin", tarfile.GNUTYPE_SPARSE))
    data[483:495] = tarfile.itn(size, 12, tarfile.GNU_FORMAT)
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data)
    return bytes(data)


def test_a_sparse_member_of_ten_gigabytes(tmp_path):
    assert "'huge.bin' is sparse" in outcome_of(tar_bytes(tmp_path / "x.tar", sparse(10 << 30)))


@pytest.mark.parametrize("fields", ({"GNU.sparse.size": "10737418240", "GNU.sparse.numblocks": "0", "GNU.sparse.map": ""},
                                    {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "10737418240"}))  # fmt: skip
def test_a_sparse_member_in_the_newer_spellings(tmp_path, fields):
    with tarfile.open(tmp_path / "x.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("huge.bin")
        member.pax_headers = fields
        member.size = 512
        archive.addfile(member, io.BytesIO(b"0\n" + bytes(510)))
    assert "sparse" in outcome_of(tmp_path / "x.tar")


@pytest.mark.parametrize(
    "kind", (tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME)
)
@pytest.mark.parametrize("size", (10 << 30, 1 << 62))
def test_a_header_that_claims_more_than_there_is(tmp_path, kind, size):
    out = outcome_of(tar_bytes(tmp_path / "x.tar", header("a", size=1), b"a", header("huge.bin", kind, size)))
    assert isinstance(out, str)
    assert "damaged" in out or "a table of" in out


def test_ten_gigabytes_that_are_there_are_not_read(tmp_path):
    path = tmp_path / "x.tar"
    with path.open("wb") as file:
        file.write(header("a", size=1) + b"a" + bytes(511) + header("huge.bin", size=10 << 30))
        file.seek(10 << 30, io.SEEK_CUR)  # a hole: nothing is on the disk
        file.write(bytes(1024))
    assert outcome_of(path) == {
        "a": 1,
        "huge.bin": "image_too_large: 10737418240 bytes; at most 268435456 are read",
    }


def test_extended_headers_that_never_end(tmp_path):
    record = b"12 comment=x\n"
    chain = [header("x", tarfile.XHDTYPE, len(record)), record] * 5000
    assert "damaged" in outcome_of(tar_bytes(tmp_path / "x.tar", *chain, header("a")))


@pytest.mark.parametrize("ending", ("gz", "bz2"))
def test_a_bomb_stops_unpacking(tmp_path, ending, monkeypatch):
    zeros = {"gz": gzip.compress, "bz2": bz2.compress}[ending](bytes(1 << 20))
    (tmp_path / f"x.tar.{ending}").write_bytes(zeros * 40)
    monkeypatch.setattr(archives, "MODEST", 8 << 20)
    message = error_of(tmp_path / f"x.tar.{ending}")
    assert "unpack it yourself" in message
    assert "0.0 GB" in message  # a smaller bound than any real one, for the test's sake


def test_what_is_packed_well_is_no_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MODEST", 1 << 20)
    pages = {f"{i:05}.bmp": hashlib.sha256(b"%d" % i).digest() + bytes(1500) for i in range(3000)}
    with open_files(tar_of(tmp_path / "x.tar.xz", pages, "w:xz")) as files:
        assert len(files.names()) == 3000


def test_the_later_of_two_members_of_one_name(tmp_path):
    path = tar_bytes(tmp_path / "x.tar", header("a", size=1), b"1", header("./a", size=2), b"22")
    assert outcome_of(path) == {"a": 2}  # as tar itself would leave it
    with zipfile.ZipFile(tmp_path / "y.zip", "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("a", b"1")
        archive.writestr("a", b"22")
    assert outcome_of(tmp_path / "y.zip") == {"a": 2}


def test_names_that_are_not_utf8(tmp_path):
    data = bytearray(header("caf?.txt", size=1))
    data[3] = 0xE9
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data)
    assert outcome_of(tar_bytes(tmp_path / "x.tar", bytes(data), b"1")) == {"caf\udce9.txt": 1}


def test_names_as_deep_as_they_are_long(tmp_path):
    name = "a/" * 30_000 + "x"
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    assert "a name of 60,001 letters" in error_of(tmp_path / "x.tar")
    deep = {
        f"{i}/" + "a/" * 2000 + "x": b"" for i in range(300)
    }  # every folder kept by name would be a gigabyte
    path = tar_of(tmp_path / "y.tar", deep)
    assert len(outcome_of(path)) == 300
    with open_files(path) as files:
        assert len(files.folders()) == 300
        assert files.folders("7/a/") == ["a"]


# ---------------------------------------------------------------- zip


def zip_of(path: Path, data: bytes, packed: bytes, method: int, size: int) -> Path:
    """A zip with one member x.bin, whose tables claim `size` bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("x.bin")
        info.file_size = size  # more than 2 GB makes it write the longer tables
        info.extra = struct.pack("<HHQQ", 1, 16, size, len(packed)) if size >= 1 << 32 else b""
        archive.writestr("x.bin", packed)
    raw = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        start = raw.index(mark)
        struct.pack_into("<H", raw, start + at, method)
        struct.pack_into("<I", raw, start + at + 6, zlib.crc32(data[:size]))
        struct.pack_into("<I", raw, start + at + 14, min(size, 0xFFFFFFFE))
    path.write_bytes(raw)
    return path


def bomb(method: int) -> bytes:
    """A gigabyte of zeros, packed."""
    if method == zipfile.ZIP_BZIP2:
        return bz2.compress(bytes(1 << 26)) * 16
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(1 << 24)) + packer.flush(zlib.Z_FULL_FLUSH)
    return block * 64 + packer.flush()


def test_a_zip_member_that_states_less_than_it_is(tmp_path):
    path = zip_of(tmp_path / "x.zip", bytes(100), bomb(zipfile.ZIP_DEFLATED), zipfile.ZIP_DEFLATED, 100)
    assert outcome_of(path, 600 << 20) == {"x.bin": 100}  # what was stated, and no more is unpacked


def test_a_zip_member_that_states_what_it_is(tmp_path):
    path = zip_of(tmp_path / "x.zip", b"", bomb(zipfile.ZIP_DEFLATED), zipfile.ZIP_DEFLATED, 1 << 30)
    assert outcome_of(path, 600 << 20) == {
        "x.bin": "image_too_large: 1073741824 bytes; at most 268435456 are read"
    }


def test_a_zip_member_packed_by_what_cannot_be_unpacked_piece_by_piece(tmp_path):
    path = zip_of(tmp_path / "x.zip", b"", bomb(zipfile.ZIP_BZIP2), zipfile.ZIP_BZIP2, 100)
    out = outcome_of(path, 600 << 20)
    assert out == {
        "x.bin": "image_unreadable: packed by method 12; only stored and deflated members are read"
    }


def test_a_directory_that_claims_ten_gigabytes(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a", b"1")
    raw = (tmp_path / "x.zip").read_bytes()
    at = raw.index(b"PK\x05\x06")
    size = 10 << 30
    longer = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 1 << 40, 1 << 40, size, 0)
    where = struct.pack("<4sIQI", b"PK\x06\x07", 0, at, 1)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    (tmp_path / "x.zip").write_bytes(raw[:at] + longer + where + end)
    assert "damaged" in outcome_of(tmp_path / "x.zip")
    # The same with the ten gigabytes before it: a hole.
    with (tmp_path / "y.zip").open("wb") as file:
        file.seek(size)
        file.write(longer + where[:8] + struct.pack("<Q", size) + where[16:] + end)
    assert "a table of 10,737,418,240 bytes" in outcome_of(tmp_path / "y.zip")


def test_too_many_members(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 50)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for i in range(60):
            archive.writestr(str(i), b"")
    assert "over 50 members" in error_of(tmp_path / "x.zip")
    assert "over 50 members" in error_of(tar_of(tmp_path / "x.tar", {str(i): b"" for i in range(60)}))


def test_archives_in_archives_are_files_like_any_other(tmp_path):
    inner = tar_of(tmp_path / "x.tar.gz", {"../evil.png": b"1"}, "w:gz").read_bytes()
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("inner.tar.gz", inner)
        archive.writestr("inner.png", inner)
    out = outcome_of(tmp_path / "x.zip")
    assert out["inner.tar.gz"] == len(inner)
    assert str(out["inner.png"]).startswith("image_unreadable: none of")


def test_what_the_command_says(tmp_path):
    record = b"12 comment=x\n"
    hostile_files = {
        "sparse.tar": tar_bytes(tmp_path / "sparse.tar", sparse(10 << 30)),
        "damaged": tar_bytes(
            tmp_path / "chain.tar", *[header("x", tarfile.XHDTYPE, len(record)), record] * 5000
        ),
        "a table of": tar_bytes(tmp_path / "table.tar", header("huge", tarfile.XHDTYPE, 10 << 30)),
        "leads out": tar_bytes(tmp_path / "out.tar", header("../a.inkml", size=1), b"1"),
        "inkml": zip_of(tmp_path / "x.zip", b"", bomb(zipfile.ZIP_DEFLATED), zipfile.ZIP_DEFLATED, 1 << 30),
    }
    files = sorted(tmp_path.iterdir())
    for what, path in hostile_files.items():
        words = ("--dataset", "crohme", "--root", path)
        for done in (run_command("check", *words), run_command("build", *words, "--out", tmp_path / "out")):
            said = one_line(done)
            assert what in said
            assert str(path) in said
    assert sorted(tmp_path.iterdir()) == files
