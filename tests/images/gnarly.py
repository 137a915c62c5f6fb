"""Pictures as users really have them, made on the spot: every mode, orientation, alpha, profile, depth and format.

    python -m tests.images.gnarly FOLDER      # a corpus for `build --dataset folder`

Each case knows what a row must show, or why the picture must be refused.
"""

import struct
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
from PIL import Image, ImageCms, ImageDraw, ImageOps, TiffImagePlugin

from tests.images.pages import (
    INK,
    LINEAR,
    PAPER,
    SIZE,
    SRGB,
    SWAPPED,
    WIDE,
    after_soi,
    bilevel,
    chunk,
    cutout,
    encoded,
    exif,
    grey_png,
    half_dark,
    in_srgb,
    page,
    photo,
    segment,
    with_chunks,
)

pillow_heif.register_heif_opener()

# What undoes an orientation is what the camera did to the page.
STORED_AS = {
    1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A picture; what its row shows (None: it is refused), how close (mean levels of 255), and what was done."""

    name: str
    data: bytes
    shows: Image.Image | None = None
    reason: str = ""
    near: float = 1.0
    changes: frozenset[str] = frozenset()


def cases() -> Iterator[Case]:
    yield from _clean()
    yield from _modes()
    yield from _orientations()
    yield from _metadata()
    yield from _alpha()
    yield from _profiles()
    yield from _tiffs()
    yield from _formats()
    yield from _frames()
    yield from _polarity()
    yield from _refused()


def _done(*names: str) -> frozenset[str]:
    return frozenset(names)


def _clean() -> Iterator[Case]:
    rgb, grey = page(), page().convert("L")
    bits = bilevel()
    yield Case("clean-rgb.png", encoded(rgb, "PNG"), rgb)
    yield Case("clean-grey.png", encoded(grey, "PNG"), grey)
    yield Case("clean-bilevel.png", encoded(bits, "PNG"), bits)
    yield Case("clean-2-bits.png", grey_png(2), grey, near=12)
    yield Case("clean-4-bits.png", grey_png(4), grey, near=9)
    yield Case("opaque-rgba.png", encoded(rgb.convert("RGBA"), "PNG"), rgb)
    yield Case("opaque-la.png", encoded(grey.convert("LA"), "PNG"), grey)
    yield Case("clean-420.jpg", encoded(rgb, "JPEG", quality=90, subsampling=2), rgb, near=6)
    yield Case("clean-444.jpg", encoded(rgb, "JPEG", quality=95, subsampling=0), rgb, near=3)
    yield Case("clean-grey.jpg", encoded(grey, "JPEG", quality=90), grey, near=3)
    yield Case("clean-progressive.jpg", encoded(rgb, "JPEG", quality=90, progressive=True), rgb, near=6)
    yield Case("clean-restarts.jpg", encoded(rgb, "JPEG", quality=90, restart_marker_blocks=2), rgb, near=6)
    yield Case("clean-rgb-stored.jpg", encoded(rgb, "JPEG", quality=95, keep_rgb=True), rgb, near=3)
    yield Case("clean-lossless.webp", encoded(rgb, "WEBP", lossless=True), rgb)
    yield Case("clean-photo.jpg", encoded(photo(dark=False), "JPEG", quality=85), photo(dark=False), near=4)


def _modes() -> Iterator[Case]:
    rgb, grey = page(), page().convert("L")
    converted = _done("converted")
    yield Case("palette.png", encoded(rgb.quantize(16), "PNG"), rgb, near=3, changes=converted)
    yield Case("grey-palette.png", encoded(grey.convert("P"), "PNG"), grey, changes=converted)
    yield Case("16-bit-grey.png", grey_png(16), grey, changes=converted)
    deep = (np.asarray(rgb)[..., ::-1].astype(np.uint16) * 257).copy()
    yield Case("16-bit-rgb.png", cv2.imencode(".png", deep)[1].tobytes(), rgb, changes=converted)
    few = Image.fromarray(np.asarray(grey, np.uint16) * 16)
    yield Case("12-bits-in-16.png", encoded(few, "PNG"), grey, changes=converted)
    yield Case("cmyk.jpg", encoded(rgb.convert("CMYK"), "JPEG", quality=95), rgb, near=6, changes=converted)


def _orientations() -> Iterator[Case]:
    rgb = page()
    for number, how in STORED_AS.items():
        stored = rgb if how is None else rgb.transpose(how)
        turned = _done("turned") if number > 1 else _done()
        yield Case(
            f"orientation-{number}.jpg",
            encoded(stored, "JPEG", quality=95, subsampling=0, exif=exif(number)),
            rgb,
            near=4,
            changes=turned | {"stripped"},
        )
        png = encoded(stored, "PNG", exif=exif(number))
        yield Case(f"orientation-{number}.png", png, rgb, changes=turned | {"stripped"})
        webp = encoded(stored, "WEBP", lossless=True, exif=exif(number))
        yield Case(f"orientation-{number}.webp", webp, rgb, changes=turned or _done("converted"))
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[274] = number
        tiff = encoded(stored, "TIFF", tiffinfo=tags)
        yield Case(f"orientation-{number}.tif", tiff, rgb, changes=turned or _done("converted"))
    stored = rgb.transpose(STORED_AS[6])
    yield Case(
        "orientation-6.heic",
        encoded(stored, "HEIF", quality=95, exif=exif(6)),
        rgb,
        near=5,
        changes=_done("turned"),
    )
    yield Case(
        "orientation-6.avif",
        encoded(stored, "AVIF", quality=95, exif=exif(6)),
        rgb,
        near=5,
        changes=_done("turned"),
    )
    yield Case(
        "orientation-9.jpg",
        encoded(rgb, "JPEG", quality=95, subsampling=0, exif=exif(9)),
        rgb,
        near=4,
        changes=_done("stripped"),
    )


def _metadata() -> Iterator[Case]:
    rgb = page()
    plain = encoded(rgb, "JPEG", quality=95, subsampling=0)
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta><a>Jane Roe</a></x:xmpmeta>"
    iptc = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", 13) + b"\x1c\x02\x50\0\x08Jane Roe\0"
    thumb = b"JFIF\0\x01\x01\0\0\x01\0\x01" + bytes((2, 2)) + bytes(12)
    kinds = {
        "exif-gps": segment(0xE1, b"Exif\0\0" + exif().removeprefix(b"Exif\0\0")),
        "exif-thumbnail": segment(0xE1, b"Exif\0\0" + exif(thumbnail=True).removeprefix(b"Exif\0\0")),
        "exif-broken": segment(0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff"),
        "xmp": segment(0xE1, xmp),
        "iptc": segment(0xED, iptc),
        "comment": segment(0xFE, b"secret"),
        "maker": segment(0xE4, b"Phone 12"),
    }
    for name, added in kinds.items():
        yield Case(f"{name}.jpg", after_soi(plain, added), rgb, near=4, changes=_done("stripped"))
    without = plain[:2] + plain[20:]  # the JFIF segment
    yield Case("no-jfif.jpg", without, rgb, near=4)
    yield Case(
        "jfif-thumbnail.jpg", after_soi(without, segment(0xE0, thumb)), rgb, near=4, changes=_done("stripped")
    )
    yield Case("after-the-end.jpg", plain + b"Jane Roe" * 9, rgb, near=4, changes=_done("stripped"))
    yield Case("fill-bytes.jpg", plain[:2] + b"\xff\xff" + plain[2:], rgb, near=4, changes=_done("stripped"))
    several = encoded(
        rgb, "MPO", save_all=True, append_images=[ImageOps.mirror(rgb)], quality=95, subsampling=0
    )
    yield Case("two-pictures.mpo.jpg", several, rgb, near=4, changes=_done("stripped"))
    png = encoded(rgb, "PNG")
    texts = chunk(b"tEXt", b"Author\0Jane Roe") + chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"secret"))
    texts += chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta>Jane Roe</x:xmpmeta>")
    yield Case("texts.png", with_chunks(png, texts), rgb, changes=_done("stripped"))
    yield Case("time.png", with_chunks(png, chunk(b"tIME", bytes(7))), rgb, changes=_done("stripped"))
    gamma = chunk(b"gAMA", (100_000).to_bytes(4, "big"))
    yield Case("gamma.png", with_chunks(png, gamma), rgb, changes=_done("stripped"))
    usual = chunk(b"sRGB", b"\0") + chunk(b"gAMA", (45_455).to_bytes(4, "big")) + chunk(b"pHYs", bytes(9))
    yield Case("usual-chunks.png", with_chunks(png, usual), rgb)
    yield Case("after-the-end.png", png + b"Jane Roe", rgb, changes=_done("stripped"))
    webp = encoded(rgb, "WEBP", lossless=True, xmp=b"<x:xmpmeta>Jane Roe</x:xmpmeta>", exif=exif())
    yield Case("exif-xmp.webp", webp, rgb, changes=_done("converted"))
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[270], tags[315] = "secret", "Jane Roe"
    yield Case("tags.tif", encoded(rgb, "TIFF", tiffinfo=tags), rgb, changes=_done("converted"))
    gif = encoded(rgb.quantize(16), "GIF", comment=b"secret")
    yield Case("comment.gif", gif, rgb, near=3, changes=_done("converted"))


def _alpha() -> Iterator[Case]:
    black, navy = page("RGB", "white", (0, 0, 0)), page("RGB", "white", INK)
    flat, light = _done("flattened"), _done("flattened", "inverted")
    ink = cutout((0, 0, 0))
    yield Case("black-on-nothing.png", encoded(ink, "PNG"), black, changes=flat)
    yield Case("black-on-nothing-la.png", encoded(ink.convert("LA"), "PNG"), black, changes=flat)
    yield Case("black-on-nothing.webp", encoded(ink, "WEBP", lossless=True), black, changes=flat)
    yield Case("black-on-nothing.tif", encoded(ink, "TIFF"), black, changes=flat)
    yield Case("black-on-nothing.gif", encoded(ink, "GIF"), black, changes=flat)
    yield Case("navy-on-nothing.png", encoded(cutout(INK), "PNG"), navy, changes=flat)
    yield Case("white-on-nothing.png", encoded(cutout((255, 255, 255)), "PNG"), black, changes=light)
    yellow = ImageOps.invert(page("RGB", "black", (255, 240, 90)).convert("L"))
    yield Case("yellow-on-nothing.png", encoded(cutout((255, 240, 90)), "PNG"), yellow, changes=light)
    soft = page("RGB", "white", (105, 105, 105))
    yield Case("soft-on-nothing.png", encoded(cutout((0, 0, 0), soft=True), "PNG"), soft, changes=flat)
    keyed = page("P", 0, 1)
    keyed.putpalette([0, 0, 0, 0, 0, 0])
    yield Case("palette-index.png", encoded(keyed, "PNG", transparency=0), black, changes=flat)
    yield Case("palette-alphas.png", encoded(keyed, "PNG", transparency=bytes((0, 255))), black, changes=flat)
    grey = page("L", 9, 0)
    yield Case("grey-key.png", encoded(grey, "PNG", transparency=9), black, changes=flat)
    yield Case(
        "rgb-key.png",
        encoded(page("RGB", (9, 9, 9), (0, 0, 0)), "PNG", transparency=(9, 9, 9)),
        black,
        changes=flat,
    )
    deep = Image.fromarray(np.asarray(page("L", 1, 0), np.uint16) * 257)
    yield Case(
        "16-bit-key.png",
        with_chunks(encoded(deep, "PNG"), chunk(b"tRNS", struct.pack(">H", 257))),
        black,
        changes=_done("flattened", "converted"),
    )
    round_ = page()
    mask = Image.new("L", SIZE, 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, SIZE[0] - 1, SIZE[1] - 1), 8, 255)
    round_.putalpha(mask)
    yield Case("round-corners.png", encoded(round_, "PNG"), page(), near=2, changes=flat)


def _profiles() -> Iterator[Case]:
    rgb, grey = page(), page().convert("L")
    converted, stripped = _done("converted"), _done("stripped")
    options = {"quality": 95, "subsampling": 0}
    yield Case("srgb.jpg", encoded(rgb, "JPEG", icc_profile=SRGB, **options), rgb, near=4, changes=stripped)
    yield Case("srgb.png", encoded(rgb, "PNG", icc_profile=SRGB), rgb, changes=stripped)
    yield Case("broken-profile.png", encoded(rgb, "PNG", icc_profile=b"no profile"), rgb, changes=stripped)
    yield Case("grey-profile-on-rgb.png", encoded(rgb, "PNG", icc_profile=LINEAR), rgb, changes=stripped)
    for name, profile in (("wide", WIDE), ("swapped", SWAPPED)):
        shown = in_srgb(rgb, profile)
        done = converted | stripped
        yield Case(
            f"{name}.jpg", encoded(rgb, "JPEG", icc_profile=profile, **options), shown, near=5, changes=done
        )
        yield Case(f"{name}.png", encoded(rgb, "PNG", icc_profile=profile), shown, changes=done)
    swapped = encoded(rgb.convert("RGBA"), "PNG", icc_profile=SWAPPED)
    yield Case("swapped-opaque.png", swapped, in_srgb(rgb, SWAPPED), changes=converted | stripped)
    linear = in_srgb(grey, LINEAR)
    yield Case(
        "linear-grey.png", encoded(grey, "PNG", icc_profile=LINEAR), linear, changes=converted | stripped
    )
    yield Case("wide.tif", encoded(rgb, "TIFF", icc_profile=WIDE), in_srgb(rgb, WIDE), changes=converted)
    navy = page("RGB", "white", in_srgb(rgb, SWAPPED).getpixel((12, 30)))
    data = encoded(cutout(INK), "PNG", icc_profile=SWAPPED)
    done = _done("flattened", "converted", "stripped")
    yield Case("swapped-on-nothing.png", data, navy, changes=done)


def _tiffs() -> Iterator[Case]:
    rgb, grey = page(), page().convert("L")
    bits = bilevel()
    done = _done("converted")
    for mode in ("L", "RGB", "P", "CMYK"):
        image = rgb.quantize(16) if mode == "P" else rgb.convert(mode)
        shows = grey if mode == "L" else rgb
        yield Case(f"mode-{mode.lower()}.tif", encoded(image, "TIFF"), shows, near=3, changes=done)
    yield Case("mode-1.tif", encoded(bits, "TIFF"), bits, changes=done)
    yield Case("fax.tif", encoded(bits, "TIFF", compression="group4"), bits, changes=done)
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits"):
        yield Case(f"{compression}.tif", encoded(rgb, "TIFF", compression=compression), rgb, changes=done)
    yield Case(
        "jpeg-inside.tif", encoded(rgb, "TIFF", compression="jpeg", quality=95), rgb, near=6, changes=done
    )
    lab = ImageCms.profileToProfile(
        rgb, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    yield Case("lab.tif", encoded(lab, "TIFF"), rgb, near=3, changes=done)
    levels = np.asarray(grey, dtype=np.float64)
    yield Case(
        "16-bit.tif", encoded(Image.fromarray((levels * 257).astype(np.uint16)), "TIFF"), grey, changes=done
    )
    yield Case(
        "32-bit.tif", encoded(Image.fromarray((levels * 257).astype(np.int32)), "TIFF"), grey, changes=done
    )
    for name, values in {"0-1": levels / 255, "0-255": levels}.items():
        image = Image.fromarray(values.astype(np.float32))
        yield Case(f"float-{name}.tif", encoded(image, "TIFF"), grey, changes=done)
    spread = (levels - levels.min()) / (levels.max() - levels.min())
    image = Image.fromarray((spread * 7e6 - 3e6).astype(np.float32))
    yield Case(
        "float-wild.tif",
        encoded(image, "TIFF"),
        Image.fromarray((spread * 255).astype(np.uint8)),
        changes=done,
    )
    broken = (levels / 255).astype(np.float32)
    broken[3, 3] = np.nan
    yield Case("float-nan.tif", encoded(Image.fromarray(broken), "TIFF"), reason="image_unreadable")
    same = encoded(rgb, "TIFF", save_all=True, append_images=[rgb])
    yield Case("two-pages-alike.tif", same, rgb, changes=done)
    pages = encoded(rgb, "TIFF", save_all=True, append_images=[ImageOps.mirror(rgb)])
    yield Case("two-pages.tif", pages, reason="image_animated")


def _formats() -> Iterator[Case]:
    rgb, grey = page(), page().convert("L")
    done = _done("converted")
    yield Case("rgb.bmp", encoded(rgb, "BMP"), rgb, changes=done)
    yield Case("grey.bmp", encoded(grey, "BMP"), grey, changes=done)
    yield Case("palette.bmp", encoded(rgb.quantize(16), "BMP"), rgb, near=3, changes=done)
    yield Case("bilevel.bmp", encoded(bilevel(), "BMP"), bilevel(), changes=done)
    yield Case("still.gif", encoded(rgb.quantize(16), "GIF"), rgb, near=3, changes=done)
    yield Case("lossy.webp", encoded(rgb, "WEBP", quality=90), rgb, near=8)
    yield Case("still.avif", encoded(rgb, "AVIF", quality=95), rgb, near=5, changes=done)
    yield Case("still.heic", encoded(rgb, "HEIF", quality=95), rgb, near=5, changes=done)
    yield Case("wrong-ending.jpg", encoded(rgb, "PNG"), rgb)


def _frames() -> Iterator[Case]:
    rgb = page()
    other, empty = ImageOps.mirror(rgb), Image.new("RGB", SIZE, PAPER)
    options = {"save_all": True, "duration": 100}
    for ending, format in (("gif", "GIF"), ("png", "PNG"), ("webp", "WEBP"), ("avif", "AVIF")):
        moving = encoded(rgb, format, append_images=[other], **options)
        yield Case(f"moving.{ending}", moving, reason="image_animated")
    yield Case(
        "first-empty.gif", encoded(empty, "GIF", append_images=[rgb], **options), reason="image_animated"
    )
    yield Case("empty.gif", encoded(empty, "GIF"), reason="image_blank")
    # Pillow merges equal frames, so the frame that follows is put together by hand.
    frame = chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(
        b"fcTL", struct.pack(">IIIIIHHBB", 0, *SIZE, 0, 0, 1, 10, 0, 0)
    )
    png = encoded(rgb, "PNG")
    body = png[png.index(b"IDAT") + 4 : png.rindex(b"IEND") - 8]
    again = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 1, *SIZE, 0, 0, 1, 10, 0, 0)) + chunk(
        b"fdAT", b"\0\0\0\2" + body
    )
    still = with_chunks(png, frame)
    yield Case("frames-alike.png", still[:-12] + again + still[-12:], rgb, changes=_done("converted"))


def _polarity() -> Iterator[Case]:
    dark = page("L", 0, 255)
    shows = ImageOps.invert(dark)
    inverted = _done("inverted")
    yield Case("white-on-black.png", encoded(dark, "PNG"), shows, changes=inverted)
    yield Case("white-on-black.bmp", encoded(dark, "BMP"), shows, changes=inverted)
    yield Case("white-on-black.jpg", encoded(dark, "JPEG", quality=95), shows, near=3, changes=inverted)
    yield Case("white-on-black-1.png", encoded(dark.convert("1"), "PNG"), shows, changes=inverted)
    bold = Image.new("L", (40, 40), 0)
    ImageDraw.Draw(bold).line((6, 34, 34, 6), 255, 10)
    yield Case("bold.png", encoded(bold, "PNG"), ImageOps.invert(bold), changes=inverted)
    board = photo(dark=True)
    yield Case(
        "blackboard.jpg",
        encoded(board, "JPEG", quality=95),
        ImageOps.invert(board.convert("L")),
        near=4,
        changes=inverted,
    )
    yield Case("half-dark.jpg", encoded(half_dark(), "JPEG", quality=95), half_dark(), near=4)
    halves = Image.new("L", SIZE, 255)
    halves.paste(0, (SIZE[0] // 2, 0, *SIZE))
    yield Case("two-halves.png", encoded(halves, "PNG"), halves, changes=_done("polarity_undecided"))


def _refused() -> Iterator[Case]:
    for name, level in (("white", 255), ("black", 0), ("grey", 128)):
        yield Case(f"all-{name}.png", encoded(Image.new("L", SIZE, level), "PNG"), reason="image_blank")
    yield Case("all-white.jpg", encoded(Image.new("RGB", SIZE, "white"), "JPEG"), reason="image_blank")
    faint = Image.effect_noise(SIZE, 2)
    yield Case("almost-blank.jpg", encoded(faint, "JPEG", quality=90), reason="image_blank")
    yield Case("nothing.png", encoded(Image.new("RGBA", SIZE, (0, 0, 0, 0)), "PNG"), reason="image_blank")
    yield Case("1x1.png", encoded(Image.new("L", (1, 1)), "PNG"), reason="image_too_small")
    yield Case("3x50.png", encoded(Image.effect_noise((3, 50), 80), "PNG"), reason="image_too_small")
    yield Case("long.png", encoded(Image.effect_noise((4000, 8), 80), "PNG"), reason="image_too_long")
    whole = encoded(page(), "JPEG")
    yield Case("cut-off.jpg", whole[: len(whole) // 2], reason="image_unreadable")
    yield Case("cut-off.png", encoded(page(), "PNG")[:200], reason="image_unreadable")
    yield Case("no-picture.jpg", b"<html></html>", reason="image_unreadable")


def write_folder(folder: Path) -> list[Case]:
    """A corpus for `build --dataset folder`: all cases, and a label file."""
    folder.mkdir(parents=True, exist_ok=True)
    every_case = list(cases())
    for case in every_case:
        (folder / case.name).write_bytes(case.data)
    lines = (f"{case.name}\tx + {number % 10}\n" for number, case in enumerate(every_case))
    (folder / "labels.tsv").write_text("".join(lines), encoding="utf-8")
    return every_case


if __name__ == "__main__":
    print(f"{len(write_folder(Path(sys.argv[1])))} pictures")
