"""Pictures as data: addresses, of a size that a page can bear."""

import base64
import io

from PIL import Image

from hmer_tasks.exceptions import PictureError
from hmer_tasks.images import decode, is_clean, kind_of

_LARGEST = 900  # pixels a side
_HEAVIEST = 60_000  # bytes of a picture that is embedded as it is
_QUALITY = 80  # of photographs that are made smaller


def data_address(data: bytes) -> str | None:
    """An encoded picture as a data: address; None if it cannot be read.

    Small ones that hold nothing but the picture are embedded as they are; the others are decoded as a row's
    reader sees them and made smaller: photographs as JPEG, drawings as PNG.
    """
    try:
        image = decode(data, "")
        small = len(data) <= _HEAVIEST and max(image.size) <= _LARGEST
        as_it_is = small and is_clean(data, "")
    except PictureError:
        return None
    kind = kind_of(data).lower()
    if not as_it_is:
        kind, data = _smaller(image, drawing=kind not in ("jpeg", "heif"))
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _smaller(image: Image.Image, drawing: bool) -> tuple[str, bytes]:
    image.thumbnail((_LARGEST, _LARGEST), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    if drawing:
        image.save(out, "PNG")
        if out.tell() <= _HEAVIEST:
            return "png", out.getvalue()
        out = io.BytesIO()
    image.save(out, "JPEG", quality=_QUALITY)
    return "jpeg", out.getvalue()
