"""The picture hash: copies of a picture are found, other pictures and empty ones are not."""

import io

import pytest
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from hmer_tasks.audit.findings import PICTURE_BITS, PICTURE_STRETCH
from hmer_tasks.audit.phash import look_at, similar
from hmer_tasks.corpora import find, open_corpus
from hmer_tasks.images import decode


@pytest.fixture(scope="module")
def pictures():
    """Sixteen pictures of the sample, by different synthetic writers."""
    corpus = find("sample")
    with open_corpus(corpus) as files:
        reader = corpus.open_split(files, "train")
        loaded = [reader[index].image.load() for index in range(0, 480, 30)]
        return [decode(data, name).convert("L") for data, name in loaded]


def jpeg(image):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=40)
    return Image.open(io.BytesIO(buffer.getvalue()))


COPIES = {
    "the same": lambda image: image,
    "as JPEG": jpeg,
    "half the size": lambda image: image.resize((image.width // 2, image.height // 2)),
    "twice the size": lambda image: image.resize((image.width * 2, image.height * 2)),
    "paler": lambda image: ImageEnhance.Contrast(image).enhance(0.5),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(1)),
    "in colour": lambda image: image.convert("RGB"),
    "light on dark": ImageOps.invert,
    "moved": lambda image: ImageOps.expand(image, (5, 3, 0, 0), 255),
    "with wide margins": lambda image: ImageOps.expand(image, image.height, 255),
    "in a square": lambda image: ImageOps.pad(image, (max(image.size), max(image.size)), color=255),
    "cut to its ink": lambda image: image.crop(
        ImageOps.invert(image).point(lambda v: 255 * (v > 40)).getbbox()
    ),
}


def pairs(left, right):
    return [pair for _, some in similar(left, right, PICTURE_BITS, PICTURE_STRETCH) for pair in some]


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_found_and_nothing_else(pictures, name):
    originals = [look_at(image) for image in pictures]
    copies = [look_at(COPIES[name](image)) for image in pictures]
    assert pairs(originals, copies) == [(i, i) for i in range(len(pictures))]


def test_within_one_side(pictures):
    looks = [look_at(image) for image in pictures]
    assert pairs(looks, None) == []
    assert pairs([*looks, look_at(jpeg(pictures[7]))], None) == [(7, 16)]


def test_another_shape_is_another_picture(pictures):
    image = pictures[0]
    wide = look_at(image.resize((image.width * 3, image.height)))
    assert pairs([look_at(image)], [wide]) == []


def test_pixels_are_told_from_looks(pictures):
    image = pictures[0]
    assert look_at(image.convert("RGB")).pixels == look_at(image).pixels
    assert look_at(jpeg(image)).pixels != look_at(image).pixels


@pytest.mark.parametrize("grey", (0, 128, 255))
def test_an_empty_picture_is_like_no_other(grey):
    empty = [look_at(Image.new("L", (90, 40), grey + shade)) for shade in (0, -1 if grey else 1)]
    assert all(look.flat for look in empty)
    assert pairs(empty, empty) == pairs(empty, None) == []


def test_no_pictures():
    assert pairs([], []) == pairs([], None) == []
