"""A picture as the model is shown it: decoded, on white, perhaps re-drawn a little."""

import math
from random import Random

from PIL import Image, ImageFilter

from hmer_tasks import images


def decode(data: bytes, where: str) -> Image.Image:
    """The picture in RGB, as every reader of a row sees it. Raises PictureError."""
    return images.decode(data, where).convert("RGB")


def jitter(picture: Image.Image, random: Random) -> Image.Image:
    """The same writing in a slightly other hand: turned, slanted, stretched, thicker or thinner.

    No larger than the picture in area.
    """
    picture = picture.convert("L")
    area = picture.width * picture.height
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
    if (shrink := math.sqrt(area / (picture.width * picture.height))) < 1:
        size = max(1, int(picture.width * shrink)), max(1, int(picture.height * shrink))
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    pen = random.random()
    if pen < 0.2:
        picture = picture.filter(ImageFilter.MinFilter(3))  # thicker
    elif pen < 0.3:
        picture = picture.filter(ImageFilter.GaussianBlur(0.7))
    return picture.convert("RGB")
