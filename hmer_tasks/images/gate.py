"""The gate that every picture of a row passes, and the proof that it did.

A picture in a row looks the same to every reader (plain Pillow, `datasets`, OpenCV, torchvision, a
browser): JPEG, PNG or simple WebP in 8-bit grey or RGB, upright, opaque, sRGB, dark ink on light paper,
and the file holds nothing but the picture. What is so already keeps its bytes.
"""

import io
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageOps

from hmer_tasks.exceptions import PictureError, RejectReason
from hmer_tasks.images.containers import JPEG, PNG, kind_of, strip
from hmer_tasks.images.decoding import Upright, is_opaque, is_turned_or_profiled, load, upright
from hmer_tasks.images.polarity import MIN_CONTRAST, Polarity, contrast, is_plainly, polarity

QUALITY = 95  # of JPEGs that are encoded anew, without chroma subsampling
# How much an encoder may move what was measured before it, when it is measured again after it.
_CONTRAST_SLACK, _SKEWNESS_SLACK = 4, 0.02

Change = Literal["turned", "stripped", "flattened", "inverted", "converted", "polarity_undecided"]
CHANGES: tuple[Change, ...] = (
    "turned", "stripped", "flattened", "inverted", "converted", "polarity_undecided",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class GatedPicture:
    """A picture that may stand in a row.

    Attributes:
        data: the encoded picture; the very object that came in where nothing had to be changed.
        ending: the file name's ending if the format has changed (`png`), else empty.
        changes: what was done, in the order of `CHANGES`.
    """

    data: bytes
    ending: str = ""
    changes: tuple[Change, ...] = ()


def gate(
    data: bytes, where: str, *, light_on_dark: bool = False, keep_polarity: bool = False
) -> GatedPicture:
    """Make a picture fit to stand in a row.

    Args:
        data: the encoded picture, as its owners have it.
        where: its name in the corpus, for messages.
        light_on_dark: the corpus's word for its polarity, followed where the picture does not decide it.
        keep_polarity: leave light ink on dark paper as it is.

    Returns:
        The bytes for the row, and what was changed; the bytes given where nothing had to be.

    Raises:
        PictureError: `image_unreadable`, `image_too_large`, `image_too_long`, `image_too_small`,
            `image_animated` or `image_blank`.
    """
    kind = kind_of(data)
    bare = strip(data, kind)
    stripped = bare is not None and bare is not data
    word = _Word(light_on_dark, keep_polarity)
    whole = None
    if bare is not None and not (stripped and is_turned_or_profiled(data, where)):
        image = load(bare, where, small=True, walked=True)
        if is_opaque(image):
            inverted, undecided = _look_at_clean(bare, where, image, word)
            if not (inverted or stripped or undecided):
                return GatedPicture(data)
            if not inverted:
                return GatedPicture(bare, "", _changes(stripped=stripped, polarity_undecided=undecided))
            whole = image if kind != JPEG and image.mode in ("L", "RGB") else None
    taken = upright(data, where) if whole is None else Upright(whole)
    image = taken.image
    _refuse_blank(image, where)
    inverted, undecided = (not keep_polarity, False) if taken.light_ink else word.judge(image)
    if inverted:
        flipped = ImageOps.invert(image.convert("L"))
        inverted = (
            polarity(flipped, _SKEWNESS_SLACK) is not Polarity.LIGHT_ON_DARK
        )  # what a proof would refuse
        image, undecided = (flipped, undecided) if inverted else (image, True)
    changed = taken.turned or taken.flattened or inverted
    return GatedPicture(
        jpeg(image) if kind == JPEG else png(image),
        "" if kind in (JPEG, PNG) else "png",
        _changes(
            turned=taken.turned,
            stripped=stripped,
            flattened=taken.flattened,
            inverted=inverted,
            converted=taken.converted or not changed,
            polarity_undecided=undecided,
        ),
    )


@dataclass(frozen=True, slots=True)
class _Word:
    """What the corpus says of its pictures' polarity, and whether the user wants it kept."""

    light_on_dark: bool
    keep_polarity: bool

    def judge(self, image: Image.Image) -> tuple[bool, bool]:
        """Whether a whole picture is to be inverted, and whether the picture itself did not decide it."""
        if self.keep_polarity:
            return False, False
        if self.light_on_dark and is_plainly(image, Polarity.LIGHT_ON_DARK):
            return True, False
        shown = polarity(image)
        undecided = shown is Polarity.UNDECIDED
        return shown is Polarity.LIGHT_ON_DARK or (undecided and self.light_on_dark), undecided


def _look_at_clean(data: bytes, where: str, image: Image.Image, word: _Word) -> tuple[bool, bool]:
    """As `_Word.judge`, for a picture that may stand in a row but for its ink.

    `image`: the picture as `load(…, small=True)` gives it: mostly enough. Raises PictureError: `image_blank`.
    """
    if is_plainly(image, Polarity.DARK_ON_LIGHT):
        return False, False
    if kind_of(data) == JPEG:
        image = load(data, where, walked=True)
    _refuse_blank(image, where)
    return word.judge(image)


def prove(data: bytes, where: str, *, keep_polarity: bool = False) -> None:
    """Decode a row's picture the plain way and prove that it is what the gate lets through.

    Args:
        data: the encoded picture.
        where: its place, for messages.
        keep_polarity: light ink on dark paper is allowed.

    Raises:
        PictureError: what is wrong with it; `image_not_clean` where a gate would have changed it.
    """
    bare = strip(data, kind_of(data))
    image = load(data, where)
    if bare is not data or not is_opaque(image):
        detail = "holds more than its picture, or one that readers show differently"
        raise PictureError(RejectReason.IMAGE_NOT_CLEAN, where, detail)
    _refuse_blank(image, where, slack=_CONTRAST_SLACK)
    if keep_polarity or is_plainly(load(data, where, small=True), Polarity.DARK_ON_LIGHT):
        return
    if polarity(image, _SKEWNESS_SLACK) is Polarity.LIGHT_ON_DARK:
        raise PictureError(RejectReason.IMAGE_NOT_CLEAN, where, "light ink on dark paper")


def decode(data: bytes, where: str) -> Image.Image:
    """A picture as every reader of a row is to see it, whatever file it comes from.

    Upright, opaque, sRGB, mode L or RGB; polarity as it is, but for light ink on a transparent ground,
    which comes out dark on white.

    Args:
        data: an encoded picture, from a row or from anywhere.
        where: its name, for messages.

    Returns:
        The picture, decoded.

    Raises:
        PictureError: as `gate` does, but for `image_blank`.
    """
    if strip(data, kind_of(data)) is data:
        image = load(data, where)
        if is_opaque(image):
            return image if image.mode == "L" else image.convert("L" if image.mode in ("1", "LA") else "RGB")
    taken = upright(data, where)
    return ImageOps.invert(taken.image.convert("L")) if taken.light_ink else taken.image


def is_clean(data: bytes, where: str) -> bool:
    """Whether a file holds nothing but a picture that every reader shows alike, whatever its polarity.

    Args:
        data: an encoded picture.
        where: its name, for messages.

    Returns:
        Whether it does.

    Raises:
        PictureError: as `decode` does.
    """
    return strip(data, kind_of(data)) is data and is_opaque(load(data, where, small=True))


def _refuse_blank(image: Image.Image, where: str, slack: int = 0) -> None:
    if (range_ := contrast(image)) < MIN_CONTRAST - slack:
        raise PictureError(RejectReason.IMAGE_BLANK, where, f"no ink: a contrast of {range_} in 255")


def _changes(**done: bool) -> tuple[Change, ...]:
    return tuple(change for change in CHANGES if done.get(change))


def png(image: Image.Image) -> bytes:
    """A picture as PNG, small and the same bytes every time."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def jpeg(image: Image.Image) -> bytes:
    """A picture as JPEG with little loss, the same bytes every time."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    return buffer.getvalue()
