"""The card of a trained model (README.md): what it is, from which build and recipe, what it scored."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Template

from trainer.data import Prepared

if TYPE_CHECKING:
    from trainer.options import DataArguments

# What a base model's licence says binds what is trained from it.
LICENCES = {
    "Qwen2.5-VL-3B": ("other", "Qwen research licence, no commercial use"),
    "Qwen2.5-VL-7B": ("apache-2.0", "Apache-2.0"),
    "Qwen3-VL": ("apache-2.0", "Apache-2.0"),
    "Qwen3.5": ("apache-2.0", "Apache-2.0"),
}
PACKAGES = ("torch", "transformers", "trl", "accelerate", "datasets")


def write_card(
    out: Path,
    arguments: "DataArguments",
    identity: dict[str, object],
    prepared: Prepared,
    history: list[dict[str, float]],
) -> None:
    """Write OUT/README.md: what the model is, what it was trained on, and how it went.

    Args:
        out: The run's folder.
        arguments: What the command was given about data.
        identity: What run.json holds of the run.
        prepared: The rows that it was trained on.
        history: What was logged, step by step.
    """
    model = str(identity["model"])
    source = "data" if arguments.scratch else "base model and its data"
    licences = [value for key, value in LICENCES.items() if key in model]
    text = Template(Path(__file__).with_name("card.md.jinja").read_text(encoding="utf-8")).render(
        name=out.resolve().name,
        base=model if model.count("/") == 1 and not Path(model).exists() else "",
        licence=licences[0] if licences else ("other", f"that of its {source}"),
        builds={path: _about(path) for path in arguments.data},
        given=arguments,
        identity=identity,
        prepared=prepared,
        history=history,
        versions=", ".join(f"{name} {version(name)}" for name in PACKAGES),
    )
    (out / "README.md").write_text(text + "\n", encoding="utf-8")


def _about(path: str) -> dict[str, object]:
    """What a build says of itself."""
    where = Path(path) if Path(path).exists() else Path(path.rpartition(":")[0])
    if not (where / "build.json").is_file():
        return {}
    arguments = json.loads((where / "build.json").read_text(encoding="utf-8"))["made_by"]["arguments"]
    return {name: arguments[name] for name in ("dataset", "splits", "errors", "seed") if name in arguments}
