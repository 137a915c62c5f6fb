"""The command line: each command is a few lines that call one function.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 and 143 stopped by a signal. What goes wrong is
told in one line on standard error.
"""

import io
import json
import sys
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hmer_tasks import cli_errors
from hmer_tasks.build.faults import BuildError, Stopped, UsageError
from hmer_tasks.corpora import CORPORA, CorpusError, open_corpus
from hmer_tasks.errors.noisefile import NoiseError
from hmer_tasks.errors.predictions import PredictionError
from hmer_tasks.evaluate.faults import MissingLibraryError
from hmer_tasks.reasons import LabelError, Reason
from hmer_tasks.tasks import TASK_NAMES
from hmer_tasks.tasks.prompts import PromptError

if TYPE_CHECKING:
    from hmer_tasks.build import Built

app = typer.Typer(
    help="Handwritten-mathematics corpora into proven training rows for vision-language models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)
app.add_typer(cli_errors.app, name="errors")
app.command()(cli_errors.folds)
_DOCUMENTED_TASKS = ",".join(TASK_NAMES)


class As(StrEnum):
    """What `parse` prints."""

    TREE = "tree"
    TEXT = "text"
    COUNTS = "counts"
    JSON = "json"
    DOT = "dot"
    PNG = "png"


class Look(StrEnum):
    """How synthetic handwriting looks."""

    INK = "ink"
    PHOTO = "photo"


@app.command()
def build(
    dataset: Annotated[str, typer.Option(help="The corpus; `hmer-tasks datasets` lists them.")],
    root: Annotated[
        Path | None, typer.Option(help="Its folder or archive, if not where it usually lies.")
    ] = None,
    split: Annotated[
        list[str] | None, typer.Option(help="A split; can be repeated. Default: all that are there.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write. Default: build/<dataset>.")] = None,
    tasks: Annotated[str, typer.Option(help="Which tasks, joined by commas.")] = _DOCUMENTED_TASKS,
    errors: Annotated[
        str, typer.Option(help="Wrong candidates: synthetic, FILE, or FILE,synthetic.")
    ] = "synthetic",
    tree_format: Annotated[
        str, typer.Option(help="canonical (lossless) or released (the published tool's).")
    ] = "canonical",
    prompts: Annotated[str, typer.Option(help="A prompt set by name, or a .toml file.")] = "uni-mumer",
    normalize: Annotated[bool, typer.Option("--normalize", help="Rewrite labels in one spelling.")] = False,
    valid_share: Annotated[float, typer.Option(help="Share of train set aside as valid, by label.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Seed of the wrong candidates and of the validation split.")] = 0,
    workers: Annotated[int, typer.Option(help="Worker processes; 0: one a core.")] = 0,
    limit: Annotated[int | None, typer.Option(help="Only the first N inputs of each split.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier build in OUT.")] = False,
    clean_share: Annotated[
        float, typer.Option(help="Share of the samples that also get rows whose candidate is right.")
    ] = 0.0,
    keep_polarity: Annotated[
        bool, typer.Option("--keep-polarity", help="Leave light-on-dark pictures as they are on disk.")
    ] = False,
    count: Annotated[int | None, typer.Option(help="synthetic: how many samples. Default: 1,000.")] = None,
    like: Annotated[
        Path | None, typer.Option(help="synthetic: a label file whose statistics to write after.")
    ] = None,
    look: Annotated[Look | None, typer.Option(help="synthetic: strokes, or a photograph.")] = None,
    hands: Annotated[
        Path | None,
        typer.Option(help="synthetic: InkML with symbol groups, to write with its people's hands."),
    ] = None,
) -> None:
    """Build a corpus into Parquet shards, every row proven. Run again, it goes on where it stopped."""
    from hmer_tasks.build import BuildOptions
    from hmer_tasks.build import build as run_build

    names = tuple(name.strip() for name in tasks.split(",") if name.strip())
    if not names:
        raise UsageError(f"--tasks names none; there are {_DOCUMENTED_TASKS}")
    options = BuildOptions(
        dataset, root, tuple(split or ()), out, names, errors, tree_format, prompts, normalize, valid_share,
        seed, workers, limit, overwrite, count, like, look, hands, clean_share,
        keep_polarity,
    )  # fmt: skip
    built = run_build(options)
    _print_built(built)
    if not any(each["rows"] for each in built.summary["splits"].values()):
        raise BuildError(f"no row was written; {built.out / 'rejects.jsonl'} says why, line by line")


def _print_built(built: "Built") -> None:
    console = Console()
    if built.already:
        typer.echo(f"{built.out} is built already, by these very arguments: nothing to do")
        return
    splits = built.summary["splits"]
    table = Table("", *splits)
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("samples", *(f"{each['samples']:,}" for each in splits.values()))
    table.add_row("refused", *(f"{each['rejected']:,}" for each in splits.values()), end_section=True)
    for task in TASK_NAMES:
        table.add_row(task, *(f"{each['tasks'].get(task, 0):,}" for each in splits.values()))
    console.print(table)
    for reason, count in built.summary["rejected"].items():
        typer.echo(f"refused: {count:,} {reason}")
    if lacking := sum(each["no_candidate"] for each in splits.values()):
        typer.echo(f"without a wrong candidate, hence without rows of the error tasks: {lacking:,} samples")
    shards = built.summary["shards"]
    size = sum(shard["bytes"] for shard in shards.values())
    typer.echo(f"wrote {len(shards)} shards, {size / 1e6:,.1f} MB, to {built.out}")
    typer.echo(f"look:   hmer-tasks show {built.out}\nprove:  hmer-tasks verify {built.out}")
    typer.echo(f'load:   datasets.load_dataset("{built.out}")')


@app.command()
def check(
    file: Annotated[
        list[Path] | None, typer.Argument(help="Label files: tsv, caption.txt, JSON lines, CSV.")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="A corpus instead of files.")] = None,
    root: Annotated[Path | None, typer.Option(help="The corpus's folder or archive.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
    rejects: Annotated[
        Path | None, typer.Option(help="Write each refused label there, a JSON line each.")
    ] = None,
) -> None:
    """Tell which labels are accepted and why the others are not."""
    from hmer_tasks.look import check as look

    if bool(file) == bool(dataset):
        raise UsageError("name label files, or a corpus with --dataset (one of the two)")
    checked = (
        [look.check_file(path) for path in file] if file else list(look.check_dataset(str(dataset), root))
    )
    if rejects is not None:
        look.write_rejects(rejects, checked)
    if as_json:
        typer.echo(json.dumps([one.as_json() for one in checked], indent=1, ensure_ascii=False))
    else:
        look.print_table(Console(), checked)


# A label may begin with a minus: what is no option of ours is the label, and no option has one letter.
@app.command(context_settings={"ignore_unknown_options": True})
def parse(
    label: Annotated[str, typer.Argument(help="A label, quoted for the shell.")],
    as_: Annotated[As, typer.Option("--as", help="What to print.")] = As.TREE,
    out: Annotated[Path | None, typer.Option(help="Where the PNG goes.")] = None,
) -> None:
    """Show a label's tree."""
    from hmer_tasks.latex.counts import count_text
    from hmer_tasks.latex.parser import parse as parse_label
    from hmer_tasks.latex.text import tree_text
    from hmer_tasks.latex.tree import to_label
    from hmer_tasks.look import trees
    from hmer_tasks.look.inline import show_png

    tree = parse_label(label)
    if as_ is As.TREE:
        Console().print(trees.rich_tree(tree))
    elif as_ is As.TEXT:
        typer.echo(tree_text(tree))
    elif as_ is As.COUNTS:
        typer.echo(count_text(to_label(tree)))
    elif as_ is As.JSON:
        typer.echo(json.dumps(trees.as_json(tree), ensure_ascii=False))
    elif as_ is As.DOT:
        typer.echo(trees.dot(tree))
    elif out is not None:
        out.write_bytes(trees.png(tree))
        typer.echo(f"picture: {out}")
    else:
        typer.echo(show_png(trees.png(tree), "tree"))


@app.command()
def normalize(
    profile: Annotated[str, typer.Option(help="Rules for raw LaTeX of that corpus.")] = "plain",
    spelling: Annotated[
        bool, typer.Option("--spelling", help="Also rewrite in one spelling (\\le as \\leq …).")
    ] = False,
) -> None:
    """LaTeX on standard input, a formula a line, to labels; a refused line comes out empty."""
    from hmer_tasks.latex.normalize import normalize as normalize_label
    from hmer_tasks.latex.rules import profile as rules
    from hmer_tasks.latex.spelling import standard_spelling

    try:
        rules(profile)
    except ValueError as error:
        raise UsageError(str(error)) from error
    refused = 0
    for number, line in enumerate(sys.stdin.buffer, start=1):
        try:
            label = normalize_label(line.decode(), profile)
            typer.echo(standard_spelling(label) if spelling else label)
            continue
        except LabelError as error:
            why = str(error)
        except UnicodeDecodeError as error:
            why = f"{Reason.NOT_UTF8} at byte {error.start}"
        refused += 1
        typer.echo("")
        _complain(f"line {number}: {why}")
    if refused:
        raise typer.Exit(1)


@app.command()
def show(
    out: Annotated[Path, typer.Argument(help="A finished build.")],
    count: Annotated[int, typer.Option("-n", help="How many samples.", min=1)] = 1,
    task: Annotated[str | None, typer.Option(help="Only rows of this task.")] = None,
) -> None:
    """Show samples of a build: picture, label, and each task's prompt and answer."""
    from hmer_tasks.look.show import show as show_rows

    show_rows(out, count, task, Console())


@app.command()
def draw(
    label: Annotated[list[str], typer.Argument(help="Labels, each quoted for the shell.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Where the picture goes (.png or .jpg).")],
    writer: Annotated[int, typer.Option(help="Who writes: any number.", min=0)] = 0,
    look: Annotated[Look, typer.Option(help="Strokes, or a photograph.")] = Look.INK,
    seed: Annotated[int, typer.Option(help="Nobody writes the same twice: another seed, another time.")] = 0,
    boxes: Annotated[
        Path | None, typer.Option(help="Also write each symbol's box and relations there, as JSON lines.")
    ] = None,
) -> None:
    """Write labels by hand."""
    from hmer_tasks.look.draw import draw as draw_labels

    draw_labels(label, out, writer, seed, look, boxes=boxes)
    typer.echo(f"picture: {out}")


@app.command()
def datasets() -> None:
    """List the corpora: where they come from, how they must lie, and whether they are here."""
    table = Table("dataset", "here", "splits", "licence", "from", "expected as", show_lines=True)
    for column in table.columns:
        column.overflow = "fold"  # an address or a layout cut short is of no use
    for corpus in CORPORA.values():
        try:
            with open_corpus(corpus) as files:
                there = corpus.available(files)
        except CorpusError:
            there = ()
        mark = "yes" if there else "no"
        row = (
            corpus.name,
            mark,
            ", ".join(there or corpus.splits),
            corpus.licence,
            corpus.origin,
            corpus.layout,
        )
        table.add_row(*map(Text, row))
    Console().print(table)


@app.command()
def verify(
    out: Annotated[Path, typer.Argument(help="A finished build.")],
    workers: Annotated[int, typer.Option(help="Worker processes; 0: one a core.", min=0)] = 0,
) -> None:
    """Read a build again: checksums, schema, counts, the proof of every row, every picture."""
    from hmer_tasks.build import verify as run_verify

    report = run_verify(out, workers)
    for fault in report.faults:
        _complain(fault)
    if report.more:
        _complain(f"and {report.more:,} more faults")
    typer.echo(f"{out}: {report.rows:,} rows and {report.pictures:,} pictures read again")
    if report.faults:
        raise typer.Exit(1)
    typer.echo("every row is proven")


@app.command()
def evaluate(
    predictions: Annotated[
        list[Path],
        typer.Argument(help="Predictions: JSON lines, a JSON array, tsv id, label, prediction."),
    ],
    labels: Annotated[
        Path | None, typer.Option(help="A label file to score against; its pictures come onto the page.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page there: scores and the worst 50.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of tables.")] = False,
    compare: Annotated[
        Path | None, typer.Option(help="Another system's predictions for the same pictures.")
    ] = None,
    vote: Annotated[
        bool, typer.Option("--vote", help="Several answers a picture: score the one they agree on.")
    ] = False,
    boxes: Annotated[
        bool, typer.Option("--boxes", help="Also box F1, about 40 differing pairs a second.")
    ] = False,
    cdm_json: Annotated[
        Path | None, typer.Option(help="Write the input of UniMERNet's CDM tool there.")
    ] = None,
) -> None:
    """Score predictions: the published metrics, what the mismatches are, and why."""
    from hmer_tasks.evaluate.command import Options, run

    options = Options(tuple(predictions), labels, html, as_json, compare, vote, boxes, cdm_json)
    run(options, Console())


# click's UsageError; typer carries its own copy of it.
_WrongArguments: type[typer.BadParameter] = typer.BadParameter.__mro__[1]


def _complain(text: str) -> None:
    typer.echo(f"hmer-tasks: {text}", err=True)


def _hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """No traceback reaches a user; what is left to come here is a bug of ours."""
    del trace
    if issubclass(kind, KeyboardInterrupt):
        return
    _complain(f"bug, please report it: {kind.__name__}: {error}")


def main() -> None:
    """The command `hmer-tasks`."""
    sys.excepthook = _hook
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a sign shows another
    try:
        # Not app(): that would put its own excepthook in place.
        sys.exit(typer.main.get_command(app).main(standalone_mode=False) or 0)
    except _WrongArguments as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(error.format_message(), err=True)
        else:
            command = error.ctx.command_path if error.ctx else "hmer-tasks"
            _complain(f"{error.format_message()} (see {command} --help)")
        sys.exit(2)
    except (UsageError, PromptError) as error:
        _complain(str(error))
        sys.exit(2)
    except LabelError as error:
        _complain(str(error))
        if error.tokens:
            typer.echo(error.caret(), err=True)
        sys.exit(1)
    except (BuildError, PredictionError, NoiseError, CorpusError, MissingLibraryError) as error:
        _complain(str(error))
        sys.exit(1)
    except Stopped as stop:
        _complain("stopped; what is finished is kept: run the same command to go on")
        sys.exit(128 + stop.signal)
    except OSError as error:
        _complain(f"{error.filename or 'output'}: {error.strerror or error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
