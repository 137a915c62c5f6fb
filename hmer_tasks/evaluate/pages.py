"""Self-contained HTML pages: a template with style and script inside, no network, no foreign script.

The page's policy lets only the page's own script run (by its hash), and load nothing.
"""

import base64
import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from hmer_tasks.corpora import Picture, PictureError
from hmer_tasks.corpora.pictures import decode

_HERE = Path(__file__).parent / "templates"
_LARGEST = 900  # pixels a side of a picture on a page


def render(template: str, values: Mapping[str, object]) -> str:
    """A page from `templates/<template>.html.j2` with its `.css` and `.js`; values are escaped."""
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = (_HERE / f"{template}.js").read_text(encoding="utf-8")
    style = (_HERE / f"{template}.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    # Both files are ours; they hold no tag that could end them.
    page = environment.get_template(f"{template}.html.j2")
    return page.render(values, policy=policy, script=Markup(script), style=Markup(style))


def picture_data(picture: Picture) -> str | None:
    """A picture as a data: address, re-encoded as PNG and made smaller if large; None if unreadable."""
    try:
        data, name = picture.load()
        image = decode(data, name).convert("RGB")
    except PictureError:
        return None
    image.thumbnail((_LARGEST, _LARGEST), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "PNG")
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"
