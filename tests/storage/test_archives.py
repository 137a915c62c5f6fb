"""Archives that are damaged, or mean harm, are refused in one line, and nothing is written."""

import gzip
import io
import lzma
import os
import resource
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest

from hmer_tasks.exceptions import CorpusError, PictureError, RejectReason
from hmer_tasks.storage.content import PositionedReader
from hmer_tasks.storage.opening import open_files

BAD_NAMES = ("/etc/x", "../x", "a/../../x", "C:\\x", "..\\x")


def error_of(path: Path) -> str:
    with pytest.raises(CorpusError) as caught:
        open_files(path)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    return message


def tar_of(path: Path, members: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


@pytest.mark.parametrize("name", BAD_NAMES)
def test_tar_members_that_lead_out(tmp_path, name):
    assert repr(name) in error_of(tar_of(tmp_path / "x.tar", {"ok": b"1", name: b"2"}))


@pytest.mark.parametrize("name", BAD_NAMES)
def test_zip_members_that_lead_out(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("ok", b"1")
        archive.writestr(name, b"2")
    assert repr(name) in error_of(tmp_path / "x.zip")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.zip"]


@pytest.mark.parametrize("kind", ("zip", "tar", "tar.gz", "tar.xz", "tar.bz2"))
@pytest.mark.parametrize("share", (0.0, 0.3, 0.7, 0.97))
def test_truncated_archives(write, pack, kind, share):
    path = pack(write({f"{i:03}": bytes([i]) * 700 for i in range(200)}), kind)
    data = path.read_bytes()
    if kind == "tar":
        data = data[:-10240]  # the padding at the end may go without loss
    path.write_bytes(data[: int(len(data) * share)])
    assert "damaged or truncated" in error_of(path)


def test_a_tar_cut_between_two_members_does_not_lose_the_rest_in_silence(tmp_path):
    path = tar_of(tmp_path / "x.tar", {str(i): b"x" * 512 for i in range(10)})
    path.write_bytes(path.read_bytes()[: 1024 * 5])
    assert "no header at byte 5120" in error_of(path)


def test_a_tar_with_a_broken_header_in_the_middle(tmp_path):
    path = tar_of(tmp_path / "x.tar", {str(i): b"x" * 512 for i in range(10)})
    data = bytearray(path.read_bytes())
    data[1024 * 5 + 150] ^= 0xFF
    path.write_bytes(data)
    assert "damaged" in error_of(path)


@pytest.mark.parametrize("name", ("x.zip", "x.tar", "x.tar.gz", "x.tar.xz", "x.tar.bz2"))
def test_archives_that_are_none(tmp_path, name):
    (tmp_path / name).write_bytes(b"<html>404 not found</html>" * 100)
    assert "damaged" in error_of(tmp_path / name)


def test_a_flipped_byte_in_a_zip_member_is_found_when_it_is_read(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"0123456789" * 20)
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with open_files(path) as files, pytest.raises(PictureError) as caught:
        files.read("a")
    assert caught.value.reason is RejectReason.IMAGE_UNREADABLE


@pytest.mark.parametrize("ending", ("gz", "xz"))
def test_a_flipped_byte_in_a_packed_tar(tmp_path, ending):
    plain = tar_of(tmp_path / "x.tar", {str(i): bytes(range(256)) * i for i in range(40)}).read_bytes()
    data = bytearray({"gz": gzip.compress, "xz": lzma.compress}[ending](plain))
    data[len(data) // 2] ^= 0x55
    path = tmp_path / f"y.tar.{ending}"
    path.write_bytes(data)
    assert "damaged" in error_of(path)


def test_only_regular_files_count_and_hard_links_are_files(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        member = tarfile.TarInfo("a")
        member.size = 3
        archive.addfile(member, io.BytesIO(b"abc"))
        for name, kind, target in (
            ("hard", tarfile.LNKTYPE, "./a"),  # as `tar` writes them of a folder `.`
            ("soft", tarfile.SYMTYPE, "/etc/hostname"),
            ("pipe", tarfile.FIFOTYPE, ""),
            ("folder", tarfile.DIRTYPE, ""),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            archive.addfile(member)
    with open_files(tmp_path / "x.tar") as files:
        assert files.names() == ["a", "hard"]
        assert files.read("hard") == b"abc"


def test_a_linked_zip_member_is_no_file(tmp_path):
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(link, "/etc/hostname")
        archive.writestr("a", "1")
    with open_files(tmp_path / "x.zip") as files:
        assert files.names() == ["a"]


def test_an_encrypted_zip_is_named(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("secret", b"1")
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the flags of the central directory's entry
    path.write_bytes(data)
    assert "'secret' is encrypted" in error_of(path)


def test_a_tar_that_shrinks_after_it_was_opened(tmp_path):
    path = tar_of(tmp_path / "x.tar", {"a": b"x" * 5000})
    with open_files(path) as files:
        os.truncate(path, 1000)
        with pytest.raises(PictureError) as caught:
            files.read("a")
    assert caught.value.reason is RejectReason.IMAGE_UNREADABLE


def test_readers_share_a_descriptor_but_no_position(tmp_path):
    (tmp_path / "x").write_bytes(bytes(range(100)))
    with (tmp_path / "x").open("rb") as file:
        first, second = PositionedReader(file.fileno()), PositionedReader(file.fileno())
        assert first.seek(50) == 50
        assert (second.read(2), first.read(2), second.read(1)) == (b"\x00\x01", b"\x32\x33", b"\x02")
        assert first.seek(-1, os.SEEK_END) == 99
        assert (first.read(9), first.read(9)) == (b"\x63", b"")
        assert os.lseek(file.fileno(), 0, os.SEEK_CUR) == 0  # which forked workers would share


def test_long_and_foreign_names(tmp_path):
    long = "/".join(["é中" * 20] * 5) + "/x.inkml"
    with open_files(tar_of(tmp_path / "x.tar.gz", {long: b"1"}, "w:gz")) as files:
        assert files.names() == [long]
        assert files.read(long) == b"1"


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    # A limit on file size stands in for the full disk: the write fails half-way, for real.
    path = tar_of(tmp_path / "x.tar.gz", {"zeros": bytes(4_000_000)}, "w:gz")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    import signal

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        message = error_of(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert "no room" in message
    assert "TMPDIR" in message
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.tar.gz"]


def test_utf8_names_that_a_zip_does_not_tell_of(tmp_path):
    """Info-ZIP in a C locale and macOS write UTF-8 names without saying so."""
    name = "größe.png"
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(name, b"picture")
    data = bytearray((tmp_path / "x.zip").read_bytes())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(header) + flags + 1] &= ~0x08
    (tmp_path / "x.zip").write_bytes(data)
    with open_files(tmp_path / "x.zip") as files:
        assert files.names() == [name]
        assert files.read(name) == b"picture"
