"""`export --to webdataset`: tar files for webdataset, with the index that Megatron-Energon reads.

A sample is a picture and a `.json` with prompt and answer. Beside each tar stands `<name>.tar.idx`, the
offsets of its samples and of its end, eight bytes each, little-endian; `.nv-meta` has the counts, the split
parts (`train`, `val`, `test`) and the mapping to Energon's VQASample, as its documentation has them (7.4).
"""

import io
import json
import os
import struct
import tarfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from hmer_tasks.exporting.folder import Done, Layout
from hmer_tasks.exporting.json_lines import picture_ending
from hmer_tasks.exporting.source import Config, Exported, by_role, config_name, rows
from hmer_tasks.shards.manifest import Summary
from hmer_tasks.utils.files import atomic_write

META = ".nv-meta"
_ENDINGS = "jpg,png,webp"  # whatever else a corpus has, a build holds as PNG
_PARTS = {"train": "train", "valid": "val", "test": "test"}  # Energon's names
_DATASET = f"""\
sample_type:
  __module__: megatron.energon
  __class__: VQASample
field_map:
  image: {_ENDINGS}
  context: json[prompt]
  answers: json[answers]
"""


def layout() -> Layout:
    """A folder of tar files for each configuration, and `.nv-meta`."""
    return Layout("webdataset", _shard, _finish)


def hints(target: Path, exported: Mapping[str, Config]) -> list[str]:
    """How the tars are opened by webdataset and by Energon."""
    roles = by_role(exported)
    role = next((role for role in ("train", "valid", "test") if role in roles), "test")
    name, part = next(iter(roles.get(role, exported)), ""), _PARTS[role]
    return [
        f'load:   webdataset.WebDataset(sorted(glob.glob("{target}/{name}/*.tar")), shardshuffle=False)',
        f'energon: get_train_dataset("{target}", split_part="{part}", …)',
    ]


def _shard(path: Path, name: str, folder: Path, summary: Summary) -> Done:
    split, stem = summary["shards"][name]["split"], Path(name).stem
    with _Tars(folder, stem) as tars:
        for row in rows(path):
            tars.add(config_name(summary, split, row.task), row)
    return Done(dict(tars.counts), [])


def _finish(folder: Path, exported: Mapping[str, Config]) -> None:
    """The files of `.nv-meta`; the counts are those of the indices."""
    counts = {
        f"{name}/{index.name.removesuffix('.idx')}": index.stat().st_size // 8 - 1
        for name in exported
        for index in sorted((folder / name).glob("*.tar.idx"))
    }
    splits: dict[str, list[str]] = {part: [] for part in _PARTS.values()}
    for role, names in by_role(exported).items():
        splits[_PARTS[role]] = [shard for shard in counts if shard.split("/")[0] in names]
    meta = folder / META
    meta.mkdir(exist_ok=True)
    _write_json(meta / ".info.json", {"energon_version": None, "shard_counts": counts})
    _write_json(meta / "split.json", {"split_parts": splits, "exclude": []})
    atomic_write(meta / "dataset.yaml", _DATASET)


def _write_json(path: Path, data: object) -> None:
    atomic_write(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")


class _Tars:
    """A tar of one name in each configuration's folder, opened when its first row comes."""

    def __init__(self, folder: Path, stem: str) -> None:
        self._folder, self._stem = folder, stem
        self._tars: dict[str, tarfile.TarFile] = {}
        self._offsets: dict[str, list[int]] = {}
        self.counts = Counter[str]()

    def add(self, config: str, row: Exported) -> None:
        """Add a row: its picture, and its texts."""
        if config not in self._tars:
            (self._folder / config).mkdir(exist_ok=True)
            self._tars[config] = tarfile.open(  # noqa: SIM115 - closed by __exit__
                self._folder / config / f"{self._stem}.tar", "w", format=tarfile.USTAR_FORMAT
            )
            self._offsets[config] = []
        tar = self._tars[config]
        self._offsets[config].append(tar.offset)
        # A key must be the only one of its kind in the whole folder, and have no dot in its last part.
        key = f"{config}/{self._stem.replace('.', '_')}-{self.counts[config]:06d}"
        texts = {
            "id": row.id,
            "source": row.source,
            "task": row.task,
            "prompt": row.prompt,
            "answers": [row.target],
            "label": row.label,
            "candidate": row.candidate,
            "marked": row.marked,
        }
        _add(tar, f"{key}.{picture_ending(row.picture)}", row.picture)
        _add(tar, f"{key}.json", json.dumps(texts, ensure_ascii=False).encode())
        self.counts[config] += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for config, tar in self._tars.items():
            offsets = [*self._offsets[config], tar.offset]
            path = Path(str(tar.name))
            tar.close()
            if kind is None:
                with path.with_suffix(".tar.idx").open("wb") as index:
                    index.write(struct.pack(f"<{len(offsets)}Q", *offsets))
                    index.flush()
                    os.fsync(index.fileno())


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    """A member without time, owner or rights of this machine."""
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))
