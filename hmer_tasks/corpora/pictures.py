"""A picture in a file: proved readable by one full decode, and handed on as it lies on disk."""

import posixpath
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

from PIL import ImageOps

from hmer_tasks.corpora.base import Picture
from hmer_tasks.images import decode, png, prove
from hmer_tasks.storage.files import Files, escapes_root


@dataclass(frozen=True, slots=True)
class FilePicture:
    """The picture `name` in `files`; `light_on_dark` pictures are handed on inverted, as PNG.

    `place`, where given, tells from `name` where the file lies. It is asked when the picture is read:
    looking takes time, and labels alone need none of it.
    """

    files: Files
    name: str
    light_on_dark: bool = False
    place: Callable[[str], str] | None = None

    def load(self) -> tuple[bytes, str]:
        """The encoded picture and its file name.

        Raises PictureError: IMAGE_MISSING, IMAGE_OUTSIDE_ROOT, IMAGE_UNREADABLE (no bytes,
        truncated, not one of `FORMATS`), IMAGE_TOO_LARGE (over `MAX_PIXELS`, told from the header
        before anything is decoded) or IMAGE_TOO_LONG (sides over 1 : `MAX_ASPECT`).
        """
        # A name that climbs is not looked for: reading it as it stands refuses it by name.
        name = self.name if self.place is None or escapes_root(self.name) else self.place(self.name)
        data = self.files.read(name)
        last = posixpath.basename(name)
        if not self.light_on_dark:
            prove(data, name)
            return data, last
        image = decode(data, name)
        with warnings.catch_warnings(action="ignore"):  # a remark on a palette's transparency
            grey = image.convert("L")
        return png(ImageOps.invert(grey)), f"{posixpath.splitext(last)[0]}.png"


def as_on_disk(picture: Picture) -> Picture:
    """The picture with the polarity it has on disk; others than files have none to keep."""
    return replace(picture, light_on_dark=False) if isinstance(picture, FilePicture) else picture
