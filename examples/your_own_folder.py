"""Your own pictures: a folder with one label file, built and read back.

python examples/your_own_folder.py
"""

import tempfile
from pathlib import Path

from PIL import Image, ImageDraw

from hmer_tasks.pipeline import BuildOptions, build
from hmer_tasks.shards.verifier import verify

with tempfile.TemporaryDirectory() as scratch:
    folder = Path(scratch) / "mine"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        picture = Image.new("L", (120, 60), "white")
        ImageDraw.Draw(picture).text((40, 20), name[0], fill="black", font_size=24)
        picture.save(folder / name)
    (folder / "labels.tsv").write_text("a.png\ta\nb.png\tb _ 1 _ 2\n", encoding="utf-8")
    built = build(BuildOptions("folder", root=folder, out=Path(scratch) / "out"))
    print(built.summary["splits"])
    print((built.out / "rejects.jsonl").read_text(encoding="utf-8"))  # b _ 1 _ 2 is not TeX
    print(verify(built.out))
