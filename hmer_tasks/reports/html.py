"""A page: a template with style and script inside, no network, no foreign script.

The page's policy lets only the page's own script run (by its hash), and load nothing. What a page holds
as data for its script stands in blocks of JSON that no browser takes for markup.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

_BASE = Path(__file__).parent / "templates" / "base.css"


def pieces(folder: Path, template: str, values: Mapping[str, object]) -> Iterator[str]:
    """A page bit by bit, from `<template>.html.j2`, `.css` and `.js` in a folder; values are escaped.

    What `values` holds is asked for only where it stands in the page: an iterator may yield a thousand
    pictures without any two being in memory.
    """
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = (folder / f"{template}.js").read_text(encoding="utf-8")
    style = _BASE.read_text(encoding="utf-8") + (folder / f"{template}.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    # The files are ours; they hold no tag that could end them.
    page = environment.get_template(f"{template}.html.j2")
    return page.generate(values, policy=policy, script=Markup(script), style=Markup(style))


def render(folder: Path, template: str, values: Mapping[str, object]) -> str:
    """A page as one text."""
    return "".join(pieces(folder, template, values))


_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def json_block(value: object) -> Markup:
    """A value as JSON for a `<script type="application/json">`: nothing in it can end the block, and the
    rest is ASCII, lone surrogates too."""
    return Markup(json.dumps(value, separators=(",", ":")).translate(_ESCAPES))
