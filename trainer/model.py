"""A model before and after training: opened, its pixels limited, parts frozen, its weights' names checked."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor
from transformers.utils import cached_file

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
_INDEX, _WEIGHTS = "model.safetensors.index.json", "model.safetensors"


def open_model(
    name: str, revision: str = "main", dtype: str = "auto", weights: bool = True
) -> "tuple[PreTrainedModel, ProcessorMixin]":
    """A model and its processor by path or by name on the Hub; without `weights`, random ones.

    Raises:
        TrainError: It is not there, or no model.
    """
    check_model_path(name)
    try:
        processor = AutoProcessor.from_pretrained(name, revision=revision)
        if weights:
            model = AutoModelForImageTextToText.from_pretrained(name, revision=revision, dtype=dtype)
        else:
            config = AutoConfig.from_pretrained(name, revision=revision)
            device = "cuda" if torch.cuda.is_available() else "cpu"
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
        if not any((path / file_name).is_file() for file_name in ("config.json", "adapter_config.json")):
            raise TrainError(f"no model: {name} holds no config.json")
    elif path.exists() or name.startswith((".", "/", "~")) or name.count("/") != 1 or path.parent.is_dir():
        raise TrainError(f"no model: {name} is not there")


def choose_attention(model: "PreTrainedModel", text: str | None, vision: str, packing: bool) -> None:
    """Set the attention of each tower. Raises UsageError for one that is not there.

    Args:
        text: Of the language model; None: sdpa, and flash_varlen where rows are packed.
        vision: Of the vision tower; auto: flash_varlen, which falls back to sdpa by itself.
    """
    chosen = {
        "text_config": text or (attention.NAME if packing else "sdpa"),
        "vision_config": attention.NAME if vision == "auto" else vision,
    }
    try:
        model.set_attn_implementation(chosen)
    except (ValueError, ImportError) as error:
        raise UsageError(
            f"--attn_implementation, --vision_attention: {str(error).splitlines()[0]}"
        ) from error


def limit_pixels(processor: "ProcessorMixin", least: int | None, most: int | None) -> None:
    """Set the pixel limits of a processor; it saves them with the model, so prediction has them too."""
    size = processor.image_processor.size
    least, most = least or size["shortest_edge"], most or size["longest_edge"]
    if least > most:
        raise UsageError(f"--min_pixels {least:,} is over --max_pixels {most:,}")
    processor.image_processor.size = {"shortest_edge": least, "longest_edge": most}


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


def names_of_weights(model: str, revision: str = "main") -> set[str]:
    """The names of the weights of a model as it is saved; empty where it has no safetensors files."""
    index = cached_file(model, _INDEX, revision=revision, _raise_exceptions_for_missing_entries=False)
    if index:
        return set(json.loads(Path(index).read_text(encoding="utf-8"))["weight_map"])
    path = cached_file(model, _WEIGHTS, revision=revision, _raise_exceptions_for_missing_entries=False)
    if not path:
        return set()
    with safe_open(path, "pt") as file:
        return set(file.keys())


def repair_names(saved: Path, base: set[str]) -> str:
    """Give saved weights the names that the base model's have; returns a line about it, or nothing.

    ZeRO-3 saves `model.model.embed_tokens…` where the others save `model.embed_tokens…`; vLLM reads the
    latter alone. A name is taken to be the base's that it ends with, or that ends with it, if only one is.
    """
    names = names_of_weights(str(saved))
    missing, strange = base - names - {"lm_head.weight"}, names - base - {"lm_head.weight"}
    if not base or not missing:
        return ""
    renamed = {}
    for name in strange:
        alike = [
            candidate
            for candidate in missing
            if name.endswith(f".{candidate}") or candidate.endswith(f".{name}")
        ]
        if len(alike) == 1:
            renamed[name] = alike[0]
    if len({*renamed.values()}) < len(missing):
        lost = sorted(missing - {*renamed.values()})
        return f"warning: {len(lost)} weights of the base model are not in {saved}: {lost[0]} …"
    for path in saved.glob("model*.safetensors"):
        weights = {renamed.get(name, name): weight for name, weight in load_file(path).items()}
        save_file(weights, path, metadata={"format": "pt"})
    index = saved / _INDEX
    if index.is_file():
        content = json.loads(index.read_text(encoding="utf-8"))
        content["weight_map"] = {renamed.get(key, key): file for key, file in content["weight_map"].items()}
        index.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return f"{len(renamed)} weights were renamed as the base model has them"
