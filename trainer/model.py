"""A model before training: opened, its attention chosen, its pixels limited, parts of it frozen."""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor, set_seed

from trainer import attention
from trainer.faults import TrainError, UsageError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, ProcessorMixin

# Parts of a model by the names of its parameters. The projector lies within the vision tower.
PARTS = {
    "projector": re.compile(r"\bvisual\.(merger|deepstack_merger_list)\b"),
    "vision": re.compile(r"\bvisual\.(?!merger|deepstack_merger_list)"),
    "language": re.compile(r"\b(language_model|lm_head)\b"),
}


def open_model(
    name: str, revision: str = "main", dtype: str = "auto", weights: bool = True, seed: int = 0
) -> "tuple[PreTrainedModel, ProcessorMixin]":
    """A model and its processor.

    Args:
        name: A path, or a name on the Hub.
        revision: On the Hub.
        dtype: Of the weights; `auto` is what they are stored in.
        weights: Whether to load them; without, they are random.
        seed: Of random weights.

    Returns:
        The model and its processor.

    Raises:
        TrainError: There is no model of that name.
    """
    check_model_path(name)
    try:
        processor = AutoProcessor.from_pretrained(name, revision=revision)
        if weights:
            model = AutoModelForImageTextToText.from_pretrained(name, revision=revision, dtype=dtype)
        else:
            config = AutoConfig.from_pretrained(name, revision=revision)
            device = "cuda" if torch.cuda.is_available() else "cpu"
            set_seed(seed)
            with torch.device(device):  # billions of random numbers take minutes on a CPU
                model = AutoModelForImageTextToText.from_config(config, dtype=dtype)
    except (OSError, ValueError) as error:
        where = "" if Path(name).is_dir() else " (no folder here, so it was sought on the Hub)"
        raise TrainError(f"cannot load the model {name}{where}: {str(error).splitlines()[0]}") from error
    return model, processor


def check_model_path(name: str) -> None:
    """Raise TrainError where a name that can only be a path leads nowhere, or to no model."""
    path = Path(name)
    if path.is_dir():
        if not (path / "config.json").is_file() and not (path / "adapter_config.json").is_file():
            raise TrainError(f"no model: {name} holds no config.json")
    elif path.exists() or name.startswith((".", "/", "~")) or name.count("/") != 1 or path.parent.is_dir():
        raise TrainError(f"no model: {name} is not there")


def choose_attention(model: "PreTrainedModel", text: str | None, vision: str, packing: bool) -> None:
    """Set the attention of each tower.

    Args:
        model: The model.
        text: Of the language model; None: sdpa, and flash_varlen where rows are packed.
        vision: Of the vision tower; auto: flash_varlen, which falls back to sdpa by itself.
        packing: Whether rows are packed.

    Raises:
        UsageError: There is no such attention.
    """
    chosen = {
        "text_config": text or (attention.NAME if packing else "sdpa"),
        "vision_config": attention.NAME if vision == "auto" else vision,
    }
    try:
        model.set_attn_implementation(chosen)
    except (ValueError, ImportError) as error:
        line = str(error).splitlines()[0]
        raise UsageError(f"--attn_implementation, --vision_attention: {line}") from error


def system_of(model: str) -> str:
    """The system turn that a model was trained with, as run.json beside it says; empty where nothing says so.

    Args:
        model: A folder with a model, a checkpoint of a run, or a name on the Hub.

    Returns:
        The text of the turn.
    """
    folder = Path(model)
    for place in (folder, folder.parent) if folder.name.startswith("checkpoint-") else (folder,):
        with suppress(OSError, ValueError):
            about = json.loads((place / "run.json").read_text(encoding="utf-8"))
            if isinstance(about, dict):
                return str(about.get("system_prompt") or "")
    return ""


def limit_pixels(processor: "ProcessorMixin", most: int | None) -> None:
    """Set the most pixels of a picture; a processor saves them with the model, so prediction has them too."""
    size = processor.image_processor.size
    most = size["longest_edge"] if most is None else most
    if size["shortest_edge"] > most:
        raise UsageError(f"--max_pixels {most:,} is below the least of this model, {size['shortest_edge']:,}")
    processor.image_processor.size = {"shortest_edge": size["shortest_edge"], "longest_edge": most}


def freeze(model: "PreTrainedModel", parts: str) -> None:
    """Leave the named parts of a model as they are. Raises UsageError."""
    for part in filter(None, parts.split(",")):
        if part not in PARTS:
            raise UsageError(f"--freeze: no part {part!r}; there are {', '.join(PARTS)}")
        for name, parameter in model.named_parameters():
            if PARTS[part].search(name):
                parameter.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise UsageError(f"--freeze {parts} leaves nothing to train")
