"""Im2LaTeXv2: formulas of papers, typeset in many fonts; one CSV file a split.

A row is a formula and then its pictures, one a font, as `<font>/<split>/img2-grey/<number>_<font>.png`
from the root (columns `formula`, `images`, the second repeated without a name of its own); rows of one
picture (`formula,image`) are read alike, and the header may be missing. The owners read the file as
ISO-8859-1. A formula is one sample, shown by its picture in the font `basic`, else in the first font
listed whose folder is there; its id is `<number>.png`.
"""

import csv
import io
import posixpath
import re
from pathlib import Path

from hmer_tasks.corpora.base import Corpus, Rejected, SplitReader
from hmer_tasks.corpora.label_files import Entry, WholeTable, csv_rows
from hmer_tasks.corpora.labelled import LabelledSplit, find_label_file, locate
from hmer_tasks.exceptions import CorpusError, PictureError, RejectReason
from hmer_tasks.storage.files import Files
from hmer_tasks.utils.bounded_reading import BOM

SPLITS = ("train", "validate", "test")
PREFERRED = "basic"
_HEADER = ("formula", "latex", "label")
_FONT = re.compile(r"_[^_/]+(?=\.[A-Za-z]+$)")


def csv_names(split: str) -> tuple[str, ...]:
    """Where a split's rows may stand, the owners' file first."""
    stems = (f"im2latexv2_{split}_normalized2", f"im2latexv2_{split}_normalized", f"im2latexv2_{split}")
    return tuple(f"{folder}{stem}.csv" for folder in ("", f"{split}/") for stem in stems)


def find(files: Files, split: str) -> tuple[str, str] | None:
    """The prefix of the layout and the name of the split's file."""
    return find_label_file(files, csv_names(split))


def available(files: Files) -> tuple[str, ...]:
    """The splits whose CSV file is there."""
    return tuple(split for split in SPLITS if find(files, split))


def decoded(data: bytes) -> str:
    """The file's text: UTF-8 where all of it is that, which no other text in it would be by chance."""
    data = data.removeprefix(BOM)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("iso-8859-1")


def read_rows(name: str, data: bytes, source: str, fonts: set[str]) -> tuple[WholeTable, dict[str, str]]:
    """Read a table of formulas and pictures.

    Args:
        name: The file's name, for messages.
        data: Its bytes, CSV.
        source: The samples' source.
        fonts: The folders of pictures that there are.

    Returns:
        The rows as a table of ids and formulas, and the picture of each id.

    Raises:
        CorpusError: The file holds no rows.
    """
    entries: list[Entry | Rejected] = []
    pictures: dict[str, str] = {}
    rows = csv.reader(io.StringIO(decoded(data), newline=""), strict=True)
    for line, row in csv_rows(name, rows):
        if isinstance(row, str):
            where = f"{name}:{line}: {row}"
            entries.append(Rejected("", source, RejectReason.MALFORMED_LINE, where))
            continue
        if not row or (line == 1 and row[0].strip().lower() in _HEADER):
            continue
        listed = [field.strip() for field in row[1:] if field.strip()]
        if not listed:
            where = f"{name}:{line}: names no picture"
            entries.append(Rejected("", source, RejectReason.MALFORMED_LINE, where, row[0][:500]))
            continue
        picture = _chosen(listed, fonts)
        id = _FONT.sub("", posixpath.basename(picture)) if "/" in picture else picture
        pictures.setdefault(id, picture)
        entries.append(Entry(id, row[0], f"{name}:{line}"))
    return WholeTable(name, data, entries), pictures


def _chosen(listed: list[str], fonts: set[str]) -> str:
    available_paths = [path for path in listed if path.partition("/")[0] in fonts]
    preferred = [path for path in available_paths if path.startswith(f"{PREFERRED}/")]
    return (preferred or available_paths or listed)[0]


def open_split(files: Files, split: str) -> SplitReader:
    """Open a split. Raises CorpusError when it is not there, cannot be read or holds no rows."""
    layout = find(files, split) if split in SPLITS else None
    if layout is None:
        raise CORPUS.absent(files.root, split, available(files))
    top, name = layout
    source = f"im2latexv2/{split}"
    try:
        table, pictures = read_rows(name, files.read(name), source, set(files.folders(top)))
    except PictureError as error:
        raise CorpusError(f"{files.root}: the label file cannot be read ({error})") from None
    except CorpusError as error:
        raise CorpusError(f"{files.root}: {error}") from None
    folders = [
        top,
        *(f"{top}{folder}" for folder in (f"{split}/images/", f"{split}/", "images/", "formula_images/")),
    ]

    def place(id: str) -> str:
        return locate(files, folders, ("", ".png"), pictures.get(id, id))

    split_reader = LabelledSplit(files, table, source, place)
    split_reader.profile = "im2latex"
    return split_reader


CORPUS = Corpus(
    name="im2latexv2",
    origin="MathNet's authors (https://zenodo.org/records/11230382 and /11296280)",
    licence="CC BY 4.0",
    layout=(
        "Im2LaTeXv2/{im2latexv2_{train,validate,test}_normalized2.csv, <font>/<split>/img2-grey/*.png}: "
        "rows of formula,picture,picture … in ISO-8859-1; the font basic is enough"
    ),
    default_root=Path("data/Im2LaTeXv2"),
    splits=SPLITS,
    available=available,
    open_split=open_split,
)
