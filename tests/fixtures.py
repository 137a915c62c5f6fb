"""What the tests of the corpora share: pictures made on the spot, and folders packed as archives."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

Pack = Callable[[Path, str], Path]
MODES = {"tar": "w", "tar.gz": "w:gz", "tgz": "w:gz", "tar.xz": "w:xz", "tar.bz2": "w:bz2"}


def encode(size: tuple[int, int] = (40, 20), format: str = "JPEG", grey: int = 200) -> bytes:
    buffer = io.BytesIO()
    image = Image.new("L", size, grey)
    image.paste(255 - grey, (2, 2, 8, 8))
    image.save(buffer, format)
    return buffer.getvalue()


def pack_folder(folder: Path, kind: str) -> Path:
    path = folder.with_name(f"{folder.name}-packed.{kind}")
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                archive.write(file, file.relative_to(folder))
    else:
        with tarfile.open(path, MODES[kind]) as archive:  # the folder itself, as `tar cf x.tar .` does
            archive.add(folder, ".")
    return path


@pytest.fixture
def picture() -> Callable[..., bytes]:
    return encode


@pytest.fixture
def pack() -> Pack:
    return pack_folder


@pytest.fixture
def write(tmp_path: Path) -> Callable[[dict[str, bytes | str]], Path]:
    """Write files by name under a fresh root."""

    def make(files: dict[str, bytes | str]) -> Path:
        root = tmp_path / "root"
        root.mkdir(exist_ok=True)
        for name, data in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data.encode() if isinstance(data, str) else data)
        return root

    return make
