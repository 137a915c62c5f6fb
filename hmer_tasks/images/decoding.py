"""An encoded picture decoded as every reader is meant to see it: upright, opaque, sRGB, 8-bit grey or RGB.

Whether the ink is dark or light is not looked at here (see polarity.py).
"""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from hmer_tasks.exceptions import PictureError, RejectReason
from hmer_tasks.images.containers import JPEG, MAX_SCANS, kind_of, strip

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "AVIF")  # and HEIF with pillow-heif
EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".avif", ".heic", ".heif")
MAX_PIXELS = 64_000_000  # a page at 600 dpi is 35 million
MAX_ASPECT = 200  # the vision-language models' resize refuses more
MIN_SIDE = 4  # pixels: nothing smaller can be read
MAX_FRAMES = 1_000  # compared with the first
# What brings an EXIF orientation upright, and the formats whose Pillow plugin does so itself.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
_TURNED_BY_PILLOW = ("TIFF", "HEIF")
# Above this brightness ink on a transparent ground is light: white paper would show too little of it.
_LIGHT_INK = 170
_OPAQUE = 250  # alpha of a pixel that shows no ground
_TWO_TONED = 100  # levels of 255 between ink and its own paper
_SAME_COLOUR = 2  # levels of 255 by which a profile may move a colour and still be called sRGB

# What Pillow's decoders raise on bytes that are not what their header says.
BROKEN = (
    OSError, SyntaxError, ValueError, TypeError, EOFError, IndexError, KeyError, AttributeError,
    ArithmeticError, RuntimeError, MemoryError, struct.error, zlib.error,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Upright:
    """A decoded picture and what it took.

    Attributes:
        image: mode L or RGB.
        turned: an EXIF orientation was applied.
        flattened: it was transparent.
        converted: another colour mode, depth or colour profile.
        light_ink: light ink on a transparent ground, flattened onto black paper.
    """

    image: Image.Image
    turned: bool = False
    flattened: bool = False
    converted: bool = False
    light_ink: bool = False


def load(data: bytes, where: str, *, small: bool = False, walked: bool = False) -> Image.Image:
    """Decode the first frame of a picture, as it is stored.

    Args:
        data: an encoded picture.
        where: its name, for messages.
        small: of a JPEG read every code, but decode the brightness alone, at an eighth of the size: as much
            as is needed to know that it can be decoded, for the same bytes.
        walked: `strip` has understood the file, so its scans need not be counted.

    Returns:
        The picture, decoded.

    Raises:
        PictureError: `image_unreadable` (no bytes, truncated, none of `FORMATS`), `image_too_large` (by
            its header, before anything is decoded), `image_too_long` or `image_too_small`.
    """
    with _named_faults(where):
        image = _opened(data, where, walked)
        if small:
            image.draft("L", (1, 1))  # of formats that cannot, it asks nothing
        image.load()
    return image


def upright(data: bytes, where: str) -> Upright:
    """Decode a picture, apply its orientation and colour profile, flatten it.

    Args:
        data: an encoded picture.
        where: its name, for messages.

    Returns:
        The picture, and what was done to it.

    Raises:
        PictureError: as `load` does, and `image_animated`.
    """
    kind = kind_of(data)
    with _named_faults(where):
        stored = _opened(data, where)
        _check_frames(stored, where)
        orientation = _orientation(stored)
        profile = stored.info.get("icc_profile")
        if kind == JPEG and (bare := strip(data, kind)) is not None and bare is not data:
            stored = _opened(bare, where)  # what else lies in the file, a second picture, is not decoded
        stored.load()
        plain = stored.mode in ("1", "L", "RGB") and "transparency" not in stored.info
        image = _eight_bits(stored)
        coloured = _in_srgb(image, profile if isinstance(profile, bytes) else None)
        converted = coloured is not image
        image, flattened, light_ink = _flattened(coloured)
        if image.mode == "CMYK":
            image = image.convert("RGB")
        image = image.copy() if image is stored else image
        image.info = {}  # else an encoder writes it into its file
        if orientation in _TURNS and stored.format not in _TURNED_BY_PILLOW:
            image = image.transpose(_TURNS[orientation])
    deep = kind == "PNG" and data[24] > 8
    converted = converted or deep or not (plain or flattened)
    return Upright(image, orientation in _TURNS, flattened, converted, light_ink)


def size_of(data: bytes, where: str) -> tuple[int, int]:
    """Width and height (pixels) of a picture once it is upright, read off its header.

    Args:
        data: an encoded picture.
        where: its name, for messages.

    Returns:
        Width and height.

    Raises:
        PictureError: as `load` does.
    """
    with _named_faults(where):
        image = _opened(data, where)
        width, height = image.size
        swapped = image.format not in _TURNED_BY_PILLOW and _orientation(image) >= 5
    return (height, width) if swapped else (width, height)


def is_turned_or_profiled(data: bytes, where: str) -> bool:
    """Whether a picture's metadata changes how it looks: an orientation, or a profile that is not sRGB.

    Only the header is read. Raises PictureError as `load` does, and `image_animated`.
    """
    with _named_faults(where):
        stored = _opened(data, where)
        _check_frames(stored, where)
        if _orientation(stored) in _TURNS:
            return True
        profile = stored.info.get("icc_profile")
        return isinstance(profile, bytes) and _transform(profile, stored.mode) is not None


def is_opaque(image: Image.Image) -> bool:
    """Whether a picture (1, L, LA, RGB, RGBA) has no pixel that lets the ground through."""
    if "transparency" in image.info:
        return False
    return image.mode not in ("LA", "RGBA") or image.getchannel("A").getextrema()[0] == 255


@contextmanager
def _named_faults(where: str) -> Iterator[None]:
    """Whatever Pillow raises, as PictureError; its remarks on odd metadata are not passed on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            yield
        except PictureError:
            raise
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            detail = f"over {MAX_PIXELS // 1_000_000} million pixels"
            raise PictureError(RejectReason.IMAGE_TOO_LARGE, where, detail) from None
        except UnidentifiedImageError:
            detail = f"none of {', '.join(FORMATS)}, HEIF"
            raise PictureError(RejectReason.IMAGE_UNREADABLE, where, detail) from None
        except BROKEN as error:
            detail = str(error) or type(error).__name__
            raise PictureError(RejectReason.IMAGE_UNREADABLE, where, detail) from None


def _opened(data: bytes, where: str, walked: bool = False) -> Image.Image:
    """The picture's header, read and bounded."""
    if not data:
        raise PictureError(RejectReason.IMAGE_UNREADABLE, where, "the file is empty")
    if not walked and data.startswith(b"\xff\xd8") and (scans := data.count(b"\xff\xda")) > MAX_SCANS:
        raise PictureError(RejectReason.IMAGE_UNREADABLE, where, f"a JPEG of {scans:,} scans: a trap")
    kind = kind_of(data)
    if kind == "HEIF" and not _opens_heif():
        raise PictureError(
            RejectReason.IMAGE_UNREADABLE, where, "a HEIC picture: pip install 'hmer-tasks[heic]'"
        )
    image = Image.open(io.BytesIO(data), formats=(kind,) if kind else FORMATS)
    check_size(image.width, image.height, where)
    return image


@lru_cache(maxsize=1)
def _opens_heif() -> bool:
    """Have Pillow open HEIC, where pillow-heif is installed."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener(thumbnails=False)
    return True


def check_size(width: int, height: int, where: str) -> None:
    """Check a size (pixels) before anything is decoded.

    Args:
        width: pixels.
        height: pixels.
        where: the picture's name, for messages.

    Raises:
        PictureError: `image_too_large`, `image_too_long` or `image_too_small`.
    """
    if width * height > MAX_PIXELS:
        reason = RejectReason.IMAGE_TOO_LARGE
    elif max(width, height) > MAX_ASPECT * min(width, height):
        reason = RejectReason.IMAGE_TOO_LONG
    elif min(width, height) < MIN_SIDE:
        reason = RejectReason.IMAGE_TOO_SMALL
    else:
        return
    raise PictureError(reason, where, f"{width} × {height} pixels")


def _check_frames(image: Image.Image, where: str) -> None:
    """Refuse a picture of several frames that differ. A TIFF's smaller copies of a page are no frames."""
    if image.format in ("JPEG", "MPO", "BMP") or (count := getattr(image, "n_frames", 1)) == 1:
        return
    if count > MAX_FRAMES or count * image.width * image.height > 8 * MAX_PIXELS:
        raise PictureError(RejectReason.IMAGE_ANIMATED, where, f"{count:,} frames")
    first = None
    for number in range(count):
        image.seek(number)
        if number and image.format == "TIFF" and _tiff_tag(image, 254) & 1:
            continue
        check_size(image.width, image.height, where)
        seen = image.size, sha256(image.convert("RGBA").tobytes()).digest()
        if first is not None and seen != first:
            raise PictureError(
                RejectReason.IMAGE_ANIMATED, where, f"{count:,} frames, number {number + 1} differs"
            )
        first = first or seen
    image.seek(0)


def _tiff_tag(image: Image.Image, number: int) -> int:
    value = getattr(image, "tag_v2", {}).get(number, 0)
    return value if isinstance(value, int) else 0


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation of a picture that is not decoded yet: 1 (upright) to 8."""
    try:
        if image.format == "HEIF":
            orientation = image.info.get("original_orientation") or 1
        else:
            orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except BROKEN:  # EXIF that cannot be read says nothing
        return 1
    return orientation if isinstance(orientation, int) else 1


def _eight_bits(image: Image.Image) -> Image.Image:
    """The picture in L, LA, RGB, RGBA or CMYK."""
    mode = image.mode
    if mode.startswith("I") or mode == "F":
        return _scaled(image)
    if mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return cast(Image.Image, ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB"))
    if "transparency" in image.info:
        return image.convert("RGBA")
    if mode in ("L", "LA", "RGB", "RGBA", "CMYK"):
        return image
    if mode == "1":
        return image.convert("L")
    if mode in ("PA", "RGBa", "La"):
        return image.convert("RGBA")
    if mode == "P":
        return _grey_where_grey(image.convert("RGB"))
    return image.convert("RGB")


def _grey_where_grey(image: Image.Image) -> Image.Image:
    red, green, blue = (band.tobytes() for band in image.split())
    return image.getchannel(0) if red == green == blue else image


def _scaled(image: Image.Image) -> Image.Image:
    """Deep greys in 8 bits. White is the smallest full scale that holds the brightest value: cameras and
    scanners leave 10, 12 or 14 bits in 16. Other ranges (below zero, floats of any size) are stretched.

    A colour key of transparency becomes an alpha channel. Raises ValueError where a value is no number.
    """
    values = np.asarray(image).astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("a value is no number")
    low, high = float(values.min()), float(values.max())
    whites = (1.0, 255.0, 65_535.0) if image.mode == "F" else (255.0, 1_023.0, 4_095.0, 16_383.0, 65_535.0)
    white = next((level for level in whites if high <= level), None)
    if low < 0 or white is None:
        values, white = values - low, max(high - low, 1e-300)
    grey = Image.fromarray(np.rint(values / white * 255).astype(np.uint8))
    key = image.info.get("transparency")
    if not isinstance(key, int):
        return grey
    ink = np.where(np.asarray(image) == key, 0, 255).astype(np.uint8)
    return Image.merge("LA", (grey, Image.fromarray(ink)))


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture with its colour profile applied; the very same object where there is nothing to apply."""
    if profile is None:
        return image
    bare = image.convert(image.mode[:-1]) if image.mode in ("LA", "RGBA") else image
    transform = _transform(profile, bare.mode)
    if transform is None:
        return image
    applied = ImageCms.applyTransform(bare, transform)
    assert applied is not None
    if bare.mode == "L":
        applied = applied.getchannel(0)
    if bare is not image:
        applied.putalpha(image.getchannel("A"))
    return applied


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From a profile to sRGB; None where it is sRGB, is damaged, or is one of another kind of picture."""
    mode = {"1": "L", "LA": "L", "P": "RGB", "RGBA": "RGB"}.get(mode, mode)
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != {"L": "GRAY"}.get(mode, mode):
            return None
        transform = ImageCms.buildTransform(
            source, ImageCms.createProfile("sRGB"), mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC, flags
        )
    except (ImageCms.PyCMSError, *BROKEN):
        return None
    if mode == "CMYK":
        return transform
    lattice = _lattice(mode)
    moved = ImageCms.applyTransform(lattice, transform)
    assert moved is not None
    before = np.asarray(lattice.convert("RGB"), dtype=np.int16)
    difference = np.abs(np.asarray(moved, dtype=np.int16) - before).max()
    return None if difference <= _SAME_COLOUR else transform


def _lattice(mode: str) -> Image.Image:
    """Colours from all over the cube, as a picture."""
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    if mode == "L":
        return Image.fromarray(levels[None, :])
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    return Image.fromarray(np.ascontiguousarray(cube))


def _is_two_toned(opaque: NDArray[np.float64]) -> bool:
    """Whether pixels are ink and its paper: a twentieth is much darker than another one."""
    if not opaque.size:
        return False
    dark, light = np.percentile(opaque, [5, 95])
    return bool(light - dark > _TWO_TONED)


def _flattened(image: Image.Image) -> tuple[Image.Image, bool, bool]:
    """The picture on paper, whether any of it was transparent, and whether its ink is light.

    The paper is what leaves the ink visible. Where most of the picture is opaque, or what is opaque is both
    dark and light (a label pasted on nothing), it has paper of its own, and the rest takes on that
    brightness.
    """
    if image.mode not in ("LA", "RGBA"):
        return image, False, False
    alpha = image.getchannel("A")
    colours = image.convert(image.mode[:-1])
    if alpha.getextrema()[0] == 255:
        return colours, False, False
    weight = np.asarray(alpha, dtype=np.float64)
    grey = np.asarray(colours.convert("L"), dtype=np.float64)
    covered = float(weight.sum()) / 255
    has_paper = covered > 0.5 * weight.size or _is_two_toned(grey[weight > _OPAQUE])
    brightness = float((weight * grey).sum()) / 255 / max(covered, 1e-300)
    black = brightness < 128 if has_paper else brightness > _LIGHT_INK
    paper = Image.new(colours.mode, colours.size, 0 if black else "white")
    return Image.composite(colours, paper, alpha), True, black and not has_paper
