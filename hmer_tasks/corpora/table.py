"""What the files of a table share: rows of a picture and a label, and the pictures of such rows.

A table's picture column holds encoded bytes, the Hub's struct of bytes and path, or a text: a path beneath
the root, a URL under the root, or a data URI.
"""

import base64
import binascii
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hmer_tasks.corpora.base import Rejected, Sample
from hmer_tasks.corpora.label_files import SHOWN, TOO_LONG, is_text
from hmer_tasks.corpora.pictures import StoredPicture
from hmer_tasks.exceptions import PictureError, RejectReason
from hmer_tasks.images import kind_of
from hmer_tasks.storage.files import Files, escapes_root
from hmer_tasks.storage.urls import is_url
from hmer_tasks.utils.bounded_reading import LONGEST_LINE


class Table(Protocol):
    """An opened table, whatever keeps it. Rows are read late."""

    def __len__(self) -> int: ...

    def label(self, row: int) -> str | RejectReason:
        """The label as written, or why there is none."""
        ...

    def id(self, row: int) -> str:
        """The row's id; empty where its cell is."""
        ...

    def picture(self, row: int) -> object:
        """The picture's cell: bytes, a text, a mapping of `bytes` and `path`; None where it is empty."""
        ...

    def place(self, row: int) -> tuple[str, str]:
        """The file that holds the row, and where in it, for messages."""
        ...

    def digest(self) -> str:
        """SHA-256 (hex) of what names the inputs."""
        ...


@dataclass(frozen=True, slots=True)
class TablePicture(StoredPicture):
    """The picture of a row. `name`: what it is called where its cell has no path."""

    files: Files
    table: Table
    row: int
    name: str
    light_on_dark: bool = False

    def read(self) -> tuple[bytes, str, str]:
        """The encoded picture, its place and its file name. Raises PictureError."""
        cell = self.table.picture(self.row)
        file, line = self.table.place(self.row)
        where = f"{file}, {line}"
        path, encoded = None, False
        if isinstance(cell, dict):
            path, data = cell.get("path"), cell.get("bytes")
            cell, encoded = data or path, isinstance(data, str) and bool(data)
        if isinstance(cell, bytes) and cell:
            return cell, where, self._named(path, cell)
        if not isinstance(cell, str) or not cell.strip():
            raise PictureError(RejectReason.IMAGE_MISSING, where, "the row has no picture")
        if cell.startswith("data:"):
            data = _of_data_uri(cell, where)
            return data, where, self._named(path, data)
        if encoded:  # JSON holds bytes as base64
            data = _of_base64(cell, where)
            return data, where, self._named(path, data)
        name = self._find(cell, file)
        return self.files.read(name), name, posixpath.basename(name)

    def _named(self, path: object, data: bytes) -> str:
        last = posixpath.basename(path.replace("\\", "/")) if isinstance(path, str) else ""
        return last or f"{posixpath.basename(self.name) or 'picture'}.{kind_of(data).lower() or 'png'}"

    def _find(self, cell: str, file: str) -> str:
        """The name under the root of a path or URL, from the root or from the table's folder."""
        if is_url(cell):
            root = f"{self.files.root}/"
            if not cell.startswith(root):
                raise PictureError(
                    RejectReason.IMAGE_OUTSIDE_ROOT, cell, "only URLs under --root are read: download it"
                )
            cell = cell[len(root) :]
        beside = posixpath.join(posixpath.dirname(file), cell)
        return beside if not self.files.exists(cell) and self.files.exists(beside) else cell


def _of_data_uri(cell: str, where: str) -> bytes:
    head, comma, body = cell.partition(",")
    if not comma or not head.endswith(";base64"):
        raise PictureError(RejectReason.IMAGE_UNREADABLE, where, "a data URI that is not base64")
    return _of_base64(body, where)


def _of_base64(text: str, where: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PictureError(RejectReason.IMAGE_UNREADABLE, where, f"not base64 ({error})") from None


class TableSplit:
    """A `SplitReader` over (some rows of) a table."""

    def __init__(
        self, files: Files, table: Table, rows: Sequence[int], source: str, profile: str | None
    ) -> None:
        self.profile = profile
        self._files, self._table, self._rows, self._source = files, table, rows, source

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Sample | Rejected:
        row = int(self._rows[index])
        id, label = self._table.id(row), self._table.label(row)
        if not id or len(id) > SHOWN or not is_text(id):
            return self._rejected("", RejectReason.MALFORMED_LINE, row, ": no id that can be used")
        if isinstance(label, RejectReason):
            return self._rejected(id, label, row)
        if not is_text(label):
            shown = label.encode("utf-8", "replace").decode()
            return self._rejected(id, RejectReason.NOT_UTF8, row, label=shown)
        if len(label) > LONGEST_LINE:
            return self._rejected(id, RejectReason.MALFORMED_LINE, row, f": {TOO_LONG}", label=label[:SHOWN])
        name = id if not escapes_root(id) else "picture"
        return Sample(id, self._source, label, TablePicture(self._files, self._table, row, name))

    def _rejected(
        self, id: str, reason: RejectReason, row: int, detail: str = "", label: str = ""
    ) -> Rejected:
        return Rejected(id, self._source, reason, ", ".join(self._table.place(row)) + detail, label)

    def id(self, index: int) -> str:
        return self._table.id(int(self._rows[index]))

    def digest(self) -> str:
        return self._table.digest()
