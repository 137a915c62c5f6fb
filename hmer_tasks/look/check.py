"""`hmer-tasks check`: which labels of a file are accepted, which are refused, and why."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hmer_tasks.build.plan import corpus_named
from hmer_tasks.build.repairs import repair_of
from hmer_tasks.build.rows import Context, Rejection, read_label
from hmer_tasks.corpora import Refused, Sample, label_file, open_corpus
from hmer_tasks.latex.parser import unknown_commands
from hmer_tasks.latex.tree import to_label

_SHOWN = 12  # unknown commands named in the table


@dataclass(slots=True)
class Checked:
    """The labels of one file or split."""

    name: str
    labels: int = 0
    accepted: int = 0
    explicit: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    rejects: list[Rejection | Refused] = field(default_factory=list)
    mended: Counter[str] | None = None  # by kind of mend; None: nothing was mended

    def as_json(self) -> dict[str, object]:
        """Counts without the refused labels themselves."""
        return {
            "name": self.name,
            "labels": self.labels,
            "accepted": self.accepted,
            "explicit": self.explicit,
            "refused": dict(self.refused.most_common()),
            "unknown_commands": dict(self.unknown.most_common()),
            **({} if self.mended is None else {"mended": dict(self.mended.most_common())}),
        }


def check_file(path: Path, repair: bool = False) -> Checked:
    """Check a label file (tsv, caption.txt, JSON lines, CSV). Raises CorpusError."""
    return _check(str(path), label_file(path), None, repair)


def check_dataset(dataset: str, root: Path | None, repair: bool = False) -> Iterator[Checked]:
    """Check each split of a corpus. Raises CorpusError."""
    corpus = corpus_named(dataset)
    with open_corpus(corpus, root) as files:
        splits = corpus.available(files)
        if not splits:
            raise corpus.absent(files.root)
        for split in splits:
            reader = corpus.open_split(files, split)
            inputs = (reader[i] for i in range(len(reader)))
            yield _check(f"{dataset}/{split}", inputs, reader.profile, repair)


def _check(name: str, inputs: Iterator[Sample | Refused], profile: str | None, repair: bool) -> Checked:
    checked, context = Checked(name), Context(tasks=(), prompts={}, repair=repair)
    if repair:
        checked.mended = Counter()
    for each in inputs:
        checked.labels += 1
        outcome = each if isinstance(each, Refused) else read_label(each, profile, context)
        if isinstance(outcome, Refused | Rejection):
            checked.refused[outcome.reason] += 1
            checked.rejects.append(outcome)
            continue
        label, tree = outcome
        checked.accepted += 1
        if checked.mended is not None and isinstance(each, Sample):
            found = repair_of(each, profile)
            checked.mended.update(found.kinds if found else ())
        checked.explicit += label == each.label
        if "\\" in label:
            checked.unknown.update(unknown_commands(to_label(tree)))
    return checked


def write_rejects(path: Path, checked: list[Checked]) -> None:
    """One JSON line a refused label. Raises OSError."""
    lines = [json.dumps(asdict(each), ensure_ascii=False) + "\n" for one in checked for each in one.rejects]
    path.write_text("".join(lines), encoding="utf-8")


def print_table(console: Console, checked: list[Checked]) -> None:
    """The table a person reads."""
    table = Table(
        "labels of", "labels", "accepted", "share", "in explicit form", "refused", "unknown commands"
    )
    for column in table.columns[1:5]:
        column.justify = "right"
    for one in checked:
        share = f"{100 * one.accepted / one.labels:.3f} %" if one.labels else "–"
        refused = "\n".join(f"{count} {reason}" for reason, count in one.refused.most_common()) or "–"
        names = [f"{count} {name}" for name, count in one.unknown.most_common(_SHOWN)]
        more = [f"and {len(one.unknown) - _SHOWN} more"] if len(one.unknown) > _SHOWN else []
        numbers = (f"{one.labels:,}", f"{one.accepted:,}", share, f"{one.explicit:,}")
        table.add_row(one.name, *numbers, refused, ", ".join(names + more) or "–")
    console.print(table)
    for one in checked:
        if one.mended is not None:
            kinds = ", ".join(f"{count:,} {kind}" for kind, count in one.mended.most_common())
            line = f"{one.name}: mended: {kinds or 'none'}"
            console.print(line, markup=False, highlight=False, soft_wrap=True)
