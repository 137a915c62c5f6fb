"""The fenced blocks of a Markdown page, and what their comments ask of the tests.

A comment on the line before a block says how it is tested:

- `<!-- not run: REASON -->`: its commands are parsed, not run (a GPU, a network, a cluster, a corpus);
- `<!-- prints -->`: this text is what the block before it prints. A line `…` stands for any lines, and `…` within a
  line for any characters.
"""

import re
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(\w*)\s*$")
_NOT_RUN = re.compile(r"^<!-- not run: (.+) -->$")
_PRINTS = "<!-- prints -->"


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its lines, the number of its first line, and its comment."""

    language: str
    text: str
    line: int
    not_run: str | None = None
    prints: bool = False


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order. Raises ValueError where a fence is not closed."""
    listed: list[Block] = []
    lines = page.read_text(encoding="utf-8").split("\n")
    comment, number = "", 0
    while number < len(lines):
        line = lines[number].strip()
        opening = _FENCE.match(line)
        if opening is None:
            comment = line or comment
            number += 1
            continue
        start = number + 1
        end = next((i for i in range(start, len(lines)) if lines[i].strip() == "```"), None)
        if end is None:
            raise ValueError(f"{page}:{start}: the fence is not closed")
        indent = len(lines[number]) - len(lines[number].lstrip())
        text = "\n".join(row[indent:] for row in lines[start:end])
        reason = _NOT_RUN.match(comment)
        listed.append(Block(opening[1], text, start + 1, reason and reason[1], prints=comment == _PRINTS))
        comment, number = "", end + 1
    return listed


def commands(text: str) -> list[str]:
    """The commands of a shell block: continued lines joined, comments and empty lines left out."""
    joined = re.sub(r"\\\n\s*", " ", text)
    lines = (re.sub(r"(^|\s+)#.*$", "", line).strip() for line in joined.split("\n"))
    return [line for line in lines if line]


def is_printed(shown: str, output: str) -> str | None:
    """None if the output holds the lines that are shown, in order and side by side; else the first that is missing."""
    printed = [line.rstrip() for line in output.split("\n")]
    at: int | None = None  # None: the next line may be anywhere behind what was read
    read = 0
    for line in shown.rstrip().split("\n"):
        if line.strip() == "…":
            at = None
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in line.rstrip().split("…")))
        places = range(read, len(printed)) if at is None else range(at, min(at + 1, len(printed)))
        place = next((i for i in places if pattern.fullmatch(printed[i])), None)
        if place is None:
            return line
        at = read = place + 1
    return None
