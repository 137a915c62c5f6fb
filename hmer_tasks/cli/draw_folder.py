"""`hmer-tasks draw --labels`: a file for each label of a label file, as pictures or InkML."""

import io
import json
from collections.abc import Callable, Container, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from PIL import Image

from hmer_tasks.corpora import Rejected, opened_label_file
from hmer_tasks.corpora.labelled import LabelledSplit
from hmer_tasks.exceptions import BuildError, LabelError, UsageError
from hmer_tasks.handwriting.collect import Collection
from hmer_tasks.handwriting.writer import Writer, keyed
from hmer_tasks.handwriting.writing import write, write_inkml, writer
from hmer_tasks.images import EXTENSIONS
from hmer_tasks.storage.output_path import validate_output_path
from hmer_tasks.utils.files import atomic_write
from hmer_tasks.utils.progress import progress_of

LABELS = "labels.tsv"
DRAWN = ".drawn.json"  # what was drawn into a folder, with its labels: all else in it is somebody's
JPEG_QUALITY = 92
WRITERS = 100_000  # as many people write, where no ink names them


def draw_folder(
    labels: Path,
    out: Path,
    ending: str,
    *,
    number: int | None = None,
    collection: Collection | None = None,
    seed: int = 0,
    look: str = "ink",
) -> tuple[int, list[str]]:
    """Write each label of a file into the folder `out`: `<id>.<ending>`, and labels.tsv beside pictures.

    Args:
        labels: a label file of any kind that `--dataset folder` reads.
        out: made where it is not there; what was drawn into it before is replaced.
        ending: png, jpg or inkml.
        number: the writer of all; None draws one for each id, by (seed, id).
        collection: the people to write as; None for writers of our own.
        seed: another seed, other copies.
        look: ink or photo; InkML is ink.

    Returns:
        How many were written, and a line for each that was refused.

    Raises:
        CorpusError: the label file cannot be read.
        UsageError: a photograph as InkML, or `out` holds the label file or pictures that are not drawn.
        BuildError: `out` is a file.
    """
    if ending == "inkml" and look != "ink":
        raise UsageError("--as inkml holds strokes: leave --look out, or write pictures")
    if out.exists() and not out.is_dir():
        raise BuildError(f"{out} is a file: with --labels, -o names a folder")
    drawn = _drawn_before(labels, out)
    by = collection.writer if collection is not None else writer
    refused: list[str] = []
    written: dict[str, str] = {}
    ids: set[str] = set()
    with opened_label_file(labels) as split, progress_of(len(split), "labels") as show:
        _refuse_to_replace(split, out, ending, drawn)
        out.mkdir(parents=True, exist_ok=True)
        try:
            for index in range(len(split)):
                entry = split[index]
                if isinstance(entry, Rejected):
                    refused.append(f"{entry.where}: {entry.reason}")
                    continue
                name = file_name(entry.id, ending)
                if name is None or name in written:
                    if name is None:
                        why = "an id that is no file name"
                    else:
                        why = "this id occurs twice" if entry.id in ids else f"{name} is drawn for another id"
                    refused.append(f"{entry.id!r}: {why}")
                    continue
                person = by(
                    keyed("drawn by", seed, entry.id).randrange(WRITERS) if number is None else number
                )
                try:
                    data = _drawn(entry.label, entry.id, person, seed=seed, look=look, ending=ending)
                except LabelError as error:
                    refused.append(f"{entry.id}: {error}")
                    continue
                path = out / name
                path.parent.mkdir(parents=True, exist_ok=True)
                _write(path, data)
                written[name] = entry.label
                ids.add(entry.id)
                show(index + 1)
        except BaseException:  # what was drawn is named, so that the same command may go on
            with suppress(OSError):
                _name_drawn(out, {**drawn, **written})
            raise
        _name_drawn(out, {**drawn, **written})
    return len(written), refused


def _write(path: Path, data: bytes) -> None:
    """A picture that is whole or not there."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error


def _name_drawn(out: Path, drawn: Mapping[str, str]) -> None:
    """Write the list of what was drawn and is there, and the label file of its pictures."""
    kept = {name: label for name, label in drawn.items() if (out / name).exists()}
    atomic_write(out / DRAWN, json.dumps(kept, ensure_ascii=False, indent=1) + "\n")
    pictures = {name: label for name, label in kept.items() if not name.endswith(".inkml")}
    if pictures or (out / LABELS).exists():
        atomic_write(out / LABELS, "".join(f"{name}\t{label}\n" for name, label in pictures.items()))


def _refuse_to_replace(split: LabelledSplit, out: Path, ending: str, drawn: Container[str]) -> None:
    """Raise UsageError, before anything is drawn, where a file would replace one that was not drawn."""
    for index in range(len(split)):
        entry = split[index]
        name = None if isinstance(entry, Rejected) else file_name(entry.id, ending)
        if name is not None and name not in drawn and (out / name).exists():
            raise UsageError(f"{out / name} is there and was not drawn: name another folder")


def _drawn_before(labels: Path, out: Path) -> dict[str, str]:
    """What was drawn into a folder before, with its labels.

    Raises UsageError where its labels.tsv is the file that is read, or was not written here.
    """
    path = validate_output_path(out / LABELS, (labels,), folder_made=True)
    try:
        drawn = json.loads((out / DRAWN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        drawn = None
    if isinstance(drawn, dict):
        return {str(name): str(label) for name, label in drawn.items()}
    if path.exists():
        raise UsageError(f"{path} is there and was not drawn: name another folder")
    return {}


def file_name(id: str, ending: str) -> str | None:
    """The file of an id, under the folder; None for an id that would lead out of it."""
    path = PurePosixPath(id)
    if path.is_absolute() or ".." in path.parts or not path.name or "\\" in id or "\x00" in id:
        return None
    stem = path.with_suffix("") if path.suffix.lower() in EXTENSIONS else path
    return f"{stem}.{ending}"


def _drawn(label: str, id: str, by: Writer, *, seed: int, look: str, ending: str) -> bytes:
    if ending == "inkml":
        return write_inkml(label, by, seed, id)
    picture = write(label, by, seed, look)
    return picture.data if picture.ending == ending else encoded(picture.data, ending)


def encoded(data: bytes, ending: str) -> bytes:
    """A picture as a file of another kind."""
    formats: dict[str, Callable[[Image.Image, io.BytesIO], None]] = {
        "png": lambda picture, file: picture.save(file, "PNG"),
        "jpg": lambda picture, file: picture.save(file, "JPEG", quality=JPEG_QUALITY),
    }
    file = io.BytesIO()
    formats[ending](Image.open(io.BytesIO(data)), file)
    return file.getvalue()
