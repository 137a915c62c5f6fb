"""Prediction files, and the wrong candidates they hold for a build (`--errors FILE`).

Read: JSON lines `{source, img_id, gt, pred, task, sample, raw, stop}` (only img_id, gt and pred must be
there), the field's JSON array of `{img_id, gt, pred, …}`, and tsv `id<TAB>label<TAB>prediction`; each plain
or compressed by gzip or xz.
"""

import gzip
import io
import json
import lzma
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from hmer_tasks.exceptions import LabelError, PredictionError
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import to_label
from hmer_tasks.utils.bounded_reading import BOM, LONGEST_LINE, lines

_GZIP, _XZ = b"\x1f\x8b", b"\xfd7zXZ\x00"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# what a first line of a tsv says that names its columns
_HEADERS = (
    frozenset(
        ["id", "img_id", "image_id", "image", "img", "name", "file", "file_name", "filename", "sample_id"]
    ),
    frozenset(["label", "labels", "gt", "truth", "ground_truth", "latex", "target", "reference"]),
    frozenset(["pred", "prediction", "predictions", "predicted", "output", "hypothesis", "answer"]),
)
_FIELDS = ("source", "img_id", "gt", "pred")
MAX_ARRAY = 256 << 20  # bytes of a JSON array: it is read whole


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a recogniser read from one picture. `source` is empty where the file has none.

    `pred` is the label read off `raw`, the whole answer to `task`; `sample` numbers the answers drawn
    for one prompt, and `stop` tells why the answer ended (`eos`, `length`, `repetition`). `candidate`
    and `marked` are what an error task was asked about, where the file says so.
    """

    source: str
    id: str
    gt: str
    pred: str
    task: str = ""
    sample: int = 0
    raw: str = ""
    stop: str = ""
    candidate: str | None = None
    marked: str | None = None


def read_predictions(path: Path) -> Iterator[Prediction]:
    """The predictions of a file, in order, read as they are asked for; a JSON array is read whole.

    Raises PredictionError with the line's number.
    """
    try:
        with io.BufferedReader(io.FileIO(path), LONGEST_LINE) as raw, _decompressed(raw) as file:
            start = file.peek(len(BOM))
            if start.startswith(_UTF16):
                raise PredictionError(f"{path} is UTF-16: save it as UTF-8")
            if start.removeprefix(BOM).lstrip().startswith(b"["):
                yield from _from_array(file.read(MAX_ARRAY + 1), path)
                return
            for number, line in enumerate(lines(cast("BinaryIO", file), str(path)), start=1):
                yield from _from_line(line, path, number)
    except OSError as error:
        raise PredictionError(
            f"cannot read the predictions {path}: {error.strerror or str(error) or type(error).__name__}"
        ) from error
    except (EOFError, zlib.error, lzma.LZMAError) as error:
        raise PredictionError(f"cannot read the predictions {path}: damaged or cut off ({error})") from error


def _decompressed(file: "io.BufferedReader[io.FileIO]") -> io.BufferedReader:
    """The file's text, whatever its name says; it is read as it is asked for, so that its size does not
    count."""
    start = file.peek(len(_XZ))
    if start.startswith(_GZIP):
        return io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(fileobj=file)), LONGEST_LINE)
    if start.startswith(_XZ):
        return io.BufferedReader(cast("io.RawIOBase", lzma.LZMAFile(file)), LONGEST_LINE)
    return cast("io.BufferedReader", file)


def _text(raw: bytes, path: Path, number: int) -> str:
    try:
        return raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise PredictionError(f"{path}:{number}: not UTF-8 (byte {error.start} of it)") from error


def _from_line(raw: bytes | None, path: Path, number: int) -> Iterator[Prediction]:
    if raw is None:
        raise PredictionError(f"{path}:{number}: the line is over {LONGEST_LINE >> 20} MB")
    line = _text(raw, path, number).removesuffix("\n").removesuffix("\r")
    if line.startswith("{"):
        yield _from_record(_json(line, path, number), path, number)
    elif line.strip():
        fields = line.split("\t")
        if len(fields) != 3:
            raise PredictionError(
                f"{path}:{number}: not `id<TAB>label<TAB>prediction` ({len(fields)} fields)"
            )
        if number == 1 and all(
            field.strip().lower() in names for field, names in zip(fields, _HEADERS, strict=True)
        ):
            raise PredictionError(f"{path}:1: a header row ({', '.join(fields)}): remove it")
        yield Prediction("", fields[0], fields[1], fields[2])


def _json(text: str, path: Path, number: int) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also an endless number
        raise PredictionError(f"{path}:{number}: not JSON: {error}") from error


def _from_array(data: bytes, path: Path) -> Iterator[Prediction]:
    if len(data) > MAX_ARRAY:
        raise PredictionError(f"{path}: a JSON array over {MAX_ARRAY >> 20} MB; write it as JSON lines")
    records = _json(_text(data, path, 1), path, 1)
    assert isinstance(records, list)
    for number, record in enumerate(records, start=1):
        yield _from_record(record, path, number)


def _from_record(record: object, path: Path, number: int) -> Prediction:
    if not isinstance(record, dict):
        raise PredictionError(f"{path}:{number}: a prediction must be an object")
    fields = {name: record.get(name, "" if name == "source" else None) for name in _FIELDS}
    values = list(fields.values())
    if wrong := [name for name, value in fields.items() if not isinstance(value, str)]:
        what = "is missing" if wrong[0] not in record else "must be a text, in quotes"
        hint = '; with --labels it may be ""' if wrong[0] == "gt" else ""
        raise PredictionError(f"{path}:{number}: {wrong[0]} {what}{hint}")
    optional = [record.get(name) or "" for name in ("task", "raw", "stop")]
    asked = [record.get(name) for name in ("candidate", "marked")]
    sample = record.get("sample") or 0
    if not all(isinstance(value, str) for value in optional):
        raise PredictionError(f"{path}:{number}: task, raw and stop must be texts")
    if not all(value is None or isinstance(value, str) for value in asked):
        raise PredictionError(f"{path}:{number}: candidate and marked must be texts")
    if not isinstance(sample, int) or sample < 0:
        raise PredictionError(f"{path}:{number}: sample must be a number from 0")
    source, id, gt, pred, task, raw, stop = texts = [str(value) for value in values + optional]
    try:
        "".join([*texts, *(str(value) for value in asked)]).encode()
    except UnicodeEncodeError:  # JSON can spell half a character, and no file can be written of it
        raise PredictionError(f"{path}:{number}: half a character (a lone surrogate) in a text") from None
    candidate, marked = (None if value is None else str(value) for value in asked)
    return Prediction(source, id, gt, pred, task, sample, raw, stop, candidate, marked)


def explicit_or_raw(text: str) -> str:
    """A candidate in explicit form if it parses, else its raw tokens."""
    try:
        return to_label(parse(text))
    except LabelError:
        return " ".join(text.split())
