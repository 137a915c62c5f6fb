"""A build of gnarly pictures: every reader shows the same upright picture, and nothing else is in the file."""

import base64
import io
import json
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.images.gnarly import Case, write_folder
from tests.images.pages import SECRETS
from tests.pipeline.conftest import rejects_of, rows_of, run_command, summary_of
from tests.reports.browser import Browser, find_chromium

LEVELS = 2  # of 255: by how much readers may differ in any pixel
METADATA = {"exif", "xmp", "icc_profile", "comment", "photoshop", "mp", "mpoffset", "transparency"}
Rows = dict[str, bytes]


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, list[Case], Rows]:
    folder = tmp_path_factory.mktemp("gnarly")
    written = write_folder(folder / "corpus")
    out = folder / "out"
    done = run_command("build", "--dataset", "folder", "--root", folder / "corpus", "--out", out)
    assert done.returncode == 0, done.stderr
    rows = {row["id"]: row["images"][0]["bytes"] for row in rows_of(out)}
    (folder / "stdout").write_text(done.stdout, encoding="utf-8")
    return out, written, rows


def pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"), dtype=np.int16)


def compare(rows: Rows, read) -> None:
    far = {}
    for name, data in rows.items():
        wanted, got = pixels(data), np.asarray(read(name, data), dtype=np.int16)
        assert got.shape == wanted.shape, name
        difference = int(np.abs(got - wanted).max())
        if difference > LEVELS:
            far[name] = difference
    assert far == {}


def test_each_picture_is_there_or_is_refused_by_name(built):
    out, written, rows = built
    refused = {reject["id"]: reject["reason"] for reject in rejects_of(out)}
    assert refused == {case.name: case.reason for case in written if case.shows is None}
    assert set(rows) == {case.name for case in written if case.shows is not None}


def test_what_was_changed_is_counted(built):
    out, written, _ = built
    counts = summary_of(out)["pictures"]
    for change in ("turned", "stripped", "flattened", "inverted", "converted", "polarity_undecided"):
        assert counts[change] == sum(change in case.changes for case in written)
    line = f"pictures: {counts['turned']} turned, {counts['stripped']} stripped"
    assert line in (out.parent / "stdout").read_text(encoding="utf-8")
    assert f"Pictures that the gate changed: {counts['turned']} turned" in (out / "README.md").read_text(
        "utf-8"
    )


def test_pillow_shows_what_is_meant(built):
    _, written, rows = built
    for case in written:
        if case.shows is not None:
            wanted = np.asarray(case.shows.convert("RGB"), dtype=np.int16)
            assert np.abs(pixels(rows[case.name]) - wanted).mean() <= case.near, case.name


def test_nothing_but_the_picture(built):
    out, _, rows = built
    for name, data in rows.items():
        with Image.open(io.BytesIO(data)) as image:
            assert not METADATA & set(image.info), name
            assert dict(image.getexif()) == {}, name
            assert image.mode in ("1", "L", "RGB", "RGBA", "LA"), name
            assert getattr(image, "n_frames", 1) == 1
    for path in out.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        assert not any(secret in data for secret in SECRETS), path


def test_datasets(built):
    from datasets import load_dataset

    out, _, rows = built
    table = load_dataset(str(out), split="train").filter(
        lambda task: task == "recognition", input_columns="task"
    )
    shown = {row["id"]: row["images"][0].convert("RGB") for row in table}
    assert set(shown) == set(rows)
    compare(rows, lambda name, _: shown[name])


def test_opencv(built):
    def read(name: str, data: bytes) -> np.ndarray:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]

    compare(built[2], read)


def test_torchvision(built):
    import torch

    # What `torchvision.io.decode_image` calls, without importing all of torchvision: beside a CPU build of
    # torch that needs the trainer's help.
    library = next(Path(find_spec("torchvision").origin).parent.glob("image*.so"))
    try:
        torch.ops.load_library(str(library))
    except OSError as error:
        pytest.skip(f"torchvision's decoders do not load beside this torch: {error}")

    def read(name: str, data: bytes) -> np.ndarray:
        tensor = torch.frombuffer(bytearray(data), dtype=torch.uint8)
        return torch.ops.image.decode_image(tensor, 3, False).permute(1, 2, 0).numpy()  # 3: RGB; no EXIF

    compare(built[2], read)


def test_the_trainer(built):
    from hmer_tasks.images import size_of
    from trainer.pictures import decode

    def read(name: str, data: bytes) -> Image.Image:
        image = decode(data, name)
        assert size_of(data, name) == image.size
        return image

    compare(built[2], read)


@pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine")
def test_chromium(built, tmp_path):
    rows = built[2]
    kinds = {b"\xff\xd8": "jpeg", b"\x89P": "png", b"RI": "webp"}
    sources = {
        name: f"data:image/{kinds[data[:2]]};base64,{base64.b64encode(data).decode()}"
        for name, data in rows.items()
    }
    page = tmp_path / "page.html"
    page.write_text(f"<script>const sources = {json.dumps(sources)};</script>", encoding="utf-8")
    draw = """(async () => {
        const shown = {};
        for (const [name, source] of Object.entries(sources)) {
            const image = new Image();
            image.src = source;
            await image.decode();
            const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
            const context = canvas.getContext("2d");
            context.drawImage(image, 0, 0);
            const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
            shown[name] = [canvas.width, canvas.height, btoa(String.fromCharCode(...data))];
        }
        return JSON.stringify(shown);
    })()"""
    browser = Browser(find_chromium(), tmp_path)
    try:
        browser.open(page)
        shown = json.loads(browser.value(draw))
    finally:
        browser.close()

    def read(name: str, data: bytes) -> np.ndarray:
        width, height, encoded = shown[name]
        levels = np.frombuffer(base64.b64decode(encoded), np.uint8).reshape(height, width, 4)
        assert (levels[..., 3] == 255).all(), name
        return levels[..., :3]

    compare(rows, read)


def test_verify_proves_it_again(built):
    done = run_command("verify", built[0])
    assert (done.returncode, done.stderr) == (0, "")


def test_a_report_and_an_export_hold_no_secret(built, tmp_path):
    out = built[0]
    assert run_command("report", out, "-o", tmp_path / "report.html").returncode == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for piece in page.split("base64,")[1:]:
        data = base64.b64decode(
            piece[: next(i for i, c in enumerate(piece) if not (c.isalnum() or c in "+/="))]
        )
        assert not any(secret in data for secret in SECRETS)
    for target in ("llama-factory", "released"):
        assert run_command("export", out, "--to", target, "-o", tmp_path / target).returncode == 0
        for path in (tmp_path / target).rglob("*"):
            if path.is_file():
                assert not any(secret in path.read_bytes() for secret in SECRETS), path


def test_the_predictor_sees_a_users_pictures_as_rows_show_them(tmp_path):
    from trainer.inputs import Asked, of_folder

    written = [case for case in write_folder(tmp_path) if case.shows is not None]
    keep = {
        case.name
        for case in written
        if case.name in ("white-on-black.jpg", "orientation-6.jpg", "still.heic")
    }
    for path in tmp_path.iterdir():
        if path.name not in keep:
            path.unlink()
    shows = {Path(case.name).stem: case for case in written if case.name in keep}
    read = {
        Path(item.id).stem: item.load().picture
        for item in of_folder(tmp_path, Asked("recognition", "?", "", {}))
    }
    assert set(read) == set(shows)
    for name, image in read.items():
        wanted = np.asarray(shows[name].shows.convert("RGB"), dtype=np.int16)
        assert np.abs(np.asarray(image, dtype=np.int16) - wanted).mean() <= shows[name].near
