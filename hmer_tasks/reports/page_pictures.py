"""Pictures as data: addresses, of a size that a page can bear."""

import base64
import io

from PIL import Image

from hmer_tasks.exceptions import PictureError
from hmer_tasks.images import decode

_LARGEST = 900  # pixels a side
_HEAVIEST = 60_000  # bytes of a picture that is embedded as it is
_KINDS = {"PNG": "png", "JPEG": "jpeg", "GIF": "gif", "WEBP": "webp"}  # what every browser shows
_QUALITY = 80  # of photographs that are made smaller


def data_address(data: bytes) -> str | None:
    """An encoded picture as a data: address; None if it cannot be read.

    Small ones are embedded as they are, others made smaller: photographs as JPEG, drawings as PNG.
    """
    try:
        image = decode(data, "")
    except PictureError:
        return None
    kind = _KINDS.get(image.format or "")
    if kind is None or len(data) > _HEAVIEST or max(image.size) > _LARGEST:
        kind, data = _smaller(image)
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _smaller(image: Image.Image) -> tuple[str, bytes]:
    grey = image.mode in ("1", "L", "LA", "I;16")
    drawing = image.format != "JPEG"
    image = _on_white(image).convert("L" if grey else "RGB")
    image.thumbnail((_LARGEST, _LARGEST), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    if drawing:
        image.save(out, "PNG")
        if out.tell() <= _HEAVIEST:
            return "png", out.getvalue()
        out = io.BytesIO()
    image.save(out, "JPEG", quality=_QUALITY)
    return "jpeg", out.getvalue()


def _on_white(image: Image.Image) -> Image.Image:
    """What is transparent becomes paper."""
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image
    rgba = image.convert("RGBA")
    paper = Image.new("RGBA", rgba.size, "white")
    return Image.alpha_composite(paper, rgba)
