"""What `hmer-tasks audit --predictions` does: read, judge, print, write."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hmer_tasks.audit.decisions import (
    Decision,
    read_all_decisions,
    reason_of,
    summary,
    suspects,
    write_exclusions,
    write_weights,
)
from hmer_tasks.audit.label_noise import Judged, gather, judge
from hmer_tasks.cli.review_page import review_page
from hmer_tasks.corpora import find
from hmer_tasks.corpora.columns import Columns
from hmer_tasks.evaluation.inputs import refuse_repeated_files
from hmer_tasks.evaluation.references import References, corpus_references, read_references, resolve
from hmer_tasks.exceptions import PredictionError
from hmer_tasks.handwriting.strokes import InkPicture
from hmer_tasks.pipeline.plan import with_profile
from hmer_tasks.predictions import read_predictions
from hmer_tasks.storage.urls import PathOrUrl
from hmer_tasks.utils.files import atomic_write
from hmer_tasks.utils.terminal import echo, printable_json

_SHOWN = 15  # suspects printed


@dataclass(frozen=True, slots=True)
class LabelAuditOptions:
    """The arguments. The corpus or label file gives labels, pictures and strokes; without it the labels are
    those of the prediction files."""

    predictions: tuple[Path, ...]
    dataset: str | None = None
    root: PathOrUrl | None = None
    splits: tuple[str, ...] = ()
    labels: Path | None = None
    threshold: float | None = None
    out: Path | None = None
    weights: Path | None = None
    review: Path | None = None
    decisions: tuple[Path, ...] = ()
    as_json: bool = False
    profile: str | None = None
    columns: Columns | None = None


def audit_labels(options: LabelAuditOptions, console: Console) -> None:
    """Judge every sample that the predictions speak of. Raises UsageError, CorpusError, BuildError,
    PredictionError, OSError."""
    refuse_repeated_files(options.predictions)
    decisions = read_all_decisions(options.decisions)
    references = _references(options)
    files = (read_predictions(path) for path in options.predictions)
    if references is not None:
        files = (resolve(predictions, references, sources=True) for predictions in files)
    samples = gather(files, own_labels=references is None)
    if not samples:
        raise PredictionError("the predictions hold no reading of a picture")
    if references is not None:
        for sample in samples:
            reference = references.find(sample.source, sample.id)
            if reference is None:
                raise PredictionError(f"{references.name} has no label for the prediction {sample.id!r}")
            sample.source, sample.id, sample.label = reference.source, reference.id, reference.label
            if isinstance(reference.picture, InkPicture) and reference.picture.ink is not None:
                sample.strokes = len(reference.picture.ink.strokes)
    judged = judge(samples) if options.threshold is None else judge(samples, options.threshold)
    listed = suspects(judged, decisions)
    if options.as_json:
        echo(printable_json(summary(judged, decisions), indent=1))
    else:
        _print(console, judged, listed, decisions)
    _write(options, judged, listed, decisions, references)


def _references(options: LabelAuditOptions) -> References | None:
    if options.dataset is not None:
        corpus = with_profile(find(options.dataset), options.profile, options.columns)
        return corpus_references(corpus, options.root, options.splits)
    return None if options.labels is None else read_references(options.labels)


def _write(
    options: LabelAuditOptions,
    judged: list[Judged],
    listed: list[Judged],
    decisions: dict[tuple[str, str], Decision],
    references: References | None,
) -> None:
    quiet = options.as_json
    if options.out is not None:
        count = write_exclusions(options.out, judged, decisions)
        echo(f"{count:,} samples for build --exclude: {options.out}", err=quiet)
    if options.weights is not None:
        count = write_weights(options.weights, judged, decisions)
        echo(f"{count:,} weights for trainer.sft --sample_weights: {options.weights}", err=quiet)
    if options.review is not None:
        title = "labels of " + ", ".join(path.stem for path in options.predictions)
        undecided = [item for item in listed if (item.sample.source, item.sample.id) not in decisions]
        atomic_write(options.review, review_page(undecided, title, references))
        echo(f"page: {options.review}", err=quiet)


def _print(
    console: Console,
    judged: list[Judged],
    listed: list[Judged],
    decisions: dict[tuple[str, str], Decision],
) -> None:
    numbers = summary(judged, decisions)
    table = Table(f"{len(judged):,} samples", "samples")
    table.columns[1].justify = "right"
    for name in ("readings", "all_readings_right", "no_reading_right"):
        table.add_row(name.replace("_", " "), f"{numbers[name]:,}")
    for name in ("difficulty", "suspicious", "decided"):
        counts = numbers[name]
        assert isinstance(counts, dict)
        for what, count in counts.items():
            table.add_row(f"{name}: {what}", f"{count:,}")
    console.print(table)
    if not listed:
        return
    worst = Table("id", "why", "label", "read", title=f"the worst {min(_SHOWN, len(listed))}")
    for item in listed[:_SHOWN]:
        why = reason_of(item).replace("_", " ") + (f": {item.note}" if item.note else "")
        worst.add_row(Text(item.sample.id), Text(why), Text(item.sample.label), Text(item.consensus))
    console.print(worst)
