"""The trainer's arguments, as flags and as keys of a recipe: ours, and TRL's with the defaults we need."""

from dataclasses import dataclass, field

from trl import SFTConfig

from trainer.faults import UsageError

ACTIONS = ("refuse", "downsize", "stop")
DTYPES = ("bfloat16", "float32")


@dataclass
class DataArguments:
    """Which rows are trained on, what they may cost, and what is decoded to see how it goes."""

    data: list[str] = field(
        default_factory=list, metadata={"help": "Builds, BUILD:SPLIT, folders or files of shards."}
    )
    data_weights: list[float] = field(
        default_factory=list, metadata={"help": "A weight for each of --data: copies an epoch (0.5: half)."}
    )
    sample_weights: str | None = field(
        default=None,
        metadata={"help": "Copies of each sample: what `hmer-tasks audit --weights` writes."},
    )
    task_weights: str = field(
        default="", metadata={"help": "recognition=1,tree_cot=0.5: those tasks alone; empty: all, once."}
    )
    folds: str | None = field(default=None, metadata={"help": "JSON lines {source, id, fold}."})
    fold: int = field(default=0, metadata={"help": "The fold that is held out."})
    side: str = field(
        default="train",
        metadata={"help": "Train on all but that fold, or on it.", "choices": ["train", "held"]},
    )
    general_data: list[str] = field(
        default_factory=list,
        metadata={"help": "Text-only SFT data (.jsonl, .parquet), to keep general skill."},
    )
    general_share: float = field(default=0.0, metadata={"help": "Their share of all rows, 0.1 for a tenth."})
    limit: int | None = field(
        default=None, metadata={"help": "Only the first so many pictures of each corpus, for a trial."}
    )
    max_pixels: int | None = field(
        default=None, metadata={"help": "Pictures larger than this are made smaller. Published: 262144."}
    )
    min_pixels: int | None = field(default=None, metadata={"help": "Smaller ones are made larger."})
    over_cap: str = field(
        default="downsize", metadata={"help": "A picture over the cap.", "choices": list(ACTIONS)}
    )
    max_tokens: int = field(default=2048, metadata={"help": "The most tokens a row may have."})
    too_long: str = field(
        default="refuse", metadata={"help": "A row with more tokens.", "choices": list(ACTIONS)}
    )
    system_prompt: str = field(default="", metadata={"help": "A system turn before every prompt."})
    jitter: bool = field(
        default=False, metadata={"help": "Turn, slant and stretch each picture anew in every epoch."}
    )
    scratch: str | None = field(
        default=None,
        metadata={"help": "Start from random weights: a name of trainer.models, or a folder with a config."},
    )
    vision_attention: str = field(
        default="auto",
        metadata={"help": "Attention of the vision tower: flash_varlen (auto), sdpa, flash_attention_2 …"},
    )
    save_dtype: str = field(
        default="bfloat16",
        metadata={"help": "Precision of the model that is saved at the end.", "choices": list(DTYPES)},
    )
    freeze: str = field(
        default="", metadata={"help": "Parts left as they are: vision,projector,language. Default: none."}
    )
    decode_data: list[str] = field(
        default_factory=list, metadata={"help": "Shards to decode; default: the split valid of --data."}
    )
    decode_steps: int = field(default=0, metadata={"help": "Decode every so many steps; 0: never."})
    decode_rows: int = field(default=128, metadata={"help": "How many pictures."})
    decode_batch: int = field(default=16, metadata={"help": "How many at a time."})
    decode_task: str = field(default="recognition", metadata={"help": "By which task's prompt."})
    decode_new_tokens: int = field(default=512, metadata={"help": "The longest answer."})
    restart: bool = field(
        default=False, metadata={"help": "Delete the checkpoints in --output_dir and begin anew."}
    )


@dataclass
class TrainConfig(SFTConfig):
    """TRL's arguments. `max_length` must stay None: cut-off completions train on nothing."""

    output_dir: str | None = field(default=None, metadata={"help": "Where checkpoints and the model go."})
    max_length: int | None = field(default=None, metadata={"help": "Leave it: see --max_tokens."})
    report_to: list[str] | str = field(
        default_factory=lambda: ["none"], metadata={"help": "tensorboard, trackio, wandb …; none by default."}
    )
    save_total_limit: int | None = field(default=3, metadata={"help": "How many checkpoints are kept."})
    train_sampling_strategy: str = field(
        default="",
        metadata={
            "help": "Which rows stand in a batch; by default group_by_length, with --packing random.",
            "choices": ["random", "sequential", "group_by_length", "batch_rebalance"],
        },
    )
    packing: bool = field(default=False, metadata={"help": "Rows of a batch in one sequence: no padding."})

    def __post_init__(self) -> None:
        if self.max_length is not None:
            raise UsageError("--max_length cuts completions off; leave it, and say --max_tokens")
        if not self.output_dir:
            raise UsageError("--output_dir is missing: where shall checkpoints and the model go?")
        if not self.train_sampling_strategy:
            self.train_sampling_strategy = "random" if self.packing else "group_by_length"
        super().__post_init__()
