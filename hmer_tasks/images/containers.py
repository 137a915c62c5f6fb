"""Image files at the level of their segments: what of a file is its picture, and what is not.

Sources: JPEG, ITU-T T.81 annex B (markers), JFIF 1.02 and Adobe Technical Note 5116 (APP0, APP14);
PNG, W3C "Portable Network Graphics (Third Edition)" chapter 11; WebP, RFC 9649 section 2. No pixel is
decoded here.
"""

import re

JPEG, PNG, WEBP = "JPEG", "PNG", "WEBP"
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# In a scan 0xFF stands before 0 (a stuffed byte), a restart mark, or another 0xFF (fill).
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_NOT_STUFFED = re.compile(rb"\xff[^\x00]")
MAX_SCANS = 100  # of a JPEG; real ones have up to some twenty, and each costs as much as a whole picture
_JFIF, _ADOBE, _COMMENT = 0xE0, 0xEE, 0xFE
_HUFFMAN_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive: what every reader can decode
_OTHER_FRAMES = (0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)  # lossless, arithmetic, …
_TABLES = (0xC4, 0xDB)  # Huffman's, and those of quantisation
_SCAN, _END = 0xDA, 0xD9
# Chunks that are the picture, or say of it what every reader assumes anyway.
_PICTURE_CHUNKS = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"sRGB", b"sBIT", b"pHYs"}
_SRGB_GAMMA = (45455).to_bytes(4, "big")
_PALETTE = 3  # the PNG colour type
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def kind_of(data: bytes) -> str:
    """The format of `data` by its first bytes, in Pillow's spelling: JPEG, PNG, WEBP, HEIF, or empty."""
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data.startswith(_PNG_SIGNATURE):
        return PNG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS and b"avif" not in data[8:64]:
        return "HEIF"
    return ""


def strip(data: bytes, kind: str) -> bytes | None:
    """The file with nothing but the picture in it.

    Args:
        data: an encoded picture.
        kind: its format, as `kind_of` names it.

    Returns:
        The very object `data` where the file holds nothing else already; other bytes, with the same
        pixels, where metadata could be left out; None where the picture must be encoded anew: a format,
        a colour mode or a structure that not every reader understands alike (palettes, 16 bits, CMYK,
        arithmetic coding, transparency by colour key, animations), or a damaged file, or a JPEG of more
        than `MAX_SCANS` scans.
    """
    if kind == JPEG:
        return _strip_jpeg(data)
    if kind == PNG:
        return _strip_png(data)
    if kind == WEBP:
        return data if _is_simple_webp(data) else None
    return None


def _strip_jpeg(data: bytes) -> bytes | None:
    if _is_plain_jpeg(data):
        return data
    at, size = 2, len(data)
    kept = [data[:2]]
    clean, scans = True, 0
    while at + 4 <= size or data[at : at + 2] == b"\xff\xd9":
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            clean = False
            at += 1
            continue
        if marker == _END:
            clean = clean and at + 2 == size
            return data if clean else b"".join((*kept, data[at : at + 2]))
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if end < at + 4 or end > size:
            return None
        if marker == _SCAN:
            scans += 1
            if scans > MAX_SCANS:
                return None
            if (following := _NEXT_MARKER.search(data, end)) is None:
                return None
            end = following.start()
        elif marker in _OTHER_FRAMES or (marker in _HUFFMAN_FRAMES and data[at + 9] not in (1, 3)):
            return None
        elif marker == _JFIF and data[at + 4 : at + 9] == b"JFIF\0" and end - at >= 18:
            if data[at + 16 : at + 18] != b"\0\0" or end - at > 18:  # with a thumbnail
                clean = False
                kept.append(b"\xff\xe0\0\x10" + data[at + 4 : at + 16] + b"\0\0")
                at = end
                continue
        elif marker == _ADOBE and data[at + 4 : at + 9] == b"Adobe":
            pass  # how the colours are encoded
        elif _JFIF <= marker <= 0xEF or marker == _COMMENT:
            clean = False
            at = end
            continue
        kept.append(data[at:end])
        at = end
    return None


def _is_plain_jpeg(data: bytes) -> bool:
    """Whether a JPEG is of the usual kind and holds nothing but its picture; this takes a few microseconds.

    Tables, a baseline or progressive frame of one or three bands, perhaps JFIF without a thumbnail, one scan,
    and the end. False says nothing.
    """
    if not data.endswith(b"\xff\xd9"):
        return False
    at, last = 2, len(data) - 4
    while at < last and data[at] == 0xFF:
        marker = data[at + 1]
        length = data[at + 2] << 8 | data[at + 3]
        if marker == _SCAN:
            # Every 0xFF in the scan is stuffed but the last, which begins the end.
            following = _NOT_STUFFED.search(data, at + 2 + length)
            return following is not None and following.start() == len(data) - 2
        if marker in _HUFFMAN_FRAMES:
            if data[at + 9] not in (1, 3):
                return False
        elif marker == _JFIF:
            if length != 16 or data[at + 4 : at + 9] != b"JFIF\0" or data[at + 16 : at + 18] != b"\0\0":
                return False
        elif marker not in _TABLES:
            return False
        at += 2 + length
    return False


def _strip_png(data: bytes) -> bytes | None:
    if len(data) < 33 or data[24] > 8 or data[25] == _PALETTE:
        return None
    at, size = len(_PNG_SIGNATURE), len(data)
    kept = [_PNG_SIGNATURE]
    clean = True
    while at + 12 <= size:
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        name = data[at + 4 : at + 8]
        if end > size or name in (b"tRNS", b"acTL"):
            return None
        if name in _PICTURE_CHUNKS or (name == b"gAMA" and data[at + 8 : end - 4] == _SRGB_GAMMA):
            kept.append(data[at:end])
        else:
            clean = False
        at = end
        if name == b"IEND":
            clean = clean and end == size
            return data if clean else b"".join(kept)
    return None


def _is_simple_webp(data: bytes) -> bool:
    """One chunk, the picture: the extended form (`VP8X`) is for metadata, alpha and animations."""
    if data[12:16] not in (b"VP8 ", b"VP8L"):
        return False
    length = int.from_bytes(data[16:20], "little")
    return len(data) == 20 + length + length % 2
