"""`export --to verl`: Parquet for reinforcement learning with verl, and the file of its reward function.

The columns are those of verl's documentation on data preparation (0.9): `data_source`, `prompt` with
`<image>` where the picture stands, `images` as structs of bytes, `ability`, `reward_model` with the label as
`ground_truth`, `extra_info`. `reward.py` is for `custom_reward_function.path`; it calls `hmer_tasks.rewards`.
"""

import shlex
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from hmer_tasks.exporting.conversations import MARK, PLACEHOLDERS, left_out, unfit
from hmer_tasks.exporting.folder import Done, Layout
from hmer_tasks.exporting.parquet import Writers
from hmer_tasks.exporting.source import Config, by_role, config_name, rows
from hmer_tasks.shards.manifest import Summary
from hmer_tasks.shards.schema import IMAGE, MESSAGE
from hmer_tasks.utils.files import atomic_write

REWARD = "reward.py"
_EXTRA = ("split", "source", "id", "task", "answer", "candidate", "marked")
_SCHEMA = pa.schema(
    [
        ("data_source", pa.string()),
        ("prompt", pa.list_(MESSAGE)),
        ("images", pa.list_(IMAGE)),
        ("ability", pa.string()),
        ("reward_model", pa.struct({"style": pa.string(), "ground_truth": pa.string()})),
        ("extra_info", pa.struct({"index": pa.int64(), **dict.fromkeys(_EXTRA, pa.string())})),
    ]
)
_REWARD_FILE = '''\
"""The reward of these rows for verl: custom_reward_function.path=THIS_FILE, .name=compute_score.

Written by hmer-tasks; change the weights as you like. docs/guides/exporting.md says what they weigh.
"""

from hmer_tasks.rewards import weighted_score

WEIGHTS = {"exact": 0.5, "edit": 0.4, "form": 0.1}


def compute_score(data_source, solution_str, ground_truth, extra_info=None, **options):
    """A number from 0 to 1 for an answer, and its parts, which verl logs."""
    return weighted_score(solution_str, ground_truth, extra_info or {}, WEIGHTS)
'''


def layout() -> Layout:
    """Parquet files, one folder a configuration, and the reward function's file."""
    return Layout("verl", _shard, _finish)


def hints(target: Path, exported: Mapping[str, Config]) -> list[str]:
    """The settings of verl's trainer that name these files."""
    roles = {
        role: "[" + ",".join(f"{target}/{name}/*.parquet" for name in names) + "]"
        for role, names in by_role(exported).items()
    }
    lines = []
    if train := roles.get("train"):
        lines.append(f"train:  data.train_files='{train}'")
    else:
        lines.append("train:  this build has no train split")
    lines += [f"{role}:  data.val_files='{roles[role]}'" for role in ("valid", "test") if role in roles]
    path = shlex.quote(f"{target}/{REWARD}")
    reward = f"custom_reward_function.path={path} custom_reward_function.name=compute_score"
    return [*lines, f"reward: {reward}"]


def _shard(path: Path, name: str, folder: Path, summary: Summary) -> Done:
    split, stem = summary["shards"][name]["split"], Path(name).stem
    lacking: list[dict[str, str]] = []
    with Writers(folder, f"{stem}.parquet", _SCHEMA) as writers:
        for row in rows(path):
            if mark := unfit(row, PLACEHOLDERS):
                lacking.append(left_out(row, mark))
                continue
            config = config_name(summary, split, row.task)
            record: dict[str, object] = {
                "data_source": config,  # verl means its validation scores by this
                "prompt": [{"role": "user", "content": MARK + row.prompt}],
                "images": [{"bytes": row.picture, "path": row.name}],
                "ability": row.task,
                "reward_model": {"style": "rule", "ground_truth": row.label},
                "extra_info": {
                    "index": writers.counts[config],
                    "split": split,
                    "source": row.source,
                    "id": row.id,
                    "task": row.task,
                    "answer": row.target,
                    "candidate": row.candidate,
                    "marked": row.marked,
                },
            }
            writers.add(config, record, len(row.picture))
    return Done(dict(writers.counts), lacking)


def _finish(folder: Path, exported: Mapping[str, Config]) -> None:
    if not (folder / REWARD).exists():  # of an export that is added to, with the user's weights
        atomic_write(folder / REWARD, _REWARD_FILE)
