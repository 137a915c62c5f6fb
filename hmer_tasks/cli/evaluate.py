"""What `hmer-tasks evaluate` does: read, score, write, hand over to `tables` what is printed."""

from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from hmer_tasks.cli.evaluation_tables import (
    print_comparison,
    print_metrics,
    print_outcomes,
    print_ranking,
    print_task_scores,
)
from hmer_tasks.errors.edits import EXACT
from hmer_tasks.evaluation.cdm import write_cdm
from hmer_tasks.evaluation.compare import Comparison, align_by_id, compare_systems
from hmer_tasks.evaluation.inputs import input_remarks, refuse_repeated_files, score_remarks, tokenized
from hmer_tasks.evaluation.metrics import Metrics, evaluate, part
from hmer_tasks.evaluation.pairs import first_answers, read_answers
from hmer_tasks.evaluation.ranking import markdown, names_of, rank_systems
from hmer_tasks.evaluation.references import References, labelled, read_references, unanswered
from hmer_tasks.evaluation.task_scores import TaskScores, task_scores, with_candidates
from hmer_tasks.evaluation.vote import vote
from hmer_tasks.exceptions import PredictionError, UsageError
from hmer_tasks.predictions import Prediction
from hmer_tasks.reports.evaluation_page import page
from hmer_tasks.utils.files import atomic_write
from hmer_tasks.utils.progress import progress_of_many
from hmer_tasks.utils.terminal import printable_json

_FEW = 1_000  # pairs; fewer take no time
_ABOUT_LABELS = {"--vote": "vote", "--boxes": "boxes", "--compare": "compare", "--cdm-json": "cdm_json"}


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
    tokenize: bool = False
    systems: bool = False
    markdown: Path | None = None
    workers: int = 1


@dataclass(slots=True)
class Scored:
    """What the command found out."""

    pairs: list[Prediction]
    metrics: Metrics | None  # None: nothing but error detections, which hold no label
    tasks: dict[str, TaskScores] = field(default_factory=dict)
    answers: list[Prediction] = field(default_factory=list)  # to every task, for the page
    missing: int = 0
    remarks: list[str] = field(default_factory=list)
    first: Metrics | None = None  # the answers that a vote is held against
    majority: Metrics | None = None
    comparison: Comparison | None = None


def run(options: Options, console: Console) -> None:
    """Score as asked and print on the console. Raises UsageError, PredictionError, CorpusError, BuildError,
    MissingLibraryError, OSError."""
    refuse_repeated_files(options.predictions)
    references = None if options.labels is None else read_references(options.labels)
    if options.systems:
        _run_systems(options, references, console)
        return
    if options.markdown is not None:
        raise UsageError("--markdown goes with --systems")
    scored = _score(options, references)
    if options.cdm_json is not None:
        write_cdm(options.cdm_json, scored.pairs)
    if options.html is not None:
        text = page(
            scored.metrics,
            ", ".join(path.stem for path in options.predictions),
            references=references,
            missing=scored.missing,
            comparison=scored.comparison,
            other="" if options.compare is None else options.compare.stem,
            tasks=scored.tasks,
            answers=scored.answers,
            remarks=scored.remarks,
        )
        atomic_write(options.html, text)
    if options.as_json:
        _print_json(console, _as_json(scored))
        return
    if scored.comparison is not None and scored.metrics is not None:
        print_comparison(console, scored.comparison, scored.metrics)
    if scored.metrics is not None:
        print_metrics(console, scored.metrics, by_source(scored.metrics))
    for table in scored.tasks.values():
        print_task_scores(console, table)
    for line in scored.remarks:
        console.print(line)
    if scored.metrics is not None:
        print_outcomes(console, scored.metrics)
    for what, path in (("page", options.html), ("CDM input", options.cdm_json)):
        if path is not None:
            console.print(f"{what}: {path}")


def _score(options: Options, references: References | None) -> Scored:
    read = read_answers(options.predictions, options.vote, references)
    if options.tokenize:
        read = tokenized(read)
    with_label = _first_labels(read)
    remarks = input_remarks(with_label, own_labels=references is None)
    tasks, answers = _tasks(read, references)
    if not with_label:
        for name, given in _ABOUT_LABELS.items():
            if getattr(options, given):
                raise UsageError(f"{name} is about labels, and error detections hold none: drop it")
        return Scored([], None, tasks, answers, remarks=remarks)
    pairs, missing = _labelled(with_label, references, remarks)
    scored = Scored(pairs, _scored(pairs, options), tasks, answers, missing, remarks)
    if options.vote:
        scored.first = scored.metrics
        # one label a picture, or answers with different labels of their own would not meet
        voters = read if references is None else labelled(read, references).pairs[: len(read)]
        plain, _ = _labelled([winner.prediction for winner in vote(voters, evidence=False)], references, [])
        scored.majority = evaluate(plain, resamples=0)
        winners = [winner.prediction for winner in vote(voters)]
        scored.pairs, scored.missing = _labelled(winners, references, [])
        scored.metrics = _scored(scored.pairs, options)
    assert scored.metrics is not None
    if options.compare is not None:
        others, _ = _labelled(_labels_of(options.compare, options, references), references, [])
        others = align_by_id(scored.pairs, others)
        if [pair.pred for pair in others] == [pair.pred for pair in scored.pairs]:
            remarks.append(f"{options.compare} holds the same predictions: every difference is 0")
        scored.comparison = compare_systems(scored.metrics, _scored(others, options))
    if missing:
        remarks.append(f"labels without a prediction, scored as empty: {missing:,}")
    remarks += score_remarks(scored.metrics)
    remarks += _metric_remarks(scored)
    return scored


def _first_labels(read: list[Prediction]) -> list[Prediction]:
    """The first answer of each picture that holds a label: an error detection is scored by its marks."""
    if not any(answer.sample == 0 for answer in read):
        raise PredictionError("no prediction is sample 0: with several samples, add --vote")
    return first_answers(answer for answer in read if answer.task != "error_detection")


def _labels_of(path: Path, options: Options, references: References | None) -> list[Prediction]:
    """The first answers of a system that is compared with others."""
    read = read_answers([path], references=references)
    if not any(answer.sample == 0 for answer in read):
        raise PredictionError(f"{path}: no prediction is sample 0, and a comparison is of first answers")
    pairs = _first_labels(read)
    if not pairs:
        raise PredictionError(f"{path} holds error detections alone: they hold no label to compare")
    return tokenized(pairs) if options.tokenize else pairs


def _labelled(
    pairs: list[Prediction], references: References | None, remarks: list[str]
) -> tuple[list[Prediction], int]:
    if references is None:
        return pairs, 0
    joined = labelled(pairs, references)
    if joined.contradicted:
        ids = ", ".join(joined.contradicted[:3])
        remarks.append(
            f"predictions whose own label is another one than that of {references.name}: "
            f"{len(joined.contradicted):,} "
            f"({ids}{' …' if len(joined.contradicted) > 3 else ''}); "
            f"they are scored against {references.name}"
        )
    return joined.pairs, joined.missing


def _tasks(
    read: list[Prediction], references: References | None
) -> tuple[dict[str, TaskScores], list[Prediction]]:
    """The tables of the tasks beyond recognition, over the first sample of every answer."""
    answers = [answer for answer in read if answer.sample == 0 and answer.task not in ("", "recognition")]
    if not answers:
        return {}, []
    if references is not None:
        answers = labelled(answers, references).pairs[: len(answers)]
    answers = with_candidates(answers, read)
    tables = task_scores(answers)
    for task, count in ({} if references is None else unanswered(answers, references)).items():
        if count and task in tables:
            tables[task].remarks.append(f"labels without an answer to this task, not counted: {count:,}")
    return tables, answers


def _scored(pairs: list[Prediction], options: Options) -> Metrics:
    done = 0
    with progress_of_many(len(pairs), _FEW, "pairs scored") as show:

        def advance() -> None:
            nonlocal done
            done += 1
            show(done)

        return evaluate(pairs, boxes=options.boxes, workers=options.workers, progress=advance)


def by_source(metrics: Metrics) -> dict[str, Metrics]:
    """A set of scores for each source, if there are several."""
    places: dict[str, list[int]] = {}
    for i, pair in enumerate(metrics.pairs):
        places.setdefault(pair.source, []).append(i)
    if len(places) < 2:
        return {}
    return {source: part(metrics, indices) for source, indices in places.items()}


def _metric_remarks(scored: Scored) -> list[str]:
    metrics = scored.metrics
    assert metrics is not None
    lines: list[str] = []
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
    if scored.first is not None and scored.majority is not None:
        gain = metrics["exprate"] - scored.first["exprate"]
        lines.append(
            f"vote: ExpRate {scored.first['exprate']:.4f} → {metrics['exprate']:.4f} % ({gain:+.4f})"
        )
        lines.append(f"the plain majority, trees and counts unheard: {scored.majority['exprate']:.4f} %")
    return lines


def _as_json(scored: Scored) -> dict[str, object]:
    record = {} if scored.metrics is None else scored.metrics.as_json()
    record["tasks"] = {name: table.as_json() for name, table in scored.tasks.items()}
    record["remarks"] = scored.remarks
    if scored.metrics is None:
        return record
    record["labels_without_prediction"] = scored.missing
    record["sets"] = {source: metrics.as_json() for source, metrics in by_source(scored.metrics).items()}
    if scored.first is not None:
        record["first_answers"] = scored.first.as_json()
    if scored.majority is not None:
        record["plain_majority"] = {
            "exprate": scored.majority["exprate"], "same_on_paper": scored.majority["same_on_paper"],
        }  # fmt: skip
    if scored.comparison is not None:
        record["comparison"] = scored.comparison.as_json(scored.metrics.pairs)
    return record


def _run_systems(options: Options, references: References | None, console: Console) -> None:
    for name, given in (
        ("--compare", options.compare),
        ("--html", options.html),
        ("--cdm-json", options.cdm_json),
    ):
        if given is not None:
            raise UsageError(f"{name} applies to one system: drop it or --systems")
    if options.vote or options.boxes:
        raise UsageError("--vote and --boxes apply to one system: drop them or --systems")
    if len(options.predictions) < 2:
        raise UsageError("--systems wants two prediction files at least, one a system")
    systems: list[tuple[str, list[Prediction]]] = []
    remarks: list[str] = []
    for name, path in zip(names_of(options.predictions), options.predictions, strict=True):
        pairs = _labels_of(path, options, references)
        system_remarks = input_remarks(pairs, own_labels=references is None)
        pairs, missing = _labelled(pairs, references, system_remarks)
        if missing:
            system_remarks.append(f"labels without a prediction, scored as empty: {missing:,}")
        remarks += [f"{name}: {line}" for line in system_remarks]
        systems.append((name, pairs))
    ranking = rank_systems(systems, workers=options.workers)
    if options.markdown is not None:
        atomic_write(options.markdown, markdown(ranking))
    if options.as_json:
        _print_json(console, ranking.as_json() | {"remarks": remarks})
        return
    print_ranking(console, ranking)
    for line in remarks:
        console.print(line)
    if options.markdown is not None:
        console.print(f"Markdown: {options.markdown}")


def _print_json(console: Console, value: dict[str, object]) -> None:
    console.print(printable_json(value, indent=1), soft_wrap=True)
