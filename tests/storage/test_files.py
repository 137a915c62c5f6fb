"""Folders and archives are one thing to the reader, and nothing leads out of either."""

import multiprocessing
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_tasks.exceptions import CorpusError, CorpusMissingError, PictureError, RejectReason
from hmer_tasks.storage.files import MAX_READ, escapes_root, normalize_member_name
from hmer_tasks.storage.opening import open_files

KINDS = ("zip", "tar", "tar.gz", "tgz", "tar.xz", "tar.bz2")
TREE = {
    "b/two.txt": "two",
    "b/c/three.txt": b"\x00" * 3000,
    "a.txt": "one",
    "z/empty": "",
    ".DS_Store": "junk",
    "b/._two.txt": "junk",
    "__MACOSX/b/two.txt": "junk",
}
NAMES = ["a.txt", "b/c/three.txt", "b/two.txt", "z/empty"]


def refused(files, name) -> RejectReason:
    with pytest.raises(PictureError) as caught:
        files.read(name)
    return caught.value.reason


@pytest.mark.parametrize("kind", ("folder", *KINDS))
def test_names_bytes_and_folders_are_the_same_everywhere(write, pack, kind):
    root = write(TREE)
    with open_files(root if kind == "folder" else pack(root, kind)) as files:
        assert files.names() == NAMES
        assert files.names("b/", ".txt") == ["b/c/three.txt", "b/two.txt"]
        assert files.names("nothing") == []
        assert files.folders() == ["b", "z"]
        assert files.folders("b/") == ["c"]
        assert files.read("b/c/three.txt") == b"\x00" * 3000
        assert files.read("./b//two.txt") == b"two"
        assert files.read("z/empty") == b""
        assert files.exists("a.txt")
        assert not files.exists("b")
        assert not files.exists("../a.txt")
        assert refused(files, "b/none.txt") is RejectReason.IMAGE_MISSING
        assert refused(files, "b") is RejectReason.IMAGE_MISSING
        assert refused(files, "nul\0l") is RejectReason.IMAGE_MISSING
        assert refused(files, "x" * 5000) is RejectReason.IMAGE_MISSING


@pytest.mark.parametrize("kind", ("folder", *KINDS))
@pytest.mark.parametrize("name", ("../a.txt", "b/../../a.txt", "/etc/hostname", "C:/a.txt", "..\\a.txt"))
def test_names_that_climb_are_refused(write, pack, kind, name):
    root = write(TREE)
    (root.parent / "a.txt").write_text("outside")
    with open_files(root if kind == "folder" else pack(root, kind)) as files:
        assert refused(files, name) is RejectReason.IMAGE_OUTSIDE_ROOT
        assert not files.exists(name)


def test_links_that_lead_out_are_refused_and_those_within_are_read(write):
    root = write(TREE)
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("secret")
    (root / "file.txt").symlink_to(outside / "secret.txt")
    (root / "folder").symlink_to(outside)
    (root / "inner.txt").symlink_to(root / "a.txt")
    (root / "broken.txt").symlink_to(root / "gone")
    os.mkfifo(root / "pipe.txt")
    with open_files(root) as files:
        assert refused(files, "file.txt") is RejectReason.IMAGE_OUTSIDE_ROOT
        assert refused(files, "folder/secret.txt") is RejectReason.IMAGE_OUTSIDE_ROOT
        assert files.read("inner.txt") == b"one"
        assert refused(files, "broken.txt") is RejectReason.IMAGE_MISSING
        assert refused(files, "pipe.txt") is RejectReason.IMAGE_MISSING
        assert "folder/secret.txt" not in files.names()
        assert "pipe.txt" not in files.names()


def test_a_root_beside_one_with_its_name_as_a_beginning_is_outside(write):
    root = write(TREE)
    root.with_name("root2").mkdir()
    (root.with_name("root2") / "x").write_text("x")
    (root / "link").symlink_to(root.with_name("root2") / "x")
    with open_files(root) as files:
        assert refused(files, "link") is RejectReason.IMAGE_OUTSIDE_ROOT


@pytest.mark.parametrize("kind", KINDS)
def test_the_archive_of_that_name_serves(write, pack, kind):
    packed = pack(write(TREE), kind)
    with open_files(packed.with_name("root-packed")) as files:
        assert files.names() == NAMES


def test_nothing_there(tmp_path):
    with pytest.raises(CorpusMissingError, match=r"none: nothing there") as caught:
        open_files(tmp_path / "none")
    assert "\n" not in str(caught.value)


def test_a_file_of_another_kind_is_no_corpus(tmp_path):
    (tmp_path / "x.rar").write_bytes(b"Rar!")
    with pytest.raises(CorpusError, match="neither a folder nor an archive"):
        open_files(tmp_path / "x.rar")


@pytest.mark.parametrize("kind", ("folder", "zip", "tar"))
def test_the_top_of_a_layout_is_found_under_wrapping_folders(write, pack, kind):
    root = write({"CORPUS/data/train/labels.txt": "x", "CORPUS/other/y": ""})
    with open_files(root if kind == "folder" else pack(root, kind)) as files:
        assert files.top(["train/labels.txt"]) == "CORPUS/data/"
        assert files.top(["data/train/labels.txt"]) == "CORPUS/"
        assert files.top(["CORPUS/data/train/labels.txt"]) == ""
        assert files.top(["labels.txt"]) is None  # a third level down is too deep


def test_two_tops_are_one_too_many(write):
    with open_files(write({"a/train/l.txt": "", "b/train/l.txt": ""})) as files:  # noqa: SIM117
        with pytest.raises(CorpusError, match=r"under a/ and b/"):
            files.top(["train/l.txt"])


def huge_file(root: Path, kind: str) -> Path:
    """A file of a byte too many, without 256 MiB on the disk: sparse, or packed."""
    size = MAX_READ + 1
    if kind == "zip":
        path = root.with_name("x.zip")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.write(root / "a.txt", "a.txt")
            with archive.open("huge", "w", force_zip64=True) as file:
                for start in range(0, size, 1 << 20):
                    file.write(bytes(min(1 << 20, size - start)))
        return path
    if kind == "tar":
        path = root.with_name("x.tar")
        with tarfile.open(path, "w") as archive:
            archive.add(root / "a.txt", "a.txt")
            member = tarfile.TarInfo("huge")
            member.size = size
            archive.addfile(member)  # the header alone; the bytes are a hole
            start = archive.offset
        os.truncate(path, start + size + 512 * 20)
        return path
    (root / "huge").touch()
    os.truncate(root / "huge", size)
    return root


@pytest.mark.parametrize("kind", ("folder", "zip", "tar"))
def test_a_huge_file_is_refused_by_name(write, kind):
    with open_files(huge_file(write(TREE), kind)) as files:
        assert files.exists("huge")
        assert refused(files, "huge") is RejectReason.IMAGE_TOO_LARGE
        assert files.read("a.txt") == b"one"


def read_all(files, names, results) -> None:
    results.put(all(files.read(f"{i % 50}") == bytes([i % 50]) * 5000 for i in names))


@pytest.mark.parametrize("kind", ("folder", "zip", "tar", "tar.gz"))
def test_forked_workers_read_side_by_side(write, pack, kind):
    root = write({str(i): bytes([i]) * 5000 for i in range(50)})
    fork = multiprocessing.get_context("fork")
    results = fork.SimpleQueue()
    with open_files(root if kind == "folder" else pack(root, kind)) as files:
        files.read("7")
        order = [range(400), range(400, 0, -1), range(0, 4000, 7)]
        workers = [fork.Process(target=read_all, args=(files, names, results)) for names in order]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert [results.get() for worker in workers if worker.exitcode == 0] == [True] * 3


@given(st.lists(st.sampled_from(["..", ".", "a", "b", ""]), max_size=6).map("/".join))
def test_a_plain_name_never_leads_out(name):
    here = Path("/here/root")
    out = not Path(os.path.normpath(f"{here}/{name}")).is_relative_to(here) or name.startswith("/")
    assert escapes_root(name) == out
    if not out:
        assert normalize_member_name(name) == os.path.normpath(name)
