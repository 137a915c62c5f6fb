"""The figures of the error loop's stages, read off what the stages wrote."""

import json
from collections import Counter, defaultdict
from pathlib import Path

from hmer_tasks.build import Built
from hmer_tasks.errors.mine import Mined
from hmer_tasks.errors.predictions import read_predictions
from trainer.faults import TrainError

Figures = dict[str, object]  # numbers, lists of them, and counts by name: as they stand in loop.json


def of_build(built: Built) -> Figures:
    """Samples, refusals and rows of each task, over all splits."""
    splits = built.summary["splits"].values()
    tasks: Counter[str] = Counter()
    for split in splits:
        tasks.update(split["tasks"])
    samples = sum(split["samples"] for split in splits)
    errors = sum(tasks[name] for name in ("error_detection", "error_correction"))
    figures: Figures = {
        "samples": samples,
        "refused": sum(split["rejected"] for split in splits),
        "without a candidate": sum(split["no_candidate"] for split in splits),
        "with a right candidate": sum(split["clean"] for split in splits),
        "rows": dict(tasks),
    }
    return {**figures, "error rows a label": round(errors / max(1, samples), 2)} if errors else figures


def of_training(model: Path) -> Figures:
    """Steps and loss of a finished training. Raises TrainError where it left no log."""
    path = model / "log.jsonl"
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    except (OSError, ValueError) as error:
        raise TrainError(f"the training left no log that can be read: {path}") from error
    losses = [(line["step"], line["loss"]) for line in lines if "loss" in line]
    if not losses:
        raise TrainError(f"the training logged no loss: {path}; lower logging_steps in the recipe")
    return {"steps": lines[-1]["step"], "first loss": losses[0][1], "last loss": losses[-1][1]}


def of_predictions(path: Path) -> Figures:
    """How many answers there are, how they ended, and how many are right, token for token."""
    stops: Counter[str] = Counter()
    right: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for each in read_predictions(path):
        stops[each.stop] += 1
        right[each.source, each.id].append(each.pred.split() == each.gt.split())
    answers = [one for several in right.values() for one in several]
    return {
        "pictures": len(right),
        "answers": len(answers),
        "right": sum(answers),
        "pictures with a right answer": sum(map(any, right.values())),
        "ended by": dict(stops.most_common()),
    }


def of_mined(mined: Mined) -> Figures:
    """What was kept, and what was left out by which rule."""
    return {
        "answers": mined.predictions,
        "kept": len(mined.kept),
        "of pictures": len(mined.samples),
        "left out": {str(reason): count for reason, count in mined.left_out.most_common()},
    }


def told(figures: Figures) -> str:
    """Figures as lines for the terminal."""
    return "\n".join(f"   {name}: {_value(value)}" for name, value in figures.items())


def _value(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(each)}" for name, each in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    return f"{value:,}" if isinstance(value, int) else str(value)
