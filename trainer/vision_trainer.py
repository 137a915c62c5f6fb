"""TRL's SFTTrainer as this project trains: batches by length, packing, throughput, final weights."""

import time
from typing import TYPE_CHECKING, Any

import torch
from datasets import Dataset
from transformers import Trainer
from transformers.integrations import is_deepspeed_zero3_enabled
from trl import SFTTrainer

from trainer import costs
from trainer.data import Prepared
from trainer.lengths import GroupedSampler
from trainer.loader_workers import SignalSafeLoading
from trainer.packing import PackingCollator
from trainer.patches import (
    LoadsCheckpoints,
    count_tokens_of_steps,
    keep_rows_apart,
    packed_tokens,
    tied_again,
)

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.utils.data import Sampler

    from trainer.options import TrainConfig


class SavesFinalWeights(Trainer):
    """A trainer that saves the model at the end in one precision; its checkpoints keep theirs."""

    def save_final(self, out: str, dtype: torch.dtype) -> None:
        """Save the whole model, gathered from all processes, in this precision (ZeRO-3: in its own)."""
        if self.is_fsdp_enabled:
            self.accelerator.state.fsdp_plugin.set_state_dict_type("FULL_STATE_DICT")
        if not is_deepspeed_zero3_enabled() and not hasattr(self.model, "peft_config"):
            config = self.model.to(dtype).config
            for part in (config, *(getattr(config, name) for name in config.sub_configs)):
                part.dtype = dtype
        self.save_model(out)

    def _save(self, output_dir: str | None = None, state_dict: "dict[str, Tensor] | None" = None) -> None:
        super()._save(output_dir, tied_again(self.model, state_dict))


class VisionSFTTrainer(LoadsCheckpoints, SavesFinalWeights, SignalSafeLoading, SFTTrainer):
    """SFTTrainer whose loss of a step's rows depends neither on micro-batches, nor on packing, nor on
    interruptions. Which rows a step has is the sampler's business (`GroupedSampler`)."""

    def __init__(self, *, prepared: Prepared, args: "TrainConfig", **arguments: object) -> None:
        packing, args.packing = args.packing, False  # TRL refuses it for vision
        self.prepared = prepared
        self.epoch_sampler: GroupedSampler | None = None
        super().__init__(args=args, train_dataset=prepared.rows, **arguments)
        count_tokens_of_steps(self)
        if packing:
            self.data_collator: Any = PackingCollator(self.data_collator, self.model)
            keep_rows_apart(self.model)
        args.packing = packing
        self.costs = costs.costs_of(self.model)
        self.counted: Tensor | None = None
        self.since = time.monotonic()

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> "Sampler[int] | None":
        unit = self.args.train_batch_size * self.args.world_size
        step = unit * self.args.gradient_accumulation_steps
        if self.args.train_sampling_strategy == "group_by_length":
            lengths, seed = self.prepared.lengths, self.args.data_seed
            seed = self.args.seed if seed is None else seed
            self.epoch_sampler = GroupedSampler(lengths, unit, step, seed)
            return self.epoch_sampler
        column = {self.args.length_column_name: self.prepared.lengths}  # batch_rebalance asks for it
        return super()._get_train_sampler(Dataset.from_dict(column))

    def compute_loss(self, model: "nn.Module", inputs: "dict[str, Tensor]", **more: object) -> "Tensor":
        """TRL's loss; what is in the batch is counted."""
        if model.training:
            counts = costs.count(inputs)
            self.counted = counts if self.counted is None else self.counted + counts
            self._total_train_tokens += packed_tokens(inputs) * self.args.world_size
        return super().compute_loss(model, inputs, **more)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log, with the share of padding, tokens a second and, where the peak is known, MFU."""
        if "loss" in logs and self.counted is not None:
            logs |= self._throughput()
        super().log(logs, start_time)

    def _throughput(self) -> dict[str, float]:
        assert self.counted is not None
        summed = self.accelerator.reduce(self.counted, "sum") if self.args.world_size > 1 else self.counted
        counts = dict(zip(costs.COUNTS, summed.tolist(), strict=True))
        now = time.monotonic()
        seconds, self.since, self.counted = max(now - self.since, 1e-9), now, None
        logs = {
            "padding": round(1 - counts["tokens"] / counts["slots"], 4),
            "tokens_per_second": round(counts["tokens"] / seconds, 1),
            "rows_per_second": round(counts["rows"] / seconds, 2),
        }
        peak = costs.peak_of_device()
        if peak and (self.args.bf16 or self.model.dtype == torch.bfloat16):
            used = self.costs.operations(counts) / seconds
            logs["mfu"] = round(used / (peak * self.args.world_size), 4)
        return logs
