"""Pictures in a terminal that can show them (kitty's and iTerm2's protocols), else in a file."""

import base64
import os
import re
import sys
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

_CHUNK = 4096  # bytes of base64 that kitty takes at a time


def protocol() -> str | None:
    """`kitty`, `iterm`, or None where this terminal shows no pictures."""
    if not sys.stdout.isatty():
        return None
    if os.environ.get("KITTY_WINDOW_ID") or "ghostty" in os.environ.get("TERM", ""):
        return "kitty"
    return "iterm" if os.environ.get("TERM_PROGRAM") in ("iTerm.app", "WezTerm") else None


def show_png(png: bytes, name: str) -> str:
    """Show a picture: an escape sequence to print where the terminal can, else `picture: PATH`.

    Raises OSError where the file cannot be written.
    """
    kind = protocol()
    data = base64.b64encode(png).decode()
    if kind == "iterm":
        return f"\033]1337;File=inline=1;size={len(png)}:{data}\a"
    if kind == "kitty":
        chunks = [data[i : i + _CHUNK] for i in range(0, len(data), _CHUNK)]
        head = ["a=T,f=100,", *[""] * (len(chunks) - 1)]
        more = [
            f"\033_G{head[i]}m={int(i + 1 < len(chunks))};{chunk}\033\\" for i, chunk in enumerate(chunks)
        ]
        return "".join(more)
    path = _folder() / (re.sub(r"[^\w.-]+", "_", name)[:120] + ".png")
    path.write_bytes(png)
    return f"picture: {path}"


@cache
def _folder() -> Path:
    """Where this process puts pictures: a new folder that no one else may read or write (mode 0700)."""
    return Path(mkdtemp(prefix="hmer-tasks-show-"))
