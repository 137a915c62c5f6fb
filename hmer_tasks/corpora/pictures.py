"""A picture in a file: proved readable by one full decode, and handed on as it lies on disk."""

import io
import posixpath
import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from PIL import Image, ImageOps, UnidentifiedImageError

from hmer_tasks.corpora.base import Picture
from hmer_tasks.corpora.faults import PictureError
from hmer_tasks.corpora.files import Files, climbs
from hmer_tasks.reasons import Reason

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP")
EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")
MAX_PIXELS = 64_000_000  # a page at 600 dpi is 35 million
MAX_SCANS = 100  # of a JPEG; real ones have up to some twenty, and each costs as much as a whole picture
MAX_ASPECT = 200  # the vision-language models' resize refuses more

# What Pillow's decoders raise on bytes that are not what their header says.
BROKEN = (
    OSError, SyntaxError, ValueError, TypeError, EOFError, IndexError, KeyError, AttributeError,
    ArithmeticError, RuntimeError, MemoryError, struct.error, zlib.error,
)  # fmt: skip


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
        name = self.name if self.place is None or climbs(self.name) else self.place(self.name)
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


def decode(data: bytes, where: str) -> Image.Image:
    """A whole decoded picture (the first frame of several). Raises PictureError as `load` does."""
    return _decoded(data, where, small=False)


def prove(data: bytes, where: str) -> None:
    """Raises PictureError as `decode` does, and for the same bytes: of a JPEG every code is read, but an
    eighth of its size is enough to know that it can be."""
    _decoded(data, where, small=True)


def _decoded(data: bytes, where: str, small: bool) -> Image.Image:
    if not data:
        raise PictureError(Reason.IMAGE_UNREADABLE, where, "the file is empty")
    if data.startswith(b"\xff\xd8") and (scans := data.count(b"\xff\xda")) > MAX_SCANS:
        raise PictureError(Reason.IMAGE_UNREADABLE, where, f"a JPEG of {scans:,} scans: a trap")
    with warnings.catch_warnings():
        # Remarks on odd metadata are nobody's business; only the bomb warning is an answer.
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            check_size(image.width, image.height, where)
            if small:
                image.draft(image.mode, (1, 1))  # of formats that cannot, it asks nothing
            image.load()
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            detail = f"over {MAX_PIXELS // 1_000_000} million pixels"
            raise PictureError(Reason.IMAGE_TOO_LARGE, where, detail) from None
        except UnidentifiedImageError:
            detail = f"none of {', '.join(FORMATS)}"
            raise PictureError(Reason.IMAGE_UNREADABLE, where, detail) from None
        except BROKEN as error:
            detail = f"{type(error).__name__}: {error}"
            raise PictureError(Reason.IMAGE_UNREADABLE, where, detail) from None
    return image


def check_size(width: int, height: int, where: str) -> None:
    """Raises PictureError for a size (pixels) that would not be decoded or not be trained on."""
    if width * height > MAX_PIXELS:
        raise PictureError(Reason.IMAGE_TOO_LARGE, where, f"{width} × {height} pixels")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise PictureError(Reason.IMAGE_TOO_LONG, where, f"{width} × {height} pixels")


def png(image: Image.Image) -> bytes:
    """A picture as PNG, small and the same bytes every time."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()
