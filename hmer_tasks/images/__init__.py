"""Pictures decoded and encoded: what is readable, of which size, and why not."""

import io
import struct
import warnings
import zlib

from PIL import Image, UnidentifiedImageError

from hmer_tasks.exceptions import PictureError, RejectReason

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


def decode(data: bytes, where: str) -> Image.Image:
    """A whole decoded picture (the first frame of several). Raises PictureError as `load` does."""
    return _decoded(data, where, small=False)


def prove(data: bytes, where: str) -> None:
    """Raises PictureError as `decode` does, and for the same bytes: of a JPEG every code is read, but an
    eighth of its size is enough to know that it can be."""
    _decoded(data, where, small=True)


def _decoded(data: bytes, where: str, small: bool) -> Image.Image:
    if not data:
        raise PictureError(RejectReason.IMAGE_UNREADABLE, where, "the file is empty")
    if data.startswith(b"\xff\xd8") and (scans := data.count(b"\xff\xda")) > MAX_SCANS:
        raise PictureError(RejectReason.IMAGE_UNREADABLE, where, f"a JPEG of {scans:,} scans: a trap")
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
            raise PictureError(RejectReason.IMAGE_TOO_LARGE, where, detail) from None
        except UnidentifiedImageError:
            detail = f"none of {', '.join(FORMATS)}"
            raise PictureError(RejectReason.IMAGE_UNREADABLE, where, detail) from None
        except BROKEN as error:
            detail = f"{type(error).__name__}: {error}"
            raise PictureError(RejectReason.IMAGE_UNREADABLE, where, detail) from None
    return image


def check_size(width: int, height: int, where: str) -> None:
    """Raises PictureError for a size (pixels) that would not be decoded or not be trained on."""
    if width * height > MAX_PIXELS:
        raise PictureError(RejectReason.IMAGE_TOO_LARGE, where, f"{width} × {height} pixels")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise PictureError(RejectReason.IMAGE_TOO_LONG, where, f"{width} × {height} pixels")


def png(image: Image.Image) -> bytes:
    """A picture as PNG, small and the same bytes every time."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()
