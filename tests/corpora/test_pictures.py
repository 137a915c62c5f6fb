"""Pictures: what is handed on can be read, and what cannot says why."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hmer_tasks.corpora.pictures import FilePicture
from hmer_tasks.exceptions import PictureError, RejectReason
from hmer_tasks.images import FORMATS, decode, png
from hmer_tasks.images.decoding import load
from hmer_tasks.storage.opening import open_files


@pytest.fixture(autouse=True)
def loud():
    """No warning of Pillow's may leak."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def reason_of(data: bytes) -> RejectReason:
    with pytest.raises(PictureError) as caught:
        decode(data, "x.png")
    assert caught.value.where == "x.png"
    return caught.value.reason


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100))


@pytest.mark.parametrize("format", ("JPEG", "PNG", "WEBP"))
def test_bytes_come_back_as_they_lie_on_disk(write, picture, format):
    data = picture(format=format)
    with open_files(write({f"a/p.{format}": data})) as files:
        assert FilePicture(files, f"a/p.{format}").load() == (data, f"p.{format}")


@pytest.mark.parametrize("format", ("BMP", "GIF", "TIFF", "AVIF"))
def test_what_not_every_reader_opens_becomes_png(write, picture, format):
    data = picture(format=format)
    with open_files(write({f"a/p.{format}": data})) as files:
        read, name = FilePicture(files, f"a/p.{format}").load()
    assert name == "p.png" and read.startswith(b"\x89PNG")


@pytest.mark.parametrize("mode", ("1", "L", "P", "RGB", "RGBA"))
def test_light_on_dark_is_inverted(write, mode):
    image = Image.new("L", (30, 20), 0)
    image.paste(255, (5, 5, 9, 9))
    buffer = io.BytesIO()
    image.convert(mode).save(buffer, "PNG")
    with open_files(write({"p.bmp": buffer.getvalue()})) as files:
        data, name = FilePicture(files, "p.bmp", light_on_dark=True).load()
    assert name in ("p.png", "p.bmp")  # what is a PNG already keeps its name
    turned = Image.open(io.BytesIO(data))
    assert (turned.format, turned.mode, turned.size) == ("PNG", "L", (30, 20))
    assert [turned.getpixel(place) for place in ((0, 0), (6, 6), (29, 19))] == [255, 0, 255]


def test_a_palettes_transparency_is_not_remarked_on(write):
    buffer = io.BytesIO()
    Image.linear_gradient("L").convert("P").save(buffer, "PNG", transparency=bytes(range(256)))
    with open_files(write({"p.png": buffer.getvalue()})) as files:
        data, _ = FilePicture(files, "p.png", light_on_dark=True).load()
    assert decode(data, "x").size == (256, 256)


def test_odd_metadata_is_not_remarked_on():
    buffer = io.BytesIO()
    Image.new("L", (9, 9)).save(buffer, "TIFF", tiffinfo={270: "a long description"})
    data = bytearray(buffer.getvalue())
    at = data.index(struct.pack("<HHI", 270, 2, 19))
    data[at + 4 : at + 8] = struct.pack("<I", 60_000)  # more text than the file holds
    with warnings.catch_warnings(record=True) as remarks:
        warnings.simplefilter("always")
        Image.open(io.BytesIO(data)).load()
        assert remarks  # Pillow does remark on it
        remarks.clear()
        decode(bytes(data), "x")
        assert remarks == []


def test_missing_and_climbing(write):
    with open_files(write({"a": ""})) as files:
        for name, reason in (
            ("no.jpg", RejectReason.IMAGE_MISSING),
            ("../a.jpg", RejectReason.IMAGE_OUTSIDE_ROOT),
        ):
            with pytest.raises(PictureError) as caught:
                FilePicture(files, name).load()
            assert (caught.value.reason, caught.value.where) == (reason, name)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("share", (0.1, 0.5, 0.9))
def test_truncated_pictures(format, share):
    noise = Image.effect_noise((120, 80), 90)
    buffer = io.BytesIO()
    noise.save(buffer, format)
    data = buffer.getvalue()
    decode(data, "x")
    assert reason_of(data[: int(len(data) * share)]) is RejectReason.IMAGE_UNREADABLE


@pytest.mark.parametrize("data", (b"", b"\0", b"<html>", b"%PDF-1.4 ", b"P5 1 1 255 \0"))
def test_what_is_no_picture(data):
    assert reason_of(data) is RejectReason.IMAGE_UNREADABLE


@pytest.mark.parametrize("size", ((30_000, 30_000), (9_000, 8_000), (11_000, 9_000), (2**31 - 1, 2**31 - 1)))
def test_huge_pictures_are_refused_by_their_header(size):
    assert reason_of(png_header(*size)) is RejectReason.IMAGE_TOO_LARGE


@pytest.mark.parametrize(
    ("size", "ok"), (((2000, 10), True), ((10, 2000), True), ((2001, 10), False), ((1, 300), False))
)
def test_long_pictures(picture, size, ok):
    data = picture(size, "PNG")
    if ok:
        assert decode(data, "x").size == size
    else:
        assert reason_of(data) is RejectReason.IMAGE_TOO_LONG


def test_png_bytes_are_the_same_every_time():
    image = Image.linear_gradient("L")
    assert png(image) == png(image.copy())


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(FORMATS), st.data())
def test_damaged_pictures_decode_or_are_refused_and_nothing_else(format, data):
    buffer = io.BytesIO()
    Image.radial_gradient("L").resize((24, 16)).save(buffer, format)
    broken = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(broken) - 1))
        broken[at] = data.draw(st.integers(0, 255))
    try:
        decode(bytes(broken), "x")
    except PictureError as error:
        assert error.reason in (
            RejectReason.IMAGE_UNREADABLE,
            RejectReason.IMAGE_TOO_LARGE,
            RejectReason.IMAGE_TOO_LONG,
            RejectReason.IMAGE_TOO_SMALL,
            RejectReason.IMAGE_ANIMATED,
        )


NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 90, 3), np.uint8))


@settings(max_examples=300)
@given(st.data())
def test_proving_refuses_what_decoding_refuses(data):
    """Whatever became of a picture's bytes, and nothing else."""
    kind = data.draw(st.sampled_from(("baseline", "progressive", "grey", "cmyk", "png", "gif")))
    buffer = io.BytesIO()
    if kind in ("png", "gif"):
        NOISE.save(buffer, kind)
    else:
        mode = {"grey": "L", "cmyk": "CMYK"}.get(kind, "RGB")
        NOISE.convert(mode).save(buffer, "JPEG", quality=60, progressive=kind == "progressive")
    bytes_ = bytearray(buffer.getvalue())
    places = st.integers(0, len(bytes_) - 1)
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=4)):
        bytes_[place] = value
    bytes_ = bytes(bytes_[: data.draw(st.one_of(st.just(len(bytes_)), places))])
    pictures = []
    for small in (False, True):
        try:
            load(bytes_, "p", small=small)
            pictures.append("")
        except PictureError as error:
            pictures.append(str(error))
    assert pictures[0] == pictures[1]
