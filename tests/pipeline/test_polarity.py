"""Rows hold dark on light, unless the user asks for what is on disk."""

import io

from PIL import Image

from hmer_tasks.pipeline import BuildOptions, build
from tests.pipeline.conftest import rows_of


def test_light_on_dark_bitmaps(tmp_path):
    folder = tmp_path / "CROHME" / "2014"
    (folder / "img").mkdir(parents=True)
    picture = Image.new("L", (40, 20), 0)
    picture.paste(255, (10, 5, 30, 15))
    picture.save(folder / "img" / "a.bmp")
    (folder / "caption.txt").write_text("a\tx\n", encoding="utf-8")
    corners = {}
    for kept in (False, True):
        out = tmp_path / f"out-{kept}"
        options = BuildOptions(
            "crohme", root=tmp_path / "CROHME", out=out, tasks=("recognition",), keep_polarity=kept
        )
        build(options)
        (row,) = rows_of(out)
        data = row["images"][0]["bytes"]
        with Image.open(io.BytesIO(data)) as image:
            corners[kept] = (image.format, image.convert("L").getpixel((0, 0)))
    assert corners == {False: ("PNG", 255), True: ("PNG", 0)}
