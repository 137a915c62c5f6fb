"""The tables that `hmer-tasks evaluate` prints."""

from rich.console import Console
from rich.table import Table

from hmer_tasks.evaluation.compare import Comparison
from hmer_tasks.evaluation.metrics import Metrics
from hmer_tasks.evaluation.published import METRICS
from hmer_tasks.evaluation.ranking import SHOWN, Ranking, cell
from hmer_tasks.evaluation.task_scores import Score, TaskScores
from hmer_tasks.reports.evaluation_page import box_rows, metric_rows, shown

_TOP = 12  # confusions printed


def print_metrics(console: Console, metrics: Metrics, sets: dict[str, Metrics]) -> None:
    """The scores: of one set with intervals, or of several side by side."""
    if sets:
        _print_sets(console, sets, metrics)
        return
    table = Table(f"{metrics.n:,} pairs", "value", "95 % interval", "reported by")
    for row in metric_rows(metrics.values) + box_rows(metrics):
        table.add_row(row.title, row.value, row.interval, row.reported_by)
    console.print(table)


def _print_sets(console: Console, sets: dict[str, Metrics], everything: Metrics) -> None:
    columns = {**sets, "all": everything}
    table = Table("", *columns)
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("pairs", *(f"{metrics.n:,}" for metrics in columns.values()), end_section=True)
    for name, metric in METRICS.items():
        table.add_row(metric.title, *(shown(name, metrics[name]) for metrics in columns.values()))
    for rows in zip(*(box_rows(metrics) for metrics in columns.values()), strict=True):
        table.add_row(rows[0].title, *(row.value for row in rows))
    console.print(table)


def print_task_scores(console: Console, scores: TaskScores) -> None:
    """The table of one task."""
    table = Table(f"{scores.task}, {scores.answers:,} answers", "value", "of")
    for column in table.columns[1:]:
        column.justify = "right"
    for score in scores.scores.values():
        table.add_row(score.title, score_text(score), f"{score.of:,}")
    console.print(table)
    for line in scores.remarks:
        console.print(line)


def score_text(score: Score) -> str:
    """A score as people quote it."""
    return f"{score.value:.2f} %" if score.unit == "%" else f"{score.value:.4f}"


def print_outcomes(console: Console, metrics: Metrics) -> None:
    """What mismatches are, how subgroups fare, and which symbol is read as which."""
    outcomes = Table("what a pair is", "pairs", "share")
    for outcome, count in metrics.outcomes.items():
        outcomes.add_row(str(outcome), f"{count:,}", f"{100 * count / max(metrics.n, 1):.2f} %")
    groups = Table("by", "", "n", "ExpRate", "same on paper")
    for table in (outcomes, groups):
        for column in table.columns[-3 if table is groups else -2 :]:
            column.justify = "right"
    for by, scores in metrics.groups.items():
        for name, group in scores.items():
            values = (f"{group.values[key]:.2f}" for key in ("exprate", "same_on_paper"))
            groups.add_row(by, name, f"{group.n:,}", *values)
    mistakes = Table("symbol", "read as", "pairs")
    for label, pred, count in metrics.confusions.top(_TOP):
        mistakes.add_row(label, pred, f"{count:,}")
    for table in (outcomes, groups, mistakes):
        console.print(table)


def print_comparison(console: Console, comparison: Comparison, metrics: Metrics) -> None:
    """How another system differs from this one."""
    table = Table("other minus this", "difference", "95 % interval (paired bootstrap)")
    for row in metric_rows(comparison.differences):
        table.add_row(row.title, row.value, row.interval)
    console.print(table)
    only_here, only_there = comparison.only_one, comparison.only_other
    console.print(
        f"exactly right only here {len(only_here):,}, only there {len(only_there):,}; "
        f"McNemar's exact test p = {comparison.p_value:.4g}"
    )
    for name, places in (("only here", only_here), ("only there", only_there)):
        ids = ", ".join(metrics.pairs[i].id for i in places[:10])
        console.print(f"{name}: {ids}{' …' if len(places) > 10 else ''}" if ids else f"{name}: none")


def print_ranking(console: Console, ranking: Ranking) -> None:
    """Systems down, metrics across: value (interval) [rank]; metric by metric where that is too wide."""
    table = Table(f"{ranking.n:,} pictures", *(METRICS[name].title for name in SHOWN))
    for system in ranking.systems:
        cells = (cell(name, system.metrics.values[name], system.ranks[name]) for name in SHOWN)
        table.add_row(system.name, *cells)
    if console.measure(table, options=console.options.update(max_width=10_000)).maximum > console.width:
        table = Table(f"{ranking.n:,} pictures", "system", "value (95 % interval) [rank]")
        for name in SHOWN:
            for system in ranking.systems:
                title = METRICS[name].title if system is ranking.systems[0] else ""
                value = cell(name, system.metrics.values[name], system.ranks[name])
                table.add_row(title, system.name, value, end_section=system is ranking.systems[-1])
    for column in table.columns:
        column.overflow = "fold"  # two names must not become one
    console.print(table)
