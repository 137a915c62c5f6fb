"""Archives: one is refused in a line, or each member is read or refused by name, and nothing is written."""

from hmer_tasks.exceptions import CorpusError, PictureError
from hmer_tasks.storage.opening import open_files
from tests.fuzz.common import check_line, scratch

WORDS = [b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"\x01\x00", b"\xff\xff\xff\xff", b"../", b"/etc/x",
         b"ustar\x0000", b"ustar  \x00", bytes(512), b"0000644\x00", b"00000000010\x00", b"\x80\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff",
         b"20 path=../../x\n", b"30 GNU.sparse.realsize=99999\n", b"x", b"L", b"1", b"2", b"S", b"g", b"\x1f\x8b\x08", b"BZh9"]  # fmt: skip


def run(data: bytes) -> None:
    folder = scratch() / "archives"
    folder.mkdir(exist_ok=True)
    for name in ("x.zip", "x.tar", "x.tar.gz", "x.tar.xz", "x.tar.bz2"):
        path = folder / name
        path.write_bytes(data)
        try:
            with open_files(path) as files:
                for member in files.names():
                    assert files.exists(member)
                    try:
                        files.read(member)
                    except PictureError as error:
                        assert str(error)
        except CorpusError as error:
            check_line(error)
        path.unlink()
        assert not any(folder.iterdir())
