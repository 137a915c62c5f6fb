"""Uni-MuMER's published rows: 26 configurations, each a split, so that they can be compared and mixed.

A row is `image` and `conversations` (from/value): a prompt and an answer. A split's label is the last
line of its answers; the answers of `_error_find` hold no label, only a marked candidate, and take it
from the row of the recognition configuration that shows the same picture (or from `_error_fix`).
An id is the picture's file name, or, where it has none, the beginning of its bytes' SHA-256: the same
in every configuration. Only the error configurations show a picture more than once; the second time
it is `name#2`. Their wrong candidates are read by `candidates`, for `build --errors`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hmer_tasks.corpora.base import Corpus, Rejected, Sample, SplitReader
from hmer_tasks.corpora.pictures import StoredPicture
from hmer_tasks.corpora.released_files import Table, open_table
from hmer_tasks.exceptions import CorpusError, PictureError, RejectReason
from hmer_tasks.storage.files import Files

BASES = (
    "crohme_train",
    "crohme2023",
    "hme100k_train",
    "im2latex_v2_train",
    "mathwriting_train",
    "mathwriting_symbols",
)
_ERRORS = {"hme100k_train": "hme100k", "im2latex_v2_train": "im2latex_v2"}  # what their error rows are called
ENDINGS = ("", "_tree", "_can", "_error_find", "_error_fix")
# configuration -> (that of its labels, ending)
CONFIGS: dict[str, tuple[str, str]] = {
    (_ERRORS.get(base, base) if "error" in ending else base) + ending: (base, ending)
    for base in BASES
    for ending in (ENDINGS if base != "mathwriting_symbols" else ("",))
}
_MARKS = ("<error_start>", "<error_end>", "<deleted>")
# The prompts of both error tasks end so: a caption, the formula, and the caption of the answer.
_CANDIDATE = {
    "_error_find": re.compile(r"erroneous formula: ?(.*?)\n+\s*Marked formula:\s*\Z", re.DOTALL),
    "_error_fix": re.compile(r"Marked formula: ?(.*?)\n+\s*Correction log:\s*\Z", re.DOTALL),
}


@dataclass(frozen=True, slots=True)
class ReleasedPicture(StoredPicture):
    """The picture of a row."""

    table: Table
    row: int
    name: str
    light_on_dark: bool = False

    def read(self) -> tuple[bytes, str, str]:
        """The encoded picture, its place and its file name. Raises PictureError: IMAGE_MISSING."""
        data = self.table.picture(self.row)
        if data is None:
            raise PictureError(
                RejectReason.IMAGE_MISSING, self.table.place(self.row), "the row has no picture"
            )
        return data, self.table.place(self.row), self.name


class ReleasedSplit:
    """One configuration. `labels`: of pictures, by name, where the answers hold none."""

    profile: str | None = None  # labels are tokenised

    def __init__(self, table: Table, source: str, ending: str, labels: "Labels | None") -> None:
        self._table, self._source, self._labels = table, source, labels
        self._ids = numbered(table.names) if ending.startswith("_error") else table.names

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, index: int) -> Sample | Rejected:
        id, place, turns = self._ids[index], self._table.place(index), self._table.turns(index)
        if turns is None:
            return Rejected(
                id, self._source, RejectReason.MALFORMED_LINE, f"{place}: not one question and one answer"
            )
        if self._labels is None:
            label: str | None = last_line(turns[1])
        else:
            label = self._labels.of(self._table.names[index], turns[1])
        if label is None:
            where = f"{place}: the answer is a marked formula; its label is in another configuration"
            return Rejected(id, self._source, RejectReason.LABEL_MISSING, where)
        picture = ReleasedPicture(self._table, index, PurePosixPath(self._table.names[index]).name)
        return Sample(id, self._source, label, picture)

    def id(self, index: int) -> str:
        return self._ids[index]

    def digest(self) -> str:
        return self._table.digest()


class Labels:
    """The labels of a base configuration by picture, and those of `_error_fix` by marked formula."""

    def __init__(self, files: Files, base: str) -> None:
        self._by_name: dict[str, str] = {}
        self._by_marked: dict[str, str] = {}
        if (table := open_table(files, base)) is not None:
            for row, turns in enumerate(table.all_turns()):
                if turns is not None:
                    self._by_name.setdefault(table.names[row], last_line(turns[1]))
        fix = next(name for name, kind in CONFIGS.items() if kind == (base, "_error_fix"))
        if (table := open_table(files, fix)) is not None:
            for turns in table.all_turns():
                marked = _formula(turns[0], "_error_fix") if turns is not None else None
                if turns is not None and marked is not None:
                    self._by_marked.setdefault(" ".join(marked.split()), last_line(turns[1]))

    def of(self, name: str, marked: str) -> str | None:
        """The label of a picture."""
        return self._by_name.get(name, self._by_marked.get(" ".join(last_line(marked).split())))


def last_line(answer: str) -> str:
    """The label that an answer ends with."""
    return answer.rstrip("\n").rpartition("\n")[2]


def numbered(names: list[str]) -> list[str]:
    """Names made ids: the second of a name is `name#2`."""
    seen: Counter[str] = Counter()
    ids = []
    for name in names:
        seen[name] += 1
        ids.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return ids


def _formula(prompt: str, ending: str) -> str | None:
    match = _CANDIDATE[ending].search(prompt)
    return None if match is None else match[1]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A wrong formula that the authors' recogniser read. `id`: the picture's name."""

    base: str
    id: str
    label: str
    candidate: str


def candidates(files: Files, base: str) -> Iterator[Candidate]:
    """The wrong candidates of a configuration's error rows (both kinds; the same one comes once).

    Raises CorpusError where there are no error rows of `base`.
    """
    kinds = [name for name, (of, ending) in CONFIGS.items() if of == base and ending in _CANDIDATE]
    tables = {name: table for name in kinds if (table := open_table(files, name)) is not None}
    if not tables:
        raise CORPUS.absent(files.root, kinds[0] if kinds else base, available(files))
    seen: set[tuple[str, str]] = set()
    labels = Labels(files, base)
    for name, table in tables.items():
        ending = CONFIGS[name][1]
        for row, turns in enumerate(table.all_turns()):
            formula = _formula(turns[0], ending) if turns is not None else None
            if turns is None or formula is None:
                continue
            candidate = " ".join(token for token in formula.split() if token not in _MARKS)
            id = table.names[row]
            label = labels.of(id, turns[1]) if ending == "_error_find" else last_line(turns[1])
            if label is not None and (id, candidate) not in seen:
                seen.add((id, candidate))
                yield Candidate(base, id, label, candidate)


def available(files: Files) -> tuple[str, ...]:
    """The configurations that are there."""
    from hmer_tasks.corpora.released_files import parquet_names

    return tuple(config for config in CONFIGS if parquet_names(files, config))


def open_split(files: Files, split: str) -> SplitReader:
    """Open a configuration. Raises CorpusError when it is not there or is no Parquet of the authors' kind."""
    table = open_table(files, split) if split in CONFIGS else None
    if table is None:
        raise CORPUS.absent(files.root, split, available(files))
    base, ending = CONFIGS[split]
    labels = Labels(files, base) if ending == "_error_find" else None
    if len(table) == 0:
        raise CorpusError(f"released: {split} in {files.root} holds no rows; download it again")
    return ReleasedSplit(table, f"released/{split}", ending, labels)


CORPUS = Corpus(
    name="released",
    origin="Uni-MuMER's authors (https://huggingface.co/datasets/phxember/Uni-MuMER-Data)",
    licence="as its page states; each picture also under its own corpus's licence",
    layout=(
        "Uni-MuMER-Data/<configuration>/*.parquet, as `hf download --repo-type dataset --local-dir` "
        "leaves them (or data/<configuration>-*.parquet)"
    ),
    default_root=Path("data/Uni-MuMER-Data"),
    splits=tuple(CONFIGS),
    available=available,
    open_split=open_split,
)
