"""Label files as addressable tables: `table[i]` is one label, wherever in the file it stands.

A text table keeps one offset for many lines and reads a few of them at a time, so that fifty million
labels cost megabytes. CSV and JSON arrays are read whole, and bounded.
"""

import csv
import hashlib
import io
import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from hmer_tasks.corpora.base import Rejected
from hmer_tasks.corpora.columns import BY_NAME, ID_NAMES, IMAGE_NAMES, LABEL_NAMES, Columns, one_of
from hmer_tasks.exceptions import CorpusError, RejectReason
from hmer_tasks.storage.content import Content
from hmer_tasks.utils.bounded_reading import BOM, LONGEST_LINE

if TYPE_CHECKING:
    from _csv import Reader

LINES_PER_BLOCK = 64
MAX_WHOLE = 64 << 20  # bytes of a file that is read whole: as Python's objects it is many times that
MAX_ENTRIES = 2_000_000  # in such a file
SHOWN = 500  # characters of a record that is refused whole
_IMAGE_NAMES = (*IMAGE_NAMES, *ID_NAMES)  # pictures are often named by their ids


@dataclass(slots=True, unsafe_hash=True)  # not frozen, as Sample is not
class Entry:
    """A picture's name and its label as written; `where` is `file:line`.

    `image`: the picture's name where an id of its own stands beside it.
    """

    id: str
    label: str
    where: str
    image: str = ""


class Labels(Protocol):
    """What every kind of label file looks like once opened."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Entry | Rejected: ...

    def digest(self) -> str:
        """SHA-256 (hex) of the file's bytes."""
        ...


Fields = (
    tuple[str, str] | tuple[str, str, str]
)  # the id, the label, and the picture where the id is not its name
Split = Callable[[str], Fields | None]
DELIMITERS = (",", ";", "\t")
TOO_LONG = f"over {LONGEST_LINE >> 20} MB"
NO_FIELDS = "no picture and label that are strings"  # of a record
RECORD = "a JSON object with a picture and a label"  # what a line must be


def split_tab(line: str) -> tuple[str, str] | None:
    """`id<TAB>label`; None where there is more. A carriage return inside is no blank: such a file ends its
    lines by it alone."""
    if "\r" in line:
        return None
    name, tab, label = line.partition("\t")
    return (name, label) if tab and name.strip() and "\t" not in label.strip() else None


@dataclass(frozen=True, slots=True)
class LineFormat:
    """How the lines of a label file are read, and what a line must be, for messages."""

    split: Split
    what: str


TABBED = LineFormat(split_tab, "id<TAB>label")


def split_caption(line: str) -> tuple[str, str] | None:
    """`id<TAB>tokens`, or `id tokens` where a line has no tab."""
    if "\t" in line:
        return split_tab(line)
    parts = line.split(None, 1)
    return (parts[0], parts[1]) if len(parts) == 2 and "\r" not in line else None


CAPTION = LineFormat(split_caption, "id, a tab or blank, and the label")


def pick(record: object, columns: Columns = BY_NAME) -> Fields | None:
    """What is read of a JSON record or a CSV row, by the user's columns or the usual names, in any case."""
    if not isinstance(record, dict):
        return None
    by_name = {key.lower(): value for key, value in record.items() if isinstance(key, str)}
    taken = {chosen.lower() for chosen in (columns.image, columns.id) if chosen}
    name = record.get(columns.image) if columns.image else _first(by_name, _IMAGE_NAMES)
    label = (
        record.get(columns.label)
        if columns.label
        else _first({key: value for key, value in by_name.items() if key not in taken}, LABEL_NAMES)
    )
    if not isinstance(name, str) or not isinstance(label, str) or not name.strip():
        return None
    if columns.id is None:
        return name, label
    id = record.get(columns.id)
    if not isinstance(id, str | int) or not str(id).strip():
        return None
    return str(id), label, name


def _first(values: dict[str, object], names: Iterable[str]) -> object:
    return next((values[name] for name in names if name in values), None)


def check_label_column(name: str, keys: object, columns: Columns) -> None:
    """Refuse a table with several columns that could hold the label; `keys` that are no dict or list pass.

    Args:
        name: The file's name.
        keys: The header, or the first record.
        columns: The user's choice.

    Raises:
        CorpusError: There are several, and the user has not chosen one.
    """
    if isinstance(keys, dict | list) and columns.label is None:
        taken = (columns.image, columns.id)
        texts = (key for key in keys if isinstance(key, str) and key not in taken)
        one_of("label", LABEL_NAMES, texts, name)


def split_json(line: str, columns: Columns = BY_NAME) -> Fields | None:
    """One JSON object a line."""
    try:
        return pick(json.loads(line), columns)
    except (ValueError, RecursionError):
        return None


class LineTable:
    """A text file of one label a line, ended by LF or CR LF; blank lines do not count.

    What is kept is where every so many lines begin; the lines from there on are read when one is asked for.
    """

    def __init__(
        self,
        name: str,
        content: Content,
        source: str,
        form: LineFormat,
        *,
        longest: int = LONGEST_LINE,
        lines_a_block: int = LINES_PER_BLOCK,
    ) -> None:
        self._name, self._content, self._source, self._form = name, content, source, form
        self._longest = longest  # bytes of a line
        self._lines_a_block = lines_a_block
        self._digest = hashlib.file_digest(content.at(0), "sha256").hexdigest()
        self._starts, self._numbers = array("Q"), array("Q")  # of each block: its first byte, its first line
        self._count = 0
        at = len(BOM) if content.at(0).read(len(BOM)) == BOM else 0
        for number, (end, line, cut) in enumerate(_lines(content, at, longest), start=1):
            if cut or not is_blank(line):
                if self._count % lines_a_block == 0:
                    self._starts.append(at)
                    self._numbers.append(number)
                self._count += 1
            at = end
        if not self._count:
            raise no_lines(name)
        self._last: tuple[int, list[_Line]] = (-1, [])  # the block read last

    def __len__(self) -> int:
        return self._count

    def _block(self, block: int) -> "list[_Line]":
        read, lines = self._last
        if read != block:
            first, lines = self._numbers[block], []
            following = _lines(self._content, self._starts[block], self._longest)
            for number, (_, line, cut) in enumerate(following, start=first):
                if cut or not is_blank(line):
                    lines.append((number, line, cut))
                    if len(lines) == self._lines_a_block:
                        break
            self._last = block, lines
        return lines

    def line(self, index: int) -> "_Line":
        """A line as it stands: its number, its bytes without the end, whether they are only its beginning."""
        if not 0 <= index < self._count:
            raise IndexError(index)
        return self._block(index // self._lines_a_block)[index % self._lines_a_block]

    def __getitem__(self, index: int) -> Entry | Rejected:
        number, raw, cut = self.line(index)
        where = f"{self._name}:{number}"
        if cut:
            shown = raw[:SHOWN].decode("utf-8", "replace")
            where += f": over {self._longest >> 20} MB"
            return Rejected("", self._source, RejectReason.MALFORMED_LINE, where, shown)
        raw = raw.removesuffix(b"\r")
        try:
            line = raw.decode()
        except UnicodeDecodeError:
            # The name mostly survives, and then tells the user which picture it is about.
            name = raw.partition(b"\t")[0].decode("utf-8", "replace")[:200]
            return Rejected(name, self._source, RejectReason.NOT_UTF8, where, raw.decode("utf-8", "replace"))
        fields = self._form.split(line)
        if fields is None:
            where += f": not {self._form.what}"
            return Rejected("", self._source, RejectReason.MALFORMED_LINE, where, line)
        if not is_text(*fields):  # JSON may carry what UTF-8 does not
            return Rejected("", self._source, RejectReason.NOT_UTF8, where, line)
        return Entry(fields[0], fields[1], where, *fields[2:])

    def digest(self) -> str:
        return self._digest


_Line = tuple[int, bytes, bool]  # its number, its bytes without the end, whether they are only its beginning


def _lines(content: Content, at: int, longest: int) -> Iterator[tuple[int, bytes, bool]]:
    """The lines from byte `at` on: where the next begins, the bytes without the end, whether they are cut."""
    file = content.at(at)
    while line := file.readline(longest + 1):
        at += len(line)
        if line.endswith(b"\n"):
            yield at, line[:-1], False
            continue
        cut = len(line) > longest
        while cut and (rest := file.readline(longest)):
            at += len(rest)
            if rest.endswith(b"\n"):
                break
        yield at, line[:SHOWN] if cut else line, cut


def is_blank(line: bytes) -> bool:
    """Only blanks and the carriage return: a lone tab is a broken line, not a blank one."""
    return not line.strip(b" \r")


class WholeTable:
    """A label file read whole: CSV with a header, or a JSON array."""

    def __init__(self, name: str, data: bytes, entries: Sequence[Entry | Rejected]) -> None:
        if not entries:
            raise no_lines(name)
        self._entries = entries
        self._digest = hashlib.sha256(data).hexdigest()

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> Entry | Rejected:
        return self._entries[index]

    def digest(self) -> str:
        return self._digest


def is_text(*values: str) -> bool:
    """Whether strings can be written as UTF-8: JSON and CSV may carry lone surrogates."""
    try:
        for value in values:
            value.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(name: str) -> str:
    """A file name as text, whatever its bytes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def no_lines(name: str) -> CorpusError:
    """The one line about a label file without labels."""
    return CorpusError(
        f"{name}: the label file holds no labels; the split is empty or its download broke off"
    )


def entry(name: str, line: int, source: str, fields: Fields | str, shown: str) -> Entry | Rejected:
    """What a record of a label file becomes.

    Args:
        name: The file's name.
        line: The record's line, or its number.
        source: The sample's source.
        fields: Picture, label and, if there is one, id; or why the record has not got them.
        shown: The record as a message shows it.

    Returns:
        The entry, or why it is none: not UTF-8, or not a record.
    """
    where = f"{name}:{line}"
    if not is_text(shown, *fields):
        return Rejected("", source, RejectReason.NOT_UTF8, where, shown.encode("utf-8", "replace").decode())
    if not isinstance(fields, str) and len(fields[0]) + len(fields[1]) > LONGEST_LINE:
        fields = TOO_LONG
    if isinstance(fields, str):
        return Rejected("", source, RejectReason.MALFORMED_LINE, f"{where}: {fields}", shown)
    return Entry(fields[0], fields[1], where, *fields[2:])


def guard_whole(name: str, size: int, entries: int) -> None:
    """Refuse a file that is too large to be read whole.

    Args:
        name: The file's name.
        size: Its size in bytes.
        entries: How many entries it holds, as far as that is known.

    Raises:
        CorpusError: It is over `MAX_WHOLE` or `MAX_ENTRIES`.
    """
    if size > MAX_WHOLE or entries > MAX_ENTRIES:
        what = f"over {MAX_WHOLE >> 20} MB" if size > MAX_WHOLE else f"over {MAX_ENTRIES:,} entries"
        raise CorpusError(
            f"{name}: {what}, and CSV and JSON arrays are read into memory; write it as tsv or JSON lines"
        )


def _header(name: str, text: str, columns: Columns) -> "tuple[Reader, list[str]]":
    """The rows of a CSV file, by the first separator for which its header has the columns, and the header."""
    first = text.partition("\n")[0].strip()[:80]
    for delimiter in DELIMITERS:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        try:
            header = next(rows, [])
        except csv.Error as error:
            raise CorpusError(f"{name}: not CSV ({error})") from None
        if pick(dict.fromkeys(header, "x"), columns) is not None:
            check_label_column(name, header, columns)
            return rows, header
    image = columns.image or f"a picture column ({', '.join(_IMAGE_NAMES)})"
    label = columns.label or f"a label column ({', '.join(LABEL_NAMES)})"
    also = f" and {columns.id}" if columns.id else ""
    raise CorpusError(
        f"{name}: its header must name {image} and {label}{also}, separated by , or ; or tab; "
        f"it is {first!r}; or choose with --columns image=NAME,label=NAME"
    )


def csv_rows(name: str, rows: "Reader") -> Iterator[tuple[int, list[str] | str]]:
    """The rows of a CSV file that is read strictly, each with the line where it begins.

    Args:
        name: The file's name, for messages.
        rows: What reads it.

    Yields:
        The line and the row, or why it is none.

    Raises:
        CorpusError: A quote is not closed on its line: it would eat lines that are samples.
    """
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            if rows.line_num > line:
                raise CorpusError(
                    f"{name}, line {line}: a quote is opened and not closed before line {rows.line_num}: "
                    'close it, or write "" for a quote'
                ) from None
            yield line, f"not CSV ({error})"
            continue
        yield line, row


def read_csv(name: str, content: Content, source: str, columns: Columns = BY_NAME) -> WholeTable:
    """Read a CSV file, separated by comma, semicolon or tab.

    Args:
        name: The file's name, for messages.
        content: The file.
        source: The samples' source.
        columns: Which columns hold picture, label and id, where their names do not tell.

    Returns:
        Its entries.

    Raises:
        CorpusError: Its header names no picture or no label column or several of these, it is too large to
            be read whole, or a quote is not closed on its line.
    """
    guard_whole(name, content.size, 0)
    data = content.at(0).read()
    # Bytes that are not UTF-8 become lone surrogates, and so are refused where they stand.
    text = data.removeprefix(BOM).decode("utf-8", "surrogateescape")
    rows, header = _header(name, text, columns)
    entries = []
    for line, row in csv_rows(name, rows):
        if isinstance(row, str):
            entries.append(entry(name, line, source, row, ""))
        elif row:
            fields: Fields | str = f"{len(row)} fields, and the header has {len(header)}"
            if len(row) == len(header):
                fields = pick(dict(zip(header, row, strict=True)), columns) or NO_FIELDS
            entries.append(entry(name, line, source, fields, ",".join(row)))
            guard_whole(name, 0, len(entries))
    return WholeTable(name, data, entries)


def brief(record: object) -> str:
    """The beginning of a JSON record, for whoever looks up why it was refused."""
    try:
        return json.dumps(record)[:SHOWN]
    except RecursionError:
        return "(nested too deeply to show)"


def read_json(name: str, content: Content, source: str, columns: Columns = BY_NAME) -> Labels:
    """Read JSON lines, or one JSON array of objects.

    Args:
        name: The file's name, for messages.
        content: The file.
        source: The samples' source.
        columns: Which keys hold picture, label and id, where their names do not tell.

    Returns:
        Its entries. Their `where` counts lines, or the elements of an array.

    Raises:
        CorpusError: An array that is not JSON, or too large to be read whole; or the first record has several
            keys that could be the label's.
    """
    file = content.at(0)
    start = file.readline(LONGEST_LINE).removeprefix(BOM)
    if not (start.strip() or file.read(LONGEST_LINE)).lstrip().startswith(b"["):
        with suppress(ValueError, RecursionError):
            check_label_column(name, json.loads(start), columns)
        return LineTable(name, content, source, LineFormat(partial(split_json, columns=columns), RECORD))
    guard_whole(name, content.size, 0)
    data = content.at(0).read()
    try:
        records = json.loads(data.removeprefix(BOM))
        guard_whole(name, 0, len(records))
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"{name}: not JSON ({error}); download it again") from None
    check_label_column(name, records[0] if records else {}, columns)
    entries = [
        entry(name, at, source, pick(record, columns) or NO_FIELDS, brief(record))
        for at, record in enumerate(records, 1)
    ]
    return WholeTable(name, data, entries)


def read_labels(name: str, content: Content, source: str, columns: Columns | None = None) -> Labels:
    """Open a label file by its ending: .csv, .jsonl, .json, `caption.txt`, else `id<TAB>label`.

    Args:
        name: The file's name, for messages.
        content: The file.
        source: The samples' source.
        columns: Which columns hold what. A .tsv or .txt is then a table with a header, as a .csv is.

    Returns:
        Its entries.

    Raises:
        CorpusError: It holds no labels, or is of no use as a whole.
    """
    start = content.at(0).read(4)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise CorpusError(f"{name}: UTF-16; save it as UTF-8")
    if start == b"PAR1":
        raise CorpusError(f"{name}: a Parquet file; read it with --dataset parquet --root {name}")
    last = name.rpartition("/")[2].lower()
    if last.endswith((".jsonl", ".json")):
        return read_json(name, content, source, columns or BY_NAME)
    if last.endswith(".csv") or columns is not None:
        return read_csv(name, content, source, columns or BY_NAME)
    return LineTable(name, content, source, CAPTION if last == "caption.txt" else TABBED)
