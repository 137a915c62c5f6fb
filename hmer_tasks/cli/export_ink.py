"""`build --inkml`: the ink of a generated corpus as InkML files, a file a sample."""

from pathlib import Path
from typing import Protocol, runtime_checkable

from hmer_tasks.corpora import Corpus, Rejected, open_corpus
from hmer_tasks.exceptions import BuildError, PictureError
from hmer_tasks.storage.urls import PathOrUrl
from hmer_tasks.utils.progress import progress_of


@runtime_checkable
class InkSource(Protocol):
    """A picture that was drawn from strokes."""

    def document(self) -> bytes:
        """The strokes as InkML. Raises PictureError."""
        ...


def export_ink(corpus: Corpus, root: PathOrUrl | None, folder: Path, limit: int | None = None) -> int:
    """Write `<id>.inkml` for each sample, but those that cannot be drawn, and return how many.

    Raises BuildError where `folder` is a file, CorpusError as opening the corpus does.
    """
    if folder.exists() and not folder.is_dir():
        raise BuildError(f"--inkml {folder}: this is a file; name a folder")
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    with open_corpus(corpus, root) as files:
        for split in corpus.available(files):
            reader = corpus.open_split(files, split)
            count = len(reader) if limit is None else min(limit, len(reader))
            with progress_of(count, "InkML files") as show:
                for index in range(count):
                    sample = reader[index]
                    if isinstance(sample, Rejected) or not isinstance(sample.image, InkSource):
                        continue
                    try:
                        data = sample.image.document()
                    except PictureError:
                        continue  # the build refuses it by name
                    (folder / f"{sample.id}.inkml").write_bytes(data)
                    written += 1
                    show(index + 1)
    return written
