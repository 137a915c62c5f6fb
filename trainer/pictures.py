"""A picture as the model is shown it: decoded, on white, perhaps re-drawn a little, perhaps made smaller."""

import io
from random import Random

from PIL import Image, ImageFilter, UnidentifiedImageError

from trainer.faults import TrainError

# What Pillow raises on bytes that are no picture, or not a whole one.
BROKEN = (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height, read off the header alone. Raises what `BROKEN` names."""
    with Image.open(io.BytesIO(data)) as picture:
        return picture.size


def decode(data: bytes, where: str) -> Image.Image:
    """The picture in RGB; what is transparent is white. Raises TrainError."""
    try:
        picture: Image.Image = Image.open(io.BytesIO(data))
        if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
            ink = picture.convert("RGBA")
            picture = Image.alpha_composite(Image.new("RGBA", ink.size, "white"), ink)
        return picture.convert("RGB")
    except BROKEN as error:
        raise TrainError(f"{where}: the picture cannot be read ({error})") from error


def jitter(picture: Image.Image, random: Random) -> Image.Image:
    """The same writing in a slightly other hand: turned, slanted, stretched, thicker or thinner."""
    picture = picture.convert("L")
    scale = random.uniform(0.8, 1.15)
    wide = round(picture.width * scale * random.uniform(0.85, 1.15))
    picture = picture.resize((max(8, wide), max(8, round(picture.height * scale))), Image.Resampling.BICUBIC)
    slant = random.uniform(-0.15, 0.15)
    room = round(abs(slant) * picture.height)
    slanted = (1, slant, -room if slant > 0 else 0, 0, 1, 0)
    size = picture.width + room, picture.height
    picture = picture.transform(
        size, Image.Transform.AFFINE, slanted, Image.Resampling.BICUBIC, fillcolor=255
    )
    turn = random.uniform(-2.5, 2.5)
    picture = picture.rotate(turn, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    pen = random.random()
    if pen < 0.2:
        picture = picture.filter(ImageFilter.MinFilter(3))  # thicker
    elif pen < 0.3:
        picture = picture.filter(ImageFilter.GaussianBlur(0.7))
    return picture.convert("RGB")
