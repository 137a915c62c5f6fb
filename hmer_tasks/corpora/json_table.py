"""JSON lines as a table of pictures and labels: a picture is a path, a URL under the root, or base64."""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

from hmer_tasks.corpora.columns import ID_NAMES, IMAGE_NAMES, LABEL_NAMES, Columns, one_of
from hmer_tasks.corpora.label_files import TABBED, LineTable
from hmer_tasks.exceptions import CorpusError, RejectReason
from hmer_tasks.storage.files import Files

LONGEST = 64 << 20  # bytes of a line with a picture in it
_LINES_A_BLOCK = 4  # that are held at a time: lines with pictures are megabytes
_LOOKED_AT = 100  # records whose keys say which columns there are

Record = dict[str, object]


class JsonTable:
    """The records of several files of JSON lines, in the order given.

    Args:
        files: Where they are.
        names: Their names.
        columns: The user's choice of columns.

    Raises:
        CorpusError: A file cannot be read, or its columns cannot be told apart.
    """

    def __init__(self, files: Files, names: list[str], columns: Columns) -> None:
        self._names, self._columns = names, columns
        self._tables = [
            LineTable(name, files.content(name), "", TABBED, longest=LONGEST, lines_a_block=_LINES_A_BLOCK)
            for name in names
        ]
        self._ends = list(accumulate(len(table) for table in self._tables))
        self._digest = hashlib.sha256("".join(table.digest() for table in self._tables).encode()).hexdigest()
        self._last: tuple[int, Record | None] = (-1, None)
        where = f"{files.root}: {names[0]}"
        looked_at = range(min(_LOOKED_AT, len(self)))
        keys = list(dict.fromkeys(key for row in looked_at for key in self._record(row) or ()))
        if not keys:
            raise CorpusError(f"{where}: not one JSON object a line")
        self._image = columns.image or one_of("image", IMAGE_NAMES, keys, where)
        taken = {self._image, columns.id, columns.split}
        self._label = columns.label or one_of(
            "label", LABEL_NAMES, (key for key in keys if key not in taken), where
        )
        ids = (key for key in ID_NAMES if key in keys and key not in taken)
        self._id = columns.id or next((key for key in ids if self._all_differ(key)), None)
        for role, column in (("image", self._image), ("label", self._label), ("id", self._id)):
            if column is None and role == "id":
                continue
            if column is None or column not in keys:
                what = f"no column {column!r}" if column else f"no {role} column"
                raise CorpusError(
                    f"{where}: {what}; its keys are {', '.join(keys)[:400]}; "
                    f"choose with --columns {role}=NAME"
                )

    def __len__(self) -> int:
        return self._ends[-1]

    def digest(self) -> str:
        return self._digest

    def place(self, row: int) -> tuple[str, str]:
        at = bisect_right(self._ends, row)
        return self._names[at], f"line {self._line(row)[0]}"

    def id(self, row: int) -> str:
        if self._id is None:
            record = self._record(row)
            image = record.get(str(self._image)) if record is not None else None
            path = image.get("path") if isinstance(image, dict) else image
            if isinstance(path, str) and path and not path.startswith("data:"):
                return path
            return f"{row:07d}"
        value = (self._record(row) or {}).get(self._id)
        return "" if value is None or isinstance(value, list | dict) else str(value)

    def label(self, row: int) -> str | RejectReason:
        record = self._record(row)
        if record is None:
            return RejectReason.MALFORMED_LINE
        label = record.get(str(self._label))
        if label is None:
            return RejectReason.LABEL_MISSING
        return label if isinstance(label, str) else RejectReason.MALFORMED_LINE

    def picture(self, row: int) -> object:
        return (self._record(row) or {}).get(str(self._image))

    def values(self, column: str) -> Iterator[object]:
        """Every row's value of a column."""
        for row in range(len(self)):
            yield (self._record(row) or {}).get(column)

    def _all_differ(self, column: str) -> bool:
        """Whether every row has a value of its own there. Lines that are refused do not count."""
        seen: set[str] = set()
        for row in range(len(self)):
            if (record := self._record(row)) is not None:
                value = record.get(column)
                if value is None or isinstance(value, list | dict) or str(value) in seen:
                    return False
                seen.add(str(value))
        return True

    def _line(self, row: int) -> tuple[int, bytes, bool]:
        at = bisect_right(self._ends, row)
        return self._tables[at].line(row - (self._ends[at - 1] if at else 0))

    def _record(self, row: int) -> Record | None:
        if self._last[0] != row:
            _, line, cut = self._line(row)
            try:
                value = None if cut else json.loads(line)
            except (ValueError, RecursionError):
                value = None
            self._last = row, value if isinstance(value, dict) else None
        return self._last[1]
