"""What is repaired in torchvision, transformers and TRL, each part with its issue, or the text of one.

The package imports this module before any other, so that torchvision can be imported at all; a script that
imports transformers for itself imports `trainer` first. tests/trainer/ fails without each of them.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch

# 1. torchvision beside a CPU build of torch. The processors of Qwen's vision models do not load without
#    torchvision. Its wheel on PyPI is compiled for CUDA: beside a CPU torch its operators are not registered,
#    and `import torchvision` dies, and with it `from transformers import AutoProcessor`.
#    Issue (pytorch/vision): "`import torchvision` fails beside torch+cpu: RuntimeError: operator
#    torchvision::nms does not exist. Its registrations should be skipped where the library is not loaded."
#    Declaring the two schemas is enough: they are never called here.
_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def _declare() -> torch.library.Library | None:
    """The library that holds the schemas; it must stay alive, or they go with it."""
    if torch.version.cuda is not None or torch.version.hip is not None:
        return None
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in _SCHEMAS:
        if not hasattr(torch.ops.torchvision, schema.partition("(")[0]):  # a CPU wheel brings its own
            library.define(schema)
    return library


KEPT = _declare()

# isort: split
from safetensors import safe_open  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.nn.utils.rnn import pad_sequence  # noqa: E402
from transformers import AutoModelForImageTextToText, Trainer, TrainerCallback, TrainerState  # noqa: E402
from transformers.integrations import deepspeed  # noqa: E402
from transformers.utils import cached_file  # noqa: E402

from trainer.attention import row_starts  # noqa: E402

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_INDEX, _WEIGHTS = "model.safetensors.index.json", "model.safetensors"


class LoadsCheckpoints(Trainer):
    """2. A checkpoint is really loaded. Stands before TRL's trainer among the bases.

    Issue (huggingface/transformers): "Trainer resumes Qwen2.5-VL from its initial weights.
    `save_pretrained` writes the released names (`visual.…`), `_load_from_checkpoint` loads them by the names
    in memory (`model.visual.…`) with strict=False and warns: training goes on from the weights the run
    began with." `from_pretrained` translates the names.
    """

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        mine = self.model if model is None else model
        # FSDP and PEFT load by their own names; DeepSpeed does not come here.
        if self.is_fsdp_enabled or hasattr(mine, "peft_config"):
            super()._load_from_checkpoint(resume_from_checkpoint, model)
            return
        saved = AutoModelForImageTextToText.from_pretrained(resume_from_checkpoint, dtype=mine.dtype)
        mine.load_state_dict(saved.state_dict())  # strict: a name that is missing is an error


class Finished(Exception):  # noqa: N818 - not an error
    """The checkpoint that a run has gone on from is its last."""


class EndsAtLastStep(TrainerCallback):
    """3. A run that goes on from its last checkpoint trains nothing.

    Issue (huggingface/transformers): "Trainer takes one optimizer step too many when it resumes from the
    checkpoint of step `max_steps` within an epoch: it asks `should_training_stop` after a step only."
    """

    def on_epoch_begin(self, args: object, state: TrainerState, control: object, **kwargs: object) -> None:
        """Raise Finished after the last step; the model is loaded by now."""
        if state.global_step >= state.max_steps:
            raise Finished


@contextmanager
def whole_model() -> Iterator[None]:
    """4. A model of random weights is built whole on every process, and spread when training begins.

    Issue (huggingface/transformers): "Under ZeRO-3 `from_config` does not initialise as configured:
    `_init_weights` sees the empty partitions of `deepspeed.zero.Init`; the first losses differ from DDP's."
    """
    before = deepspeed._hf_deepspeed_config_weak_ref  # None without DeepSpeed
    deepspeed.unset_hf_deepspeed_config()
    try:
        yield
    finally:
        deepspeed._hf_deepspeed_config_weak_ref = before


def count_tokens_of_steps(trainer: Trainer) -> None:
    """5. Rows weigh alike however a step is cut up.

    Issue (huggingface/trl): "SFTTrainer averages each micro-batch of Qwen2.5-VL, Qwen3-VL and Qwen3.5 for
    itself. The models say `accepts_loss_kwargs = False`, so transformers does not count the tokens of the
    whole step, though TRL's own loss takes the count: 8 × 1 and 1 × 8 rows differ in the third digit."
    """
    trainer.model_accepts_loss_kwargs = True


def packed_tokens(inputs: dict[str, Tensor]) -> int:
    """6. How many tokens TRL misses in a packed batch.

    Issue (huggingface/trl): "SFTTrainer.compute_loss takes `position_ids.size(1)` for the number of tokens
    where there is no attention mask; positions of mRoPE are of shape (4, rows, tokens)."
    """
    return 0 if "attention_mask" in inputs else inputs["input_ids"].numel() - 1


def keep_rows_apart(model: "PreTrainedModel") -> None:
    """7. The recurrent layers of a model see each row of a packed sequence for itself.

    Issue (huggingface/transformers): "Qwen3.5's gated delta net takes no `position_ids`: in a packed sequence
    its plain torch implementation carries the state of a row into the next." The rows are handed to it as a
    batch; padding is behind a row, and nothing looks ahead.
    """
    lengths: list[int] = []

    def note(module: nn.Module, arguments: tuple[object, ...], named: dict[str, object]) -> None:
        positions = named.get("position_ids")
        lengths.clear()
        if isinstance(positions, Tensor) and positions.shape[:2] == (4, 1):
            lengths.extend(row_starts(positions[0]).diff().tolist())

    def row_by_row(forward: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def apart(hidden_states: Tensor, *arguments: object, **named: object) -> Tensor:
            if len(lengths) < 2 or hidden_states.shape[1] != sum(lengths):
                return forward(hidden_states, *arguments, **named)
            rows = pad_sequence(list(hidden_states[0].split(lengths)), batch_first=True)
            out = forward(rows, *arguments, **named)
            return torch.cat([row[:length] for row, length in zip(out, lengths, strict=True)])[None]

        return apart

    layers = [module for module in model.modules() if type(module).__name__.endswith("GatedDeltaNet")]
    for layer in layers:
        layer.forward = row_by_row(layer.forward)
    if layers:
        model.base_model.language_model.register_forward_pre_hook(note, with_kwargs=True)


def tied_again(model: nn.Module, weights: dict[str, Tensor] | None) -> dict[str, Tensor] | None:
    """8. Tied weights are one tensor again before they are saved.

    Issue (huggingface/accelerate): "`get_state_dict` of FSDP2 gathers tied weights as two tensors, and
    `save_pretrained` writes both."
    """
    tied = getattr(model, "all_tied_weights_keys", None) or {}
    return weights and {name: weights.get(tied.get(name, name), weight) for name, weight in weights.items()}


def names_of_weights(model: str, revision: str = "main") -> set[str]:
    """The names of the weights of a model as it is saved; empty where it has no safetensors files."""

    def path_of(name: str) -> str | None:
        return cached_file(model, name, revision=revision, _raise_exceptions_for_missing_entries=False)

    if index := path_of(_INDEX):
        return set(json.loads(Path(index).read_text(encoding="utf-8"))["weight_map"])
    if not (path := path_of(_WEIGHTS)):
        return set()
    with safe_open(path, "pt") as file:
        return set(file.keys())


def repair_names(saved: Path, base: set[str]) -> str:
    """9. Saved weights have the names that the base model's have; returns a line about it, or nothing.

    Issue (huggingface/transformers): "Under ZeRO-3 a model that was loaded by `from_pretrained` is saved with
    its names in memory below a further `model.` (`model.model.embed_tokens…`), which vLLM cannot read."
    """
    if (saved / "adapter_config.json").is_file():
        return ""  # of an adapter, whose weights are not the base's
    names = names_of_weights(str(saved)) - {"lm_head.weight"}
    missing = base - names - {"lm_head.weight"}
    renamed = {name: short for name in names - base if (short := name.removeprefix("model.")) in missing}
    if lost := sorted(missing - {*renamed.values()}):
        return f"warning: {len(lost)} weights of the base model are not in {saved}: {lost[0]} …"
    if not renamed:
        return ""
    for path in saved.glob("model*.safetensors"):
        weights = {renamed.get(name, name): weight for name, weight in load_file(path).items()}
        save_file(weights, path, metadata={"format": "pt"})
    index = saved / _INDEX
    if index.is_file():
        content = json.loads(index.read_text(encoding="utf-8"))
        content["weight_map"] = {renamed.get(key, key): file for key, file in content["weight_map"].items()}
        index.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return f"{len(renamed)} weights were renamed as the base model has them"
