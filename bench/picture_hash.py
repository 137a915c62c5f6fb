"""How well the audit's picture hash tells copies from other pictures, on CROHME's ink.

    python -m bench.picture_hash ../shared/corpora/crohme/test2014_inkml.tar.xz 2014

Prints, for each way to copy a picture, how many of 256 bits differ, and how near two different
pictures come (those of one shape, which alone are compared).
"""

import io
import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from bench.corpus import words
from hmer_tasks.audit.findings import PICTURE_BITS, PICTURE_STRETCH
from hmer_tasks.audit.phash import BITS, look_at, similar
from hmer_tasks.corpora import Rejected, find, open_corpus
from hmer_tasks.exceptions import PictureError
from hmer_tasks.images import decode

COPIES = 300


def pictures(root: Path, split: str) -> list[Image.Image]:
    """Every picture of a split of CROHME, as the builder draws it."""
    corpus, pictures = find("crohme"), []
    with open_corpus(corpus, root) as files:
        reader = corpus.open_split(files, split)
        for sample in (reader[i] for i in range(len(reader))):
            if isinstance(sample, Rejected):
                continue
            try:
                pictures.append(decode(*sample.image.load()).convert("L"))
            except PictureError:
                continue
    return pictures


def copies(image: Image.Image) -> Iterator[tuple[str, Image.Image]]:
    """A picture as others might pass it on."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=40)
    yield "JPEG, quality 40", Image.open(io.BytesIO(buffer.getvalue()))
    yield "half the size", image.resize((max(1, image.width // 2), max(1, image.height // 2)))
    yield "twice the size", image.resize((image.width * 2, image.height * 2))
    yield "half the contrast", ImageEnhance.Contrast(image).enhance(0.5)
    yield "blurred, 1.5 pixels", image.filter(ImageFilter.GaussianBlur(1.5))
    yield "cropped, 3 pixels a side", image.crop((3, 3, image.width - 3, image.height - 3))
    yield "turned by 1 degree", image.rotate(1, fillcolor=255)
    yield "8 pixels of margin more", ImageOps.expand(image, 8, 255)
    yield "4 pixels of margin at two sides", ImageOps.expand(image, (4, 4, 0, 0), 255)
    yield "a tenth of margin more", ImageOps.expand(image, max(image.size) // 10, 255)
    yield "padded to a square", ImageOps.pad(image, (max(image.size), max(image.size)), color=255)
    yield "cut to its ink", image.crop(ImageOps.invert(image).getbbox())
    yield "light on dark", ImageOps.invert(image)


def distance(a: bytes, b: bytes) -> int:
    """In how many bits two hashes differ."""
    return int(np.unpackbits(np.frombuffer(a, np.uint8) ^ np.frombuffer(b, np.uint8)).sum())


def main() -> None:
    root, split = words(__doc__, "CROHME", "SPLIT")
    images = pictures(Path(root), split)
    start = time.perf_counter()
    looks = [look_at(image) for image in images]
    print(f"{len(looks):,} pictures, {len(looks) / (time.perf_counter() - start):,.0f} hashed a second")
    apart: dict[str, list[tuple[int, bool]]] = {}
    for number in random.Random(1).sample(range(len(images)), min(COPIES, len(images))):
        for name, copy in copies(images[number]):
            of_copy = look_at(copy)
            bits = min(
                distance(looks[number].bits, of_copy.bits),
                distance(looks[number].ink_bits, of_copy.ink_bits),
            )
            pair = similar([looks[number]], [of_copy], PICTURE_BITS, PICTURE_STRETCH)
            apart.setdefault(name, []).append((bits, any(some for _, some in pair)))
    for name, seen in apart.items():
        bits_of = [apart_by for apart_by, _ in seen]
        share = 100 * np.mean([is_copy for _, is_copy in seen])
        print(
            f"{name:32} median {np.median(bits_of):3.0f}, most {max(bits_of):3} of {BITS} bits; "
            f"{share:.0f} % found"
        )

    def pairs(most: int) -> int:
        return sum(len(some) for _, some in similar(looks, None, most, PICTURE_STRETCH))

    known = pairs(PICTURE_BITS)
    print(f"pairs told to be one picture: {known}")
    further = next((d for d in range(PICTURE_BITS, BITS, 2) if pairs(d) > known), BITS)
    print(f"the nearest others: {further} bits apart")


if __name__ == "__main__":
    main()
