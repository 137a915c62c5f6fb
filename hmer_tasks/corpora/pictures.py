"""A picture in a corpus's files or tables: read late, and passed through `images.gate`."""

import posixpath
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from hmer_tasks.corpora.base import Picture
from hmer_tasks.images import Change, gate
from hmer_tasks.storage.files import Files, escapes_root


@dataclass(frozen=True, slots=True)
class LoadedPicture:
    """A picture that may stand in a row: encoded, its file name, and what the gate did to it."""

    data: bytes
    name: str
    changes: tuple[Change, ...] = ()


class StoredPicture(ABC):
    """A picture that its owners encoded, so that nothing is known of it before the gate has looked."""

    __slots__ = ()
    light_on_dark: bool

    @abstractmethod
    def read(self) -> tuple[bytes, str, str]:
        """The bytes as they are stored, where they are, and the file's name. Raises PictureError."""

    def gated(self, keep_polarity: bool = False) -> LoadedPicture:
        """The picture after the gate. Raises PictureError as `read` and `images.gate` do."""
        data, where, name = self.read()
        picture = gate(data, where, light_on_dark=self.light_on_dark, keep_polarity=keep_polarity)
        if picture.ending:
            name = f"{posixpath.splitext(name)[0]}.{picture.ending}"
        return LoadedPicture(picture.data, name, picture.changes)

    def load(self) -> tuple[bytes, str]:
        """The picture after the gate and its file name. Raises PictureError as `gated` does."""
        picture = self.gated()
        return picture.data, picture.name


@dataclass(slots=True, unsafe_hash=True)  # not frozen, as Sample is not
class FilePicture(StoredPicture):
    """The picture `name` in `files`; `light_on_dark` is the corpus's word for its polarity.

    `place`, where given, tells from `name` where the file lies. It is asked when the picture is read:
    looking takes time, and labels alone need none of it.
    """

    files: Files
    name: str
    light_on_dark: bool = False
    place: Callable[[str], str] | None = None

    def read(self) -> tuple[bytes, str, str]:
        """The file. Raises PictureError: IMAGE_MISSING, IMAGE_OUTSIDE_ROOT or IMAGE_UNREADABLE."""
        # A name that climbs is not looked for: reading it as it stands refuses it by name.
        name = self.name if self.place is None or escapes_root(self.name) else self.place(self.name)
        return self.files.read(name), name, posixpath.basename(name)


def loaded(picture: Picture, keep_polarity: bool = False) -> LoadedPicture:
    """Any sample's picture, ready for a row. What is drawn here is what the gate would let through.

    Raises PictureError.
    """
    if isinstance(picture, StoredPicture):
        return picture.gated(keep_polarity)
    return LoadedPicture(*picture.load())
