"""What goes to a terminal: text that is not ours is shown as it is, never obeyed by the terminal.

Ids, paths and labels are a stranger's. With an escape character in them they could colour the line, rename
the window or overwrite what was printed before; with a bidi mark they could read backwards; with `[red]`
they could be taken for rich's markup. Every command prints through this module.
"""

import json
import re
import shlex
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console, ConsoleOptions, JustifyMethod, OverflowMethod, RenderableType
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

# The controls C0 and C1 with DEL, what steers the direction of writing, what has no width, the separators of
# lines and paragraphs, and lone surrogates, which are no characters.
_HIDDEN = r"\x00-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff"
_UNPRINTABLE = re.compile(f"[{_HIDDEN}]")
_UNPRINTABLE_IN_LINES = re.compile(rf"(?!\n)[{_HIDDEN}]")


def printable(text: str, *, lines: bool = False) -> str:
    r"""Text as a terminal may have it: hidden characters as ``\x1b`` or ``\u202e``, all others as they are.

    Args:
        text: Anything, also with lone surrogates (a file name that is no UTF-8).
        lines: Leave line feeds as they are.

    Returns:
        One line, or several if `lines`. The backslashes of LaTeX stay single, so the text is for eyes alone.
    """
    return (_UNPRINTABLE_IN_LINES if lines else _UNPRINTABLE).sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def command_name() -> str:
    """How this command is typed: `hmer-tasks`, or its path where the shell does not find it."""
    called = Path(sys.argv[0])
    if called.name == "hmer-tasks" and shutil.which("hmer-tasks") is None:
        return shlex.quote(str(called))
    return "hmer-tasks"


def printable_json(value: object, indent: int | None = None) -> str:
    r"""JSON for a terminal: the same value for whoever parses it, hidden characters as ``\u001b``."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    # json.dumps escapes the controls C0 itself; a hidden character stands inside a string alone.
    return _UNPRINTABLE_IN_LINES.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def echo(text: str, *, err: bool = False) -> None:
    """Print text with what is hidden shown; line feeds are ours. Raises OSError."""
    stream = sys.stderr if err else sys.stdout
    stream.write(printable(text, lines=True) + "\n")
    stream.flush()


class _PlainConsole(Console):
    """A console whose last gate lets nothing hidden through.

    What is made of a plain `str` is escaped before it is measured, so tables keep their columns; what comes
    as a `Text` is escaped when it is drawn, if its maker has not done so.
    """

    def render_str(
        self,
        text: str,
        *,
        style: str | Style = "",
        justify: JustifyMethod | None = None,
        overflow: OverflowMethod | None = None,
        emoji: bool | None = None,
        markup: bool | None = None,
        highlight: bool | None = None,
        highlighter: object = None,
    ) -> Text:
        del emoji, markup, highlight, highlighter
        return super().render_str(
            printable(text, lines=True),
            style=style,
            justify=justify,
            overflow=overflow,
            emoji=False,
            markup=False,
            highlight=False,
        )

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(printable(segment.text, lines=True), segment.style)


def plain_console(*, stderr: bool = False) -> Console:
    """A console that prints strings as they are: no markup, no emoji names, no highlighting."""
    return _PlainConsole(stderr=stderr, markup=False, emoji=False, highlight=False)
