"""What exports share: a row as turns of a user and a model, with its picture's mark."""

from collections.abc import Collection

from hmer_tasks.exporting.source import Exported

MARK = "<image>"  # where LLaMA-Factory and the authors' data put the picture
# LLaMA-Factory takes these for pictures, films and sounds wherever they stand in a text.
PLACEHOLDERS = (MARK, "<video>", "<audio>")


def conversation(row: Exported) -> list[dict[str, str]]:
    """Two turns, the picture's mark right before the prompt, as in the authors' data."""
    return [{"from": "human", "value": MARK + row.prompt}, {"from": "gpt", "value": row.target}]


def unfit(row: Exported, placeholders: Collection[str] = PLACEHOLDERS) -> str:
    """The placeholder that a row's own text holds (a recogniser's answer may): its pictures could not be
    distinguished from it. Empty for every sound row."""
    return next((mark for mark in placeholders if mark in row.prompt or mark in row.target), "")


def left_out(row: Exported, mark: str) -> dict[str, str]:
    """A line of left_out.jsonl."""
    return {"source": row.source, "id": row.id, "task": row.task, "reason": f"its text holds {mark}"}
