"""Pictures, ink and folders made to do harm: refused by name, memory and time bounded."""

import io
import os
import struct
import subprocess
import zlib

from PIL import Image

from tests.corpora.test_hostile import outcome_of
from tests.storage.test_archives import tar_of


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *more: bytes) -> bytes:
    start = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes((width + 1) * min(height, 100))))
    return b"\x89PNG\r\n\x1a\n" + start + b"".join(more) + pixels + chunk(b"IEND", b"")


def encoded(image: Image.Image, format: str, **more: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **more)
    return buffer.getvalue()


def scans(count: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again. At 8,000 x 8,000 pixels, 90 bytes cost 0.05 seconds."""
    *first, last = encoded(Image.new("L", (800, 800), 200), "JPEG", progressive=True, quality=5).split(
        b"\xff\xda"
    )
    return b"\xff\xda".join([*first, *[last.removesuffix(b"\xff\xd9")] * count]) + b"\xff\xd9"


def canvas() -> bytes:
    """An animated WebP of small frames that claims the largest canvas there is."""
    frames = [Image.new("RGB", (10, 10), (i, 0, 0)) for i in range(50)]
    data = bytearray(encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True))
    at = data.index(b"VP8X") + 12
    data[at : at + 6] = (16382).to_bytes(3, "little") * 2
    return bytes(data)


def tag_counts() -> bytes:
    """A TIFF each of whose tags claims two thousand million values."""
    data = bytearray(encoded(Image.new("L", (9, 9)), "TIFF"))
    at = struct.unpack("<I", data[4:8])[0]
    for entry in range(struct.unpack_from("<H", data, at)[0]):
        struct.pack_into("<I", data, at + 2 + 12 * entry + 4, 2**31 - 1)
    return bytes(data)


def exif_bomb() -> bytes:
    """A JPEG whose Exif claims two thousand million values of a tag, and leads back to itself."""
    entries = struct.pack("<HHII", 0x9286, 7, 2**31 - 1, 8) + struct.pack("<HHII", 0x8769, 4, 1, 8)
    exif = b"Exif\0\0II*\0" + struct.pack("<I", 8) + struct.pack("<H", 2) + entries + struct.pack("<I", 8)
    return encoded(Image.new("L", (40, 20)), "JPEG", exif=exif)


def test_pictures_that_are_bombs(tmp_path):
    packed = zlib.compress(bytes(20_000_000))
    frames = [Image.new("P", (30, 20), i) for i in range(250)]
    files = {
        "giant.png": png(50_000, 50_000),
        "text.png": png(40, 20, chunk(b"zTXt", b"a\0\0" + packed)),
        "profile.png": png(40, 20, chunk(b"iCCP", b"a\0\0" + packed)),
        "chunks.png": png(40, 20, chunk(b"tEXt", b"a\0b") * 50_000),
        "frames.gif": encoded(frames[0], "GIF", save_all=True, append_images=frames[1:] * 4),
        "scans.jpg": scans(5000),
        "few_scans.jpg": scans(3),
        "canvas.webp": canvas(),
        "tags.tif": tag_counts(),
        "exif.jpg": exif_bomb(),
    }
    out = outcome_of(tar_of(tmp_path / "x.tar", files))
    for name, reason in (
        ("chunks.png", "image_blank"),  # read whole, and then there is nothing on them
        ("few_scans.jpg", "image_blank"),
        ("exif.jpg", "image_blank"),
        ("frames.gif", "image_blank"),
        ("giant.png", "image_too_large: over 64 million pixels"),
        ("text.png", "image_unreadable: Decompressed data too large"),
        ("profile.png", "image_unreadable: Decompressed data too large"),
        ("scans.jpg", "image_unreadable: a JPEG of 5,005 scans"),
        ("canvas.webp", "image_"),
        ("tags.tif", "image_unreadable"),
    ):
        assert str(out[name]).startswith(reason), (name, out[name])


def test_ink_that_is_a_bomb(tmp_path):
    laughs = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    files = {
        "points.inkml": b"<ink><trace>" + b"1 2," * 10_000_000 + b"1 2</trace></ink>",
        "laughs.inkml": f'<!DOCTYPE ink [<!ENTITY a "ha">{laughs}]><ink><trace>&i;</trace></ink>'.encode(),
        "outside.inkml": b'<!DOCTYPE ink [<!ENTITY a SYSTEM "file:///etc/passwd">]><ink><trace>&a;</trace></ink>',
        "deep.inkml": b"<ink>" + b"<traceGroup>" * 300_000 + b"</traceGroup>" * 300_000 + b"</ink>",
        "truth.inkml": b"<ink><annotation type='truth'>"
        + b"{ " * 1_000_000
        + b"</annotation><trace>1 2</trace></ink>",
        "many.inkml": b"<ink><trace>" + b"100 200, 101 201, " * 50_000 + b"102 200</trace></ink>",
    }
    out = outcome_of(tar_of(tmp_path / "x.tar", files))
    assert str(out["points.inkml"]).startswith("image_too_large: 40,000,")
    assert "DTD" in str(out["laughs.inkml"])
    assert "DTD" in str(out["outside.inkml"])
    assert str(out["deep.inkml"]) == "ink_unsupported: trace groups more than 100 deep"
    assert str(out["truth.inkml"]) == "ink_unreadable: a 'truth' of 2,000,000 characters"
    assert isinstance(out["many.inkml"], int)


def test_folders_nested_too_deeply(tmp_path):
    root = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("a", dir_fd=root)
        below = os.open("a", os.O_RDONLY, dir_fd=root)
        os.close(root)
        root = below
    os.close(root)
    assert "nested too deeply" in outcome_of(tmp_path) or "cannot be listed" in outcome_of(tmp_path)
    subprocess.run(["rm", "-rf", str(tmp_path / "a")], check=True)  # deeper than pytest removes
