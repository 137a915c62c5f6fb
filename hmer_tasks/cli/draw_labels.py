"""`hmer-tasks draw`: labels written by hand into one picture, and where their symbols stand."""

import io
import json
from pathlib import Path

from PIL import Image

from hmer_tasks.exceptions import UsageError
from hmer_tasks.handwriting.collect import Collection
from hmer_tasks.handwriting.writing import Written, write, write_inkml, writer
from hmer_tasks.utils.files import atomic_write

INKML = ".inkml"
ENDINGS = (".png", ".jpg", ".jpeg")
GAP = 24  # pixels between one label and the next


def draw(
    labels: list[str],
    out: Path,
    number: int = 0,
    seed: int = 0,
    look: str = "ink",
    *,
    boxes: Path | None = None,
    people: Collection | None = None,
) -> None:
    """Write labels under one another into `out` (PNG or JPEG, by its ending), or one label as InkML.

    Raises UsageError (another ending), LabelError, OSError.
    """
    person = writer(number) if people is None else people.writer(number)
    if out.suffix.lower() == INKML:
        if len(labels) != 1 or look != "ink" or boxes is not None:
            raise UsageError(
                f"-o {out}: InkML holds the strokes of one label, without --look photo and --boxes"
            )
        out.write_bytes(write_inkml(labels[0], person, seed, out.stem))
        return
    if out.suffix.lower() not in ENDINGS:
        raise UsageError(f"-o {out}: the name must end in {', '.join(ENDINGS)} or {INKML}")
    written = [write(label, person, seed + index, look) for index, label in enumerate(labels)]
    tops, y = [], 0
    for drawing in written:
        tops.append(y)
        y += drawing.size[1] + GAP
    if len(written) == 1 and out.suffix.lower() in (f".{written[0].ending}", ".jpeg"):
        out.write_bytes(written[0].data)  # the very bytes that a build would hold
    else:
        mode = "L" if look == "ink" else "RGB"
        page = Image.new(mode, (max(drawing.size[0] for drawing in written), y - GAP), "white")
        for drawing, top in zip(written, tops, strict=True):
            page.paste(Image.open(io.BytesIO(drawing.data)), (0, top))
        page.save(out)
    if boxes is not None:
        rows = [
            _as_json(label, drawing, top) for label, drawing, top in zip(labels, written, tops, strict=True)
        ]
        atomic_write(boxes, "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows))


def _as_json(label: str, written: Written, top: int) -> dict[str, object]:
    boxes = [
        None
        if box is None
        else [round(box[0], 1), round(box[1] + top, 1), round(box[2], 1), round(box[3] + top, 1)]
        for box in written.boxes
    ]
    return {"label": label, "symbols": written.symbols, "boxes": boxes, "relations": written.relations}
