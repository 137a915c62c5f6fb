"""`hmer-tasks check`: which labels of a file are accepted, which are refused, and why."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

from hmer_tasks.corpora import Rejected, SplitReader, folder, open_corpus, opened_label_file
from hmer_tasks.corpora.columns import Columns
from hmer_tasks.exceptions import BuildError
from hmer_tasks.latex.repair import own_rules, rules_of
from hmer_tasks.latex.unknown import UnknownCommands
from hmer_tasks.latex.unknown import lines as unknown_lines
from hmer_tasks.pipeline.expand import ExpansionConfig
from hmer_tasks.pipeline.plan import Inputs, corpus_named, profile_named, with_profile
from hmer_tasks.pipeline.repeated_ids import find_repeated_ids
from hmer_tasks.pipeline.worker import read_input
from hmer_tasks.storage.urls import PathOrUrl
from hmer_tasks.utils.files import atomic_open
from hmer_tasks.utils.processes import block_signals, cores, init_worker, worker_pool
from hmer_tasks.utils.progress import progress_of
from hmer_tasks.utils.terminal import printable_json

_PART = 10_000  # labels that a process checks at a time; fewer take less than starting another
_SHOWN = 12  # reasons that are named


Rejects = Callable[[Rejected], object]  # what is done with a refused label


def forget(reject: Rejected) -> None:
    """Only count it."""


@dataclass(slots=True)
class Checked:
    """The labels of one file or split, or of a part of it."""

    name: str
    labels: int = 0
    accepted: int = 0
    explicit: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    unknown: UnknownCommands = field(default_factory=UnknownCommands)
    repaired: Counter[str] | None = None  # by kind of repair; None: none was asked for
    repaired_as: str = ""  # the corpus whose repairs were made; empty: no known one

    def add(self, other: "Checked") -> None:
        """Count another part in."""
        self.labels += other.labels
        self.accepted += other.accepted
        self.explicit += other.explicit
        self.refused.update(other.refused)
        self.unknown.update(other.unknown.as_json())
        if self.repaired is not None:
            self.repaired.update(other.repaired or ())

    def as_json(self) -> dict[str, object]:
        """Counts without the refused labels themselves."""
        return {
            "name": self.name,
            "labels": self.labels,
            "accepted": self.accepted,
            "explicit": self.explicit,
            "refused": dict(self.refused.most_common()),
            "unknown_commands": {
                command: entry["labels"] for command, entry in self.unknown.as_json().items()
            },
            **({} if self.repaired is None else {"mended": dict(self.repaired.most_common())}),
            **({} if self.repaired is None else {"repairs": self.repairs}),
        }

    @property
    def repairs(self) -> dict[str, object]:
        """Which repairs were made, and for which corpus (null: those that hold for any label)."""
        own = own_rules(self.repaired_as)
        return {"corpus": self.repaired_as if own else None, "kinds": list(rules_of(self.repaired_as))}


def check_file(
    path: Path,
    repair: bool = False,
    workers: int = 0,
    rejects: Rejects = forget,
    repair_as: str = "",
    *,
    profile: str | None = None,
    strict: bool = False,
    columns: Columns | None = None,
) -> Checked:
    """Check a label file (tsv, caption.txt, JSON lines, CSV). `repair_as`: the corpus that its labels are of;
    `profile`: how they are read, by default as a folder's (those of another corpus: as tokens).

    Raises CorpusError, BuildError, UsageError.
    """
    if repair_as:
        corpus_named(repair_as)
    own = folder.PROFILE if repair_as in ("", folder.NAME) else folder.TOKENS
    with opened_label_file(path, profile_named(profile or own), columns) as reader:
        context = _context_of(repair_as if repair else None, strict)
        return _check(str(path), reader, context, workers, rejects)


def check_dataset(
    dataset: str,
    root: PathOrUrl | None,
    repair: bool = False,
    workers: int = 0,
    rejects: Rejects = forget,
    *,
    profile: str | None = None,
    strict: bool = False,
    columns: Columns | None = None,
) -> Iterator[Checked]:
    """Check each split of a corpus. Raises CorpusError, BuildError, UsageError."""
    corpus = with_profile(corpus_named(dataset), profile, columns)
    context = _context_of(dataset if repair else None, strict)
    with open_corpus(corpus, root) as files:
        splits = corpus.available(files)
        if not splits:
            raise corpus.absent(files.root)
        for split in splits:
            yield _check(f"{dataset}/{split}", corpus.open_split(files, split), context, workers, rejects)


def _context_of(repair_as: str | None, strict: bool) -> ExpansionConfig:
    return ExpansionConfig(
        tasks=(), prompts={}, repair=repair_as is not None, repair_as=repair_as, strict=strict
    )


def _check(
    name: str, reader: SplitReader, context: ExpansionConfig, workers: int, rejects: Rejects
) -> Checked:
    """Check every label, by several processes where there are many; refusals are reported in order."""
    checked = Checked(
        name, repaired=Counter() if context.repair else None, repaired_as=context.repair_as or ""
    )
    starts = range(0, len(reader), _PART)
    _start(Inputs(reader, len(reader), find_repeated_ids(reader, len(reader), workers)), context)
    workers = min(len(starts), workers or cores())
    with progress_of(len(reader), "labels") as show:
        for part, refused in map(_part, starts) if workers <= 1 else _side_by_side(starts, workers):
            checked.add(part)
            for reject in refused:
                rejects(reject)
            show(checked.labels)
    return checked


def _side_by_side(starts: Iterable[int], workers: int) -> "Iterator[tuple[Checked, list[Rejected]]]":
    """The parts in order. The workers are forked with what `_start` set."""
    try:
        with worker_pool(workers, init_worker) as pool:
            with block_signals():
                futures = deque(pool.submit(_part, start) for start in starts)
            while futures:
                yield futures.popleft().result()
    except BrokenProcessPool as error:
        raise BuildError("a worker was killed (out of memory?): run the same command again") from error


_inputs: Inputs
_context: ExpansionConfig


def _start(inputs: Inputs, context: ExpansionConfig) -> None:
    """Set what this process, and those it forks, read from."""
    global _inputs, _context  # what a task is given must be pickled, and a reader cannot be
    _inputs, _context = inputs, context


def _part(start: int) -> tuple[Checked, list[Rejected]]:
    checked = Checked("", repaired=Counter() if _context.repair else None)
    rejects: list[Rejected] = []
    for index in range(start, min(start + _PART, _inputs.count)):
        outcome = read_input(_inputs, index, _context)
        checked.labels += 1
        if isinstance(outcome, Rejected):
            checked.refused[outcome.reason] += 1
            rejects.append(outcome)
            continue
        sample, read = outcome
        checked.accepted += 1
        if checked.repaired is not None and read.repaired is not None:
            checked.repaired.update(read.repaired.kinds)
        checked.explicit += read.label == sample.label
        checked.unknown.add(read.label, sample.id)
    return checked, rejects


@contextmanager
def rejects_file(path: Path | None) -> Iterator[Rejects]:
    """What writes one JSON line a refused label; the file is there when all is written. The file
    may be /dev/stdout, so hidden characters are JSON's escapes. Raises OSError."""
    if path is None:
        yield forget
        return
    with atomic_open(path) as file:
        yield lambda reject: file.write(printable_json(asdict(reject)) + "\n")


def print_table(console: Console, checked: list[Checked]) -> None:
    """The table a person reads, and under it what was refused, repaired and unknown."""
    table = Table(Column("labels of", overflow="fold"))
    for name in ("labels", "accepted", "share", "in explicit form"):
        table.add_column(name, justify="right", no_wrap=name != "in explicit form")
    for result in checked:
        share = f"{100 * result.accepted / result.labels:.3f} %" if result.labels else "–"
        table.add_row(
            result.name, f"{result.labels:,}", f"{result.accepted:,}", share, f"{result.explicit:,}"
        )
    console.print(table)
    for result in checked:
        lines = [f"refused: {_listed(result.refused)}"] if result.refused else []
        lines += unknown_lines(result.unknown.as_json())
        if result.repaired is not None:
            lines.append(f"repaired: {_listed(result.repaired)}")
            lines.append(_repairs_made(result.repaired_as))
        for line in lines:
            console.print(f"{result.name}: {line}", soft_wrap=True)


def _repairs_made(corpus: str) -> str:
    """One line: which kinds of repairs were made, and which of them for this corpus alone."""
    own, every = own_rules(corpus), ", ".join(rules_of(""))
    if own:
        return f"repairs made: those of {corpus} ({', '.join(own)}) and those of any label ({every})"
    return f"repairs made: those of any label ({every}); no brace is guessed"


def _listed(counts: Counter[str]) -> str:
    """The commonest first, with their numbers."""
    names = [f"{count:,} {name}" for name, count in counts.most_common(_SHOWN)]
    more = [f"and {len(counts) - _SHOWN} more"] if len(counts) > _SHOWN else []
    return ", ".join(names + more) or "none"
