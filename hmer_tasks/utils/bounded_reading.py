"""Reading what users hand in, with a bound: `/dev/zero`, a bomb or a mix-up must not take all memory."""

import codecs
import errno
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

BOM = b"\xef\xbb\xbf"
LONGEST_LINE = 1 << 20  # bytes; the longest label of any corpus is some thousands
ENDLESS = 64 * LONGEST_LINE  # bytes after which nobody waits for a line's end any more
MAX_TOML = 16 << 20  # bytes; a noise file is a tenth of a megabyte


def encoding_fault() -> str:
    """What is wrong with the encoding of file names, and what to set; empty where it is UTF-8.

    Label files name pictures in UTF-8. Where Python writes names to the disk in another encoding, `é.jpg` is
    another file: a build would refuse pictures that are there.
    """
    encoding = sys.getfilesystemencoding()
    if codecs.lookup(encoding).name == "utf-8":
        return ""
    return (
        f"file names are read as {encoding} in this locale, and a corpus has them in UTF-8: set PYTHONUTF8=1"
    )


def lines(file: BinaryIO, name: str) -> Iterator[bytes | None]:
    """The lines of a file, ends left on; None stands for one over LONGEST_LINE, which is skipped.

    Raises OSError (`name` as its file name) where a line goes on past ENDLESS.
    """
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) <= LONGEST_LINE:
            yield line
            continue
        skipped = len(line)
        while line and not line.endswith(b"\n"):
            line = file.readline(LONGEST_LINE)
            skipped += len(line)
            if skipped > ENDLESS:
                what = f"line {number} does not end, not in {ENDLESS >> 20} MB"
                raise OSError(errno.EFBIG, what, name)
        yield None


def read_whole(path: Path, most: int) -> bytes:
    """A file's bytes. Raises OSError, also where they are more than `most`."""
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"over {most >> 20} MB", str(path))
    return data


def read_toml(path: Path) -> dict[str, object]:
    """A TOML file's data. Raises OSError, and ValueError (one line) where it is no TOML."""
    data = read_whole(path, MAX_TOML)
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
