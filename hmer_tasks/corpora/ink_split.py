"""A split of InkML files, one expression each, whatever the corpus: CROHME and MathWriting."""

import hashlib
from collections.abc import Callable
from pathlib import PurePosixPath

from hmer_tasks.corpora.base import Rejected, Sample
from hmer_tasks.corpora.label_files import is_text, shown
from hmer_tasks.exceptions import PictureError, RejectReason
from hmer_tasks.handwriting.inkml import Ink, parse
from hmer_tasks.handwriting.strokes import InkPicture
from hmer_tasks.storage.files import Files


def truth(ink: Ink) -> str | None:
    """The label where a file's `truth` annotation is it."""
    return ink.truth


class InkSplit:
    """A `SplitReader` over InkML files; their labels are raw LaTeX, for the normaliser's `profile`.

    `names` in the split's order; an id is a file's stem. `label` finds a file's label in its ink.
    """

    def __init__(
        self,
        files: Files,
        names: list[str],
        source: str,
        profile: str,
        label: Callable[[Ink], str | None] = truth,
    ) -> None:
        self._files, self._names, self._source = files, names, source
        self.profile: str | None = profile
        self._label = label

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, index: int) -> Sample | Rejected:
        name = self._names[index]
        id = self.id(index)
        if not is_text(name):  # a file name in another encoding; nothing could write it into a row
            return Rejected(id, self._source, RejectReason.NOT_UTF8, shown(name))
        try:
            ink = parse(self._files.read(name), name)
        except PictureError as error:
            return Rejected(id, self._source, error.reason, error.place)
        label = self._label(ink)
        if label is None:
            return Rejected(id, self._source, RejectReason.LABEL_MISSING, name)
        if "\ufffd" in label:
            return Rejected(id, self._source, RejectReason.NOT_UTF8, f"{name}: its label is not UTF-8")
        return Sample(id, self._source, label, InkPicture(self._files, name, ink))

    def id(self, index: int) -> str:
        return PurePosixPath(shown(self._names[index])).stem

    def digest(self) -> str:
        digest = hashlib.sha256()
        between = b""
        for name in self._names:  # of a million names the text would be megabytes
            digest.update(between + name.encode("utf-8", "surrogateescape"))
            between = b"\n"
        return digest.hexdigest()
