"""The plots of a build: what its labels are like, what its mistakes are, why samples were refused."""

from collections import Counter
from dataclasses import dataclass

from markupsafe import Markup

from hmer_tasks.reports.plots import Counts, bars, columns
from hmer_tasks.reports.samples import Drawn
from hmer_tasks.reports.scan import NOT_TEX, Scan
from hmer_tasks.shards.manifest import Summary
from hmer_tasks.tasks import task_names

_BIN, _LAST = 5, 100  # tokens
_DEEPEST = 8
_SYMBOLS = 25


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot with its heading and a line below it."""

    title: str
    svg: Markup
    note: str = ""


def build_plots(summary: Summary, scanned: Scan) -> list[Plot]:
    """The plots that every sample of the build is in."""
    if not scanned.samples:
        return _refused(summary)
    tasks: Counter[str] = Counter()
    for split in summary["splits"].values():
        tasks.update(split["tasks"])
    length, depth = "Length of a label", "Depth of a tree"
    plots = [
        Plot(length, columns(f"{length}, in tokens", _lengths(scanned.lengths)), "tokens, samples"),
        Plot(
            depth,
            columns(f"{depth}, in levels", _depths(scanned.depths)),
            "levels, samples",
        ),
        _bars(
            "Symbols", scanned.symbols.most_common(_SYMBOLS), f"the {_SYMBOLS} commonest tokens but braces"
        ),
        _bars("Rows", [(name, tasks[name]) for name in task_names() if tasks[name]], "by task"),
    ]
    if len(summary["splits"]) > 1:
        splits = [(name, split["samples"]) for name, split in summary["splits"].items()]
        plots.append(_bars("Splits", splits, "samples"))
    return plots + _refused(summary)


def _refused(summary: Summary) -> list[Plot]:
    if not summary["rejected"]:
        return []
    reasons = Counter(summary["rejected"]).most_common()
    return [_bars("Rejected", reasons, "samples, by reason")]


def page_plots(drawn: Drawn) -> list[Plot]:
    """The plots of the samples on the page."""
    plots = []
    if drawn.constructs:
        plots.append(_bars("Constructs", drawn.constructs.most_common(), "samples that hold one"))
    if drawn.kinds:
        plots.append(_bars("Mistakes by kind", drawn.kinds.most_common(), "of the wrong candidates"))
    if drawn.operations:
        plots.append(_bars("Corrections", drawn.operations.most_common(), "operations of the logs"))
    return plots


def _bars(title: str, counts: Counts, note: str) -> Plot:
    return Plot(title, bars(f"{title}: {note}", counts), note)


def _lengths(counts: Counter[int]) -> list[tuple[str, int]]:
    """Bins of five tokens as far as they are needed; all that is longer is the last."""
    binned: Counter[int] = Counter()
    for tokens, count in counts.items():
        binned[min((max(tokens, 1) - 1) // _BIN, _LAST // _BIN)] += count
    last = max(binned)
    names = [f"{number * _BIN + 1}–{(number + 1) * _BIN}" for number in range(_LAST // _BIN)]
    return [(name, binned[number]) for number, name in enumerate([*names, f"{_LAST + 1}+"][: last + 1])]


def _depths(counts: Counter[int]) -> list[tuple[str, int]]:
    bars = Counter({min(depth, _DEEPEST): 0 for depth in range(max(counts) + 1)})
    for depth, count in counts.items():
        bars[min(depth, _DEEPEST)] += count
    return [
        ("no tree" if depth == NOT_TEX else f"{depth}+" if depth == _DEEPEST else str(depth), count)
        for depth, count in sorted(bars.items())
    ]
