"""A split that is one label file with its pictures beside it, whatever the corpus."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hmer_tasks.corpora.base import Rejected, Sample
from hmer_tasks.corpora.columns import Columns
from hmer_tasks.corpora.label_files import TABBED, Labels, LineFormat, LineTable, read_labels
from hmer_tasks.corpora.pictures import FilePicture
from hmer_tasks.exceptions import CorpusError, PictureError
from hmer_tasks.storage.files import Files, FolderFiles


class LabelledSplit:
    """A `SplitReader` over a label file. `place` tells the name of the picture of an id."""

    def __init__(
        self,
        files: Files,
        labels: Labels,
        source: str,
        place: Callable[[str], str],
        *,
        light_on_dark: bool = False,
        name: Callable[[str], str] = str,
        profile: str | None = None,  # labels in such files are tokenised already
    ) -> None:
        self.profile = profile
        self._files, self._labels, self._source = files, labels, source
        self._place, self._light_on_dark, self._name = place, light_on_dark, name

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> Sample | Rejected:
        entry = self._labels[index]
        if isinstance(entry, Rejected):
            return entry
        picture = FilePicture(self._files, entry.image or entry.id, self._light_on_dark, self._place)
        return Sample(self._name(entry.id), self._source, entry.label, picture)

    def id(self, index: int) -> str:
        entry = self._labels[index]
        return entry.id if isinstance(entry, Rejected) else self._name(entry.id)

    def digest(self) -> str:
        return self._labels.digest()


def open_labels(files: Files, name: str, source: str, columns: Columns | None = None) -> Labels:
    """Open a label file by its ending.

    Args:
        files: The corpus.
        name: The file's name in it.
        source: The samples' source.
        columns: Which columns hold what, where their names do not tell.

    Returns:
        Its entries.

    Raises:
        CorpusError: As `read_labels` does; the message says where the file lies.
    """
    with _naming_root(files, name):
        return read_labels(name, files.content(name), source, columns)


def open_lines(files: Files, name: str, source: str, form: LineFormat = TABBED) -> LineTable:
    """Open a label file of one label a line, whatever its name.

    Args:
        files: The corpus.
        name: The file's name in it.
        source: The samples' source.
        form: How its lines are read.

    Returns:
        Its entries.

    Raises:
        CorpusError: It cannot be read; the message says where it lies.
    """
    with _naming_root(files, name):
        return LineTable(name, files.content(name), source, form)


@contextmanager
def _naming_root(files: Files, name: str) -> Iterator[None]:
    where = "" if str(files.root) == "." else f"{files.root}: "
    try:
        yield
    except PictureError as error:
        raise CorpusError(f"{where}the label file cannot be read ({error})") from None
    except CorpusError as error:
        raise CorpusError(f"{where}{error}") from None
    except OSError as error:
        raise CorpusError(f"{where}{name} cannot be read ({error.strerror or error})") from None


@contextmanager
def opened_label_file(
    path: Path, profile: str | None = None, columns: Columns | None = None
) -> Iterator[LabelledSplit]:
    """A label file outside any corpus; its pictures are looked for beside it.

    Args:
        path: The file.
        profile: How labels are read. None: they are tokenised.
        columns: Which columns hold what, where their names do not tell.

    Yields:
        Its samples, until the block ends.

    Raises:
        CorpusError: It cannot be read or holds no labels.
    """
    if not path.is_file():
        what = "no regular file: save it as one first" if path.exists() else "no such label file"
        if path.is_dir():
            what = "a folder; a corpus is named by --dataset folder --root"
        raise CorpusError(f"{path}: {what}")
    real = path.resolve()  # a link was named by the user, and does not lead astray
    with FolderFiles(real.parent) as files:
        labels = open_labels(files, real.name, path.name, columns)
        yield LabelledSplit(files, labels, path.name, str, profile=profile)


def label_file(path: Path) -> Iterator[Sample | Rejected]:
    """The lines of a label file outside any corpus. Raises CorpusError as `opened_label_file`."""
    with opened_label_file(path) as split:
        for index in range(len(split)):
            yield split[index]


def first(files: Files, names: Iterable[str]) -> str | None:
    """The first of `names` that is there."""
    return next((name for name in names if files.exists(name)), None)


def find_label_file(files: Files, names: Sequence[str]) -> tuple[str, str] | None:
    """The prefix of the layout below the root, and the first of `names` that is there, with that prefix."""
    top = files.top(names)
    name = None if top is None else first(files, (top + name for name in names))
    return (top, name) if top is not None and name else None


def locate(files: Files, folders: Iterable[str], endings: Iterable[str], id: str) -> str:
    """Where the picture of an id lies.

    Args:
        files: The corpus.
        folders: Where it may lie, each ending in `/` or empty, in this order.
        endings: How its name may end, in this order.
        id: The id.

    Returns:
        The first of folders and endings that is there. Where none is, the first choice: reading it then
        names what is wrong.
    """
    endings = tuple(endings)
    choices = [f"{folder}{id}{ending}" for folder in folders for ending in endings]
    return first(files, choices) or choices[0]
