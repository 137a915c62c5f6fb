"""`--prompts` files: one is refused in a line, or is five templates that can be filled."""

from hmer_tasks.exceptions import PromptError
from hmer_tasks.tasks.prompts import NAMES, fill, prompt_set
from tests.fuzz.common import check_line, written

WORDS = [word.encode() for word in (
    *(f'{name} = "x"\n' for name in NAMES), *NAMES, " = ", '"', '"""', "'", "'''", "\n", "\r", "{candidate}", "{marked}", "{", "}",
    "[", "]", "[[a]]\n", "a.b.c = 1\n", "[" * 700, "{a=" * 700, "\\u0000", "\\uD800", "\\U00110000", "1979-05-27T07:32:00Z", "inf", "nan",
    "9" * 400, "0x", "1_0", "#", "\ufeff", "\x00",
)] + [b"\xff"]  # fmt: skip


def run(data: bytes) -> None:
    try:
        templates = prompt_set(str(written(data, "prompts.toml")))
    except PromptError as error:
        check_line(error)
        return
    assert tuple(templates) == NAMES
    for template in templates.values():
        text = fill(template, candidate="{marked} \\1", marked="{candidate}")
        text.encode()
