"""The command line: each command is a few lines that call one function.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 and 143 stopped by a signal. An error is one line on
standard error; HMER_DEBUG=1 shows its traceback.
"""

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Annotated

import typer

from hmer_tasks._compiled import is_compiled
from hmer_tasks._version import __version__
from hmer_tasks.cli import build as cli_build
from hmer_tasks.cli import datasets as cli_datasets
from hmer_tasks.cli import errors as cli_errors
from hmer_tasks.cli import outputs as cli_outputs
from hmer_tasks.cli import released as cli_released
from hmer_tasks.cli import report as cli_report
from hmer_tasks.cli.choices import As, DrawAs, Look
from hmer_tasks.cli.plugin_option import with_plugins
from hmer_tasks.exceptions import HmerError, LabelError, RejectReason, UsageError
from hmer_tasks.utils.bounded_reading import LONGEST_LINE, encoding_fault, lines
from hmer_tasks.utils.terminal import echo, plain_console, printable

_SHOWN_REFUSED = 10  # lines of refused labels that `draw --labels` prints

app = typer.Typer(
    help="Handwritten-mathematics corpora into proven training rows for vision-language models.",
    epilog="In the repository: `python -m trainer.sft` trains, `python -m trainer.predict` predicts.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"hmer-tasks {__version__} ({'compiled' if is_compiled() else 'pure Python'})")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version, and what runs."
        ),
    ] = False,
) -> None:
    pass


def parse(
    label: Annotated[str, typer.Argument(help="A label, quoted for the shell.")],
    as_: Annotated[As, typer.Option("--as", help="What to print.")] = As.TREE,
    out: Annotated[Path | None, typer.Option(help="Where the PNG goes.")] = None,
) -> None:
    """Show a label's tree."""
    from hmer_tasks.cli import trees
    from hmer_tasks.cli.inline_pictures import show_png
    from hmer_tasks.latex.counts import count_text
    from hmer_tasks.latex.parser import parse as parse_label
    from hmer_tasks.latex.tree import to_label
    from hmer_tasks.latex.tree_text import tree_text
    from hmer_tasks.storage.output_path import refuse_other_ending, validate_output_path

    if out is not None:
        if as_ is not As.PNG:
            raise UsageError("--out is for the picture: add --as png")
        validate_output_path(out)
        refuse_other_ending(out, ".png")
    tree = parse_label(label)
    if as_ is As.TREE:
        plain_console().print(trees.rich_tree(tree))
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
        echo(f"picture: {out}")
    else:
        typer.echo(show_png(trees.png(tree), "tree"))


def normalize(
    profile: Annotated[str, typer.Option(help="Rules for raw LaTeX of that corpus.")] = "plain",
    spelling: Annotated[
        bool, typer.Option("--spelling", help="Also rewrite in one spelling (\\le as \\leq …).")
    ] = False,
) -> None:
    """LaTeX on standard input, a formula a line, to labels; a refused line comes out empty."""
    from hmer_tasks.latex.canonical import canonicalize
    from hmer_tasks.latex.normalize import normalize as normalize_label
    from hmer_tasks.latex.rules import profile as rules

    try:
        rules(profile)
    except ValueError as error:
        raise UsageError(str(error)) from error
    refused = 0
    for number, line in enumerate(lines(sys.stdin.buffer, "standard input"), start=1):
        try:
            if line is None:
                raise LabelError(RejectReason.MALFORMED_LINE, 0, f"over {LONGEST_LINE >> 20} MB")
            label = normalize_label(line.decode(), profile)
            typer.echo(canonicalize(label) if spelling else label)
            continue
        except LabelError as error:
            why = str(error)
        except UnicodeDecodeError as error:
            why = f"{RejectReason.NOT_UTF8} at byte {error.start}"
        refused += 1
        typer.echo("")
        _print_error(f"line {number}: {why}")
    if refused:
        raise typer.Exit(1)


def show(
    out: Annotated[str, typer.Argument(help="A finished build: a folder or URL.")],
    count: Annotated[int, typer.Option("-n", help="How many samples.", min=1)] = 1,
    task: Annotated[str | None, typer.Option(help="Only rows of this task.")] = None,
) -> None:
    """Show samples of a build: picture, label, and each task's prompt and answer."""
    from hmer_tasks.cli.show_rows import show as show_rows
    from hmer_tasks.storage.urls import parse_location

    show_rows(parse_location(out), count, task, plain_console())


def draw(
    label: Annotated[
        list[str] | None, typer.Argument(help="Labels, each quoted for the shell; or --labels.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            help="The picture (.png, .jpg) or ink (.inkml); with --labels a folder.",
            show_default=False,
        ),
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="A label file: a file is written for each id.")] = None,
    as_: Annotated[
        DrawAs | None,
        typer.Option("--as", help="With --labels: what the files are. Default: as the look has it."),
    ] = None,
    writer: Annotated[
        int | None,
        typer.Option(help="Who writes: any number. Default: 0; with --labels, drawn for each id.", min=0),
    ] = None,
    writers: Annotated[
        Path | None,
        typer.Option("--writers", "--hands", help="InkML with symbol groups: write as its people do."),
    ] = None,
    look: Annotated[Look, typer.Option(help="Strokes, or a photograph.")] = Look.INK,
    seed: Annotated[int, typer.Option(help="Nobody writes the same twice: another seed, another time.")] = 0,
    boxes: Annotated[
        Path | None, typer.Option(help="Also write each symbol's box and relations there, as JSON lines.")
    ] = None,
) -> None:
    """Write labels by hand."""
    from hmer_tasks.handwriting.collect import collect
    from hmer_tasks.storage.output_path import refuse_same_path, validate_output_path

    if out is None:
        raise UsageError("-o is needed: a picture, or with --labels a folder")
    if bool(label) == (labels is not None):
        raise UsageError("name labels, or a file of them with --labels")
    if as_ is not None and labels is None:
        raise UsageError("--as goes with --labels; else the name of -o says it")
    if labels is not None and boxes is not None:
        raise UsageError("--boxes goes with labels on the command line")
    people = None if writers is None else collect(writers)
    if people is not None:
        echo(people.summary, err=True)
    if labels is not None:
        from hmer_tasks.cli.draw_folder import draw_folder

        ending = as_ or (DrawAs.JPG if look is Look.PHOTO else DrawAs.PNG)
        count, refused = draw_folder(
            labels, out, ending, number=writer, collection=people, seed=seed, look=look
        )
        for line in refused[:_SHOWN_REFUSED]:
            _print_error(line)
        if len(refused) > _SHOWN_REFUSED:
            _print_error(f"and {len(refused) - _SHOWN_REFUSED:,} more")
        echo(f"{count:,} files in {out}; {len(refused):,} labels refused")
        if refused:
            raise typer.Exit(1)
        return
    from hmer_tasks.cli.draw_labels import draw as draw_labels

    refuse_same_path(out, boxes)
    for path in (out, boxes):
        if path is not None:
            validate_output_path(path)
    draw_labels(label or [], out, writer or 0, seed, look, boxes=boxes, people=people)
    echo(f"{'ink' if out.suffix.lower() == '.inkml' else 'picture'}: {out}")


def evaluate(
    predictions: Annotated[
        list[Path],
        typer.Argument(help="Predictions: JSON lines, a JSON array, tsv id, label, prediction."),
    ],
    labels: Annotated[
        Path | None,
        typer.Option(
            help="A label file, a build or a corpus to score against; its pictures come onto the page."
        ),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page there: scores and the worst 50.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of tables.")] = False,
    compare: Annotated[
        Path | None, typer.Option(help="Another system's predictions for the same pictures.")
    ] = None,
    systems: Annotated[
        bool, typer.Option("--systems", help="Each file is a system: rank them, with intervals.")
    ] = False,
    markdown: Annotated[
        Path | None, typer.Option(help="With --systems: write the table there, as Markdown.")
    ] = None,
    vote: Annotated[
        bool, typer.Option("--vote", help="Several answers a picture: score the one they agree on.")
    ] = False,
    boxes: Annotated[
        bool, typer.Option("--boxes", help="Also box F1, about 60 differing pairs a second and worker.")
    ] = False,
    tokenize: Annotated[
        bool, typer.Option("--tokenize", help="Put a space between tokens first: x^{2} as x ^ { 2 }.")
    ] = False,
    workers: Annotated[int, typer.Option(help="Processes that score pairs.", min=1)] = 1,
    cdm_json: Annotated[
        Path | None, typer.Option(help="Write the input of UniMERNet's CDM tool there.")
    ] = None,
) -> None:
    """Score predictions: the published metrics, each task's own, what the mismatches are, and why."""
    from hmer_tasks.cli.evaluate import Options, run
    from hmer_tasks.storage.output_path import refuse_same_path, validate_output_path

    refuse_same_path(html, cdm_json, markdown)
    for out in (html, cdm_json, markdown):
        if out is not None:
            validate_output_path(out, (*predictions, labels, compare))
    options = Options(
        tuple(predictions),
        labels=labels,
        html=html,
        as_json=as_json,
        compare=compare,
        vote=vote,
        boxes=boxes,
        cdm_json=cdm_json,
        tokenize=tokenize,
        systems=systems,
        markdown=markdown,
        workers=workers,
    )
    run(options, plain_console())


# In the order of the help.
PANELS: dict[str, tuple[Callable[..., None], ...]] = {
    "Build a corpus": (cli_datasets.datasets, cli_build.check, cli_build.build, cli_build.verify, normalize),
    "Look at it": (show, cli_report.report, parse, draw, cli_outputs.audit),
    "Mistakes": (cli_errors.folds,),
    "Score": (evaluate,),
    "Hand on": (cli_outputs.export, cli_outputs.push),
}
# What takes no corpus, task or exporter needs no plug-in.
_WITHOUT_PLUGINS = (parse, normalize, draw)
for panel, commands in PANELS.items():
    for command in commands:
        # A label may begin with a minus: what is no option of `parse` is the label.
        settings = {"ignore_unknown_options": True} if command is parse else None
        takes = command if command in _WITHOUT_PLUGINS else with_plugins(command)
        app.command(rich_help_panel=panel, context_settings=settings)(takes)
app.add_typer(cli_errors.app, name="errors", rich_help_panel="Mistakes")
cli_errors.app.command()(cli_released.released)

_CTRL_C = 130  # what typer returns after a Ctrl-C
# click's UsageError; typer carries its own copy of it.
_WrongArguments: type[typer.BadParameter] = typer.BadParameter.__mro__[1]


def _print_error(text: str) -> None:
    echo(f"hmer-tasks: {printable(text)}", err=True)


def _debugging() -> bool:
    return os.environ.get("HMER_DEBUG") == "1"


def _hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What no command foresaw is a bug of ours, or of a plug-in: one line that says how to report it."""
    if _debugging():
        sys.__excepthook__(kind, error, trace)
    elif (plugins := sys.modules.get("hmer_tasks.plugins")) and (where := plugins.plugin_fault(error)):
        _print_error(f"plug-in {where}: {kind.__name__}: {error}. HMER_DEBUG=1 shows the traceback")
    elif not issubclass(kind, KeyboardInterrupt):
        _print_error(
            f"bug, please report it: {kind.__name__}: {error}. Run the command again with HMER_DEBUG=1 and "
            f"send the traceback with what `hmer-tasks --version` prints"
        )


def _report(error: HmerError | OSError | typer.BadParameter) -> int:
    """Print an error in one line; returns the exit code."""
    if isinstance(error, HmerError):
        _print_error(str(error))
        if isinstance(error, LabelError) and error.tokens:
            echo(error.caret(), err=True)
        return error.exit_code
    if isinstance(error, OSError):
        _print_error(f"{error.filename or 'output'}: {error.strerror or error}")
        return 1
    if type(error).__name__ != "NoArgsIsHelpError":  # the help is printed already
        command = error.ctx.command_path if error.ctx else "hmer-tasks"
        message = error.format_message().replace(": Value error, ", ": ")  # pydantic's
        _print_error(f"{message} (see {command} --help)")
    return UsageError.exit_code


def main() -> None:
    """The command `hmer-tasks`."""
    sys.excepthook = _hook
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a sign shows another
    if fault := encoding_fault():
        _print_error(fault)
        sys.exit(1)
    try:
        # Not app(): that would put its own excepthook in place.
        code = typer.main.get_command(app).main(standalone_mode=False) or 0
        if code == _CTRL_C:
            _print_error("stopped")
    except (HmerError, OSError, _WrongArguments) as error:
        if _debugging():
            raise
        code = _report(error)
    sys.exit(code)


if __name__ == "__main__":
    main()
