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
    """Write OUT/README.md from what the run is (run.json) and what it logged, step by step."""
    model = str(identity["model"])
    known = [value for key, value in LICENCES.items() if key in model]
    source = "data" if arguments.scratch else "base model and its data"
    short, licence = known[0] if known else ("other", f"that of its {source}")
    text = Template(Path(__file__).with_name("card.md.jinja").read_text(encoding="utf-8")).render(
        name=out.resolve().name,
        model=model,
        base=model if model.count("/") == 1 and not Path(model).exists() else "",
        scratch=arguments.scratch,
        short=short,
        licence=licence,
        builds=[_about(path) for path in arguments.data],
        tasks=prepared.tasks.most_common(),
        refused=len(prepared.refused),
        longest=int(prepared.lengths.max()),
        steps=history[-1]["step"],
        identity=identity,
        dtype=arguments.save_dtype,
        losses=[line["loss"] for line in history if "loss" in line],
        scores=[(line["step"], line["exprate"]) for line in history if "exprate" in line],
        decoded=arguments.decode_rows,
        task=arguments.decode_task,
        versions=", ".join(f"{name} {version(name)}" for name in PACKAGES),
    )
    (out / "README.md").write_text(text + "\n", encoding="utf-8")


def _about(path: str) -> str:
    """A build, and what it says of itself."""
    where = Path(path) if Path(path).exists() else Path(path.rpartition(":")[0])
    build = where / "build.json"
    if not build.is_file():
        return f"`{path}`"
    arguments = json.loads(build.read_text(encoding="utf-8"))["made_by"]["arguments"]
    named = {name: arguments[name] for name in ("dataset", "splits", "errors", "seed") if name in arguments}
    return f"`{path}`: " + ", ".join(f"{name} {value}" for name, value in named.items())
