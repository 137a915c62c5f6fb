"""What `hmer-tasks evaluate` does: read, score, print, write."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from hmer_tasks.corpora import Picture
from hmer_tasks.errors.edits import EXACT
from hmer_tasks.errors.predictions import Prediction, PredictionError
from hmer_tasks.evaluate.cdm import write_cdm
from hmer_tasks.evaluate.compare import Comparison, compare_systems, in_step
from hmer_tasks.evaluate.metrics import Metrics, evaluate, part
from hmer_tasks.evaluate.pairs import first_answers, read_answers, with_labels
from hmer_tasks.evaluate.published import METRICS
from hmer_tasks.evaluate.report import box_rows, metric_rows, page, shown
from hmer_tasks.evaluate.vote import vote
from hmer_tasks.whole import write_whole

_TOP = 12  # confusions printed


@dataclass(frozen=True, slots=True)
class Options:
    """The command's arguments."""

    predictions: tuple[Path, ...]
    labels: Path | None = None
    html: Path | None = None
    as_json: bool = False
    compare: Path | None = None
    vote: bool = False
    boxes: bool = False
    cdm_json: Path | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    pairs: list[Prediction]
    pictures: dict[str, Picture]
    missing: int


def run(options: Options, console: Console) -> None:
    """Score as told and print on the console. Raises PredictionError, CorpusError, MissingLibraryError,
    OSError."""
    answers = read_answers(options.predictions, together=options.vote)
    first = _labelled(first_answers(answers), options)
    read, metrics = first, _scored(first.pairs, options.boxes)
    before: Metrics | None = None
    majority: Metrics | None = None
    if options.vote:
        before = metrics
        plain = _labelled([one.prediction for one in vote(answers, evidence=False)], options)
        majority = evaluate(plain.pairs, resamples=0)
        read = _labelled([one.prediction for one in vote(answers)], options)
        metrics = _scored(read.pairs, options.boxes)
    comparison = None
    if options.compare is not None:
        other = _labelled(first_answers(read_answers([options.compare])), options)
        others = in_step(read.pairs, other.pairs)
        comparison = compare_systems(metrics, _scored(others, options.boxes))
    if options.cdm_json is not None:
        write_cdm(options.cdm_json, read.pairs)
    if options.html is not None:
        other_name = "" if options.compare is None else options.compare.stem
        title = ", ".join(path.stem for path in options.predictions)
        text = page(
            metrics,
            title,
            pictures=read.pictures,
            missing=read.missing,
            comparison=comparison,
            other=other_name,
        )
        write_whole(options.html, text)
    if options.as_json:
        told = _as_json(metrics, read, before, majority, comparison)
        console.print(
            json.dumps(told, indent=1, ensure_ascii=False), markup=False, highlight=False, soft_wrap=True
        )
        return
    _print(console, metrics, read, before, majority)
    if comparison is not None:
        _print_comparison(console, comparison, metrics)
    for what, path in (("page", options.html), ("CDM input", options.cdm_json)):
        if path is not None:
            console.print(Text(f"{what}: {path}"))


def _labelled(pairs: list[Prediction], options: Options) -> _Read:
    if not pairs:
        raise PredictionError("no prediction is sample 0: with several samples, add --vote")
    if options.labels is None:
        return _Read(pairs, {}, 0)
    return _Read(*with_labels(pairs, options.labels))


def _scored(pairs: list[Prediction], boxes: bool) -> Metrics:
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("scoring", total=len(pairs))
        return evaluate(pairs, boxes=boxes, progress=lambda: bar.advance(task))


def _by_source(metrics: Metrics) -> dict[str, Metrics]:
    """A set of scores for each source, if there are several."""
    places: dict[str, list[int]] = {}
    for i, pair in enumerate(metrics.pairs):
        places.setdefault(pair.source, []).append(i)
    if len(places) < 2:
        return {}
    return {source: part(metrics, found) for source, found in places.items()}


def _as_json(
    metrics: Metrics,
    read: _Read,
    before: Metrics | None,
    majority: Metrics | None,
    comparison: Comparison | None,
) -> dict[str, object]:
    told = metrics.as_json()
    told["labels_without_prediction"] = read.missing
    told["sets"] = {source: one.as_json() for source, one in _by_source(metrics).items()}
    if before is not None:
        told["first_answers"] = before.as_json()
    if majority is not None:
        told["plain_majority"] = {"exprate": majority["exprate"], "same_on_paper": majority["same_on_paper"]}
    if comparison is not None:
        told["comparison"] = comparison.as_json(metrics.pairs)
    return told


def _print(
    console: Console, metrics: Metrics, read: _Read, before: Metrics | None, majority: Metrics | None
) -> None:
    sets = _by_source(metrics)
    if sets:
        _print_sets(console, sets, metrics)
    else:
        _print_one(console, metrics)
    for line in _remarks(metrics, read, before, majority):
        console.print(Text(line))
    outcomes = Table("what a pair is", "pairs", "share")
    for outcome, count in metrics.outcomes.items():
        outcomes.add_row(str(outcome), f"{count:,}", f"{100 * count / max(metrics.n, 1):.2f} %")
    groups = Table("by", "", "n", "ExpRate", "same on paper")
    for table in (outcomes, groups):
        for column in table.columns[-3 if table is groups else -2 :]:
            column.justify = "right"
    for by, found in metrics.groups.items():
        for name, one in found.items():
            values = (f"{one.values[key]:.2f}" for key in ("exprate", "same_on_paper"))
            groups.add_row(by, name, f"{one.n:,}", *values)
    mistakes = Table("symbol", "read as", "pairs")
    for label, pred, count in metrics.confusions.top(_TOP):
        mistakes.add_row(Text(label), Text(pred), f"{count:,}")
    for each in (outcomes, groups, mistakes):
        console.print(each)


def _print_one(console: Console, metrics: Metrics) -> None:
    table = Table(f"{metrics.n:,} pairs", "value", "95 % interval", "reported by")
    for row in metric_rows(metrics.values) + box_rows(metrics):
        table.add_row(row.title, row.value, row.interval, row.reported_by)
    console.print(table)


def _print_sets(console: Console, sets: dict[str, Metrics], everything: Metrics) -> None:
    columns = {**sets, "all": everything}
    table = Table("", *columns)
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("pairs", *(f"{one.n:,}" for one in columns.values()), end_section=True)
    for name, metric in METRICS.items():
        table.add_row(metric.title, *(shown(name, one[name]) for one in columns.values()))
    for rows in zip(*(box_rows(one) for one in columns.values()), strict=True):
        table.add_row(rows[0].title, *(row.value for row in rows))
    console.print(table)


def _remarks(metrics: Metrics, read: _Read, before: Metrics | None, majority: Metrics | None) -> list[str]:
    lines: list[str] = []
    if read.missing:
        lines.append(f"labels without a prediction, scored as empty: {read.missing:,}")
    if metrics.labels_not_tex:
        lines.append(
            f"labels that are not TeX, kept in n: {metrics.labels_not_tex:,} "
            f"(their tokens met by {metrics.labels_not_tex_met:,} predictions)"
        )
    if metrics.bounded:
        lines.append(
            f"pairs over {EXACT:,} characters on both sides, their edit distances upper bounds: "
            f"{metrics.bounded:,}"
        )
    if metrics.boxes is not None:
        boxes = metrics.boxes
        lines.append(
            f"box F1 over {boxes.n:,} pairs: {boxes.labels_without_layout:,} labels cannot be laid out and "
            f"are left out, {boxes.predictions_without_layout:,} predictions cannot and score 0"
        )
    if before is not None and majority is not None:
        gain = metrics["exprate"] - before["exprate"]
        lines.append(f"vote: ExpRate {before['exprate']:.4f} → {metrics['exprate']:.4f} % ({gain:+.4f})")
        lines.append(f"the plain majority, trees and counts unheard: {majority['exprate']:.4f} %")
    return lines


def _print_comparison(console: Console, comparison: Comparison, metrics: Metrics) -> None:
    table = Table("other minus this", "difference", "95 % interval (paired bootstrap)")
    for row in metric_rows(comparison.differences):
        table.add_row(row.title, row.value, row.interval)
    console.print(table)
    one, other = comparison.only_one, comparison.only_other
    console.print(
        Text(
            f"exactly right only here {len(one):,}, only there {len(other):,}; "
            f"McNemar's exact test p = {comparison.p_value:.4g}"
        )
    )
    for name, places in (("only here", one), ("only there", other)):
        ids = ", ".join(metrics.pairs[i].id for i in places[:10])
        console.print(Text(f"{name}: {ids}{' …' if len(places) > 10 else ''}" if ids else f"{name}: none"))
