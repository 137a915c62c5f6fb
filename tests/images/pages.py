"""Small pages with ink and what lies around pictures in a file: EXIF, chunks, segments, colour profiles."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms, ImageDraw, ImageFilter

SIZE = (96, 64)
PAPER, INK = (250, 248, 240), (20, 30, 110)
GPS = b"GPSLatitude"
SECRETS = (b"Jane Roe", b"Phone 12", b"secret")


def strokes(pencil: ImageDraw.ImageDraw, ink: object) -> None:
    """A shape that no turn or flip leaves alone."""
    pencil.line((12, 10, 12, 50), ink, 5)
    pencil.line((12, 50, 46, 50), ink, 5)
    pencil.line((60, 12, 84, 40), ink, 4)
    pencil.ellipse((70, 44, 80, 54), outline=ink, width=3)


def page(mode: str = "RGB", paper: object = PAPER, ink: object = INK) -> Image.Image:
    image = Image.new(mode, SIZE, paper)
    strokes(ImageDraw.Draw(image), ink)
    return image


def bilevel() -> Image.Image:
    return page("L", 255, 0).convert("1")


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def exif(orientation: int | None = None, *, private: bool = True, thumbnail: bool = False) -> bytes:
    tags = Image.Exif()
    if orientation:
        tags[0x0112] = orientation
    if private:
        tags[0x010F], tags[0x0110], tags[0x013B] = "Maker", "Phone 12", "Jane Roe"
        tags.get_ifd(0x8825).update({1: "N", 2: (47.0, 22.0, 1.5), 3: "E", 4: (8.0, 32.0, 2.5)})
        tags.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0secret"
    data = tags.tobytes()
    return data + encoded(page().resize((48, 32)), "JPEG") if thumbnail else data


def segment(marker: int, payload: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(payload) + 2) + payload


def after_soi(data: bytes, *segments: bytes) -> bytes:
    return data[:2] + b"".join(segments) + data[2:]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunks(png: bytes, *chunks: bytes) -> bytes:
    return png[:33] + b"".join(chunks) + png[33:]


def grey_png(depth: int) -> bytes:
    """A grey PNG of 1, 2, 4 or 16 bits a pixel."""
    levels = np.asarray(page().convert("L"), dtype=np.float64) / 255 * (2**depth - 1)
    values = np.rint(levels).astype(np.uint16)
    if depth == 16:
        rows = values.astype(">u2").tobytes()
        lines = [rows[i : i + 2 * SIZE[0]] for i in range(0, len(rows), 2 * SIZE[0])]
    else:
        bits = (values[..., None] >> np.arange(depth - 1, -1, -1)) & 1
        lines = [row.tobytes() for row in np.packbits(bits.reshape(SIZE[1], -1).astype(np.uint8), axis=1)]
    header = struct.pack(">IIBBBBB", *SIZE, depth, 0, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + line for line in lines))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def icc(space: bytes, gamma: float, primaries: tuple[tuple[float, float, float], ...]) -> bytes:
    """A matrix or grey profile (ICC.1:2001-04): one gamma, and primaries relative to D50."""

    def xyz(values: tuple[float, float, float]) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    name = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + b"\0" * 78
    text = b"text\0\0\0\0none\0\0\0\0"
    tags = [
        (b"desc", name + b"\0" * (-len(name) % 4)),
        (b"cprt", text),
        (b"wtpt", xyz((0.9642, 1.0, 0.8249))),
    ]
    if space == b"GRAY":
        tags.append((b"kTRC", curve))
    for letter, values in zip(b"rgb", primaries, strict=False):
        tags += [(bytes((letter,)) + b"XYZ", xyz(values)), (bytes((letter,)) + b"TRC", curve)]
    table, body = struct.pack(">I", len(tags)), b""
    for tag, data in tags:
        table += tag + struct.pack(">II", 128 + 4 + 12 * len(tags) + len(body), len(data))
        body += data
    size = 128 + len(table) + len(body)
    head = struct.pack(">I", size) + b"\0\0\0\0" + b"\x02\x40\0\0" + b"mntr" + space + b"XYZ "
    head += b"\0" * 12 + b"acsp" + b"\0" * 28 + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + table + body


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
WIDE = icc(b"RGB ", 2.2, ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446)))
SWAPPED = icc(b"RGB ", 2.2, ((0.1431, 0.0606, 0.7141), (0.3851, 0.7169, 0.0971), (0.4361, 0.2225, 0.0139)))
LINEAR = icc(b"GRAY", 1.0, ())


def in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")


def cutout(ink: tuple[int, ...], soft: bool = False) -> Image.Image:
    """Ink on a transparent ground, whose invisible colour is that of the ink."""
    mask = Image.new("L", SIZE, 0)
    strokes(ImageDraw.Draw(mask), 150 if soft else 255)
    image = Image.new("RGBA", SIZE, (*ink, 255))
    image.putalpha(mask)
    return image


def photo(dark: bool, seed: int = 0) -> Image.Image:
    """A noisy photograph of a page, or of a blackboard, under uneven light."""
    numbers = np.random.default_rng(seed)
    image = page("L", 60, 215) if dark else page("L", 190, 60)
    light = np.linspace(0.75, 1.1, SIZE[0])[None, :]
    levels = np.asarray(image.filter(ImageFilter.GaussianBlur(0.7)), dtype=np.float64) * light
    levels += numbers.normal(0, 4, levels.shape)
    grey = np.clip(levels, 0, 255).astype(np.uint8)
    tint = np.stack((grey, np.clip(grey + 8.0, 0, 255), grey), axis=-1).astype(np.uint8)
    return Image.fromarray(tint)


def half_dark() -> Image.Image:
    """A page of which one half lies in deep shadow, with ink on both."""
    levels = np.asarray(photo(dark=False).convert("L"), dtype=np.float64).copy()
    levels[:, SIZE[0] // 2 :] *= 0.35
    return Image.fromarray(levels.astype(np.uint8))
