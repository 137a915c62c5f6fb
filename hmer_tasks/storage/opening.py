"""A corpus opened wherever it lies: a folder, an archive, either of them at a URL."""

from pathlib import Path

from hmer_tasks.exceptions import CorpusError, CorpusMissingError
from hmer_tasks.storage.archives import open_archive
from hmer_tasks.storage.files import ENDINGS, TABLES, Files, FolderFiles
from hmer_tasks.storage.remote_files import open_remote
from hmer_tasks.storage.urls import PathOrUrl, is_url


def open_files(root: PathOrUrl) -> Files:
    """Open a folder, an archive, or the archive of that name (`data/X` finds `data/X.zip`); also at a URL.

    A table (`data/X.parquet`, `labels.csv`) opens its folder, with no other table in it.

    Raises CorpusMissingError when nothing is there, CorpusError when the archive is damaged or holds
    a name that leads out of it, MissingLibraryError when a URL needs what is not installed.
    """
    if is_url(root):
        return open_remote(str(root))
    root = Path(root)
    if root.is_dir():
        return FolderFiles(root)
    choices = [root, *(root.with_name(root.name + ending) for ending in ENDINGS)] if root.name else [root]
    for path in choices:
        if path.is_file():
            if path.name.lower().endswith(ENDINGS):
                return open_archive(path)
            if path.name.lower().endswith(TABLES):
                return FolderFiles(path.parent, only=path.name)
            raise CorpusError(f"{path}: neither a folder nor an archive ({', '.join(ENDINGS)})")
    raise CorpusMissingError(f"{root}: nothing there, neither a folder nor an archive ({', '.join(ENDINGS)})")
